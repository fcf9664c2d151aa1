"""Every command of the README and of docs/ runs as printed, and prints what stands below it.

    python tests/test_docs.py

writes what the commands print now into these files, in place of what stood there.
"""

import ast
import doctest
import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from PIL import Image
from terminal import on_terminal, shell, shell_line

ROOT = Path(__file__).parents[1]
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")))
}
"""Name → text."""

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.S | re.M)
BLOCKS = [(name, *block) for name, text in DOCUMENTS.items() for block in BLOCK.findall(text)]
"""Document, language and text."""

NEEDED = {"jq": "jq", "make ": "make", "man -l": "man"}
"""What a line calls → the program it needs."""


def texts(language):
    return [text for _, name, text in BLOCKS if name == language]


def blocks_of(language):
    """The blocks of a language as parameters, called by their document and first line."""
    return [
        pytest.param(text, id=f"{document}: {text.partition(chr(10))[0]}")
        for document, name, text in BLOCKS
        if name == language
    ]


LINES = [line for text in texts("sh") for line in text.splitlines() if "venv" not in line]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    return tmp_path


def test_every_block_is_of_a_kind_that_is_run():
    """Those for a cluster in tests/batch, where one is."""
    assert {name for _, name, _ in BLOCKS} <= {
        "sh", "console", "python", "make", "yaml", "cluster", "text"
    }  # fmt: skip
    assert len(LINES) > 40


@pytest.mark.parametrize("text", blocks_of("sh"))
def test_a_block_runs_line_by_line(text, folder):
    """Every line runs behind those before it, in one folder, and prints the number behind its #."""
    for line in text.splitlines():
        if line not in LINES:
            continue
        command, _, comment = line.partition("  #")
        missing = [name for sign, name in NEEDED.items() if sign in line and not shutil.which(name)]
        if missing:  # the lines behind it need nothing of it
            continue
        printed = shell(command, folder)
        promised = re.fullmatch(r"\s*([0-9x]+)", comment)
        if promised:
            assert printed.strip() == promised[1]


def session(text, place):
    """The commands of a console block, each with what it prints now."""
    (place / "samples").symlink_to(ROOT / "samples")
    shown = []
    for line in text.splitlines():
        if line.startswith("$ "):
            code, printed = on_terminal(line[2:], place)
            shown += [line, *printed.splitlines()]
            assert all(len(text) <= 80 for text in printed.splitlines())
            assert (code != 0) == ("Error:" in printed), printed
    return "".join(f"{line}\n" for line in shown)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("text", blocks_of("console"))
def test_a_console_shows_what_is_printed(text, tmp_path):
    assert session(text, tmp_path) == text


def test_every_cell_of_the_notebook_runs_and_shows_what_it_ends_with(monkeypatch):
    monkeypatch.chdir(ROOT / "samples")
    names: dict[str, object] = {}
    shown = []
    for cell in json.loads(Path("convcli.ipynb").read_text("utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
        body = ast.parse("".join(cell["source"])).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), cell["id"], "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)
            shown += [name for name in dir(value) if name.startswith("_repr_")]
            assert 0 < len(repr(value)) < 600
    assert {"_repr_html_", "_repr_png_", "_repr_svg_"} <= set(shown)


@pytest.mark.parametrize("text", blocks_of("python"))
def test_python_of_a_document_runs(text, folder, monkeypatch):
    monkeypatch.chdir(folder)
    example = doctest.DocTestParser().get_doctest(text, {}, "docs", None, None)
    assert example.examples
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example)
    assert not result.failed


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_the_rule_for_make_makes_a_picture(folder):
    (rule,) = texts("make")
    (folder / "Makefile").write_text(shell_line(rule))
    shutil.copy(ROOT / "samples" / "cat.jpg", folder)
    shell("make cat.sobel.jpg", folder)
    assert (folder / "cat.sobel.jpg").stat().st_size > 10_000


def test_the_hook_for_pre_commit_passes_and_can_fail(folder):
    (hooks,) = texts("yaml")
    (entry,) = re.findall(r"entry: (.*)", hooks)
    assert entry in LINES
    code, _ = on_terminal(entry.replace("params=", "params=1"), folder)
    assert code == 1


def test_every_file_and_test_that_a_document_names_is_there():
    text = "".join(DOCUMENTS.values())
    named = set(re.findall(r"(?:tests|samples|docs|\.ci)/[\w./-]+\w(?!\\)\b", text))
    assert len(named) > 10
    for name in named:
        assert (ROOT / name).exists(), name
    written = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in written, name


def text_of(svg):
    """The words that an SVG shows, whatever the version of Rich that wrote it."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<style.*?</style>|<[^>]*>", " ", svg, flags=re.S)))


def test_the_pictures_are_what_their_commands_draw(tmp_path):
    pictures = ROOT / "docs" / "pictures"
    links = re.compile(r"!\[[^\]]+\]\((?:docs/)?pictures/([^)]+)\)")
    linked = set(links.findall("".join(DOCUMENTS.values())))
    subprocess.run(
        [sys.executable, str(ROOT / "docs" / "pictures.py"), str(tmp_path)],
        capture_output=True,
        check=True,
    )
    drawn = {path.name for path in tmp_path.iterdir()}
    assert linked == drawn == {path.name for path in pictures.iterdir()}
    for name in linked:
        if name.endswith(".svg"):
            old, new = ((place / name).read_text("utf-8") for place in (pictures, tmp_path))
            assert text_of(old) == text_of(new), f"{name}: python docs/pictures.py"
        else:
            with Image.open(pictures / name) as old, Image.open(tmp_path / name) as new:
                assert getattr(old, "n_frames", 1) == getattr(new, "n_frames", 1)
                pixels = [np.asarray(picture.convert("RGB"), float) for picture in (old, new)]
            # encoders differ between versions, in what nobody sees
            assert np.abs(pixels[0] - pixels[1]).mean() < 2, f"{name}: python docs/pictures.py"


def headings(text):
    """The anchors of a document, as GitHub and MkDocs make them."""
    return {
        re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-")
        for line in re.findall(r"^#+ (.*)", text, re.M)
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_to_a_file_and_its_heading(name):
    for link in re.findall(r"\]\(([^)]*)\)", BLOCK.sub("", DOCUMENTS[name])):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if anchor:
            assert anchor in headings(target.read_text("utf-8")), link


def test_the_site_is_built_without_a_warning(tmp_path):
    """With the reference, which is made of the help and of the docstrings."""
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "--mac-rule" in (tmp_path / "reference/commands/index.html").read_text("utf-8")
    assert "conv_transpose2d" in (tmp_path / "reference/python/index.html").read_text("utf-8")


def test_the_front_page_is_short():
    assert len(DOCUMENTS["README.md"].encode()) < 13_000


def main():
    def renewed(match):
        if match[1] != "console":
            return match[0]
        with TemporaryDirectory() as place:
            return f"```console\n{session(match[2], Path(place))}```"

    for name, text in DOCUMENTS.items():
        (ROOT / name).write_text(BLOCK.sub(renewed, text), "utf-8")


if __name__ == "__main__":
    main()
