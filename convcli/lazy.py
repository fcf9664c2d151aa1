"""Public names that a package takes from its modules on first use (PEP 562).

The stub `__init__.pyi` beside the package's `__init__.py` lists them once, for type checkers and
for Python alike, one name per line:

    from package.module import name as name
"""

from collections.abc import Callable
from functools import cache

Get = Callable[[str], object]
Names = Callable[[], list[str]]


def public_names(package: str, file: str) -> tuple[Get, Names]:
    """The `__getattr__` and `__dir__` of a package, from its `__name__` and `__file__`.

    >>> from convcli import conv
    >>> get, names = public_names("convcli.conv", conv.__file__)
    >>> get("relu")([-1.0, 1.0])
    array([0., 1.])
    >>> names()[:2]
    ['adaptive_avg_pool2d', 'adaptive_max_pool2d']

    `__getattr__` raises AttributeError for a name that the stub does not list.
    """

    @cache
    def modules() -> dict[str, str]:
        """Public name → the module that defines it, from the stub, read when first needed."""
        module_of = {}
        with open(f"{file}i", encoding="utf-8") as stub:
            for line in stub:
                match line.split():
                    case ["from", module, "import", name, "as", _]:
                        module_of[name] = module
                    case [name, "str"]:  # a constant of the package itself
                        module_of[name.removesuffix(":")] = package
        return module_of

    def get(name: str) -> object:
        if name == "__all__":
            return names()
        # not above: this file is read before convcli.cli handles Ctrl-C
        from importlib import import_module

        if name not in modules():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules()[name]), name)

    def names() -> list[str]:
        return sorted(modules())

    return get, names
