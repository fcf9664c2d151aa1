"""The definition of a filtered picture in Python's whole numbers and fractions, in loops."""

from fractions import Fraction
from math import floor, isqrt

HALF = Fraction(1, 2)


def cell(border, place, length):
    """The cell that a place repeats, or None outside a constant border."""
    if 0 <= place < length:
        return place
    if border == "edge":
        return min(max(place, 0), length - 1)
    if border == "wrap":
        return place % length
    if border == "symmetric":
        place %= 2 * length
        return min(place, 2 * length - 1 - place)
    if border == "reflect":
        if length == 1:
            return 0
        place %= 2 * length - 2
        return min(place, 2 * length - 2 - place)
    return None


def exactly(number):
    """A number as a whole one or a fraction; of floats the one that they are."""
    return (
        number
        if isinstance(number, int | Fraction)
        else int(number)
        if number == int(number)
        else Fraction(float(number))
    )


def responses(plane, kernel, border, fill=0):
    """Σ k·x at every pixel, for each matrix of a kernel: lists of rows of fractions."""
    height, width = len(plane), len(plane[0])
    row, column = kernel.center
    if border == "valid":
        rows, columns = height - kernel.shape[0] + 1, width - kernel.shape[1] + 1
        row = column = 0
    else:
        rows, columns = height, width
    plane = [[exactly(value) for value in line] for line in plane]
    below = [
        [cell(border, y + i - row, height) for i in range(kernel.shape[0])] for y in range(rows)
    ]
    right = [
        [cell(border, x + j - column, width) for j in range(kernel.shape[1])]
        for x in range(columns)
    ]
    found = []
    for matrix, scale in kernel.matrices():
        taps = [
            (i, j, exactly(matrix[i, j]))
            for i in range(matrix.shape[0])
            for j in range(matrix.shape[1])
            if matrix[i, j]
        ]
        grid = []
        for down in below:
            line = []
            for across in right:
                total = 0
                for i, j, tap in taps:
                    v, h = down[i], across[j]
                    total += tap * (fill if v is None or h is None else plane[v][h])
                line.append(total * scale)
            grid.append(line)
        found.append(grid)
    return found


def sample(kernel, values, tones, full):
    """One sample from the responses of a pixel: toned, rounded half up, clipped."""
    if kernel.combine == "magnitude":
        square = sum(value * value for value in values) * tones.square
        # ⌊√square + offset + ½⌋ with a whole offset: the greatest n with (n − ½)² ≤ square
        assert tones.offset == 0
        n = (isqrt(4 * square.numerator // square.denominator) + 1) // 2
        return min(n, full)
    value = max(values) * tones.gain
    value = (abs(value) if tones.absolute else value) + tones.offset
    return min(max(floor(value + HALF), 0), full)


def filtered(plane, kernel, tones, border, full, fill=0):
    """A plane of samples, filtered."""
    grids = responses(plane, kernel, border, fill)
    return [
        [
            sample(kernel, [grid[y][x] for grid in grids], tones, full)
            for x in range(len(grids[0][0]))
        ]
        for y in range(len(grids[0]))
    ]


def premultiplied(colour, cover, kernel, border, full, fill=0):
    """Σ w·a·x / Σ w·a · Σ w at every pixel, None where nothing is seen, and alpha Σ w·a / Σ w.

    Beyond a constant border all is opaque.
    """
    light = [
        [x * a for x, a in zip(*rows, strict=True)] for rows in zip(colour, cover, strict=True)
    ]
    (light,), (opacity,) = (
        responses(plane, kernel, border, beyond)
        for plane, beyond in ((light, fill * full), (cover, full))
    )
    total = kernel.sum
    colours = [
        [x / a * total if a else None for x, a in zip(*rows, strict=True)]
        for rows in zip(light, opacity, strict=True)
    ]
    return [colours], [[a / total for a in row] for row in opacity]


def differences(colour, cover, kernel, border, full, fill=0):
    """Σ w·a·(x − x₀) / full at every pixel, for each matrix of a kernel; alpha stays."""
    light = [
        [x * a for x, a in zip(*rows, strict=True)] for rows in zip(colour, cover, strict=True)
    ]
    return [
        [
            [(x - own * a) / Fraction(full) for x, own, a in zip(*rows, strict=True)]
            for rows in zip(grid, colour, covers, strict=True)
        ]
        for grid, covers in zip(
            responses(light, kernel, border, fill * full),
            responses(cover, kernel, border, full),
            strict=True,
        )
    ], cover


def root(square):
    """√ of a fraction, exact where it is a fraction of at most 64 bits behind the point."""
    return Fraction(isqrt(square.numerator * 4**64 // square.denominator), 2**64)


def percentile(values, share):
    """The value below which so many percent lie, linear between two (method 7 of Hyndman & Fan)."""
    ordered = sorted(values)
    place = Fraction(share * (len(ordered) - 1), 100)
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
