"""Text → statements, each with its place; pasted fragments need not be whole Python."""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from convcli.callsyntax import UNREADABLE, parsed
from convcli.errors import SpecError
from convcli.nets.graph import MOST_NODES
from convcli.nets.source_location import Where
from convcli.text import safe

LONGEST_SHOWN = 10_000
"""Columns of a line in which a place is still pointed at."""

LARGEST_TEXT = 20_000_000
"""Characters of one text; about 400,000 layer lines."""

WHOLE = 300_000
"""Texts up to here are parsed whole first; longer ones line by line, in less memory."""

# compiled where they are first used, which texts that are whole Python never reach
TOKENS = (
    r"(?P<skip>\"\"\".*?\"\"\"|\'\'\'.*?\'\'\'"
    # without a bound, a line of quotes that nobody closes is looked through once a quote
    r"|\"(?:[^\"\\\n]|\\.){0,200}+\"|\'(?:[^\'\\\n]|\\.){0,200}+\'|#[^\n]*)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>\n|;)"
)

WORD = r"(\s*(?:[A-Za-z_]\w*\s*=\s*)?)([a-z]\w*):(?=[^\s=])(.*)"
"""A shell word: `conv:96,11,stride=4`, maybe named: `c1=conv:96,11`."""


class Line(NamedTuple):
    """A statement, and the lines of the text it stands in; the first has the number `first`."""

    node: ast.stmt
    source: str
    lines: Sequence[str]
    first: int

    def at(self, node: ast.stmt) -> "Line":
        """A statement inside this one, of a class or a function."""
        return self._replace(node=node)

    def where(self, node: ast.AST) -> Where:
        """The place of what a layer declares: the first value of its call."""
        if isinstance(node, ast.Call) and node.args and node.args[0].lineno == node.lineno:
            return self.span(node.args[0])
        return self.span(node)

    def span(self, node: ast.AST) -> Where:
        """The place of a piece of this statement, as far as it goes on its first line."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if len(text) > LONGEST_SHOWN:
            return Where(self.source, self.first + line - 1, text[:LONGEST_SHOWN])
        end = getattr(node, "end_col_offset", None)
        if getattr(node, "end_lineno", line) != line or end is None:
            end = len(text.encode())
        # ast counts bytes of UTF-8
        before, within = text.encode()[:column], text.encode()[column:end]
        width = len(within.decode(errors="replace").rstrip())
        return Where(
            self.source, self.first + line - 1, text, len(before.decode(errors="replace")), width
        )


def statements(text: str, source: str) -> list[Line]:
    """The statements of a text. Raises SpecError with the place of what cannot be read."""
    if len(text) > LARGEST_TEXT:
        raise SpecError(
            f"{safe(source)} has {len(text):,} characters; at most {LARGEST_TEXT:,} are read"
        )
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    if ">>>" in text:
        text = re.sub(r"(?m)^[ ]*(>>>|\.\.\.)[ ]", "", text)
    if len(text) <= WHOLE:
        try:
            body, lines = parsed(text), text.split("\n")
        except UNREADABLE:
            body = []
        if body and not any(map(_is_word, body)):
            return [Line(node, source, lines, 1) for node in body]
    found = list(islice(_line_by_line(text, source), MOST_NODES + 1))
    if len(found) > MOST_NODES:
        raise SpecError(f"{safe(source)} has more than {MOST_NODES:,} statements")
    return found


def _is_word(node: ast.stmt) -> bool:
    """Whether a statement that Python takes for a type hint is a shell word: `maxpool:2`.

    >>> [_is_word(parsed(text)[0]) for text in ("maxpool:2", "globalpool:max", "conv1: nn.Module")]
    [True, True, False]
    """
    match node:
        case ast.AnnAssign(ast.Name(end_col_offset=int(end)), hint, None):
            if isinstance(hint, ast.Attribute | ast.Subscript | ast.JoinedStr):
                return False
            if isinstance(hint, ast.Constant) and isinstance(hint.value, str | None):
                return False
            # a space before a name makes it a type
            return not isinstance(hint, ast.Name) or hint.col_offset == end + 1
    return False


def _line_by_line(text: str, source: str) -> Iterator[Line]:
    for first, piece in _logical(text):
        bare = piece.strip()
        if not bare or bare.startswith("#"):
            continue
        word = re.fullmatch(WORD, bare, re.DOTALL)
        called = f"{word[1]}{word[2]}({word[3]})" if word else bare
        called = called.rstrip().removesuffix(",")
        try:
            body = parsed(called)
        except UNREADABLE as error:
            line = getattr(error, "lineno", None) or 1
            shown = safe(bare.split("\n")[0][:100])
            raise SpecError(
                f"{safe(source)}:{first + line - 1}: {shown!r} cannot be read"
            ) from None
        for node in body:
            yield Line(node, source, called.split("\n"), first)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Pieces that end at a line's end, or a semicolon, outside of all brackets."""
    start, depth, first, line = 0, 0, 1, 1
    for token in re.finditer(TOKENS, text, re.DOTALL):
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
