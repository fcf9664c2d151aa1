"""Modules of the standard library, as far as model files use them."""

import ast
import keyword
import math
from collections.abc import Callable
from typing import Any

from convcli.nets.readers.python.language.limits import MOST_ITEMS
from convcli.nets.readers.python.language.objects import (
    MISSING,
    NUMBERS,
    Bound,
    Class,
    Function,
    Halt,
    Library,
    Native,
    Object,
    Partial,
    Raised,
    Tensor,
    Unknown,
    class_of,
    natives,
)
from convcli.nets.readers.python.stdlib.builtins import (
    counter_of,
    defaultdict_of,
    dict_of,
    first,
    id_of,
    list_of,
    no_effect,
)
from convcli.nets.readers.python.stdlib.copying import copied
from convcli.nets.readers.python.stdlib.dataclasses import (
    ENUM,
    dataclass_of,
    field_of,
    namedtuple_of,
    replaced,
)
from convcli.nets.readers.python.stdlib.type_checks import ABSTRACT, OBJECT


def _math(name: str) -> Native:
    function = getattr(math, name)

    def call(machine: Any, *args: Any, **options: Any) -> Any:
        if list(options) == ["start"] and name == "prod":
            return machine.operate(ast.Mult, call(machine, *args), options["start"])
        if options:
            raise Halt(f"math.{name} with {next(iter(options))} is not read here")
        for one in args:
            if isinstance(one, Unknown):
                return one.outcome()
        numbers = []
        for one in args:
            if isinstance(one, Tensor) and one.number is not None:
                one = one.number
            if name == "prod" and isinstance(one, NUMBERS):
                one = (one,)
            if isinstance(one, list | tuple) and name == "prod":
                numbers.append(machine.plain(one) or one)
            elif isinstance(one, NUMBERS):
                numbers.append(one)
            else:
                raise Raised("TypeError", f"math.{name} of {machine.describe(one)}")
        return machine.sized(function(*numbers))

    return Native(name, call)


MATH = (
    "ceil", "floor", "sqrt", "log", "log2", "log10", "exp", "pow", "gcd", "sin", "cos", "tan",
    "tanh", "prod", "fabs", "isclose", "trunc", "isqrt", "hypot", "atan2", "atan", "isinf",
    "isnan", "erf", "radians", "degrees", "copysign",
)  # fmt: skip


def _partial(machine: Any, function: Any, *args: Any, **options: Any) -> Partial:
    return Partial(function, args, options)


def _reduce(machine: Any, function: Any, values: Any, *start: Any) -> Any:
    items = [*start, *machine.listed(values)]
    if not items:
        raise Raised("TypeError", "reduce() of nothing")
    total = items[0]
    for one in items[1:]:
        total = machine.call(function, [total, one], {})
    return total


def _operator(op: type[ast.operator]) -> Native:
    return Native(op.__name__, lambda machine, left, right: machine.operate(op, left, right))


def _wraps(machine: Any, function: Any, *args: Any, **options: Any) -> Any:
    return Native("wraps", unchanged)


def _is_function(machine: Any, value: Any) -> bool:
    return isinstance(value, Function)


def _signature(machine: Any, function: Any) -> Any:
    """The parameters of a function or of a class's `__init__`, by name, with their defaults."""
    listed = function.find("__parameters__") if isinstance(function, Class) else MISSING
    if isinstance(listed, tuple):
        made = Object(NAMESPACE)
        made.attrs["parameters"] = dict.fromkeys(listed)
        return made
    gone = int(isinstance(function, Class))  # a class is called without its `self`
    if isinstance(function, Class):
        function = function.find("__init__")
    if not isinstance(function, Function):
        return Unknown("inspect.signature()")
    wanted = function.node.args
    names = [one.arg for one in (*wanted.posonlyargs, *wanted.args)][gone:]
    held = dict(zip(reversed(names), reversed(function.defaults), strict=False))
    held |= {
        one.arg: default
        for one, default in zip(wanted.kwonlyargs, function.kw_defaults, strict=True)
        if default is not MISSING
    }
    made = Object(NAMESPACE)
    made.attrs["parameters"] = {}
    for name in (*names, *(one.arg for one in wanted.kwonlyargs)):
        parameter = Object(NAMESPACE)
        parameter.attrs |= {"name": name, "default": held.get(name, EMPTY)}
        made.attrs["parameters"][name] = parameter
    return made


EMPTY = Class("empty")


def _is_class(machine: Any, value: Any) -> bool:
    return isinstance(value, Class)


def unchanged(machine: Any, value: Any = None, *args: Any, **options: Any) -> Any:
    """A decorator, or a maker of one, that changes nothing."""
    return value if isinstance(value, Function | Class) else Native("decorator", unchanged)


def _product(machine: Any, *values: Any, repeat: int = 1) -> list[Any]:
    rows: list[Any] = [()]
    for value in [machine.listed(one) for one in values] * repeat:
        if len(rows) * len(value) > MOST_ITEMS:
            raise Halt("a product of lists is too long")
        rows = [(*row, one) for row in rows for one in value]
        machine.tick(len(rows))
    return rows


def _repeated(machine: Any, value: Any, times: Any = None) -> list[Any]:
    if times is None:
        raise Halt("itertools.repeat without an end is not read here")
    return machine.operate(ast.Mult, [value], times)  # type: ignore[no-any-return]


def chained(machine: Any, *values: Any) -> list[Any]:
    found: list[Any] = []
    for one in values:
        found += machine.listed(one)
        machine.sized(found)
    return found


def accumulated(machine: Any, values: Any, function: Any = None) -> list[Any]:
    found: list[Any] = []
    for one in machine.iterate(values):
        if not found:
            found.append(one)
        elif function is None:
            found.append(machine.operate(ast.Add, found[-1], one))
        else:
            found.append(machine.call(function, [found[-1], one], {}))
    return found


def _islice(machine: Any, values: Any, *ends: Any) -> list[Any]:
    return machine.listed(values)[slice(*ends)]  # type: ignore[no-any-return]


TYPING = (
    "typing", "typing_extensions", "abc", "collections.abc", "numbers", "types", "__future__",
)  # fmt: skip
"""Modules whose names say what types there are, and change nothing."""

QUIET = (
    "logging", "warnings", "os", "sys", "time", "argparse", "json", "yaml", "pdb",
    "re", "random", "inspect", "pathlib", "datetime", "urllib", "hashlib",
    "zipfile", "shutil", "subprocess", "importlib", "pickle", "threading", "contextlib", "io",
    "tqdm", "matplotlib", "termcolor", "tensorboardX", "wandb", "prettytable", "thop", "fvcore",
    "torchinfo", "torchsummary", "ptflops",
)  # fmt: skip
"""Modules that stand around models: what they give is not known, and calling them is harmless."""

QUANTIFIERS = "*+?{"


def _pattern(function: str) -> Callable[..., Any]:
    """A regular expression so simple, on a text so short, that matching it always ends."""

    def call(machine: Any, pattern: Any, text: Any, *_: Any) -> Any:
        import re

        _simple(machine, pattern, text)
        found = getattr(re, function)(pattern, text)
        if function in ("split", "findall"):
            return list(found)
        if found is None:
            return None
        made = Object(MATCH)
        made.attrs["held"] = (found.group(), *found.groups())
        return made

    return call


def _simple(machine: Any, pattern: Any, text: Any) -> None:
    import re

    if isinstance(text, Unknown):
        raise machine.unknown(text)
    if not isinstance(pattern, str) or not isinstance(text, str):
        raise Raised("TypeError", "a pattern and a text are strings")
    repeated = sum(pattern.count(one) for one in QUANTIFIERS)
    nested = any(f"){one}" in pattern for one in QUANTIFIERS)
    if len(text) > 60 or len(pattern) > 100 or repeated > 4 or nested or "\\" in pattern[-1:]:
        raise Halt(f"the pattern {pattern[:40]!r} is not read here")
    try:
        re.compile(pattern)
    except re.error as error:
        raise Raised("error", str(error)) from None


def _substituted(machine: Any, pattern: Any, new: Any, text: Any, *_: Any) -> Any:
    import re

    _simple(machine, pattern, text)
    if not isinstance(new, str) or len(new) > 100:
        raise Halt("re.sub with a function is not read here")
    return re.sub(pattern, new, text)


MATCH = class_of(
    "Match",
    group=lambda machine, owner, place=0: owner.attrs["held"][place],
    groups=lambda machine, owner: owner.attrs["held"][1:],
)
PATTERN = Class("Pattern")


def _argument(machine: Any, owner: Object, *names: Any, **options: Any) -> None:
    """A command line that is read with nothing on it: every option has its default."""
    words = [name for name in names if isinstance(name, str)]
    name = next((one for one in words if one.startswith("--")), words[0] if words else "")
    default = options.get("default", False if options.get("action") == "store_true" else None)
    if options.get("action") == "store_false":
        default = options.get("default", True)
    key = options.get("dest", name.lstrip("-").replace("-", "_"))
    owner.attrs.setdefault("options", {})[key] = default


def _parsed(machine: Any, owner: Object, *_: Any, **__: Any) -> Any:
    made = Object(NAMESPACE)
    made.attrs |= owner.attrs.get("options", {})
    return made


def _defaults(machine: Any, owner: Object, **options: Any) -> None:
    owner.attrs.setdefault("options", {}).update(options)


def _namespace(machine: Any, owner: Object, **options: Any) -> None:
    owner.attrs |= options


NAMESPACE = class_of("Namespace", __init__=_namespace)
PARSER = class_of(
    "ArgumentParser",
    __init__=no_effect,
    add_argument=_argument,
    add_argument_group=first,
    set_defaults=_defaults,
    parse_args=_parsed,
    parse_known_args=lambda machine, owner, *_: (_parsed(machine, owner), []),
)

MEANINGS: dict[str, dict[str, Any]] = {
    "math": {
        **{name: _math(name) for name in MATH},
        "pi": math.pi,
        "e": math.e,
        "inf": math.inf,
        "nan": math.nan,
    },
    "functools": {
        "partial": _partial,
        "reduce": _reduce,
        "wraps": _wraps,
        "update_wrapper": lambda machine, wrapper, *_, **__: wrapper,
        "lru_cache": unchanged,
        "cache": unchanged,
        "total_ordering": unchanged,
    },
    "itertools": {
        "chain": chained,
        "product": _product,
        "repeat": _repeated,
        "accumulate": accumulated,
        "islice": _islice,
    },
    "collections": {
        "OrderedDict": dict_of,
        "defaultdict": defaultdict_of,
        "Counter": counter_of,
        "deque": lambda machine, value=(), maxlen=None: list_of(machine, value),
        "namedtuple": namedtuple_of,
        "abc": Library("collections.abc"),
        **{
            name: Unknown(f"collections.{name}", harmless=True)
            for name in ABSTRACT
            if name != "OrderedDict"
        },
    },
    "copy": {
        "copy": lambda machine, value: copied(machine, value, deep=False),
        "deepcopy": lambda machine, value, memo=None: copied(machine, value, deep=True),
    },
    "operator": {
        "add": _operator(ast.Add),
        "mul": _operator(ast.Mult),
        "sub": _operator(ast.Sub),
        "floordiv": _operator(ast.FloorDiv),
        "truediv": _operator(ast.Div),
    },
    "dataclasses": {
        "dataclass": dataclass_of,
        "field": field_of,
        "replace": lambda machine, owner, **new: replaced(owner, new),
        "asdict": lambda machine, owner: dict(owner.attrs),
    },
    "enum": {
        "EnumMeta": Unknown("enum.EnumMeta", harmless=True),
        "Enum": ENUM,
        "IntEnum": ENUM,
        "auto": id_of,
    },
    "typing": {
        "NamedTuple": Class("NamedTuple"),
        "cast": lambda machine, kind, value: value,
        "TYPE_CHECKING": False,
        "TypeVar": lambda machine, *_, **__: Unknown("a type", harmless=True),
        "overload": unchanged,
        "OrderedDict": Unknown("typing.OrderedDict", harmless=True),
    },
    "abc": {
        "abstractmethod": unchanged,
        "ABC": OBJECT,
        "ABCMeta": OBJECT,
    },
    "inspect": {
        "isfunction": _is_function,
        "ismethod": lambda machine, value: isinstance(value, Bound),
        "isclass": _is_class,
        "signature": _signature,
    },
    "os": {
        "environ": {},
        "getenv": lambda machine, name, default=None: default,
        "path": Library("os.path"),
    },
    "sys": {"modules": Library("sys.modules"), "version_info": (3, 11, 0)},
    "keyword": {"iskeyword": lambda machine, word: keyword.iskeyword(word)},
    "re": {
        "split": _pattern("split"),
        "match": _pattern("match"),
        "search": _pattern("search"),
        "findall": _pattern("findall"),
        "sub": _substituted,
        "compile": lambda machine, pattern, *_: Object(PATTERN),
    },
    "argparse": {"ArgumentParser": PARSER, "Namespace": NAMESPACE},
    "types": {"SimpleNamespace": NAMESPACE},
    "contextlib": {
        "contextmanager": unchanged,
        "nullcontext": no_effect,
        "suppress": no_effect,
    },
}

LIBRARY = {module: natives(names) for module, names in MEANINGS.items()}
"""Modules of the standard library, by the names that are known of them."""
