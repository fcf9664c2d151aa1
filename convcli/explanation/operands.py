"""The numbers of a lesson: written out, from files or pictures, drawn by a seed; or letters."""

import re

from convcli.errors import SpecError, UnfitError
from convcli.explanation.values import stack_of, symbols
from convcli.matrices import Limits, check_size, read, read_stack, row_hints
from convcli.numerals import Stack
from convcli.text import counted

SIZE = re.compile(r"\s*[0-9]{1,9}(?:[x×X][0-9]{1,9}){0,3}\s*")

NAME = re.compile(r"\s*[A-Za-z][\w-]*\s*([:(].*)?", re.DOTALL)
"""A kernel of the catalogue: one word, perhaps with values."""

INPUT = Limits("input", symbols=True)
KERNEL = Limits("kernel", symbols=True, joined=True)
GRADIENT = Limits("gradient", symbols=True)
SIGNAL = Limits("signal", symbols=True)
CROP = Limits("crop")


def read_size(text: str) -> tuple[int, ...] | None:
    """The numbers of a size; None for other text. Raises SpecError for a 0.

    >>> read_size("3x5"), read_size("1 2; 3 4")
    ((3, 5), None)
    """
    if not SIZE.fullmatch(text):
        return None
    size = tuple(map(int, re.split("[x×X]", text)))
    if min(size) < 1:
        raise SpecError("0 is too small: at least 1")
    return size


class Operands:
    """The numbers of a lesson, notes on where they are from, and hints at what was meant."""

    def __init__(self, symbols: bool, seed: int | None, at: tuple[int, int] | None) -> None:
        from random import Random

        if symbols and seed is not None:
            raise SpecError("--symbols does not go with --random")
        self.symbols, self.at = symbols, at
        self.seed = seed or 0
        self.random = Random(self.seed)
        self.notes: list[str] = []
        self.hints: list[str] = []

    def input_and_kernel(
        self, picture: str | None, text: str | None, kernel: str
    ) -> tuple[Stack, Stack]:
        """The input and the kernel, of as many channels."""
        weights: Stack | None = None
        size = read_size(kernel)
        if size is None:
            weights = self._kernel(kernel)
        elif len(size) > 2:
            raise SpecError("the kernel spans all channels of the input: give --kernel 3 or 3x5")
        stack = self.input(picture, text, len(weights) if weights else 1)
        if weights is None:
            assert size is not None
            weights = self._drawn("kernel", size[0], size[-1], len(stack), "w")
        elif len(weights) == 1 < len(stack):
            weights *= len(stack)
            self.notes.append(f"the same weights for each of {len(stack)} channels")
        return stack, weights

    def input(self, picture: str | None, text: str | None, channels: int = 1) -> Stack:
        """The input: values, a file's, a crop's, or drawn for a size."""
        if text is None and picture is not None:
            raise SpecError("give --input, the size of a crop such as 8x8, and --at, its center")
        if text is None:
            raise SpecError('give --input: a size (5x5), values ("1 2; 3 4") or @file')
        size = read_size(text)
        if size is None:
            if picture is not None:
                raise SpecError("with a picture, --input is the size of a crop, such as 8x8")
            return read_stack(text, INPUT)
        if len(size) > 3:
            raise SpecError(f"--input {text}: rows, columns and channels, such as 5x5x3")
        rows, columns = size[:2] if len(size) > 1 else size * 2
        if picture is None:
            return self._drawn("input", rows, columns, size[2] if len(size) > 2 else channels, "x")
        crop = self._crop(picture, rows, columns)
        if size[2:] not in ((), (len(crop),)):
            raise UnfitError(f"--input {text}: the picture has {counted(len(crop), 'channel')}")
        return crop

    def gradient(self, text: str | None, channels: int, size: tuple[int, int]) -> Stack:
        """dL/dz: values, symbols or ones, in the shape of the output."""
        if text is None:
            if self.symbols:
                check_size(channels, *size, GRADIENT)
                return symbols(*size, channels, "g")
            self.notes.append("dL/dz is 1 everywhere")
            return ((((1,) * size[1],) * size[0]),) * channels
        stack = read_stack(text, GRADIENT)
        given = len(stack), len(stack[0]), len(stack[0][0])
        if given != (channels, *size):
            raise UnfitError(
                f"--grad is {given[1]}x{given[2]}x{given[0]}, the output "
                f"{size[0]}x{size[1]}x{channels}"
            )
        return stack

    def _kernel(self, text: str) -> Stack:
        if not NAME.fullmatch(text):
            matrices = read(text, KERNEL)
            if not matrices.fields.get("combine"):
                rows, columns = len(matrices.stack[0]), len(matrices.stack[0][0])
                self.hints += row_hints(rows, columns)
                return matrices.values
        from convcli.explanation.pixel import kernel_stack
        from convcli.images.kernels.parse import kernel

        named = kernel(text)
        named.check_explained()
        stack = kernel_stack(named)
        if len(stack) > 1:
            raise UnfitError(
                f"{named.name} combines {len(named.parts)} kernels; explain one of them, such as "
                "sobel-x, or one pixel of a picture with --at"
            )
        return stack

    def _crop(self, picture: str, rows: int, columns: int) -> Stack:
        from convcli.images.io.read import open_picture

        if self.at is None:
            raise SpecError("give --at ROW,COLUMN: the center of the crop")
        opened = open_picture(picture)
        pixels = opened.pixels[..., :-1] if opened.has_alpha else opened.pixels
        height, width = pixels.shape[:2]
        top, left = self.at[0] - (rows - 1) // 2, self.at[1] - (columns - 1) // 2
        if top < 0 or left < 0 or top + rows > height or left + columns > width:
            raise UnfitError(
                f"a crop of {rows}x{columns} around {self.at[0]},{self.at[1]} goes beyond the "
                f"picture of {height}x{width}"
            )
        check_size(1, rows, columns, CROP)
        self.notes.append(f"the crop's first pixel is row {top}, column {left}")
        crop = pixels[top : top + rows, left : left + columns].transpose(2, 0, 1).tolist()
        return tuple(tuple(map(tuple, grid)) for grid in crop)

    def _drawn(self, what: str, rows: int, columns: int, channels: int, name: str) -> Stack:
        """Symbols or random numbers in the shape of the input or the kernel."""
        check_size(channels, rows, columns, Limits(what))
        if self.symbols:
            return symbols(rows, columns, channels, name)
        low, count = (0, 6) if name == "x" else (-1, 4)
        # Random.random() is the one method whose numbers are promised for every Python
        self.notes.append(
            f"{what}: whole numbers from {low} to {low + count - 1}, seed {self.seed}"
        )
        return stack_of(channels, rows, columns, lambda *_: int(self.random.random() * count) + low)
