"""The import order of the rooms, and the light start of `shape`."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "convcli"

STDLIB = set(sys.stdlib_module_names)
HEAVY = {"numpy", "PIL", "rich"}

# Room → what its modules may import at their top, beside the standard library and their own room.
MAY_IMPORT = {
    "errors": set(),
    "calls": {"errors"},
    "nets": {"errors", "calls"},
    "conv": {"errors", "numpy", "threadpoolctl"},
    "pictures": {"errors", "calls", "conv", "numpy", "PIL"},
    "features": {"errors", "nets", "conv", "pictures", "numpy"},
    "api": {"errors", "nets"},
    "report": {"errors"},
    "batch": {"errors", "report", "pictures", "features"},
    "lessons": {"errors", "calls", "nets", "report"},
    "learning": {"errors", "nets", "conv", "pictures", "report", "numpy"},
    "page": {"click"},
    "options": {"errors", "nets", "report", "page", "click"},
    "commands": {"errors", "nets", "options", "report", "page", "click"},
    "cli": {"errors", "options", "commands", "report", "page", "click", "__init__"},
    "__main__": {"cli"},
    "__init__": set(),
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    """Rooms and packages imported by the statements outside functions and type checks."""
    found = set()
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import(names):
                modules = [name.name for name in names]
            case ast.ImportFrom(module=str(module)):
                modules = [module]
            case ast.FunctionDef() | ast.If(test=ast.Name("TYPE_CHECKING")):
                continue
            case _:
                found |= imports(node)
                continue
        for module in modules:
            top, *rest = module.split(".")
            found.add((rest or ["__init__"])[0] if top == "convcli" else top)
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_a_room_imports_only_what_stands_above_it(path):
    room = room_of(path)
    unknown = imports(ast.parse(path.read_text("utf-8"))) - STDLIB - MAY_IMPORT[room] - {room}
    assert not unknown, f"{room} imports {unknown}"


def test_algorithms_do_not_import_each_other():
    for path in (PACKAGE / "conv" / "algorithms").glob("[!_]*.py"):
        text = path.read_text("utf-8")
        assert "convcli.conv.algorithms" not in text, path.name


def loaded_by(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after running code."""
    probe = f"import sys\n{code}\nsys.stderr.write(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


@pytest.mark.parametrize("form", ["tsv", "json"])
def test_shape_starts_without_numpy_pillow_and_rich(form):
    words = f"'shape', '--input', '224', '--kernel', '11', '--format', '{form}'"
    assert not loaded_by(f"from convcli.cli.main import run; run([{words}])") & HEAVY


def test_explain_starts_without_numpy_pillow_and_rich():
    words = "'explain', '--input', '5x5', '--kernel', '3'"
    assert not loaded_by(f"from convcli.cli.main import run; run([{words}])") & HEAVY


def test_the_proof_of_a_light_start_can_fail():
    picture = PACKAGE.parent / "samples" / "chart.png"
    words = f"'filter', {str(picture)!r}, '--kernel', 'blur', '-o', '/dev/null'"
    assert {"numpy", "PIL"} <= loaded_by(f"from convcli.cli.main import run; run([{words}])")
