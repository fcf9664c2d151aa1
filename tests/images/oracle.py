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


def responses(plane, kernel, border, fill=0):
    """Σ k·x at every pixel, for each matrix of a kernel: lists of rows of fractions."""
    height, width = len(plane), len(plane[0])
    row, column = kernel.centre
    if border == "valid":
        rows, columns = height - kernel.shape[0] + 1, width - kernel.shape[1] + 1
        row = column = 0
    else:
        rows, columns = height, width
    found = []
    for matrix, scale in kernel.matrices():
        taps = [
            ((i, j), int(matrix[i, j]))
            for i in range(matrix.shape[0])
            for j in range(matrix.shape[1])
            if matrix[i, j]
        ]
        grid = []
        for y in range(rows):
            line = []
            for x in range(columns):
                total = 0
                for (i, j), tap in taps:
                    v, h = cell(border, y + i - row, height), cell(border, x + j - column, width)
                    total += tap * (fill if v is None or h is None else int(plane[v][h]))
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
