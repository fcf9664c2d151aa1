"""Code in a text that holds more than code: notebooks, fences, sessions, prose around it.

What is not code becomes an empty line, so that messages point at the right lines.
"""

import json
import keyword
import re
from collections.abc import Iterator
from itertools import pairwise

from convcli.callsyntax import UNREADABLE, parsed_module
from convcli.errors import SpecError
from convcli.nets.source_location import NotebookName
from convcli.text import safe

FENCE = r"^[ ]*(?:>[ ]*)*(```+|~~~+)[ ]*\{?\.?([\w+-]*)[^`]*$"
"""The first or last line of a block of Markdown, with its language."""

PYTHON = ("", "python", "py", "python3", "pycon", "ipython", "ipython3", "pytorch", "text", "txt")
"""Languages of fences that may hold a network."""

PROMPT = r"^[ ]*(?:>>>|\.\.\.|In \[\d*\]:|\.{3,}:)(?: |$)"
"""Prompts of an interactive session."""

SHELL = r"^[ ]*[%!?]"
"""Beginnings of lines for the shell or for the notebook itself."""

CELL_MAGICS = ("time", "timeit", "capture", "prun")
"""Magics that may begin a cell of Python."""

MAX_LINES, MAX_COLUMNS = 20_000, 2_000
"""Maximum number and length of lines in the search for prose."""

KEYWORDS = {*keyword.kwlist, *keyword.softkwlist}
"""Words that may be next to another word in Python; two other words never are."""


MAX_CELLS = 20_000
"""Cells of a notebook."""


def is_notebook(text: str) -> bool:
    """Whether a text is a Jupyter notebook."""
    return text.lstrip()[:1] == "{" and '"cells"' in text and '"cell_type"' in text


def notebook_code(text: str, source: str) -> tuple[str, NotebookName]:
    r"""The code of a notebook's cells, one after another; lines for the shell are left empty.

    The code is returned with its name, which knows the cells.

    >>> cell = {"cell_type": "code", "source": ["!pip install torch\n", "x = 1"]}
    >>> notebook_code(json.dumps({"cells": [cell]}), "a.ipynb")
    ('\nx = 1\n', 'a.ipynb')

    Raises SpecError for a text that is not a notebook, or a notebook of another language.
    """
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise SpecError(f"{safe(source)} is not JSON, so it is not a notebook") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise SpecError(f"{safe(source)} has no cells, so it is not a notebook")
    if len(notebook["cells"]) > MAX_CELLS:
        many = f"{len(notebook['cells']):,} cells, at most {MAX_CELLS:,} are read"
        raise SpecError(f"{safe(source)} has {many}")
    language = _language(notebook)
    if language not in ("", "python", "ipython"):
        raise SpecError(f"{safe(source)} is a notebook of {language[:30]}; Python is read")
    cells: list[str] = []
    numbers, lines = [], [1]
    for number, cell in enumerate(notebook["cells"], 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        code = cell.get("source", "")
        if isinstance(code, list):
            code = "".join(line for line in code if isinstance(line, str))
        if isinstance(code, str):
            cells.append(_cell(code))
            numbers.append(number)
            lines.append(lines[-1] + cells[-1].count("\n") + 1)
    return "\n".join(cells) + "\n", NotebookName(source, tuple(numbers), tuple(lines[:-1]))


def _language(notebook: dict[str, object]) -> str:
    """The language that a notebook says it is written in, or ""."""
    metadata = notebook.get("metadata")
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    name = info.get("name") if isinstance(info, dict) else None
    return safe(name.lower()) if isinstance(name, str) else ""


def _cell(code: str) -> str:
    """The code of one cell; "" if it is for another program or not Python."""
    magic = re.match(r"\s*%%(\w*)", code)
    if magic is not None and magic[1] not in CELL_MAGICS:
        return ""
    lines = [
        f"{line[: len(line) - len(line.lstrip())]}pass" * line.startswith(" ")
        if re.match(SHELL, line)
        else line
        for line in code.split("\n")
    ]
    return "\n".join(lines)


def fenced_code(text: str) -> str:
    r"""The fenced blocks that are Python, or else all of them; the text itself without fences.

    >>> fenced_code("So:\n```python\nx = 1\n```\nWhy?")
    '\n\nx = 1\n\n'
    """
    lines = text.split("\n")
    blocks = list(_fenced(lines))
    python = [block for block in blocks if block and _parses("\n".join(lines[i] for i in block))]
    chosen = {number for block in python or blocks for number in block}
    if not chosen:
        return text
    return "\n".join(line if number in chosen else "" for number, line in enumerate(lines))


def _fenced(lines: list[str]) -> Iterator[list[int]]:
    """The numbers of the lines of each block that may hold Python."""
    opened, block, wanted = "", list[int](), False
    for number, line in enumerate(lines):
        fence = re.match(FENCE, line)
        if opened and fence is not None and fence[1].startswith(opened) and not fence[2]:
            if wanted:
                yield block
            opened, block = "", []
        elif opened:
            block.append(number)
        elif fence is not None:
            opened, wanted = fence[1], fence[2].lower() in PYTHON
    if opened and wanted:
        yield block


def without_prose(text: str) -> tuple[str, int]:
    r"""A text without prose and session output, and the number of lines left out.

    >>> without_prose("Why does this fail?\nx = f(1)\nThanks!")
    ('\nx = f(1)\n', 2)
    """
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        return text, 0
    session = any(re.match(PROMPT, line) for line in lines)
    kept = []
    for line in lines:
        if session:
            code = re.sub(PROMPT, "", line) if re.match(PROMPT, line) else ""
        else:
            code = "" if re.match(SHELL, line) or is_sentence(line) else line
        kept.append(code)
    passed = sum(bool(line.strip()) and not code for line, code in zip(lines, kept, strict=True))
    return "\n".join(kept), passed


def is_sentence(line: str) -> bool:
    """Whether a line is a sentence rather than a statement, or a part of one.

    >>> [is_sentence(line) for line in ("Why is it so (see below)?", "x = f(1,", "for a in b:")]
    [True, False, False]
    >>> [is_sentence(line) for line in ("Thanks!", "else:", "3, stride=2)", "if I run it:")]
    [True, False, False, True]
    """
    bare = line.strip()
    if (
        len(bare) > MAX_COLUMNS
        or not re.search("[A-Za-z]", bare)
        or bare.startswith(("#", "@"))
        or _parses(bare)
        or (bare.endswith(":") and _parses(f"{bare} pass"))
    ):
        return False
    if re.fullmatch(r"(?:else|try|finally) *:|(?:elif|except|case)\b.*:", bare):
        return False
    if re.fullmatch(r"[A-Za-z][A-Za-z'’ ,;-]*[.!?:]", bare):
        return True
    # a string or a comment holds sentences, a statement around it does not
    if re.search(r"[\"#]|(?<![A-Za-z])'|\w\([^)]*=|^[\w., ]+ = ", bare):
        return False
    words = re.findall(r"[A-Za-z]+(?:['’][a-z]+)?|[^A-Za-z ]+", bare)
    named = [word[0].isalpha() and word not in KEYWORDS for word in words]
    return any(map(all, pairwise(named)))


def _parses(text: str) -> bool:
    margin = text[: len(text) - len(text.lstrip())].rpartition("\n")[2]
    flush = re.sub(f"(?m)^{margin}", "", text) if margin else text
    try:
        parsed_module(re.sub(f"(?m){PROMPT}", "", flush))
    except UNREADABLE:
        return False
    return True


SUMMARIES = (
    (r"(?m)^\W*Layer \(type\)\W+Output Shape\W+Param #", r"(?m)^\W*Model: \"", "Keras's summary()"),
    (r"(?m)^\W*Layer \(type(?::depth-idx)?\).*Param #", r"depth-idx", "torchinfo's summary()"),
    (r"(?m)^\W*Layer \(type\)\W+Output Shape\W+Param #", r"", "torchsummary's summary()"),
)
"""Tables of figures: a heading, what else stands in them, and who prints them."""


def refuse_summary(text: str, source: str) -> None:
    """Raise SpecError, with the total it prints, where a text is another tool's table."""
    for heading, mark, tool in SUMMARIES:
        if re.search(heading, text) and re.search(mark, text):
            total = re.search(r"Total params:\s*([\d,.]+)", text)
            figure = f": {int(re.sub('[,.]', '', total[1])):,} parameters" if total else ""
            raise SpecError(
                f"{safe(source)} is what {tool} prints{figure}; it lacks kernels, strides and "
                f"paddings, so no network can be read from it; give the code of the model"
            )
