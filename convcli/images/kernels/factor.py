"""Factors of a kernel of whole numbers: an exact rank-1 test, and sums of neighbors.

A product of kernels is applied one factor after another: (1 2 1) ⊗ (1 2 1) as a column and a row,
and (1 4 6 4 1) as (1 1) four times. Factors follow from the numbers, never from a name.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[Any]
"""Rows and columns of int64, of Python's integers where these are too narrow, or of float64."""


def multiplied(factors: Sequence[Matrix]) -> Matrix:
    """The full convolution of all factors: the one kernel that does what they do in turn.

    >>> multiplied([np.array([[1], [1]]), np.array([[1, 1]])]).tolist()
    [[1, 1], [1, 1]]
    """
    is_integer = all(factor.dtype.kind in "iO" for factor in factors)
    dense = np.ones((1, 1), object if is_integer else np.float64)
    for factor in factors:
        rows, columns = np.add(dense.shape, factor.shape) - 1
        product = np.zeros((rows, columns), dense.dtype)
        for (i, j), tap in np.ndenumerate(factor):
            tap = int(tap) if is_integer else tap
            product[i : i + dense.shape[0], j : j + dense.shape[1]] += tap * dense
        dense = product
    return narrowed(dense) if is_integer else dense


def narrowed(matrix: Matrix) -> Matrix:
    """Python's integers as int64 where they all fit."""
    fits = all(-(2**63) <= int(tap) < 2**63 for tap in matrix.flat)
    return matrix.astype(np.int64 if fits else object)


def rank_one(matrix: Matrix) -> tuple[Matrix, Matrix] | None:
    """A column and a row whose product the matrix is, exactly, or None where there are none.

    >>> [factor.tolist() for factor in rank_one(np.array([[1, 2], [2, 4]]))]
    [[[1], [2]], [[1, 2]]]
    >>> rank_one(np.array([[1, 2], [2, 5]])) is None
    True
    """
    if min(matrix.shape) == 1 or matrix.dtype.kind == "f":
        return None
    rows = [[int(tap) for tap in row] for row in matrix]
    pivot = next((row for row in rows if any(row)), None)
    if pivot is None:
        return None
    shared = gcd(*pivot)
    unit_row = [tap // shared for tap in pivot]
    j = next(j for j, tap in enumerate(unit_row) if tap)
    column = []
    for row in rows:
        times, rest = divmod(row[j], unit_row[j])
        if rest or any(tap != times * unit for tap, unit in zip(row, unit_row, strict=True)):
            return None
        column.append([times])
    return narrowed(np.array(column, object)), narrowed(np.array([unit_row], object))


def separated(factors: Sequence[Matrix]) -> tuple[Matrix, ...]:
    """The factors, with each matrix of rank 1 as a column and a row."""
    return tuple(part for factor in factors for part in rank_one(factor) or (factor,))


def halved(taps: Sequence[int]) -> tuple[int, list[int]]:
    """How often (1 1) divides a row of taps that are not negative, and what remains.

    >>> halved([1, 4, 6, 4, 1]), halved([1, 3, 3, 1, 0]), halved([1, 0, 1])
    ((4, [1]), (3, [1, 0]), (0, [1, 0, 1]))
    """
    times, rest = 0, list(taps)
    while len(rest) > 1 and min(rest) >= 0:
        quotient = rest[:1]
        for tap in rest[1:-1]:
            quotient.append(tap - quotient[-1])
        if quotient[-1] != rest[-1] or min(quotient) < 0:
            break
        times, rest = times + 1, quotient
    return times, rest


def matrix_rank(matrix: Matrix) -> int:
    """The rank of a matrix: exact for small matrices of whole numbers, by NumPy for others."""
    if matrix.dtype.kind == "f" or matrix.size > 400:
        return int(np.linalg.matrix_rank(matrix.astype(np.float64)))

    rows = [[Fraction(int(tap)) for tap in row] for row in matrix]
    rank = 0
    for column in range(matrix.shape[1]):
        pivot = next((r for r in range(rank, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for r in range(rank + 1, len(rows)):
            times = rows[r][column] / rows[rank][column]
            if times:
                rows[r] = [a - times * b for a, b in zip(rows[r], rows[rank], strict=True)]
        rank += 1
    return rank
