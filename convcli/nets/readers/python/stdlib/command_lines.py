"""Python's `argparse` for an empty command line: every option has its default."""

from convcli.nets.readers.python.language.conversions import describe
from convcli.nets.readers.python.language.objects import Instance, ReadError, Value, class_of
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.builtins import first, no_effect


def _argument(interpreter: Interpreter, owner: Instance, *names: Value, **options: Value) -> None:
    """A parser of an empty command line: every option has its default."""
    words = [name for name in names if isinstance(name, str)]
    name = next((word for word in words if word.startswith("--")), words[0] if words else "")
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
