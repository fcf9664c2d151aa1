"""Public names are listed once, in stubs, and behave as if they had been imported."""

import ast
import pickle
from importlib import import_module
from pathlib import Path

import pytest

import convcli
from convcli import conv

PACKAGES = [convcli, conv]


def exported(package) -> dict[str, str]:
    """What a type checker takes from a package's stub: name → module."""
    stub = ast.parse(Path(package.__file__ + "i").read_text("utf-8"))
    names = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.asname == alias.name, f"{alias.name} is private to type checkers"
                assert alias.name not in names
                names[alias.name] = node.module
        else:
            names[node.target.id] = package.__name__
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_python_and_type_checkers_read_the_same_names(package):
    names = exported(package)
    assert len(names) > 10
    assert dir(package) == package.__all__ == sorted(names)
    for name, module in names.items():
        assert getattr(package, name) is getattr(import_module(module), name)


def test_a_star_imports_all_names_and_no_others():
    names = {}
    exec("from convcli import *", names)
    assert names.keys() - {"__builtins__"} == set(convcli.__all__)
    assert names["conv2d"] is conv.conv2d
    assert names["__version__"] == convcli.__version__


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_survive_pickling(package):
    for name in set(package.__all__) - {"__version__"}:
        assert pickle.loads(pickle.dumps(getattr(package, name))) is getattr(package, name)


def test_other_names_are_refused_by_name():
    with pytest.raises(AttributeError, match="module 'convcli' has no attribute 'conv3d'"):
        _ = convcli.conv3d
    with pytest.raises(AttributeError, match=r"module 'convcli\.conv' has no attribute 'conv3d'"):
        _ = conv.conv3d
    with pytest.raises(ImportError, match="cannot import name 'conv3d'"):
        exec("from convcli import conv3d")
