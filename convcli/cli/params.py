"""What the shell may say: Click types that turn text into values, and options commands share."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from convcli.cli.help import group, option
from convcli.errors import like
from convcli.geometry import LARGEST, PADDINGS, Padding
from convcli.output import FORMATS

MOST_STEPS = 10_000
"""Sizes of one sweep."""

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    AnyType = click.ParamType[Any]
else:
    AnyType = click.ParamType  # generic only for type checkers in older releases of click


class Reads(AnyType):
    """A Click type made of a function from text to value, whose ValueError is the message.

    A shell completes it from `names`, each a "module:table" that is imported when it is asked for,
    or the names themselves; and from files, where no name begins so and `files` is set.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[str], Any] = str,
        names: Iterable[str] = (),
        files: bool = False,
    ) -> None:
        self.name = name
        self._read = read
        self._names = names
        self._files = files

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        # as it is written, where click would say HXWXC; an argument has a name of its own
        return None if isinstance(param, click.Argument) else self.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list["CompletionItem[str]"]:
        from click.shell_completion import CompletionItem

        # what stands before the last comma of a list is complete
        done, comma, last = incomplete.rpartition(",")
        known = [name for source in self._names for name in _table(source)]
        words = [name.replace(" ", "_") for name in known]  # which is how columns may be written
        found = [CompletionItem(done + comma + word) for word in words if word.startswith(last)]
        return found or ([CompletionItem(incomplete, type="file")] if self._files else [])


def _table(source: str) -> Iterable[str]:
    """The names of a table that is written as "module:table"; any other text is a name itself."""
    module, colon, table = source.partition(":")
    if not colon:
        return (source,)
    from importlib import import_module

    names: Iterable[str] = getattr(import_module(f"convcli.{module}"), table)
    return names


def whole(text: str, least: int) -> int:
    """One whole number from `least` to LARGEST.

    >>> whole("0", least=1)
    Traceback (most recent call last):
        ...
    ValueError: 0 is too small: at least 1
    """
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,60}\s*", text):
        raise ValueError(f"{text!r:.60} is not a whole number")
    number = int(text)
    if number < least:
        raise ValueError(f"{number} is too small: at least {least}")
    if number > LARGEST:
        raise ValueError(f"{number} is too large: at most {LARGEST}")
    return number


def _numbers(text: str, least: int, counts: tuple[int, ...], example: str) -> tuple[int, ...]:
    parts = re.split("[x×X,]", text)
    if len(parts) not in counts:
        raise ValueError(f"{text!r:.60} is not a size such as {example}")
    return tuple(whole(part, least) for part in parts)


def read_size(text: str) -> tuple[int, ...]:
    """An input as people write it: one side, all sides, or all sides and the channels.

    >>> read_size("224"), read_size("32x48"), read_size("32x48x1")
    ((224,), (32, 48), (32, 48, 1))
    """
    return _numbers(text, 1, (1, 2, 3, 4), "224, 224x224 or 224x224x3")


def read_pair(text: str, least: int = 1) -> tuple[int, ...]:
    """One number for both axes, or height×width.

    >>> read_pair("3"), read_pair("3x5")
    ((3, 3), (3, 5))
    """
    numbers = _numbers(text, least, (1, 2), "3 or 3x5")
    return numbers[0], numbers[-1]


def read_place(text: str) -> tuple[int, int]:
    """A row and a column, counted from 0.

    >>> read_place("0,2")
    (0, 2)
    """
    row, column = _numbers(text, 0, (2,), "2,3 (row,column)")
    return row, column


def read_padding(text: str) -> tuple[Padding, ...]:
    """A number, height×width, four sides (top, bottom, left, right), or a name.

    >>> read_padding("2"), read_padding("1x2"), read_padding("1,2,1,2"), read_padding("same")
    (((2, 2), (2, 2)), ((1, 1), (2, 2)), ((1, 2), (1, 2)), ('same', 'same'))
    """
    name = text.strip().lower()
    if name in PADDINGS:
        return name, name
    if not any(character.isdigit() for character in name):
        raise ValueError(f"{text!r:.60} is no padding: a number, {', '.join(PADDINGS)}")
    if re.fullmatch(r"\s*[0-9]+\s*,\s*[0-9]+\s*", text):
        raise ValueError(
            f"{text!r:.60} may mean two things: write 1x2 for height x width, or all four sides, "
            "top,bottom,left,right, as 1,2,1,2"
        )
    numbers = _numbers(text, 0, (1, 2, 4), "2, 1x2 or 1,2,1,2 (top, bottom, left, right)")
    if len(numbers) == 4:
        top, bottom, left, right = numbers
        return (top, bottom), (left, right)
    return (numbers[0], numbers[0]), (numbers[-1], numbers[-1])


def read_ends(text: str) -> tuple[int, int]:
    """Padding along one axis: a number, or those before and after.

    >>> read_ends("2"), read_ends("1,2")
    ((2, 2), (1, 2))
    """
    numbers = _numbers(text, 0, (1, 2), "2, or 1,2 (before,after)")
    return numbers[0], numbers[-1]


def read_expectation(text: str) -> tuple[str, str]:
    """`params=61706`, `output=54x54x96`.

    >>> read_expectation("params=61,706")
    ('params', '61706')
    """
    name, equals, wanted = text.partition("=")
    if not equals or not wanted:
        raise ValueError(f"{text!r:.60} is not NAME=VALUE, such as params=61706")
    figure = wanted.strip().replace(",", "").replace("_", "").replace("×", "x")
    if not re.fullmatch(r"[0-9]+(x[0-9]+)*", figure):
        raise ValueError(
            f"{wanted!r:.60} is no exact figure: write all digits, such as params=61706, or a size"
        )
    return name.strip(), figure


def read_range(text: str) -> range:
    """`32..512`, or `32..512:16` for a step of 16.

    >>> read_range("32..96:32")
    range(32, 97, 32)
    """
    match = re.fullmatch(r"([0-9]{1,9})\.\.([0-9]{1,9})(?::([0-9]{1,9}))?", text.strip())
    if match is None:
        raise ValueError(f"{text!r:.60} is not a range such as 32..512 or 32..512:16")
    first, last = whole(match[1], 1), whole(match[2], 1)
    step = whole(match[3], 1) if match[3] else max(1, 2 ** ((last - first) // 16).bit_length() // 2)
    if first > last or (last - first) // step > MOST_STEPS:
        raise ValueError(f"{text!r:.60} is empty, or has more than {MOST_STEPS} steps")
    return range(first, last + 1, step)


def read_columns(text: str) -> tuple[str, ...]:
    """Columns by name, with a space or an underscore, split by commas; `all` for all."""
    from convcli.nets.analysis.table import COLUMNS

    if text.strip() == "all":
        return tuple(COLUMNS)
    known = {name.lower(): name for name in COLUMNS}
    asked = [name.strip().lower().replace("_", " ") for name in text.split(",")]
    for name in asked:
        if name not in known:
            raise ValueError(
                f"{name!r:.60} is no column; there are {', '.join(COLUMNS)}{like(name, known)}"
            )
    return tuple(known[name] for name in asked)


def _one_of(source: str, metavar: str = "NAME") -> Reads:
    """A name of a table, which is imported when the name is read."""

    def read(text: str) -> str:
        known = tuple(_table(source))
        if text not in known:
            raise ValueError(f"{text!r:.60} is not one of {', '.join(known)}{like(text, known)}")
        return text

    return Reads(metavar, read, [source])


def read_unit(text: str) -> tuple[str, tuple[int, ...]]:
    """A node of a network and a place in its maps, or the node alone where it gives a vector.

    >>> read_unit("conv3_3:5,7"), read_unit("fc6")
    (('conv3_3', (5, 7)), ('fc6', ()))
    """
    name, colon, place = text.rpartition(":")
    if not colon:
        return text, ()
    return name, _numbers(place, 0, (1, 2, 3), "conv3_3:5,7")


def read_fps(text: str) -> float:
    """Frames a second, from 0.1 to 50."""
    try:
        rate = float(text)
    except ValueError:
        raise ValueError(f"{text!r:.60} is not a number") from None
    if not 0.1 <= rate <= 50:
        raise ValueError(f"{text} frames a second: write 0.1 to 50")
    return rate


def read_resize(text: str) -> tuple[int, ...] | str:
    """A shorter side, height×width, or keep.

    >>> read_resize("256"), read_resize("224x320"), read_resize("keep")
    ((256,), (224, 320), 'keep')
    """
    return "keep" if text == "keep" else _numbers(text, 1, (1, 2), "256, 224x320, or keep")


def _memory(text: str) -> int:
    from convcli.images.io.memory_limits import read_bytes

    return read_bytes(text)


ZOO = "nets.zoo:NAMES"
KERNELS = "images.kernels.catalogue:CATALOGUE"
LAYER_NAMES = "nets.readers.vocabulary.notation:LAYERS"

SIZE = Reads("HxWxC", read_size)
PAIR = Reads("N|HxW", read_pair)
SPREAD = Reads("N|HxW", lambda text: read_pair(text, 0))
PLACE = Reads("R,C", read_place)
PADDING = Reads("N|HxW|T,B,L,R|same|valid", read_padding, PADDINGS)
ENDS = Reads("N|B,A", read_ends)
COUNT = Reads("N", lambda text: whole(text, least=1))
SEED = Reads("N", lambda text: whole(text, least=0))
MEMORY = Reads("BYTES", _memory)
RANGE = Reads("A..B", read_range)
FPS = Reads("N", read_fps)
UNIT = Reads("N:R,C", read_unit)
EXPECTATION = Reads("NAME=VALUE", read_expectation)
COLUMN_NAMES = Reads("NAMES", read_columns, ["all", "nets.analysis.table:COLUMNS"])
RESIZE = Reads("N|HxW|keep", read_resize, ["keep"])
RULE = _one_of("nets.analysis.mac_rules:RULES", "RULE")
DTYPE = _one_of("nets.analysis.summary:DTYPES", "TYPE")
RECIPE = _one_of("features.presets:RECIPES")
INIT = _one_of("runtime.initializers:INITS")
METRIC = _one_of("features.neighbors:METRICS", "METRIC")
NORMALIZATION = _one_of("features.preprocess:NORMALIZATIONS", "HOW")

# text that its command reads; a shell completes it
FILE = Reads("FILE", files=True)
PICTURE = Reads("PICTURE", files=True)
KERNEL = Reads("KERNEL", names=[KERNELS])
NETWORK = Reads("NETWORK", names=[ZOO], files=True)
LAYERS = Reads("LAYERS", names=[LAYER_NAMES, ZOO], files=True)
BORDER = Reads("B", names=["conv.padding:BORDERS", "valid"])
PICTURE_RANGE = Reads("RANGE", names=["images.filters.output_range:FIXED", "stretch", "pct"])
PARTS = Reads("PARTS", names=["features.aggregations:POOLS", "grid"])
ACTIVATION = Reads("A", names=["conv.activations:ACTIVATIONS", "explain.elementwise:SPECIAL"])
MODE = Reads("MODE", names=["explain.signals:MODES"])
THEME = Reads("T", names=["explain.output:THEMES"])


format_option = option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help=f"{', '.join(FORMATS)}.",
)
force_option = option("--force", is_flag=True, help="Overwrite what is there already.")
vector_format_option = option(
    "--format",
    "format_",
    type=click.Choice([*FORMATS, "npy", "npz"]),
    metavar="FORMAT",
    help="table, tsv, json, …; jsonl, csv, npy, npz of vectors.",
)


text_format_option = option(
    "--format",
    "format_",
    type=Reads("FORMAT", names=["text", *FORMATS]),
    help=f"text, {', '.join(FORMATS)}.  [text]",
)

limit_options = group(
    "Many or large pictures",
    more=[
        option("--max-pixels", type=COUNT, help="Read pictures of so many.  [178956970]"),
        option("--max-memory", type=MEMORY, help="Take so much, such as 4GiB.  [what is free]"),
    ],
)
batch_options = group(
    "Many or large pictures",
    more=[
        option("--recursive", is_flag=True, help="Folders within folders too."),
        option("--files-from", type=FILE, help="A list of pictures; - is stdin."),
        option("-0", "--null", is_flag=True, help="The list is split by zero bytes."),
        option("--jobs", type=COUNT, help="Worker processes.  [a core, where they pay]"),
        option("--scheduler", metavar="ADDRESS", help="Work on a Dask cluster: tcp://HOST:8786."),
        option(
            "--ship",
            type=click.Choice(["paths", "bytes"]),
            default="paths",
            help="What a cluster is sent.  [paths: its folders are ours]",
        ),
        option("--report", type=FILE, help="Write failures to it, as JSON lines."),
        option("--fail-fast", is_flag=True, help="Stop at the first failure."),
    ],
)
