"""Modules of the standard library, as far as model files use them."""

import ast
import keyword
import math
import re
from functools import partial, reduce
from itertools import accumulate

from convcli.nets.readers.python.language.conversions import describe, hashable, iterate, to_list
from convcli.nets.readers.python.language.limits import MAX_ITEMS, check_nesting, within_limits
from convcli.nets.readers.python.language.objects import (
    MISSING,
    NUMBERS,
    BoundMethod,
    Class,
    Function,
    Instance,
    Library,
    Native,
    Partial,
    ProgramException,
    ReadError,
    Tensor,
    Unknown,
    Value,
    class_of,
    natives,
)
from convcli.nets.readers.python.language.operators import operate
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.builtins import (
    counter_of,
    defaultdict_of,
    dict_of,
    first,
    id_of,
    list_of,
    no_effect,
    slice_of,
)
from convcli.nets.readers.python.stdlib.copying import copied
from convcli.nets.readers.python.stdlib.dataclasses import (
    ENUM,
    dataclass_of,
    field_of,
    namedtuple_of,
    replaced,
)
from convcli.nets.readers.python.stdlib.regular_expressions import PATTERN, matched, substituted
from convcli.nets.readers.python.stdlib.type_checks import ABSTRACT, OBJECT


def _math(name: str, /, interpreter: Interpreter, *args: Value, **options: Value) -> Value:
    if list(options) == ["start"] and name == "prod":
        return operate(interpreter, ast.Mult, _math(name, interpreter, *args), options["start"])
    if options:
        raise ReadError(f"math.{name} with {next(iter(options))} is not read here")
    for value in args:
        if isinstance(value, Unknown):
            return value.outcome()
    plain: list[Value] = []
    for value in args:
        if isinstance(value, Tensor) and value.number is not None:
            value = value.number
        if isinstance(value, NUMBERS):
            plain.append((value,) if name == "prod" else value)
        elif isinstance(value, list | tuple) and name == "prod":
            check_nesting(interpreter, value)
            plain.append(value)
        else:
            raise ProgramException("TypeError", f"math.{name} of {describe(value)}")
    return within_limits(interpreter, getattr(math, name)(*plain))


MATH = (
    "ceil", "floor", "sqrt", "log", "log2", "log10", "exp", "pow", "gcd", "sin", "cos", "tan",
    "tanh", "prod", "fabs", "isclose", "trunc", "isqrt", "hypot", "atan2", "atan", "isinf",
    "isnan", "erf", "radians", "degrees", "copysign",
)  # fmt: skip


def _operator(op: type[ast.operator]) -> Native:
    return Native(
        op.__name__, lambda interpreter, left, right: operate(interpreter, op, left, right)
    )


def _wraps(interpreter: Interpreter, function: Value, *args: Value, **options: Value) -> Value:
    """`functools.wraps(function)`: the decorated function has the name of the function."""

    def wrapped(interpreter: Interpreter, value: Value) -> Value:
        if isinstance(value, Function):
            value.attrs["__name__"] = interpreter.attribute(function, "__name__")
        return value

    return Native("wraps", wrapped)


def _signature(interpreter: Interpreter, function: Value) -> Value:
    """The parameters of a function or of a class's `__init__`, by name, with their defaults."""
    layer = function.find("__parameters__") if isinstance(function, Class) else MISSING
    if isinstance(layer, tuple):
        return namespace(parameters=dict.fromkeys(layer))
    bound = int(isinstance(function, Class))  # a class is called without its `self`
    if isinstance(function, Class):
        function = function.find("__init__")
    if not isinstance(function, Function):
        return Unknown("inspect.signature()")
    names, usual = (*function.positional[bound:], *function.keyword_only), function.defaults
    return namespace(
        parameters={name: namespace(name=name, default=usual.get(name, EMPTY)) for name in names}
    )


EMPTY = Class("empty")


def unchanged(
    interpreter: Interpreter, value: Value = None, *args: Value, **options: Value
) -> Value:
    """A decorator, or a maker of one, that changes nothing."""
    return value if isinstance(value, Function | Class) else Native("decorator", unchanged)


def _product(interpreter: Interpreter, *values: Value, repeat: int = 1) -> list[tuple[Value, ...]]:
    rows: list[tuple[Value, ...]] = [()]
    for items in [to_list(interpreter, value) for value in values] * repeat:
        if len(rows) * len(items) > MAX_ITEMS:
            raise ReadError("a product of lists is too long")
        rows = [(*row, item) for row in rows for item in items]
        interpreter.tick(len(rows))
    return rows


def _repeat(interpreter: Interpreter, value: Value, times: Value = None) -> Value:
    if times is None:
        raise ReadError("itertools.repeat without an end is not read here")
    return operate(interpreter, ast.Mult, [value], times)


def _chain(interpreter: Interpreter, *values: Value) -> list[Value]:
    items: list[Value] = []
    for value in values:
        items += to_list(interpreter, value)
        within_limits(interpreter, items)
    return items


def chain_from_iterable(interpreter: Interpreter, values: Value) -> list[Value]:
    """`itertools.chain.from_iterable`."""
    return _chain(interpreter, *to_list(interpreter, values))


def accumulated(interpreter: Interpreter, values: Value, function: Value = None) -> list[Value]:
    """`itertools.accumulate`."""

    def joined(total: Value, item: Value) -> Value:
        if function is None:
            return operate(interpreter, ast.Add, total, item)
        return interpreter.call(function, [total, item], {})

    return list(accumulate(iterate(interpreter, values), joined))


def _reduce(interpreter: Interpreter, function: Value, values: Value, *start: Value) -> Value:
    items = [*start, *to_list(interpreter, values)]
    if not items:
        raise ProgramException("TypeError", "reduce() of nothing")
    return reduce(lambda total, item: interpreter.call(function, [total, item], {}), items)


def _islice(interpreter: Interpreter, values: Value, *ends: Value) -> list[Value]:
    return to_list(interpreter, values)[slice_of(interpreter, *ends)]


# -- argparse ------------------------------------------------------------------------------


def _argument(interpreter: Interpreter, owner: Instance, *names: Value, **options: Value) -> None:
    """A parser of an empty command line: every option has its default."""
    texts = [name for name in names if isinstance(name, str)]
    name = next((text for text in texts if text.startswith("--")), texts[0] if texts else "")
    default = options.get("default", False if options.get("action") == "store_true" else None)
    if options.get("action") == "store_false":
        default = options.get("default", True)
    key = options.get("dest", name.lstrip("-").replace("-", "_"))
    _options(owner)[str(key)] = default


def _options(parser: Instance) -> dict[str, Value]:
    """The options of a parser with their defaults."""
    options = parser.attrs.setdefault("options", {})
    if not isinstance(options, dict):
        raise ReadError(f"the options of a parser are {describe(options)}")
    return options


def _parsed(interpreter: Interpreter, owner: Instance, *_: Value, **__: Value) -> Instance:
    return namespace(**_options(owner))


def _defaults(interpreter: Interpreter, owner: Instance, **options: Value) -> None:
    _options(owner).update(options)


def _set_names(interpreter: Interpreter, owner: Instance, **options: Value) -> None:
    owner.attrs |= options


def namespace(**values: Value) -> Instance:
    """An object that holds values by name."""
    instance = Instance(NAMESPACE)
    instance.attrs |= values
    return instance


NAMESPACE = class_of("Namespace", __init__=_set_names)
PARSER = class_of(
    "ArgumentParser",
    __init__=no_effect,
    add_argument=_argument,
    add_argument_group=first,
    set_defaults=_defaults,
    parse_args=_parsed,
    parse_known_args=lambda interpreter, owner, *_: (_parsed(interpreter, owner), []),
)


# -- modules -------------------------------------------------------------------------------


TYPING = (
    "typing", "typing_extensions", "abc", "collections.abc", "numbers", "types", "__future__",
)  # fmt: skip
"""Modules of type hints, which change nothing."""

QUIET = (
    "logging", "warnings", "os", "sys", "time", "argparse", "json", "yaml", "pdb",
    "re", "random", "inspect", "pathlib", "datetime", "urllib", "hashlib",
    "zipfile", "shutil", "subprocess", "importlib", "pickle", "threading", "contextlib", "io",
    "tqdm", "matplotlib", "termcolor", "tensorboardX", "wandb", "prettytable", "thop", "fvcore",
    "torchinfo", "torchsummary", "ptflops",
)  # fmt: skip
"""Modules used around models: their results are unknown, and calling them is harmless."""

MAX_CACHED = 128
"""Default number of results that `functools.lru_cache` keeps."""


def _lru_cache(
    interpreter: Interpreter, maxsize: Value = MAX_CACHED, typed: Value = False
) -> Value:
    """`@lru_cache`, with or without arguments."""
    if isinstance(maxsize, Function):
        return _cached(interpreter, maxsize)
    return Native(
        "lru_cache", lambda interpreter, function: _cached(interpreter, function, maxsize)
    )


def _cached(interpreter: Interpreter, function: Value, maxsize: Value = None) -> Native:
    """A function whose results are cached by its arguments."""
    results: dict[Value, Value] = {}

    def call(interpreter: Interpreter, *args: Value, **options: Value) -> Value:
        key = hashable(interpreter, (args, tuple(options.items())))
        if key not in results:
            if isinstance(maxsize, int) and len(results) >= maxsize:
                raise ReadError(f"a cache of {maxsize} results forgets some, which is not followed")
            results[key] = interpreter.call(function, list(args), options)
        return results[key]

    return Native(getattr(function, "name", "cached"), call)


def _deque(interpreter: Interpreter, value: Value = (), maxlen: Value = None) -> list[Value]:
    if maxlen is not None:
        raise ReadError("a deque with a maxlen drops items, which is not followed here")
    return list_of(interpreter, value)


def version_numbers(interpreter: Interpreter, text: Value) -> Value:
    """A version as the tuple of its numbers, which compares as versions do."""
    if not isinstance(text, str):
        return Unknown("a version")
    release = re.match(r"\s*v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,5})", text)
    return tuple(map(int, release[1].split("."))) if release else Unknown(f"the version {text}")


MEANINGS: dict[str, dict[str, Value]] = {
    "math": {
        **{name: partial(_math, name) for name in MATH},
        "pi": math.pi,
        "e": math.e,
        "inf": math.inf,
        "nan": math.nan,
    },
    "functools": {
        "partial": lambda interpreter, function, *args, **options: Partial(function, args, options),
        "reduce": _reduce,
        "wraps": _wraps,
        "update_wrapper": lambda interpreter, wrapper, *_, **__: wrapper,
        "lru_cache": _lru_cache,
        "cache": _cached,
        "total_ordering": unchanged,
    },
    "itertools": {
        "chain": _chain,
        "product": _product,
        "repeat": _repeat,
        "accumulate": accumulated,
        "islice": _islice,
    },
    "collections": {
        "OrderedDict": dict_of,
        "defaultdict": defaultdict_of,
        "Counter": counter_of,
        "deque": _deque,
        "namedtuple": namedtuple_of,
        "abc": Library("collections.abc"),
        **{
            name: Unknown(f"collections.{name}", harmless=True)
            for name in ABSTRACT
            if name != "OrderedDict"
        },
    },
    "copy": {
        "copy": lambda interpreter, value: copied(interpreter, value, deep=False),
        "deepcopy": lambda interpreter, value, memo=None: copied(interpreter, value, deep=True),
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
        "replace": lambda interpreter, owner, **new: replaced(owner, new),
        "asdict": lambda interpreter, owner: dict(owner.attrs),
    },
    "enum": {
        "EnumMeta": Unknown("enum.EnumMeta", harmless=True),
        "Enum": ENUM,
        "IntEnum": ENUM,
        "auto": id_of,
    },
    "typing": {
        "NamedTuple": Class("NamedTuple"),
        "cast": lambda interpreter, kind, value: value,
        "TYPE_CHECKING": False,
        "TypeVar": lambda interpreter, *_, **__: Unknown("a type", harmless=True),
        "overload": unchanged,
        "OrderedDict": Unknown("typing.OrderedDict", harmless=True),
    },
    "abc": {
        "abstractmethod": unchanged,
        "ABC": OBJECT,
        "ABCMeta": OBJECT,
    },
    "inspect": {
        "isfunction": lambda interpreter, value: isinstance(value, Function),
        "ismethod": lambda interpreter, value: isinstance(value, BoundMethod),
        "isclass": lambda interpreter, value: isinstance(value, Class),
        "signature": _signature,
    },
    "os": {
        "environ": {},
        "getenv": lambda interpreter, name, default=None: default,
        "path": Library("os.path"),
    },
    "sys": {"modules": Library("sys.modules"), "version_info": (3, 11, 0)},
    "keyword": {"iskeyword": lambda interpreter, word: keyword.iskeyword(word)},
    "re": {
        **{name: partial(matched, name) for name in ("split", "match", "search", "findall")},
        "sub": substituted,
        "compile": lambda interpreter, pattern, *_: Instance(PATTERN),
    },
    "argparse": {"ArgumentParser": PARSER, "Namespace": NAMESPACE},
    "types": {"SimpleNamespace": NAMESPACE},
    "packaging.version": {"parse": version_numbers, "Version": version_numbers},
    "distutils.version": {"LooseVersion": version_numbers, "StrictVersion": version_numbers},
    "packaging": {"version": Library("packaging.version")},
    "contextlib": {
        "contextmanager": unchanged,
        "nullcontext": no_effect,
        "suppress": no_effect,
    },
}

LIBRARY = {module: natives(names) for module, names in MEANINGS.items()}
"""Modules of the standard library, with their known names."""
