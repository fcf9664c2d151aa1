"""Text → statements with their locations; pasted fragments need not be complete Python."""

import ast
import re
from collections.abc import Iterator, Sequence

from convcli.callsyntax import UNREADABLE, parsed
from convcli.errors import SpecError
from convcli.nets.graph import MAX_NODES
from convcli.nets.source_location import Where, at_line
from convcli.records import NamedTuple
from convcli.text import safe

MAX_COLUMN = 10_000
"""Columns of a line within which errors point at a position."""

MAX_TEXT = 20_000_000
"""Maximum characters of one text; about 400,000 layer lines."""

MAX_AT_ONCE = 300_000
"""Maximum characters of layer calls to parse at once; more take less memory line by line."""

MAX_MODULE = 2_000_000
"""The same for Python; the longest file of torchvision's models has 50,000."""

# compiled at first use, which texts of complete Python never reach
TOKENS = (
    r"(?P<skip>\"\"\".*?\"\"\"|\'\'\'.*?\'\'\'"
    # without a bound, a line of unclosed quotes would be searched once per quote
    r"|\"(?:[^\"\\\n]|\\.){0,200}+\"|\'(?:[^\'\\\n]|\\.){0,200}+\'|#[^\n]*)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>\n|;)"
)

WORD = r"(\s*(?:[A-Za-z_]\w*\s*=\s*)?)([a-z]\w*):(?=[^\s=])(.*)"
"""A shell word: `conv:96,11,stride=4`, maybe named: `c1=conv:96,11`."""


class Line(NamedTuple):
    """A statement and its lines in the text; the first has the number `first`."""

    node: ast.stmt
    source: str
    lines: Sequence[str]
    first: int
    column: int = 0
    """Bytes before it in its first line, if it was parsed alone."""

    def where(self, node: ast.AST) -> Where:
        """The location of what a layer declares: the first argument of its call."""
        if isinstance(node, ast.Call) and node.args and node.args[0].lineno == node.lineno:
            return self.span(node.args[0])
        return self.span(node)

    def span(self, node: ast.AST) -> Where:
        """The location of a part of this statement, up to the end of its first line."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if len(text) > MAX_COLUMN:
            return Where(self.source, self.first + line - 1, text[:MAX_COLUMN])
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
    """The statements of a text. Raises SpecError with the location of a syntax error."""
    text, body = _at_once(_plain(text, source), MAX_AT_ONCE)
    if body:
        lines = text.split("\n")
        return [Line(node, source, lines, 1) for node in body]
    return list(_line_by_line(text, source))


def module(text: str, source: str) -> tuple[str, ast.Module]:
    """The same as one module of Python, and the text that its locations refer to."""
    text, body = _at_once(_plain(text, source), MAX_MODULE)
    if not body:
        for line in _line_by_line(text, source):
            for node in ast.walk(line.node):
                if isinstance(node, ast.stmt | ast.expr | ast.keyword):
                    node.col_offset += line.column if node.lineno == 1 else 0
                    if node.end_lineno == 1 and node.end_col_offset is not None:
                        node.end_col_offset += line.column
            body.append(ast.increment_lineno(line.node, line.first - 1))
    return text, ast.Module(body, [])


def _plain(text: str, source: str) -> str:
    """A text with Python's line ends and without the prompts of a session."""
    if len(text) > MAX_TEXT:
        raise SpecError(
            f"{safe(source)} has {len(text):,} characters; at most {MAX_TEXT:,} are read"
        )
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    if ">>>" not in text and "In [" not in text:
        return text
    return re.sub(r"(?m)^[ ]*(>>>|In \[\d*\]:|\.{3,}:?)[ ]", "", text)


def _at_once(text: str, limit: int) -> tuple[str, list[ast.stmt]]:
    """A text that is complete Python without its indentation, and its statements; else none."""
    if len(text) > limit:
        return text, []
    margin = text[: len(text) - len(text.lstrip())].rpartition("\n")[2]
    flush = [re.sub(f"(?m)^{margin}", "", text)] if margin else []
    for candidate in (text, *flush):
        try:
            body = parsed(candidate)
        except UNREADABLE:
            continue
        return candidate, [] if any(map(_is_word, body)) else body
    return text, []


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
            # a space before a name makes it a type hint
            return not isinstance(hint, ast.Name) or hint.col_offset == end + 1
    return False


def _line_by_line(text: str, source: str) -> Iterator[Line]:
    count = 0
    for first, start, piece in _logical(text):
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
            start_of_it = safe(bare.split("\n")[0][:100])
            raise SpecError(
                f"{at_line(source, first + line - 1)}: {start_of_it!r} cannot be read"
            ) from None
        count += len(body)
        if count > MAX_NODES:
            raise SpecError(f"{safe(source)} has more than {MAX_NODES:,} statements")
        before = text[text.rfind("\n", 0, start) + 1 : start]
        column = len(before.encode()) + len(piece) - len(piece.lstrip())
        for node in body:
            yield Line(node, source, called.split("\n"), first, column)


def _logical(text: str) -> Iterator[tuple[int, int, str]]:
    """Pieces that end at the end of a line, or at a semicolon, outside of all brackets.

    Each has the number of its first line and its start position in the text.
    """
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
                yield first, start, text[start : token.start()]
                start, first = token.end(), line
    yield first, start, text[start:]


def with_indentation(text: str, source: str) -> str:
    r"""A text of classes whose lines have lost their indentation, with a restored one.

    A method belongs to the class above it and ends at the next one, or at its `return`.

    >>> text = "class A:\ndef f(self):\nself.a = 1\nreturn 2\nx = A()"
    >>> with_indentation(text, "text") == (
    ...     "class A:\n    def f(self):\n        self.a = 1\n        return 2\nx = A()\n"
    ... )
    True

    Raises SpecError for a block, such as a loop, whose end only its indentation shows.
    """
    lines, in_class, decorated, body = [], False, False, ""
    for first, _, piece in _logical(_plain(text, source)):
        piece, margin = piece.strip("\n"), body
        if re.match(r"class\b", piece):
            margin, body, in_class = "", "    ", True
        elif re.match(r"(async\s+)?def\b|@", piece):
            of_class = decorated or piece[0] == "@" or re.search(r"\(\s*(self|cls)\b", piece)
            in_class = in_class and bool(of_class)
            margin = "    " * in_class
            body, decorated = margin + "    ", piece[0] == "@"
        elif re.search(r":\s*(#.*)?$", piece):
            raise SpecError(
                f"{at_line(source, first)}: this block has lost its indentation, so its end is "
                f"unknown; restore the indentation"
            )
        elif re.match(r"(return|raise)\b", piece):
            body, in_class = "", False if not margin else in_class
        elif not margin:
            in_class = False
        lines += [margin + line if line.strip() else "" for line in piece.split("\n")]
    return "\n".join(lines) + "\n"


def words(text: str) -> list[str]:
    """Layers on one line, split at white space outside of brackets and quotes.

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
