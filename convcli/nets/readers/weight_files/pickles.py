"""What a pickle describes, without unpickling: a stack machine that builds only records.

A pickle is a program: it names Python functions and calls them. Here a name stays a name (`Named`),
and a call becomes a record of the call (`Built`), so that nothing is imported and nothing runs.
Opcodes are those of protocols 0 to 5
(https://github.com/python/cpython/blob/main/Lib/pickletools.py).
"""

import sys
from collections.abc import Callable
from struct import unpack_from

from convcli.errors import SpecError
from convcli.text import safe

MAX_OPCODES = 5_000_000
LINES = [128, 2048, 1 << 16, 1 << 20]
"""Bytes per search for the end of a line, so that a short line costs little."""


class PickleError(SpecError):
    """Bytes that are not a pickle, or a pickle that must not be trusted."""


class Named:
    """A function or class that a pickle names."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


class Built:
    """The object that a pickle would create by a call, with its state."""

    def __init__(self, what: "Item", arguments: "Item") -> None:
        self.what, self.arguments = what, arguments
        self.state: Item = None
        self.items: dict[Item, Item] = {}
        self.members: list[Item] = []

    @property
    def path(self) -> str:
        return self.what.path if isinstance(self.what, Named) else ""


class Reference:
    """An object stored outside of the pickle: `('storage', FloatStorage, '0', 'cpu', 432)`."""

    def __init__(self, key: "Item") -> None:
        self.key = key


Item = (
    None
    | bool
    | int
    | float
    | str
    | bytes
    | list["Item"]
    | tuple["Item", ...]
    | dict["Item", "Item"]
    | Named
    | Built
    | Reference
)
"""A value on the stack."""

HARMLESS = {
    *("collections.OrderedDict", "collections.defaultdict", "collections.deque"),
    *("collections.Counter", "copyreg._reconstructor", "copy_reg._reconstructor"),
    *("_codecs.encode", "argparse.Namespace", "types.SimpleNamespace", "enum.Enum"),
    *("pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath", "pathlib.Path"),
    *("datetime.datetime", "datetime.date", "datetime.timedelta", "fractions.Fraction"),
    *("decimal.Decimal", "functools.partial", "uuid.UUID"),
    *(
        f"{module}.{name}"
        for module in ("builtins", "__builtin__")
        for name in (
            *("set", "frozenset", "list", "dict", "tuple", "bytearray", "bytes", "complex"),
            *("slice", "range", "object", "int"),
        )
    ),
}
"""Functions of Python's library that a checkpoint may call: containers and plain values."""


def untrusted(what: Item) -> str | None:
    """The name of a function of Python's library that a checkpoint has no reason to call."""
    if not isinstance(what, Named):
        return None
    root = what.module.partition(".")[0]
    library = root in sys.stdlib_module_names or root in ("__builtin__", "copy_reg", "commands")
    return what.path if library and what.path not in HARMLESS else None


class Machine:
    """Reads one pickle from position `at`; `end` is the position after it."""

    def __init__(self, data: memoryview, at: int = 0) -> None:
        self.data, self.end = data, at
        self.stack: list[Item] = []
        self.marks: list[int] = []
        self.memo: dict[int, Item] = {}

    def run(self) -> Item:
        """The value that the pickle describes. Raises PickleError."""
        try:
            for _ in range(MAX_OPCODES):
                opcode = self.data[self.end]
                self.end += 1
                if opcode == STOP:
                    return self.stack.pop()
                if opcode not in OPCODES:
                    raise PickleError(f"the unknown opcode {opcode} at byte {self.end - 1:,}")
                OPCODES[opcode](self)
        except PickleError:
            raise
        except (IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise PickleError(
                f"it ends early at byte {self.end:,} ({type(error).__name__})"
            ) from None
        except RecursionError:
            raise PickleError("its values are nested too deep") from None
        raise PickleError(f"more than {MAX_OPCODES:,} opcodes")

    def number(self, kind: str, size: int) -> int:
        (value,) = unpack_from(f"<{kind}", self.take(size))
        return int(value)

    def take(self, size: int) -> memoryview:
        if not 0 <= size <= len(self.data) - self.end:
            raise PickleError("a value goes beyond the end")
        part = self.data[self.end : self.end + size]
        self.end += size
        return part

    def line(self) -> str:
        """The text up to the next line feed."""
        for size in LINES:
            text, line_feed, _ = bytes(self.data[self.end : self.end + size]).partition(b"\n")
            if line_feed:
                self.end += len(text) + 1
                return text.decode("utf-8", "backslashreplace")
        raise PickleError("a line does not end")

    def since_mark(self) -> list[Item]:
        """The items above the last mark, popped from the stack."""
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def call(self, what: Item, arguments: Item) -> Item:
        """The record of a call. Raises PickleError for functions that a checkpoint never calls."""
        name = untrusted(what)
        if name is not None:
            raise PickleError(f"it calls {safe(name)} when it is loaded; do not load it")
        return Built(what, arguments)


def _push(value: Item) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(value)


def _fresh(make: Callable[[], Item]) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(make())


def _integer(kind: str, size: int) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(machine.number(kind, size))


def _text(kind: str, size: int) -> Callable[[Machine], None]:
    def read(machine: Machine) -> None:
        data = machine.take(machine.number(kind, size))
        machine.stack.append(bytes(data).decode("utf-8", "backslashreplace"))

    return read


def _bytes(kind: str, size: int) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(bytes(machine.take(machine.number(kind, size))))


def _long(kind: str, size: int) -> Callable[[Machine], None]:
    def read(machine: Machine) -> None:
        data = machine.take(machine.number(kind, size))
        machine.stack.append(int.from_bytes(data[:1024], "little", signed=True))

    return read


def _float(machine: Machine) -> None:
    (value,) = unpack_from(">d", machine.take(8))
    machine.stack.append(float(value))


def _text_int(machine: Machine) -> None:
    line = machine.line().removesuffix("L")
    machine.stack.append({"00": False, "01": True}.get(line) if line in ("00", "01") else int(line))


def _tuple(count: int) -> Callable[[Machine], None]:
    def read(machine: Machine) -> None:
        items = tuple(machine.stack[len(machine.stack) - count :])
        if len(items) < count:
            raise PickleError("the stack is empty")
        del machine.stack[len(machine.stack) - count :]
        machine.stack.append(items)

    return read


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(Named(str(module), str(name)))


def _reduce(machine: Machine) -> None:
    arguments, what = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.call(what, arguments))


def _new_object_ex(machine: Machine) -> None:
    machine.stack.pop()
    _reduce(machine)


def _instance(machine: Machine) -> None:
    what = Named(machine.line(), machine.line())
    machine.stack.append(machine.call(what, tuple(machine.since_mark())))


def _object(machine: Machine) -> None:
    what, *arguments = machine.since_mark()
    machine.stack.append(machine.call(what, tuple(arguments)))


def _build(machine: Machine) -> None:
    state, target = machine.stack.pop(), machine.stack[-1]
    if isinstance(target, Built):
        target.state = state


def _key(value: Item) -> Item:
    """A key of a dictionary; an unhashable value becomes a key of its own."""
    return value if isinstance(value, str | int | float | bytes | bool | None) else id(value)


def _set(machine: Machine, pairs: list[Item]) -> None:
    target = machine.stack[-1]
    items = target.items if isinstance(target, Built) else target
    if not isinstance(items, dict) or len(pairs) % 2:
        raise PickleError("items of what is not a dictionary")
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        items[_key(key)] = value


def _set_item(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set(machine, [key, value])


def _dict(machine: Machine) -> None:
    pairs = machine.since_mark()
    machine.stack.append({})
    _set(machine, pairs)


def _add(machine: Machine, members: list[Item]) -> None:
    target = machine.stack[-1]
    if isinstance(target, Built):
        target.members += members
    elif isinstance(target, list):
        target += members
    else:
        raise PickleError("members of what is not a list")


def _put(machine: Machine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


def _pop(machine: Machine) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _skip(read: Callable[[Machine], object]) -> Callable[[Machine], None]:
    def skip(machine: Machine) -> None:
        read(machine)

    return skip


def _refused(what: str) -> Callable[[Machine], None]:
    def refuse(machine: Machine) -> None:
        raise PickleError(f"{what} are not read")

    return refuse


STOP = ord(".")

OPCODES: dict[int, Callable[[Machine], None]] = {
    0x80: lambda m: None if m.take(1)[0] <= 5 else _refused("protocols above 5")(m),
    0x95: _skip(lambda m: m.take(8)),  # FRAME
    ord("("): lambda m: m.marks.append(len(m.stack)),
    ord("0"): _pop,
    ord("1"): _skip(Machine.since_mark),
    ord("2"): lambda m: m.stack.append(m.stack[-1]),
    ord("N"): _push(None),
    0x88: _push(True),
    0x89: _push(False),
    ord("J"): _integer("i", 4),
    ord("K"): _integer("B", 1),
    ord("M"): _integer("H", 2),
    ord("I"): _text_int,
    ord("L"): _text_int,
    0x8A: _long("B", 1),
    0x8B: _long("i", 4),
    ord("G"): _float,
    ord("F"): lambda m: m.stack.append(float(m.line())),
    ord("X"): _text("I", 4),
    0x8C: _text("B", 1),
    0x8D: _text("Q", 8),
    ord("V"): lambda m: m.stack.append(m.line()),
    ord("S"): lambda m: m.stack.append(m.line().strip("'\"")),
    ord("T"): _text("i", 4),
    ord("U"): _text("B", 1),
    ord("B"): _bytes("I", 4),
    ord("C"): _bytes("B", 1),
    0x8E: _bytes("Q", 8),
    0x96: _bytes("Q", 8),
    ord("]"): _fresh(list),
    ord("}"): _fresh(dict),
    0x8F: _fresh(list),  # a set
    ord(")"): _push(()),
    0x85: _tuple(1),
    0x86: _tuple(2),
    0x87: _tuple(3),
    ord("t"): lambda m: m.stack.append(tuple(m.since_mark())),
    ord("l"): lambda m: m.stack.append(m.since_mark()),
    ord("d"): _dict,
    0x91: lambda m: m.stack.append(m.since_mark()),  # a frozenset
    ord("a"): lambda m: _add(m, [m.stack.pop()]),
    ord("e"): lambda m: _add(m, m.since_mark()),
    0x90: lambda m: _add(m, m.since_mark()),
    ord("s"): _set_item,
    ord("u"): lambda m: _set(m, m.since_mark()),
    ord("c"): lambda m: m.stack.append(Named(m.line(), m.line())),
    0x93: _stack_global,
    ord("R"): _reduce,
    0x81: _reduce,
    0x92: _new_object_ex,
    ord("i"): _instance,
    ord("o"): _object,
    ord("b"): _build,
    ord("Q"): lambda m: m.stack.append(Reference(m.stack.pop())),
    ord("P"): lambda m: m.stack.append(Reference(m.line())),
    ord("p"): lambda m: _put(m, int(m.line())),
    ord("q"): lambda m: _put(m, m.number("B", 1)),
    ord("r"): lambda m: _put(m, m.number("I", 4)),
    0x94: lambda m: _put(m, len(m.memo)),
    ord("g"): lambda m: m.stack.append(m.memo[int(m.line())]),
    ord("h"): lambda m: m.stack.append(m.memo[m.number("B", 1)]),
    ord("j"): lambda m: m.stack.append(m.memo[m.number("I", 4)]),
    **dict.fromkeys((0x82, 0x83, 0x84), _refused("extensions")),
    **dict.fromkeys((0x97, 0x98), _refused("buffers outside the pickle")),
}
"""The effect of each opcode on the stack."""
