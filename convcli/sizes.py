"""Text → sizes, paddings, positions and ranges in plain integers."""

import re

from convcli.geometry import MAX_SIZE, PADDINGS, Padding, padding_name
from convcli.records import NamedTuple

MAX_STEPS = 10_000
"""Sizes of one sweep."""

MAX_INPUT_AXES = 8
"""Axes of an input, its batch among them."""


def read_integer(text: str, minimum: int) -> int:
    """One integer from `minimum` to MAX_SIZE.

    >>> read_integer("0", minimum=1)
    Traceback (most recent call last):
        ...
    ValueError: 0 is too small: at least 1
    """
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,60}\s*", text):
        raise ValueError(f"{text!r:.60} is not a whole number")
    number = int(text)
    if number < minimum:
        raise ValueError(f"{number} is too small: at least {minimum}")
    if number > MAX_SIZE:
        raise ValueError(f"{number} is too large: at most {MAX_SIZE}")
    return number


def read_integers(
    text: str, minimum: int, counts: tuple[int, ...], example: str
) -> tuple[int, ...]:
    """As many integers as one of `counts`, split by x or commas."""
    parts = re.split("[x×X,]", text)
    if len(parts) not in counts:
        raise ValueError(f"{text!r:.60} is not a size such as {example}")
    return tuple(read_integer(part, minimum) for part in parts)


def read_size(text: str) -> tuple[int, ...]:
    """An input size: one side, all sides, or all sides and the channels.

    >>> read_size("224"), read_size("32x48"), read_size("32x48x1")
    ((224,), (32, 48), (32, 48, 1))
    """
    return read_integers(text, 1, (1, 2, 3, 4), "224, 224x224 or 224x224x3")


class InputSize(NamedTuple):
    """What `--input` says of one input of a network."""

    numbers: tuple[int, ...] = ()
    is_tensor: bool = False
    """Whether the numbers are PyTorch's shape, batch first, where nothing is guessed."""
    name: str = ""
    """The parameter of `forward` that it is for."""
    dtype: str = ""
    value: object = ...
    """A plain value instead of a tensor."""

    @property
    def is_value(self) -> bool:
        return self.value is not ...


TENSOR = (
    r"(?:torch\.(?:Size|randn?|zeros|ones|empty)\s*(?:\(\s*(?=[\[(]))?)?([\[(])\s*(?P<numbers>[^\[\]()]*?),?\s*[\])]\)?"
    r"\s*(?::\s*(?P<dtype>[\w.]+))?"
)
"""A shape as PyTorch prints it, or as a text makes it: `(1, 3, 224, 224)`, `torch.Size([1, 20])`,
`(1, 20):long`, `torch.randn(1, 3, 32, 32)`."""

PLAIN_VALUES = {"True": True, "False": False, "None": None}

DTYPES = (
    *("float", "double", "half", "bfloat16", "float16", "float32", "float64"),
    *("long", "int", "bool", "int8", "int16", "int32", "int64", "uint8"),
)
"""Types of the values of an input, as PyTorch names them."""


def read_input(text: str) -> InputSize:
    """One input of a network: a size, PyTorch's shape, or a value by its name.

    >>> read_input("224x224x3").numbers, read_input("(1, 3, 224, 224)").is_tensor
    ((224, 224, 3), True)
    >>> read_input("t=(1,):long")
    InputSize(numbers=(1,), is_tensor=True, name='t', dtype='long', value=Ellipsis)
    >>> read_input("fast=True").value
    True
    """
    if text.isdecimal():
        return InputSize(read_size(text))
    named = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*=\s*(.+?)\s*", text)
    if named is not None:
        name, text = named.groups()
        value = _plain_value(text)
        if value is not ...:
            return InputSize(name=name, value=value)
        return read_input(text)._replace(name=name)
    tensor = re.fullmatch(TENSOR, text.strip())
    if tensor is None and text.count(",") >= 3:
        tensor = re.fullmatch(TENSOR, f"({text.strip()})")
    if tensor is None:
        return InputSize(read_size(text))
    dtype = (tensor["dtype"] or "").removeprefix("torch.")
    if dtype and dtype not in DTYPES:
        raise ValueError(f"{dtype!r:.30} is not a type of values: {', '.join(DTYPES)}")
    parts = tensor["numbers"].split(",") if tensor["numbers"].strip() else []
    if parts and parts[0].strip() == "None":  # a batch of any size, as Keras prints it
        parts[0] = "1"
    if len(parts) > MAX_INPUT_AXES:
        raise ValueError(f"{text!r:.60} has more than {MAX_INPUT_AXES} axes")
    return InputSize(tuple(read_integer(part, 1) for part in parts), True, dtype=dtype)


def _plain_value(text: str) -> object:
    """True, False, None, a text in quotes or a decimal; ... for anything else."""
    if text in PLAIN_VALUES:
        return PLAIN_VALUES[text]
    if re.fullmatch(r"'[^'\\\\]*'|\"[^\"\\\\]*\"", text):
        return text[1:-1]
    if re.fullmatch(r"[+-]?[0-9]{1,20}\.[0-9]{0,20}", text):
        return float(text)
    return ...


def read_pair(text: str, minimum: int = 1, example: str = "3 or 3x5") -> tuple[int, int]:
    """One number for both axes, or height×width; for both ends of one axis, or before,after.

    >>> read_pair("3"), read_pair("3x5")
    ((3, 3), (3, 5))
    """
    numbers = read_integers(text, minimum, (1, 2), example)
    return numbers[0], numbers[-1]


def read_padding(text: str) -> tuple[Padding, ...]:
    """A number, height×width, four sides (top, bottom, left, right), or a name.

    >>> read_padding("2"), read_padding("1x2"), read_padding("1,2,1,2"), read_padding("same")
    (((2, 2), (2, 2)), ((1, 1), (2, 2)), ((1, 2), (1, 2)), ('same', 'same'))
    """
    name = padding_name(text)
    if name is not None:
        return name, name
    if not any(character.isdigit() for character in text):
        raise ValueError(f"{text!r:.60} is not a padding: a number, {', '.join(PADDINGS)}")
    if re.fullmatch(r"\s*[0-9]+\s*,\s*[0-9]+\s*", text):
        raise ValueError(
            f"{text!r:.60} may mean two things: write 1x2 for height x width, or all four sides, "
            "top,bottom,left,right, as 1,2,1,2"
        )
    numbers = read_integers(text, 0, (1, 2, 4), "2, 1x2 or 1,2,1,2 (top, bottom, left, right)")
    if len(numbers) == 4:
        top, bottom, left, right = numbers
        return (top, bottom), (left, right)
    return (numbers[0], numbers[0]), (numbers[-1], numbers[-1])


def _sides(text: str) -> range:
    """The sides of `32..512`, or of `32..512:16` with a step of 16."""
    match = re.fullmatch(r"([0-9]{1,9})\.\.([0-9]{1,9})(?::([0-9]{1,9}))?", text.strip())
    if match is None:
        raise ValueError(f"{text!r:.60} is not a range such as 32..512 or 32..512:16")
    first, last = read_integer(match[1], 1), read_integer(match[2], 1)
    few = max(1, 2 ** ((last - first) // 16).bit_length() // 2)
    step = read_integer(match[3], 1) if match[3] else few
    if first > last or (last - first) // step > MAX_STEPS:
        raise ValueError(f"{text!r:.60} is empty, or has more than {MAX_STEPS} steps")
    return range(first, last + 1, step)


def read_sweep(text: str) -> tuple[tuple[int, ...], ...]:
    """Input sizes one after another: ranges of sides, sides, HEIGHTxWIDTH, by commas.

    >>> read_sweep("32..96:32"), read_sweep("32,48x64")
    (((32,), (64,), (96,)), ((32,), (48, 64)))
    """
    sizes: list[tuple[int, ...]] = []
    for part in text.split(","):
        if ".." in part:
            sizes += [(side,) for side in _sides(part)]
        else:
            example = "32..512, 32..512:16, or 224,256x320"
            sizes.append(tuple(read_integers(part, 1, (1, 2, 3, 4), example)))
        if len(sizes) > MAX_STEPS:
            raise ValueError(f"{text!r:.60} has more than {MAX_STEPS} sizes")
    return tuple(sizes)
