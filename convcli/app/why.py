"""`convcli why`: a shape error explained, and where its class can be read, the line to change."""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING

from convcli.callsyntax import UNREADABLE, parsed_module
from convcli.errors import Refusal, UnfitError
from convcli.nets.analysis.shape_errors import Meaning, explain_message
from convcli.nets.analysis.summary import SCHEMA
from convcli.options import OutputOptions
from convcli.records import NamedTuple
from convcli.tables import Table
from convcli.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcli.nets.analysis.summary import Failure
    from convcli.nets.graph import Reading
    from convcli.nets.layers import Shape
    from convcli.tables import Record

MAX_LOG = 50_000_000
"""Bytes of a log; its last message counts."""

TRIED_SIDES = (32, 224, 28, 64, 96, 128, 256, 299, 48)
"""Square inputs with which a class is tried until it fails as the message says."""

STYLES = {"error": "bold red", "cause": "", "code": "", "fix": "bold green"}
"""How each kind of line is printed on a terminal."""


class WhyOptions(OutputOptions):
    """The log of a run that failed."""

    log: str = "-"


class Explained(NamedTuple):
    """An error, what it means, and what its class says of it."""

    message: str
    meaning: Meaning
    file: str = ""
    input: Shape = ()
    """The input with which the class fails as the message says."""
    code: str = ""
    """The failing layer, its line, and what would fit."""
    caption: str = ""

    @property
    def value(self) -> str:
        """The first remedy."""
        return self.meaning.fixes[0]

    def parts(self) -> Iterator[tuple[str, str]]:
        """What is said, each with its kind."""
        yield "error", self.message
        yield "cause", self.meaning.cause
        if self.code:
            from convcli.nets.layers import size_text

            where = f"{self.file}, with an input of {size_text(self.input)}"
            yield "code", f"in {where}, both numbers come out:\n{self.code}"
        for fix in self.meaning.fixes:
            yield "fix", fix

    def table(self) -> Table:
        return ("part", "text"), list(self.parts()), ()

    def record(self) -> Record:
        from convcli.nets.analysis.summary import named_sizes

        return {
            "schema": SCHEMA,
            "message": self.message,
            "kind": self.meaning.kind,
            "cause": self.meaning.cause,
            "fixes": list(self.meaning.fixes),
            "figures": dict(self.meaning.figures),
            "file": self.file or None,
            "input": named_sizes(self.input) if self.input else None,
            "code": self.code or None,
        }

    def lines(self) -> Iterator[Sequence[tuple[str, str]]]:
        """The explanation in paragraphs, for people."""
        for kind, text in self.parts():
            for number, row in enumerate(text.split("; " if kind == "cause" else "\n")):
                start = "  to fix: " if kind == "fix" else "  " if number or kind != "error" else ""
                yield [(start + row, kind)]


def why(options: WhyOptions) -> Explained:
    """The last shape error of a log. Raises UnfitError where there is none that is known."""
    from convcli.nets.readers.text_source import file_text, stdin_text

    text = stdin_text() if options.log == "-" else file_text(options.log, MAX_LOG)
    explained = explain_log(text)
    if explained is None:
        raise UnfitError(
            "it holds no known shape error of PyTorch, Keras or TensorFlow; give the whole "
            "traceback with its last line"
        )
    return explained


def refuse_log(text: str) -> None:
    """Raise UnfitError with the explanation, for a log where a network was expected."""
    explained = explain_log(text)
    if explained is None:
        raise UnfitError("this is an error message, not a network, and not a known shape error")
    lines = ["".join(part for part, _ in spans) for spans in explained.lines()]
    raise UnfitError(
        "\n".join(["this is an error message, not a network; convcli why explains it:", *lines])
    )


def explain_log(text: str) -> Explained | None:
    """The last shape error of a log, explained with the class that raised it where it is there.

    >>> explain_log("RuntimeError: size mismatch, m1: [32 x 9216], m2: [6400 x 128]").value
    'write nn.Linear(9216, 128)'
    """
    known = explain_message(text)
    if known is None:
        return None
    explained = Explained(*known)
    if explained.meaning.met is None:
        return explained
    for path, line in _frames(text):
        with_code = _from_class(explained, path, line)
        if with_code is not None:
            return with_code
    return explained


def _frames(text: str) -> Iterator[tuple[str, int]]:
    """The files that a log names and that lie under the working folder, outermost first."""
    folder = os.path.realpath(os.curdir)
    for match in re.finditer(r'File "([^"\n]{1,1000}\.py)", line (\d{1,7})', text):
        path = os.path.realpath(match[1])
        if not path.startswith(os.path.join(folder, "")) or "site-packages" in path:
            continue
        if os.path.isfile(path):
            yield match[1], int(match[2])


def _from_class(explained: Explained, path: str, line: int) -> Explained | None:
    """The explanation with what the class around a line says; None where that is not clear."""
    from convcli.nets.analysis.valid_inputs import failure_text
    from convcli.nets.readers.read import read_text
    from convcli.nets.readers.text_source import file_text

    try:
        text = file_text(path)
        name = _class_at(text, line)
        if name is None:
            return None
        # read as text, so that no file beside it is opened
        reading = read_text(text, os.path.basename(path), name)
        reproduced = _reproduced(reading, explained.meaning)
        if reproduced is None:
            return None
        shape, failure = reproduced
        code = failure_text(reading.network, shape, failure)
    except Refusal:
        return None
    return explained._replace(file=safe(path), input=shape, code=code)


def _class_at(text: str, line: int) -> str | None:
    """The class whose lines hold a line of a file."""
    try:
        tree = parsed_module(text)
    except UNREADABLE:
        return None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.lineno <= line <= (node.end_lineno or 0):
            return node.name
    return None


def _reproduced(reading: Reading, meaning: Meaning) -> tuple[Shape, Failure] | None:
    """The square input with which a network fails with both numbers of a message."""
    from convcli.nets.analysis.summary import trace
    from convcli.nets.analysis.valid_inputs import input_for, resized
    from convcli.nets.input_size import input_shape

    network = reading.network
    shapes = [input_shape((side,), network, None) for side in TRIED_SIDES]
    if reading.input and None not in reading.input:
        shapes.insert(0, input_shape(None, network, reading.input))
    for shape in shapes:
        for failure in trace(network, shape).failures:
            if failure.declared != meaning.declared:
                continue
            if failure.corrected == meaning.met:
                return shape, failure
            side = input_for(network, shape, failure, meaning.met)
            if side is not None and side not in shape[1:]:
                shapes.append(resized(shape, side))
    return None
