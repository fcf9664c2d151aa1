"""Matrices of exact numbers, from text, lists, JSON, tables and .npy files.

    1 0 -1                 values, apart by spaces or tabs
    1, 0, -1               or by commas
    1 0; 0 1               rows, apart by `;` or line breaks
    1 2 | 3 4              channels, apart by `|` or empty lines
    [[1, 0], [0, 1]]       a list as JSON, Python, NumPy or MATLAB write it
    {"matrix": [[1, 2, 1]], "scale": "1/4"}
    matrix,row,0,1,…       the tables and the JSON that `convcli kernels NAME` prints
    # …                    a comment

Text that may mean two things is refused with both.
Nothing is evaluated, and sizes are bounded before anything is allocated.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from io import BytesIO
from math import isfinite, isqrt, lcm

from convcli.errors import SpecError
from convcli.npy import NPY, array_rows, read_array_header
from convcli.numerals import (
    MAX_NUMBER,
    NUMBER,
    Grid,
    Stack,
    Symbol,
    Value,
    quoted,
    read_fraction,
    read_number,
    read_value,
    simplest,
)
from convcli.records import NamedTuple
from convcli.text import safe

MAX_COMMON_DIGITS = 290
"""Digits of the numbers of a stack over their common denominator. 1023×1023 of them, times 65535²,
are still floats; and coprime fractions end here before they take minutes."""

MAX_LINES = 1 << 20
"""Lines of a text, empty ones and comments among them."""


class Limits(NamedTuple):
    """The name of the numbers in messages, and their maximum count."""

    name: str
    side: int = 512
    """Rows and columns."""
    channels: int = 512
    values: int = 1 << 22
    file: int = 4 << 20
    """Bytes of a file."""
    symbols: bool = False
    """Whether letters may stand for numbers."""
    joined: bool = False
    """Whether rows apart by empty lines are one matrix, unless they are matrices of one size."""


class Matrices(NamedTuple):
    """A stack as written, and the fields of a kernel's JSON or table."""

    stack: Stack
    scales: tuple[Fraction, ...] = ()
    """One per channel; none where all are 1."""
    fields: Mapping[str, object] = {}
    """The fields of a kernel that FIELDS names, as far as they are given."""

    @property
    def values(self) -> Stack:
        """The stack times its scales.

        >>> Matrices((((2, 4),),), (Fraction(1, 4),)).values
        (((Fraction(1, 2), 1),),)
        """
        if not self.scales:
            return self.stack
        return tuple(
            tuple(tuple(_scaled(value, scale) for value in row) for row in grid)
            for grid, scale in zip(self.stack, self.scales, strict=True)
        )


def _scaled(value: Value, scale: Fraction) -> Value:
    if isinstance(value, Symbol):
        if scale != 1:
            raise SpecError(f"{value} is a letter, and the scale {scale} needs numbers")
        return value
    return simplest(value * scale)


def read(spec: str, limits: Limits) -> Matrices:
    """Numbers from text, or from the file that `@file` names. Raises SpecError."""
    return read_file(spec[1:], limits) if spec.startswith("@") else read_text(spec, limits)


def read_stack(spec: str, limits: Limits) -> Stack:
    """Numbers from text or `@file`, as one grid per channel.

    >>> read_stack("1 2; 3 4 | 5 6; 7 8", Limits("input"))
    (((1, 2), (3, 4)), ((5, 6), (7, 8)))

    Raises SpecError for text that is no such numbers, or more than the limits allow.
    """
    return read(spec, limits).values


def read_file(path: str, limits: Limits) -> Matrices:
    """Numbers from a file of text, CSV, JSON or .npy. Raises SpecError."""
    try:
        with open(path, "rb") as file:
            data = file.read(limits.file + 1)
    except (OSError, ValueError) as error:  # of a name with a zero byte it is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise SpecError(f"{safe(path)} cannot be read: {reason}") from None
    if len(data) > limits.file:
        raise SpecError(f"{safe(path)} is larger than {limits.file:,} bytes")
    try:
        if data.startswith(NPY):
            return Matrices(_array_stack(data, limits))
        return read_text(data.decode("utf-8-sig"), limits, tables=True)
    except UnicodeDecodeError:
        raise SpecError(
            f"{safe(path)} is not UTF-8 text; text, CSV, JSON and .npy are read"
        ) from None
    except SpecError as error:
        raise SpecError(f"{safe(path)}: {error}") from None


def read_text(text: str, limits: Limits, tables: bool = False) -> Matrices:
    """Numbers from rows of text, a list, JSON, or where `tables` are read a table of a kernel.

    >>> read_text('{"matrix": [[1, 2, 1]], "scale": "1/4"}', Limits("kernel"))
    Matrices(stack=(((1, 2, 1),),), scales=(Fraction(1, 4),), fields={})

    Raises SpecError.
    """
    text = text.removeprefix("\ufeff").strip()
    if text.startswith("{"):
        return _json_matrices(text, limits)
    if text.startswith(("[", "(")):
        return Matrices(_stack(_list_channels(text, limits), limits))
    if tables and re.match(r"matrix[\t,]row[\t,]", text):
        return _table_matrices(text, limits)
    return Matrices(_stack(_text_channels(text, limits), limits))


Cells = list[Sequence[str | int | float]]
"""Rows of one channel: numbers as text, or as an array holds them."""


def _stack(channels: Sequence[Sequence[Sequence[str | int | float]]], limits: Limits) -> Stack:
    """Channels as a stack, where all cells are numbers and all rows and channels of one size."""
    count = sum(len(row) for rows in channels for row in rows)
    if count > limits.values:
        raise SpecError(
            f"the {limits.name} has {count:,} values; at most {limits.values:,} are read"
        )
    read_cell = read_value if limits.symbols else read_number
    common, largest = 1, 1
    stack = []
    for channel, rows in enumerate(channels):
        of_channel = f" of channel {channel}" if len(channels) > 1 else ""
        grid = []
        for number, row in enumerate(rows, 1):
            where = f" in row {number}{of_channel} of the {limits.name}"
            values: list[Value] = []
            for cell in row:
                if isinstance(cell, str):
                    value = read_cell(_unquoted(cell), where)
                else:
                    value = _finite(cell, where)
                if isinstance(value, int | Fraction):
                    common = lcm(common, value.denominator)
                    largest = max(largest, abs(value.numerator) // value.denominator)
                    if (common * largest).bit_length() > MAX_BITS:
                        raise SpecError(
                            f"{quoted(str(cell))}{where} is beyond the limit: with the numbers "
                            f"before it, it takes more than {MAX_COMMON_DIGITS} digits over a "
                            "common denominator"
                        )
                values.append(value)
            grid.append(tuple(values))
        stack.append(tuple(grid))
    _check_shape(stack, limits)
    return tuple(stack)


def _check_shape(stack: Sequence[Grid], limits: Limits) -> None:
    """Raises SpecError for rows without values, and for rows or channels of unlike sizes."""
    rows, columns = len(stack[0]), len(stack[0][0])
    for channel, grid in enumerate(stack):
        where = f" of channel {channel}" if len(stack) > 1 else ""
        for number, row in enumerate(grid, 1):
            if not row:
                raise SpecError(f"row {number}{where} of the {limits.name} has no values")
            if len(row) != columns:
                raise SpecError(
                    f"row {number}{where} of the {limits.name} has {len(row)} values, "
                    f"row 1 has {columns}"
                )
        if len(grid) != rows:
            raise SpecError(
                f"channel {channel} of the {limits.name} has {len(grid)} rows, not {rows}"
            )
    check_size(len(stack), rows, columns, limits)


MAX_BITS = (10**MAX_COMMON_DIGITS).bit_length()


def check_size(channels: int, rows: int, columns: int, limits: Limits) -> None:
    """Raises SpecError for more numbers than the limits allow."""
    name, side = limits.name, limits.side
    if channels > limits.channels:
        raise SpecError(f"the {name} has {channels} channels; at most {limits.channels} are read")
    if max(rows, columns) > side:
        raise SpecError(f"the {name} is {rows}x{columns}; at most {side} rows and columns are read")
    count = channels * rows * columns
    if count > limits.values:
        raise SpecError(f"the {name} has {count:,} values; at most {limits.values:,} are read")


def row_hints(rows: int, columns: int) -> tuple[str, ...]:
    """A hint for a kernel of one row that may be meant as a square.

    >>> row_hints(1, 9)
    ('custom 1x9 is one row; a 3x3 kernel separates its rows by ;',)
    >>> row_hints(3, 3), row_hints(1, 5)
    ((), ())
    """
    side = isqrt(columns)
    if rows != 1 or columns == 1 or side * side != columns:
        return ()
    return (f"custom 1x{columns} is one row; a {side}x{side} kernel separates its rows by ;",)


def _too_many(limits: Limits) -> SpecError:
    return SpecError(f"the {limits.name} is too large: at most {limits.side} rows and columns")


def _unquoted(cell: str) -> str:
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] in ('"', "'") else cell


def _finite(value: float, where: str) -> int | float:
    """A number of an array: whole where it is. Raises SpecError for one that is not finite."""
    if not isfinite(value):
        raise SpecError(f"'{value}'{where} is not a number: it is not finite")
    if abs(value) > MAX_NUMBER:
        raise SpecError(f"'{value}'{where} is beyond the limit: numbers up to {MAX_NUMBER:.0e}")
    return int(value) if value == int(value) and abs(value) < 2**53 else value


# rows of text


def _text_channels(text: str, limits: Limits) -> list[Cells]:
    """The channels of a text, apart by `|` and by empty lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_LINES or text.count(";") > limits.values:
        raise _too_many(limits)
    lines = [line.partition("#") for line in text.split("\n")]
    # a line that is a comment alone is not an empty line
    text = "\n".join(line.strip() for line, sign, _ in lines if line.strip() or not sign)
    channels = []
    for part in text.split("|", limits.channels):
        blocks = [block.split("\n") for block in re.split("\n\n+", part.strip("\n"))]
        rows = {len(block) for block in blocks}
        if limits.joined and (len(rows) > 1 or rows == {1}):
            blocks = [[line for block in blocks for line in block]]
        channels += [_text_rows(block, limits) for block in blocks]
    return channels


def _text_rows(lines: Sequence[str], limits: Limits) -> Cells:
    """The rows of a channel, apart by lines and by `;`.

    In lines that hold single values apart by `;`, as CSV does where decimals have commas, the lines
    alone are rows. So are the groups of one line that are apart by commas: `1 0, 0 1`.
    """
    parts = [line.rstrip("; \t").split(";") for line in lines]
    rows = [row.strip() for line in parts for row in line]
    if 1 < len(lines) < len(rows) and not any(re.search(r"\s", row) for row in rows):
        if not any("," in row for row in rows):
            return [[cell.strip() for cell in line] for line in parts]
        if all(re.fullmatch(r"[+-]?[0-9]+(,[0-9]+)?", row) for row in rows):
            raise _two_readings(lines[0], ";")
    if len(rows) == 1 and not DECIMAL_COMMA.search(rows[0]):
        groups = [group.split(None, limits.side) for group in rows[0].split(",", limits.side)]
        if len(groups) > 1 < len(groups[0]) and {len(groups[0])} == set(map(len, groups)):
            return [*groups]
    if len(rows) > limits.side:
        raise _too_many(limits)
    return [_text_cells(row, number, limits) for number, row in enumerate(rows, 1)]


DECIMAL_COMMA = re.compile("[0-9],[0-9]")
"""A comma that may stand in a decimal."""


def _text_cells(row: str, number: int, limits: Limits) -> list[str]:
    """The values of a row, apart by spaces or by commas."""
    row = row.removesuffix(",")
    if "," not in row:
        cells = row.split(None, limits.side)
    else:
        cells = [cell.strip() for cell in row.split(",", limits.side)]
        where = f"row {number} of the {limits.name}"
        if any(re.search(r"\s", cell) for cell in cells):
            if DECIMAL_COMMA.search(row):
                raise _two_readings(row, " ")
            raise SpecError(
                f"{where} mixes spaces and commas, {quoted(row)}: separate values by one of "
                f"them, rows by ;"
            )
        if "" in cells:
            raise SpecError(f"{where} has a comma without a value, {quoted(row)}")
    if len(cells) > limits.side:
        raise _too_many(limits)
    return cells


def _two_readings(text: str, between: str) -> SpecError:
    """Why a text is refused whose commas may stand in decimals or between values."""
    decimals = " ".join(text.replace(between, " ").replace(",", ".").split())
    values = " ".join(text.replace(",", " ").split())
    return SpecError(
        f"{quoted(text)} may mean {quoted(decimals)} or {quoted(values)}: write decimals with a "
        f"point, and separate values by spaces"
    )


# lists, JSON and tables

Row = tuple[str, ...]

Node = Row | list["Node"]
"""A row, a list of rows, or a list of channels."""

NOT_ROWS = (
    'JSON holds rows of numbers: [[0, 1, 0], …] or {"matrix": …, "scale": …}; channels are lists '
    "of rows"
)


def _list_channels(text: str, limits: Limits) -> list[Cells]:
    """The channels of a list: of numbers, of rows, or of channels.

    >>> _list_channels("[[1, 2], [3, 4]]", Limits("input"))
    [[('1', '2'), ('3', '4')]]
    >>> _list_channels("[1 2; 3 4]", Limits("input"))
    [[('1', '2'), ('3', '4')]]
    """
    opened: list[list[Node]] = [[]]
    rows: Node | None = None  # what the innermost list holds, if it holds numbers
    count = 0
    for part in re.finditer(r"([\[(])|([\])])|[^\[\]()]+", text):
        if part[1]:
            count += 1
            if rows is not None or len(opened) > 3:
                raise SpecError(NOT_ROWS)
            if count > limits.channels * (limits.side + 1) + 1:
                raise _too_many(limits)
            opened.append([])
        elif part[2]:
            items = opened.pop()
            if not opened:
                raise SpecError(NOT_ROWS)
            opened[-1].append(items or () if rows is None else rows)
            rows = None
        elif part[0].strip(", \t\r\n"):
            if opened[-1] or len(opened) == 1:
                raise SpecError(NOT_ROWS)
            cells = _text_rows([part[0].replace("\n", " ").strip()], limits)
            nodes: list[Node] = [tuple(map(str, row)) for row in cells]
            rows = nodes[0] if len(nodes) == 1 else nodes
    if len(opened) > 1:
        raise SpecError(NOT_ROWS)
    (items,) = opened
    return _channels(items[0] if len(items) == 1 else items)


def _channels(node: Node) -> list[Cells]:
    """The channels that a row, rows, or channels of rows are."""
    if isinstance(node, tuple):
        return [[node]]
    channels: list[Cells] = []
    for grid in [node] if any(isinstance(item, tuple) for item in node) else node:
        rows: Cells = [row for row in grid if isinstance(row, tuple)]
        if len(rows) != len(grid) or not rows:
            raise SpecError(NOT_ROWS)
        channels.append(rows)
    if not channels:
        raise SpecError(NOT_ROWS)
    return channels


FIELDS = ("combine", "anchor", "one_sided", "threshold", "lines")
"""Fields that say how matrices form a kernel."""

READ_KEYS = ("matrix", "weights", "scale", "matrices", *FIELDS)

DERIVED_KEYS = frozenset(
    {"schema", "name", "size", "sum", "rank", "separable", "parameters", "purpose", "source"}
)
"""What `convcli kernels NAME --format json` says too; it follows from the numbers, or is a name."""


def _json_matrices(text: str, limits: Limits) -> Matrices:
    """The numbers of a JSON object: a matrix and its scale, or the matrices of a kernel."""
    from json import loads

    count = 0

    def number(text: str) -> str:
        nonlocal count
        count += 1
        if count > limits.values:
            raise _too_many(limits)
        return text

    try:
        record = loads(
            text,
            parse_int=number,
            parse_float=number,
            parse_constant=number,
            object_pairs_hook=_unique,
        )
    except RecursionError:
        raise SpecError("it is not JSON: lists are nested too deep") from None
    except ValueError as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"it is not JSON: {safe(error)}") from None
    if isinstance(record.get("kernels"), list):
        raise SpecError(
            f"it holds {len(record['kernels'])} kernels; convcli kernels NAME --format json is one"
        )
    parts = record.get("matrices", [record])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise SpecError(NOT_ROWS)
    for one in (record, *parts):
        _check_keys(one)
    channels: list[Cells] = []
    scales: list[Fraction] = []
    for part in parts:
        found = _channels(_node(part.get("matrix", part.get("weights"))))
        channels += found
        scales += [read_fraction(str(part.get("scale", 1)), "the scale")] * len(found)
    fields = {key: record[key] for key in FIELDS if key in record}
    return Matrices(_stack(channels, limits), tuple(scales), fields)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON without repeated names."""
    record = dict(pairs)
    if len(record) < len(pairs):
        raise SpecError("JSON has a key twice")
    return record


def _check_keys(record: Mapping[str, object]) -> None:
    """Refuse fields beside a matrix that would be ignored; text fields are remarks."""
    for key, value in record.items():
        remark = isinstance(value, str) and not NUMBER.fullmatch(value)
        if key not in READ_KEYS and key not in DERIVED_KEYS and not remark:
            raise SpecError(
                f"{quoted(key)} is not read; JSON of a matrix holds {', '.join(READ_KEYS)}"
            )


def _node(value: object, depth: int = 1) -> Node:
    """A value of JSON as a row, rows or channels."""
    if not isinstance(value, list) or depth > 3:
        raise SpecError(NOT_ROWS)
    if not any(isinstance(item, list) for item in value):
        return tuple(map(str, value))
    return [_node(item, depth + 1) for item in value]


def _table_matrices(text: str, limits: Limits) -> Matrices:
    """The numbers of a table of `convcli kernels NAME`: its rows say whose row they are."""
    if text.count("\n") > MAX_LINES:
        raise _too_many(limits)
    names, *lines = [re.split(r"[\t,]", line) for line in text.splitlines() if line]
    channels: list[Cells] = []
    for number, line in enumerate(lines, 1):
        if len(line) != len(names):
            raise SpecError(f"row {number} of the table has {len(line)} fields, not {len(names)}")
        if line[1] == "0":
            channels.append([])
        if not channels or line[:2] != [str(len(channels)), str(len(channels[-1]))]:
            raise SpecError(f"row {number} of the table is not the next row of a matrix")
        channels[-1].append(
            [cell for name, cell in zip(names, line, strict=True) if name.isdecimal()]
        )
    if not channels:
        raise SpecError("the table has no rows")
    first = dict(zip(names, lines[0], strict=True))
    fields = {key: first[key] for key in FIELDS if key in first}
    return Matrices(_stack(channels, limits), (), fields)


def _array_stack(data: bytes, limits: Limits) -> Stack:
    """The numbers of a .npy file: (rows, columns), or (channels, rows, columns)."""
    header = read_array_header(BytesIO(data))
    if not header.is_numbers or len(header.shape) > 3:
        raise SpecError(
            f"{header} cannot be read as the {limits.name}: give numbers (rows, columns)"
        )
    if header.bytes != len(data) - header.offset:
        raise SpecError(
            f"it is not a .npy array: {header} has {header.bytes:,} bytes, the file "
            f"{len(data) - header.offset:,}"
        )
    channels, rows, columns = (1,) * (3 - len(header.shape)) + header.shape
    if not channels * rows * columns:
        raise SpecError(
            f"{header} cannot be read as the {limits.name}: it needs at least one number"
        )
    check_size(channels, rows, columns, limits)
    return _stack(array_rows(data, header, (channels, rows, columns)), limits)
