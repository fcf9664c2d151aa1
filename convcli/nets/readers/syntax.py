"""Text → statements, each with its place; pasted fragments need not be whole Python."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from convcli.calls import UNREADABLE
from convcli.errors import SpecError, safe
from convcli.nets.network import Where

LARGEST_TEXT = 20_000_000
"""Characters of one text; about 400,000 layer lines."""

WHOLE = 300_000
"""Texts up to here are parsed whole first; longer ones line by line, in less memory."""

TOKENS = re.compile(
    r"""(?P<skip>\"\"\".*?\"\"\"|'''.*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\#[^\n]*)"""
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>\n|;)",
    re.DOTALL,
)

WORD = re.compile(r"^(\s*(?:[A-Za-z_]\w*\s*=\s*)?)([a-z]\w*):(?=[^\s=])(.*)$", re.DOTALL)
"""A shell word: `conv:96,11,stride=4`, maybe named: `c1=conv:96,11`."""


class Line(NamedTuple):
    """A statement, and the text it stands in: `first` is the number of its first line."""

    node: ast.stmt
    source: str
    text: str
    first: int
    shift: int = 0
    """Columns that were cut from the left of the first line, or added (negative)."""

    def at(self, node: ast.stmt) -> "Line":
        """A statement inside this one, of a class or a function."""
        return self._replace(node=node)

    def where(self, node: ast.AST) -> Where:
        """The place of a piece of this statement: of its first value, where it is a call's."""
        line = getattr(node, "lineno", 1)
        lines = self.text.split("\n", line)
        text = lines[line - 1] if line <= len(lines) else ""
        target: ast.AST = node
        if isinstance(node, ast.Call) and node.args and node.args[0].lineno == line:
            target = node.args[0]
        column = getattr(target, "col_offset", 0)
        end = getattr(target, "end_col_offset", column + 1)
        if getattr(target, "end_lineno", line) != line:
            end = column + 1
        # ast counts bytes of UTF-8
        shown = text.encode()[:column].decode(errors="replace")
        return Where(self.source, self.first + line - 1, text, len(shown), max(end - column, 1))


def statements(text: str, source: str) -> list[Line]:
    """The statements of a text. Raises SpecError with the place of what cannot be read."""
    if len(text) > LARGEST_TEXT:
        raise SpecError(
            f"{safe(source)} has {len(text):,} characters; at most {LARGEST_TEXT:,} are read"
        )
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    text = re.sub(r"(?m)^[ ]*(>>>|\.\.\.)[ ]", "", text)
    if len(text) <= WHOLE:
        try:
            return [Line(node, source, text, 1) for node in ast.parse(text).body]
        except UNREADABLE:
            pass
    return list(_line_by_line(text, source))


def _line_by_line(text: str, source: str) -> Iterator[Line]:
    for first, piece in _logical(text):
        bare = piece.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(piece) - len(piece.lstrip())
        called = WORD.sub(r"\1\2(\3)", bare)
        called = called.rstrip().removesuffix(",")
        try:
            body = ast.parse(called).body
        except UNREADABLE as error:
            line = getattr(error, "lineno", None) or 1
            shown = safe(bare.split("\n")[0][:100])
            raise SpecError(
                f"{safe(source)}:{first + line - 1}: {shown!r} cannot be read"
            ) from None
        for node in body:
            yield Line(node, source, bare, first, indent)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Pieces that end at a line's end, or a semicolon, outside of all brackets."""
    start, depth, first, line = 0, 0, 1, 1
    for token in TOKENS.finditer(text):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth = max(depth - 1, 0)
        elif token["skip"]:
            line += token["skip"].count("\n")
        else:
            newline = token["end"] == "\n"
            line += newline
            if depth == 0:
                yield first, text[start : token.start()]
                start, first = token.end(), line
    yield first, text[start:]


def words(text: str) -> list[str]:
    """Layers written side by side: split at white space outside of brackets and quotes.

    >>> words("conv:1,3 relu 'maxpool(3, stride=2)'")
    ['conv:1,3', 'relu', "'maxpool(3, stride=2)'"]
    """
    parts, depth, start = [], 0, 0
    for token in re.finditer(r"\"[^\"]*\"|'[^']*'|(?P<o>[(\[{])|(?P<c>[)\]}])|(?P<s>\s+)", text):
        if token["o"]:
            depth += 1
        elif token["c"]:
            depth = max(depth - 1, 0)
        elif token["s"] and depth == 0:
            parts.append(text[start : token.start()])
            start = token.end()
    parts.append(text[start:])
    return [part for part in parts if part]
