"""Draw the three sample pictures that the documentation and the examples filter.

    cat.jpg    RGB: fur, whiskers, smooth gradients and hard edges, for every kind of filter
    chart.png  grayscale: edges, lines, an impulse and a zone plate, for judging a kernel by eye
    leaf.png   RGBA: soft alpha and garish hidden color, for catching color bleeding

The fur's random numbers are seeded, so every run writes the same bytes. Needs numpy and pillow:

    python samples/draw.py
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Array = NDArray[np.float64]
Shapes = Sequence[Array]
Rng = np.random.Generator

SCALE = 3  # shapes are given in final pixels and drawn this many times larger
AXIS = 256  # the cat's line of symmetry

WHITE, CREAM, INK, SHADE = (255, 255, 255), (255, 247, 234), (44, 26, 22), (30, 40, 80)
GINGER, RUST, PINK, RED = (240, 160, 80), (160, 78, 26), (236, 138, 138), (206, 32, 60)


def spline(points: ArrayLike, closed: bool = False) -> Array:
    """Sample a Catmull-Rom curve through the points."""
    p = np.asarray(points, float)
    p = np.concatenate([p[-1:], p, p[:2]] if closed else [p[:1], p, p[-1:]])
    a, b, c, d = (p[i : len(p) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, 16, endpoint=False)[:, None]
    curve = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([curve.reshape(-1, 2), p[-2:-1]])


def ribbon(points: ArrayLike, *widths: float) -> Array:
    """Outline a smooth stroke whose width passes through the given widths in turn."""
    path = spline(points)
    along = np.gradient(path, axis=0)
    normal = along[:, ::-1] * (-1, 1) / np.linalg.norm(along, axis=1, keepdims=True)
    width = np.interp(np.linspace(0, len(widths) - 1, len(path)), range(len(widths)), widths)
    side = normal * width[:, None] / 2
    return np.concatenate([path + side, (path - side)[::-1]])


def ellipse(x: float, y: float, rx: float, ry: float) -> Array:
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    return np.column_stack([x + rx * np.cos(turn), y + ry * np.sin(turn)])


def pair(*shapes: ArrayLike) -> list[Array]:
    """Place shapes, given relative to the cat's axis, on both sides of it."""
    return [np.add(np.multiply(s, (side, 1)), (AXIS, 0)) for s in shapes for side in (1, -1)]


def symmetric(*half: tuple[float, float]) -> Array:
    """Close an outline given, from top to bottom, as its half to one side of the cat's axis."""
    right, left = pair(half)
    return spline(np.concatenate([right, left[-2:0:-1]]), closed=True)


def stencil(side: int, *shapes: Array, soft: float = 0) -> Image.Image:
    """Make a mask, for a picture of that side, of polygons blurred by `soft` final pixels."""
    mask = Image.new("L", (side * SCALE, side * SCALE))
    for shape in shapes:
        ImageDraw.Draw(mask).polygon((shape * SCALE).ravel().tolist(), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(soft * SCALE))


def weights(mask: Image.Image) -> Array:
    return np.asarray(mask, float)[..., None] / 255


def grid(side: int) -> tuple[Array, Array]:
    """Return x and y, in final pixels, at the centers of the supersampled pixels."""
    axis = (np.arange(side * SCALE) + 0.5) / SCALE
    return axis[None, :, None], axis[:, None, None]


def mix(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Array:
    weight: Array = np.clip(np.asarray(t, float), 0, 1)
    return np.asarray(a, float) * (1 - weight) + np.asarray(b, float) * weight


def to_image(pixels: Array) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def fill(picture: Image.Image, colour: tuple[int, ...], *shapes: Array, soft: float = 0) -> None:
    mask = stencil(picture.width // SCALE, *shapes, soft=soft)
    picture.paste(colour, (0, 0, *picture.size), mask)


def coat(
    picture: Image.Image, rng: Rng, whorl: ArrayLike, outline: Shapes, stripes: Shapes, pale: Shapes
) -> None:
    """Draw one furry part of the cat: its shaded form, then hairs combed away from the whorl."""
    side = picture.width // SCALE
    mask = stencil(side, *outline)
    form = weights(mask.filter(ImageFilter.GaussianBlur(14 * SCALE)))
    # The blurred mask serves as a height map: ground rising from the upper left is lit.
    slope = np.gradient(form, axis=0) + np.gradient(form, axis=1)
    tone = mix(GINGER, RUST, 0.9 * weights(stencil(side, *stripes, soft=1)))
    tone = mix(tone, CREAM, weights(stencil(side, *pale, soft=5)))
    tone *= 0.42 + 0.62 * form + 5 * SCALE * slope
    picture.paste(to_image(tone), mask=mask)

    inside = np.argwhere(np.asarray(mask) > 127)[:, ::-1]
    root = rng.choice(inside, len(inside) // 22)
    # Farthest first, so that each hair covers the roots of those beyond it, as fur does.
    away = root - np.multiply(whorl, SCALE)
    order = np.argsort(-np.hypot(away[:, 0], away[:, 1]), kind="stable")
    root, away = root[order], away[order]
    angle = np.arctan2(away[:, 1], away[:, 0]) + rng.normal(0, 0.2, len(root))
    length = SCALE * rng.uniform(4, 11, (len(root), 1))
    tip = root + length * np.column_stack([np.cos(angle), np.sin(angle)])
    shade = tone[root[:, 1], root[:, 0]] * rng.normal(1, 0.1, (len(root), 1))
    colours = np.clip(shade, 0, 255).astype(int)
    draw = ImageDraw.Draw(picture)
    for ends, colour in zip(np.hstack([root, tip]).tolist(), colours.tolist(), strict=True):
        draw.line(ends, tuple(colour), width=2)


def room() -> Image.Image:
    """Draw what is behind the cat: a wall, a window and a checkered cloth."""
    x, y = grid(512)
    wall = mix((44, 144, 150), (16, 58, 88), np.hypot(x - 400, y - 90) / 420)
    depth = 130 / np.maximum(y - 290, 1)
    chequer = (np.floor((x - AXIS) * depth / 34) + np.floor(depth * 16)) % 2
    cloth = mix((246, 240, 226), (52, 92, 176), chequer) * mix(0.6, 1, (y - 390) / 90)
    picture = to_image(np.where(y < 392, wall, cloth))
    fill(picture, WHITE, ribbon([(136, -9), (136, 300)], 228), ribbon([(10, 304), (262, 304)], 16))
    view = to_image(mix((64, 146, 236), (255, 228, 176), y / 240 + 0 * x))
    fill(view, (255, 240, 150), ellipse(82, 76, 24, 24))
    fill(view, (96, 168, 76), ellipse(62, 296, 100, 92), ellipse(240, 330, 120, 110))
    panes = [ribbon([(x, y), (x, y + 143)], 96) for x in (82, 190) for y in (-3, 151)]
    picture.paste(view, mask=stencil(512, *panes))
    return picture


def yarn(picture: Image.Image) -> None:
    """Draw a ball of yarn: windings in three directions, each over the last, and a loose end."""
    x, y = grid(512)
    fill(picture, SHADE, ellipse(84, 486, 66, 13), soft=5)
    ball = stencil(512, ellipse(70, 436, 54, 54))
    light = mix((255, 90, 86), (150, 10, 48), np.hypot(x - 52, y - 412) / 84)
    t = np.linspace(-1.1, 1.1, 7)[:, None]
    for turn, first, last in ((0.5, -66, 66), (1.7, -24, 36), (2.9, -36, 12)):
        along, across = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
        bow = (1.1 - 0.5 * t**2) * across
        lanes = [(70, 436) + 54 * t * along + n * bow for n in range(first, last + 1, 6)]
        winding = stencil(512, np.concatenate([lanes[0], lanes[-1][::-1]]))
        grooves = stencil(512, *(ribbon(lane, 1.5) for lane in lanes))
        picture.paste(to_image(light), mask=ImageChops.darker(ball, winding))
        picture.paste(to_image(light * 0.6), mask=ImageChops.darker(ball, grooves))
    loose = [(96, 484), (140, 502), (200, 496), (260, 505), (330, 497), (372, 507)]
    fill(picture, RED, ribbon(loose, 3))


def body(picture: Image.Image, rng: Rng) -> None:
    """Draw the tail, the trunk, the four feet and the ruff."""
    fill(picture, SHADE, ellipse(262, 484, 176, 16), soft=7)
    tail = [(340, 452), (396, 464), (438, 434), (434, 384), (446, 344), (470, 324)]
    outline = ribbon(tail, 30, 32, 32, 31, 29, 16)
    rings = [outline[[i, i + 5, -i - 6, -i - 1]] for i in range(18, 76, 12)]
    coat(picture, rng, (300, 600), [outline], rings, [])
    trunk = symmetric((0, 240), (62, 262), (96, 330), (128, 400), (138, 450), (104, 482), (0, 484))
    flank = [ribbon([(144, y), (104, y - 10), (70, y + 4)], 10, 8, 0) for y in range(326, 460, 25)]
    coat(picture, rng, (256, 120), [trunk], pair(*flank), [])
    for paw in pair(ellipse(100, 474, 34, 17)):
        coat(picture, rng, (256, 400), [paw], [], [paw])
    for x in (AXIS - 35, AXIS + 35):
        leg, paw = ribbon([(x, 320), (x, 470)], 46, 50, 46, 48), ellipse(x, 472, 33, 19)
        bands = [ribbon([(x - 30, y), (x, y + 5), (x + 30, y)], 4, 7, 4) for y in (388, 408, 428)]
        coat(picture, rng, (x, 200), [leg, paw], bands, [paw])
        fill(picture, RUST, *(ribbon([(x + dx, 475), (x + dx, 488)], 2.4, 1) for dx in (-11, 11)))
    ruff = symmetric((0, 256), (58, 262), (76, 302), (66, 340), (38, 368), (0, 388))
    coat(picture, rng, (256, 200), [ruff], [], [ruff, np.add(ruff, (0, -8))])
    fill(picture, (120, 62, 34), ellipse(256, 284, 58, 14), soft=7)


def head(picture: Image.Image, rng: Rng) -> None:
    """Draw the ears, the head and the face."""
    ear = spline([(22, 116), (56, 80), (94, 46), (105, 50), (117, 100), (116, 172)])
    coat(picture, rng, (256, 240), pair(ear), [], [])
    lining = spline([(54, 116), (74, 90), (95, 68), (105, 108), (102, 146)])
    fill(picture, PINK, *pair(lining), soft=3)

    skull = [(0, 89), (44, 96), (90, 126), (114, 170), (127, 214), (104, 254), (58, 281), (0, 290)]
    cheeks = [(186, 188, 180), (210, 217, 213), (234, 243, 247)]
    marks = [ribbon([(86, a), (106, b), (131, c)], 0, 8, 9) for a, b, c in cheeks]
    marks.append(ribbon([(9, 90), (11, 124), (7, 158)], 8, 9, 0))
    marks.append(ribbon([(30, 90), (31, 122), (22, 142), (26, 158)], 9, 10, 8, 0))
    marks.append(ribbon([(56, 96), (53, 122), (58, 146)], 9, 10, 0))
    blaze = symmetric((0, 166), (7, 200), (16, 240), (34, 268), (0, 286))
    pale = [blaze, *pair(ellipse(24, 250, 30, 22), ellipse(50, 190, 36, 33))]
    coat(picture, rng, (256, 222), [symmetric(*skull)], pair(*marks), pale)

    x, y = grid(512)
    lids = [(20, 195), (31, 173), (52, 163), (74, 172), (81, 189), (72, 208), (50, 216), (30, 209)]
    for eye in pair(spline(lids, closed=True)):
        cx, cy = (eye.min(axis=0) + eye.max(axis=0)) / 2
        iris = mix((252, 236, 96), (36, 146, 72), np.hypot(x - cx, y - 200) / 34)
        fill(picture, INK, eye, soft=0.4)
        picture.paste(to_image(iris), mask=stencil(512, mix(eye, (cx, cy + 8), 0.12)))
        fill(picture, (14, 12, 16), ellipse(cx, cy, 11.5, 22))
        fill(picture, WHITE, ellipse(cx - 9, cy - 9, 6.5, 6.5), ellipse(cx + 8, cy + 11, 3, 3))
    fill(picture, INK, *pair(ribbon([(0, 236), (0, 249), (10, 258), (25, 254)], 3, 2.5, 1)))
    fill(picture, PINK, symmetric((0, 224), (9, 223), (15, 227), (8, 237), (0, 241)))
    fill(picture, (255, 206, 200), ellipse(AXIS - 4, 228, 5, 2), soft=0.7)
    dots = [ellipse(*dot, 1.6, 1.6) for dot in ((24, 240), (36, 237), (30, 248), (42, 246))]
    fill(picture, RUST, *pair(*dots))
    curves = [(239, 222, 216), (244, 240, 248), (250, 258, 280)]
    whiskers = [ribbon([(30, a), (86, b), (158, c)], 2.2, 1.6, 0.5) for a, b, c in curves]
    fill(picture, WHITE, *pair(*whiskers))


def cat() -> Image.Image:
    """Draw a ginger tabby, from the back of the room forwards."""
    rng = np.random.Generator(np.random.PCG64(9))
    picture = room()
    yarn(picture)
    body(picture, rng)
    head(picture, rng)
    return picture.resize((512, 512), Image.Resampling.LANCZOS)


def chart() -> Image.Image:
    """Lay out test patterns on a 4 by 4 grid of 64 pixel cells, drawn pixel for pixel."""
    picture = np.full((256, 256), 128, np.uint8)

    def place(top: int, left: int, pattern: ArrayLike) -> None:
        pixels = np.rint(np.multiply(pattern, 255.0))
        picture[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels

    zone_y, zone_x = np.mgrid[-62:62, -62:62]
    y, x = np.mgrid[-30:30, -30:30]
    rays = np.arange(8) * np.pi / 8 + np.pi / 16
    ray_distance = np.abs(x[..., None] * np.sin(rays) - y[..., None] * np.cos(rays)).min(axis=2)
    widening = np.isin(np.arange(60), np.cumsum(np.arange(1, 11)))

    # The zone plate's frequency just reaches the Nyquist limit in the middle of each side.
    place(2, 2, 0.5 + 0.5 * np.cos(np.pi / 124 * (zone_x**2 + zone_y**2)))
    place(2, 130, x >= 0)
    place(2, 194, y >= 0)
    place(66, 130, x + y >= 0)
    place(66, 194, np.clip(20.5 - np.hypot(x, y), 0, 1))
    place(130, 2, (x == 0) & (y == 0))
    place(130, 66, np.tile(widening, (60, 1)))
    place(130, 130, np.tile(widening[:, None], 60))
    place(130, 194, np.clip(1 - ray_distance, 0, 1) * (np.hypot(x, y) < 28))
    # One gray level per column, so that any first derivative of the ramp is constant.
    place(194, 2, np.tile(np.arange(2, 254) / 255, (28, 1)))
    place(226, 2, np.tile(np.repeat(np.linspace(0, 1, 9), 28), (28, 1)))
    return Image.fromarray(picture)


def leaf() -> Image.Image:
    """Draw a leaf and its shadow over transparent pixels that hide a garish magenta."""
    base, length, width = (60, 180), (148, -154), (154, 148)

    def at(t: ArrayLike, u: ArrayLike) -> Array:
        """Turn positions along and to the right of a curved midrib into pixels."""
        bent = np.subtract(u, 0.05 * np.sin(np.pi * np.asarray(t)))
        return np.asarray(base + np.multiply.outer(t, length) + np.multiply.outer(bent, width))

    def half_width(t: Array) -> Array:
        return 0.29 * np.sin(np.pi * t**0.8) ** 0.8

    t = np.linspace(0, 1, 200)
    edge = half_width(t) * (1 + 0.05 * (t * 16 % 1))
    blade = np.concatenate([at(t, edge), at(t, -edge)[::-1]])
    stalk = ribbon([(28, 222), (40, 198), *at([0, 0.1], [0, 0])], 7, 5, 4)
    veins = [ribbon(at(t[::20], 0 * t[::20]), 4.5, 1)]
    for start in np.arange(0.08, 0.8, 0.1):
        way = start + np.array([0, 0.07, 0.17]) * (1.1 - start)
        reach = half_width(way) * (0, 0.5, 0.9)
        veins += [ribbon(at(way, side * reach), 2.6, 0.6) for side in (-1, 1)]

    x, y = grid(256)
    picture = to_image(mix((188, 214, 60), (30, 132, 50), np.hypot(x - 190, y - 40) / 170))
    fill(picture, (24, 112, 46), np.concatenate([at(t, 0 * t), at(t, edge)[::-1]]), soft=1)
    fill(picture, (226, 240, 150), *veins, stalk)
    picture.putalpha(stencil(256, blade, stalk, soft=0.7))
    shadow = Image.new("RGBA", picture.size, SHADE)
    fallen = stencil(256, np.add(blade, (12, 14)), np.add(stalk, (12, 14)), soft=4)
    shadow.putalpha(fallen.point([level // 2 for level in range(256)]))
    # A box average, since Lanczos rings and would leave faint specks of alpha around the edge.
    pixels = np.array(Image.alpha_composite(shadow, picture).reduce(SCALE))
    pixels[pixels[..., 3] == 0] = (255, 0, 255, 0)
    return Image.fromarray(pixels)


def main() -> None:
    here = Path(__file__).parent
    cat().save(here / "cat.jpg", quality=92)
    chart().save(here / "chart.png", optimize=True)
    leaf().save(here / "leaf.png", optimize=True)


if __name__ == "__main__":
    main()
