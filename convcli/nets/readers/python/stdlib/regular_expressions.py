"""Python's `re`, for patterns so simple, on texts so short, that matching always ends."""

import re

from convcli.nets.readers.python.language.objects import (
    Class,
    Instance,
    ProgramException,
    ReadError,
    Value,
    check_known,
    class_of,
)
from convcli.nets.readers.python.language.protocol import Interpreter

QUANTIFIERS = "*+?{"


def matched(
    function: str, interpreter: Interpreter, pattern: Value, text: Value, *_: Value
) -> Value:
    """A regular expression so simple, on a text so short, that matching it always ends."""
    _charge_match(interpreter, pattern, text)
    if function == "split":
        return re.split(*_simple(pattern, text))
    if function == "findall":
        return re.findall(*_simple(pattern, text))
    match = (re.match if function == "match" else re.search)(*_simple(pattern, text))
    if match is None:
        return None
    result = Instance(MATCH)
    result.attrs["matched"] = (match.group(), *match.groups())
    return result


def _charge_match(interpreter: Interpreter, pattern: Value, text: Value) -> None:
    """Count the steps of a match: every repetition of a pattern may try every length."""
    regex, subject = _simple(pattern, text)
    repeated = sum(regex.count(sign) for sign in QUANTIFIERS)
    interpreter.tick(100 + (len(subject) + 1) ** repeated // 2000)


def _simple(pattern: Value, text: Value) -> tuple[str, str]:
    """The pattern and the text, which must be simple and short."""
    check_known(text)
    if not isinstance(pattern, str) or not isinstance(text, str):
        raise ProgramException("TypeError", "a pattern and a text are strings")
    repeated = sum(pattern.count(sign) for sign in QUANTIFIERS)
    nested = any(f"){sign}" in pattern for sign in QUANTIFIERS)
    if len(text) > 60 or len(pattern) > 100 or repeated > 4 or nested or "\\" in pattern[-1:]:
        raise ReadError(f"the pattern {pattern[:40]!r} is not read here")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ProgramException("error", str(error)) from None
    return pattern, text


def substituted(
    interpreter: Interpreter, pattern: Value, new: Value, text: Value, *_: Value
) -> Value:
    _charge_match(interpreter, pattern, text)
    regex, subject = _simple(pattern, text)
    if not isinstance(new, str) or len(new) > 100:
        raise ReadError("re.sub with a function is not read here")
    return re.sub(regex, new, subject)


MATCH = class_of(
    "Match",
    group=lambda interpreter, owner, group=0: owner.attrs["matched"][group],
    groups=lambda interpreter, owner: owner.attrs["matched"][1:],
)
PATTERN = Class("Pattern")
