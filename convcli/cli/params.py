"""Click types that read text into values, and the options that commands share."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import click

from convcli.cli.help import Decorator, group, option
from convcli.geometry import PADDINGS
from convcli.sizes import (
    read_input,
    read_integer,
    read_integers,
    read_padding,
    read_pair,
    read_size,
    read_sweep,
)
from convcli.tables import FORMATS
from convcli.text import like

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    ParamType = click.ParamType[object]
else:
    ParamType = click.ParamType  # generic only for type checkers in older releases of click


class Reads(ParamType):
    """A Click type made of a function from text to value, whose ValueError is the message.

    A shell completes it from `names`: each is a name itself, or a "module:table" of names, which is
    imported on use. Where no name fits and `files` is set, the shell completes files.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[str], object] = str,
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

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
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

        # the items of a list before its last comma are complete
        done, comma, last = incomplete.rpartition(",")
        known = [name for source in self._names for name in _table(source)]
        words = [name.replace(" ", "_") for name in known]  # as columns may be written
        items = [CompletionItem(done + comma + word) for word in words if word.startswith(last)]
        return items or ([CompletionItem(incomplete, type="file")] if self._files else [])


def _table(source: str) -> Iterable[str]:
    """The names in a table that is written as "module:table"; other text is a name itself."""
    module, colon, table = source.partition(":")
    if not colon:
        return (source,)
    from importlib import import_module

    names: Iterable[str] = getattr(import_module(f"convcli.{module}"), table)
    return names


def read_expectation(text: str) -> tuple[str, str, str]:
    """The name, relation and figure of an expectation: `params=61706`, `macs<=4.2G`.

    >>> read_expectation("params=61,706"), read_expectation("conv1.macs <= 1.5k")
    (('params', '=', '61706'), ('conv1.macs', '<=', '1500'))

    Equality takes exact figures and sizes; bounds take units of 1000, too.
    """
    match = re.fullmatch(r"([^<>=]+)(<=|>=|<|>|=)(.+)", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{text!r:.60} is not NAME=VALUE, such as params=61706 or 'params<=2M'")
    name, relation, value = match[1].strip(), match[2], match[3]
    if relation != "=":
        from convcli.nets.analysis.conventions import read_figure

        return name, relation, str(read_figure(value).value)
    figure = value.strip().replace(",", "").replace("_", "").replace("×", "x")
    if not re.fullmatch(r"[0-9]+(x[0-9]+)*", figure):
        raise ValueError(
            f"{value!r:.60} is not an exact figure: write all digits, such as params=61706, or a "
            f"size; "
            "<= and >= take 2M"
        )
    return name, relation, figure


def read_columns(text: str) -> tuple[str, ...]:
    """Names of columns, separated by commas, with spaces or underscores; `all` for all."""
    from convcli.nets.analysis.table import COLUMNS

    if text.strip() == "all":
        return tuple(COLUMNS)
    known = {name.lower(): name for name in COLUMNS} | {"network": "layer"}
    names = [name.strip().lower().replace("_", " ") for name in text.split(",")]
    for name in names:
        if name not in known:
            raise ValueError(
                f"{name!r:.60} is not a column; there are {', '.join(COLUMNS)}{like(name, known)}"
            )
    return tuple(known[name] for name in names)


def read_sort(text: str) -> str:
    """A column of numbers, in any case.

    >>> read_sort("macs"), read_sort("FLOPs")
    ('MACs', 'FLOPs')
    """
    from convcli.nets.analysis.table import SORTS

    known = {name.lower(): name for name in SORTS}
    if text.lower() not in known:
        raise ValueError(
            f"{text!r:.60} is not a column of numbers; there are {', '.join(SORTS)}"
            f"{like(text.lower(), known)}"
        )
    return known[text.lower()]


def one_of(source: str, metavar: str = "NAME") -> Reads:
    """A name in a table, which is imported when a name is read."""

    def read(text: str) -> str:
        known = tuple(_table(source))
        if text not in known:
            raise ValueError(f"{text!r:.60} is not one of {', '.join(known)}{like(text, known)}")
        return text

    return Reads(metavar, read, [source])


def read_unit(text: str) -> tuple[str, tuple[int, ...]]:
    """A node of a network and a position in its maps, or the node alone where it gives a vector.

    >>> read_unit("conv3_3:5,7"), read_unit("fc6")
    (('conv3_3', (5, 7)), ('fc6', ()))
    """
    name, colon, position = text.rpartition(":")
    if not colon:
        return text, ()
    return name, read_integers(position, 0, (1, 2, 3), "conv3_3:5,7")


def read_fps(text: str) -> float:
    """Frames per second, from 0.1 to 50."""
    try:
        rate = float(text)
    except ValueError:
        raise ValueError(f"{text!r:.60} is not a number") from None
    if not 0.1 <= rate <= 50:
        raise ValueError(f"{text} frames per second: write 0.1 to 50")
    return rate


def read_resize(text: str) -> tuple[int, ...] | str:
    """The shorter side, height×width, or `keep`.

    >>> read_resize("256"), read_resize("224x320"), read_resize("keep")
    ((256,), (224, 320), 'keep')
    """
    return "keep" if text == "keep" else read_integers(text, 1, (1, 2), "256, 224x320, or keep")


def read_pixels(text: str) -> int:
    """A number of pixels, which memory limits, and nothing else."""
    if not re.fullmatch("[0-9]{1,18}", text) or not int(text):
        raise ValueError(f"{text!r:.60} is not a number of pixels from 1 to 10^18")
    return int(text)


def _memory(text: str) -> int:
    from convcli.images.image import read_bytes

    return read_bytes(text)


STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""Other names of -, which a file cannot be renamed to."""

ZOO = "nets.zoo:NAMES"
KERNELS = "images.kernels.catalogue:CATALOGUE"
LAYER_NAMES = "nets.readers.vocabulary.notation:LAYERS"

SIZE = Reads("HxWxC", read_size)
INPUT = Reads("HxWxC", read_input)
PAIR = Reads("N|HxW", read_pair)
FIT_SIZE = Reads("SIZE", lambda text: text if text == "auto" else read_pair(text), names=["auto"])
SPREAD = Reads("N|HxW", lambda text: read_pair(text, 0))
PLACE = Reads("R,C", lambda text: read_integers(text, 0, (2,), "2,3 (row,column)"))
PADDING = Reads("N|HxW|T,B,L,R|same|valid", read_padding, PADDINGS)
ENDS = Reads("N|B,A", lambda text: read_pair(text, 0, "2, or 1,2 (before,after)"))
COUNT = Reads("N", lambda text: read_integer(text, minimum=1))
PIXELS = Reads("N", read_pixels)
SEED = Reads("N", lambda text: read_integer(text, minimum=0))
MEMORY = Reads("BYTES", _memory)
RANGE = Reads("A..B", read_sweep)
FPS = Reads("N", read_fps)
UNIT = Reads("N:R,C", read_unit)
EXPECTATION = Reads("NAME=VALUE", read_expectation)
COLUMN_NAMES = Reads("NAMES", read_columns, ["all", "nets.analysis.table:COLUMNS"])
SORT = Reads("COLUMN", read_sort, ["nets.analysis.table:SORTS"])
TYPE_NAMES = Reads("TYPE", lambda text: tuple(name.strip() for name in text.split(",")))
RESIZE = Reads("N|HxW|keep", read_resize, ["keep"])
LAYOUT = one_of("nets.analysis.table:LAYOUTS", "LAYOUT")
RULE = one_of("nets.analysis.mac_rules:RULES", "RULE")
DTYPE = one_of("nets.analysis.summary:DTYPES", "TYPE")
OPTIMIZER = one_of("nets.analysis.training:OPTIMIZERS", "NAME")
RECIPE = one_of("features.presets:RECIPES")
INIT = one_of("runtime.initializers:INITS")
METRIC = one_of("features.neighbors:METRICS", "METRIC")
NORMALIZATION = Reads("HOW", names=["features.picture_normalization:NORMALIZATIONS"])

# text that the command reads itself; a shell completes it
FILE = Reads("FILE", files=True)
OUTPUT = Reads("FILE", lambda text: "-" if text in STDOUT else text, files=True)
PICTURE = Reads("PICTURE", files=True)
KERNEL = Reads("KERNEL", names=[KERNELS])
NETWORK = Reads("NETWORK", names=[ZOO], files=True)
LAYERS = Reads("LAYERS", names=[LAYER_NAMES, ZOO], files=True)
BORDER = Reads("B", names=["borders:BORDERS"])
PICTURE_RANGE = Reads(
    "RANGE", names=["images.filters.options:FIXED", "stretch", "pct", "crossings"]
)
PARTS = Reads("PARTS", names=["features.aggregations:POOLS", "grid"])
ACTIVATION = Reads("A", names=["conv.activations:ACTIVATIONS", "explanation.elementwise:SPECIAL"])
MODE = Reads("MODE", names=["explanation.signals:MODES"])
THEME = Reads("T", names=["explanation.draw.themes:THEMES"])


def format_choice(*others: str, help: str) -> Decorator:
    """`--format`: one of the formats of tables, or of a command's own."""
    formats = click.Choice([*FORMATS, *others])
    return option("-f", "--format", "format_", type=formats, metavar="FORMAT", help=help)


format_option = format_choice(help=f"{', '.join(FORMATS)}.")
text_format_option = format_choice("text", help=f"text, {', '.join(FORMATS)}.  [text]")
timeout_option = option(
    "--timeout", type=COUNT, metavar="SECONDS", help="Longest time to read a network.  [4]"
)
quiet_option = partial(option, "-q", "--quiet", is_flag=True)
force_option = option("--force", is_flag=True, help="Overwrite existing files.")
dry_run_option = option(
    "-n", "--dry-run", is_flag=True, help="Print input → output, and write nothing."
)

limit_options = group(
    "Many pictures",
    more=[
        option("--max-pixels", type=PIXELS, help="Maximum pixels of a picture.  [178956970]"),
        option("--max-memory", type=MEMORY, help="Memory limit, such as 4GiB.  [what is free]"),
    ],
)
batch_options = group(
    "Many pictures",
    more=[
        option("--recursive", is_flag=True, help="Include folders within folders."),
        option("--files-from", type=FILE, help="Read names of pictures from FILE; - is stdin."),
        option("-0", "--null", is_flag=True, help="Names in that list end with zero bytes."),
        option(
            "-j", "--jobs", type=COUNT, help="Worker processes. [one per core, if that is faster]"
        ),
        option("--scheduler", metavar="ADDRESS", help="Work on a Dask cluster: tcp://HOST:8786."),
        option(
            "--ship",
            type=click.Choice(["paths", "bytes"]),
            help="Send paths (shared disk) or bytes.  [paths]",
        ),
        option("--report", type=FILE, help="Write failures to FILE, as JSON lines."),
        option("--fail-fast", is_flag=True, help="Stop at the first failure."),
        option("--timeout", type=COUNT, metavar="SECONDS", help="Longest time for one picture."),
    ],
)
