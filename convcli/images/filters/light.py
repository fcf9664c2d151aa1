"""Samples as light, by the curve that a file says, and back: what `--linear` filters.

    cICP           what transfer characteristics mean (PNG and AVIF; ITU-T H.273, table 3)
    ICC profile    its tone curves, of gray or of red, green and blue (ICC.1:2022, 10.6 and 10.18);
                   read here, since Pillow's ImageCms computes with 8 bits, too coarse for light
    gAMA           an exponent (PNG)
    else           sRGB (IEC 61966-2-1)

The first of these in a file decides, as in PNG's third edition, section 4.3.
"""

import struct
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UnfitError
from convcli.images.image import Picture
from convcli.images.io.write import USUAL_GAMMA
from convcli.images.pixel_arrays import Values
from convcli.records import NamedTuple


class Curve(NamedTuple):
    """Light from samples and samples from light, both on a scale where white is 1."""

    light: Callable[[Values], Values]
    samples: Callable[[Values], Values]


Curves: TypeAlias = tuple[Curve, ...]
"""One curve for all colors, or one for each."""


def power_curve(exponent: float) -> Curve:
    """light = samples^exponent; what is negative stays so."""
    return Curve(
        lambda v: np.sign(v) * np.abs(v) ** exponent,
        lambda light: np.sign(light) * np.abs(light) ** (1 / exponent),
    )


def toe_curve(exponent: float, offset: float, slope: float, end: float) -> Curve:
    """light = ((samples + offset) / (1 + offset))^exponent, below `end` samples / slope.

    >>> sRGB = toe_curve(2.4, 0.055, 12.92, 0.04045)
    >>> sRGB.light(np.array([0.0, 0.5, 1.0])).round(4).tolist()
    [0.0, 0.214, 1.0]
    """
    return Curve(
        lambda v: np.where(
            v <= end, v / slope, ((np.maximum(v, end) + offset) / (1 + offset)) ** exponent
        ),
        lambda light: np.where(
            light <= end / slope,
            light * slope,
            (1 + offset) * np.maximum(light, end / slope) ** (1 / exponent) - offset,
        ),
    )


KNOTS = 2**16
"""Of a sampled curve: one at each sample of 16 bits, and of 8, whose light is thus exact."""


def sampled_curve(light: NDArray[np.float64]) -> Curve:
    """The curve through KNOTS values of light, straight between and beyond them.

    Raises ValueError for one that falls, where light has no one sample.
    """
    if (np.diff(light) < 0).any() or light[0] == light[-1]:
        raise ValueError("the curve falls")
    places = np.linspace(0, 1, KNOTS)
    ends = (light[1] - light[0]) * (KNOTS - 1), (light[-1] - light[-2]) * (KNOTS - 1)

    def forward(v: Values) -> Values:
        beyond = np.minimum(v, 0) * ends[0] + np.maximum(v - 1, 0) * ends[1]
        return np.asarray(np.interp(v, places, light) + beyond)

    def back(values: Values) -> Values:
        below, above = np.minimum(values - light[0], 0), np.maximum(values - light[-1], 0)
        beyond = sum(part / end for part, end in zip((below, above), ends, strict=True) if end)
        return np.asarray(np.interp(values, light, places) + beyond)

    return Curve(forward, back)


def _perceptual_quantizer() -> Curve:
    """SMPTE ST 2084, of 10,000 cd/m² at white."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32

    def light(v: Values) -> Values:
        root = np.clip(v, 0, 1) ** (1 / m2)
        return np.asarray((np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))

    def samples(values: Values) -> Values:
        power = np.maximum(values, 0) ** m1
        return np.asarray(((c1 + c2 * power) / (1 + c3 * power)) ** m2)

    return Curve(light, samples)


SRGB = toe_curve(2.4, 0.055, 12.92, 0.04045)

VIDEO = toe_curve(1 / 0.45, 0.099296826809442, 4.5, 0.081242858298635)
"""ITU-R BT.709, whose constants BT.2020 has to more digits."""

TRANSFERS = {1: VIDEO, 4: power_curve(2.2), 5: power_curve(2.8), 6: VIDEO, 8: power_curve(1),
             13: SRGB, 14: VIDEO, 15: VIDEO, 16: _perceptual_quantizer(),
             17: power_curve(2.6)}  # fmt: skip
"""Curves by the transfer characteristics of cICP."""


def curves_of(picture: Picture, colors: int) -> Curves:
    """The curve from samples to light of a picture, or that of each of its colors.

    >>> curves_of(Picture(np.zeros((1, 1, 1), np.uint8), False, "PNG", {}), 1) == (SRGB,)
    True

    Raises UnfitError for what it says in a way that is not read.
    """
    chunks = picture.metadata.get("color_chunks")
    chunks = chunks if isinstance(chunks, dict) else {}
    profile = picture.metadata.get("icc_profile") or picture.metadata.get("profile_before_gray")
    if transfer := chunks.get(b"cICP", b"")[1:2]:
        if transfer[0] not in TRANSFERS:
            raise UnfitError(
                f"--linear does not know the curve of transfer characteristics {transfer[0]} (cICP)"
            )
        return (TRANSFERS[transfer[0]],)
    if isinstance(profile, bytes):
        return _profile_curves(profile, colors)
    gamma = int.from_bytes(chunks.get(b"gAMA", b""), "big")
    if b"sRGB" in chunks or not gamma or gamma in USUAL_GAMMA:
        return (SRGB,)
    return (power_curve(100_000 / gamma),)


def _profile_curves(profile: bytes, colors: int) -> Curves:
    """The tone curves of a profile of gray or RGB. Raises UnfitError where it has none."""
    space = profile[16:20].decode("ascii", "replace").strip()
    names = {"GRAY": (b"kTRC",), "RGB": (b"rTRC", b"gTRC", b"bTRC")}.get(space, ())
    try:
        (count,) = struct.unpack_from(">L", profile, 128)
        tags = {}
        for number in range(min(count, 100)):
            name, offset, length = struct.unpack_from(">4sLL", profile, 132 + 12 * number)
            tags[name] = profile[offset : offset + length]
        data = [tags[name] for name in names]
        curves = tuple(map(_curve, data[:1] if len(set(data)) == 1 else data))
    except (KeyError, struct.error, ValueError):
        curves = ()
    if not curves or len(names) == 1 < colors or len(curves) > colors:
        raise UnfitError(
            f"its color profile, of {space!r:.20}, has no curves of {colors} "
            f"{'color' if colors == 1 else 'colors'}, which --linear needs; make a copy in sRGB: "
            f"convert IN -profile sRGB.icc OUT"
        )
    return curves


def _curve(data: bytes) -> Curve:
    """A tone curve of a profile. Raises ValueError or struct.error for what is none."""
    v = np.linspace(0, 1, KNOTS)
    if data[:4] == b"curv":
        (count,) = struct.unpack_from(">L", data, 8)
        values = struct.unpack_from(f">{count}H", data, 12)
        if count < 2:
            return power_curve(values[0] / 256 if values and values[0] else 1)
        return sampled_curve(np.interp(v, np.linspace(0, 1, count), np.array(values) / 65535))
    kind, parameters = struct.unpack_from(">H", data, 8)[0], {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
    if data[:4] != b"para" or kind not in parameters:
        raise ValueError("no curve")
    given = [value / 65536 for value in struct.unpack_from(f">{parameters[kind]}l", data, 12)]
    g, a, b, c, d, e, f = given + [1, 0, 0, 0, 0, 0][len(given) - 1 :]
    if kind == 0 and g > 0:
        return power_curve(g)
    if kind in (1, 2) and a > 0:  # below −b/a it is flat, at c
        c, d, e, f = 0, -b / a, c, c
    with np.errstate(all="ignore"):
        light = np.where(v >= d, np.maximum(a * v + b, 0) ** g + e, c * v + f)
    if not np.isfinite(light).all():
        raise ValueError("no curve")
    return sampled_curve(light)


def to_light(samples: Values, full: int, with_alpha: bool, curves: Curves) -> Values:
    """Samples (h, w, c) as light in the same units; alpha stays as it is.

    >>> to_light(np.array([[[0.0, 255.0]]]), 255, False, (SRGB,)).tolist()
    [[[0.0, 255.0]]]
    """
    light = samples.copy()
    colors = light[..., :-1] if with_alpha else light
    for part, curve in _parts(colors, curves):
        part[...] = curve.light(part / full) * full
    return light


def from_light(light: Values, full: int, curves: Curves) -> NDArray[np.float64]:
    """Light as samples in the same units; negative light stays negative."""
    result = np.array(light, np.float64)
    for part, curve in _parts(result, curves):
        part[...] = curve.samples(part / full) * full
    return result


def _parts(colors: Values, curves: Curves) -> list[tuple[Values, Curve]]:
    """What each curve is of: all colors, or one channel."""
    if len(curves) == 1:
        return [(colors, curves[0])]
    return [(colors[..., number : number + 1], curve) for number, curve in enumerate(curves)]


def border_light(value: Fraction | float, full: int, colors: int, curves: Curves) -> float:
    """The light of a border's sample. Raises UnfitError where it is not the same in all colors."""
    light = to_light(np.full((1, 1, colors), float(value)), full, False, curves)
    if np.ptp(light) > 1e-9 * full:
        raise UnfitError(
            "the curves of its color profile differ: --border constant has no one light; "
            "--border constant:0, edge and reflect do"
        )
    return float(light.flat[0])
