"""The files of a model: the named one, and those next to it that it imports."""

import os

from convcli.callsyntax import UNREADABLE, parsed_module
from convcli.errors import SpecError
from convcli.nets.readers.python.language.objects import ReadError, SourceFile
from convcli.nets.readers.text_source import file_text
from convcli.nets.source_location import at_line
from convcli.text import safe

MAX_FILE_BYTES = 2_000_000
"""Maximum bytes of one file of a model; the longest of torchvision's has 50,000."""

MAX_FILES = 200
"""Maximum files of one model."""

MAX_PARENT_FOLDERS = 4
"""Number of folders to search for imports: the model's own and those above.

Folders of a package, with an `__init__.py`, do not count: its root may be higher.
"""

MAX_PACKAGE_FOLDERS = 20
"""Maximum dots of a relative import."""


class SourceFiles:
    """Finds files by module name, and keeps each once."""

    def __init__(self) -> None:
        self.known: dict[str, SourceFile] = {}
        self.exhausted: ReadError | None = None
        """The error of a reading that took too long: no other reading starts."""

    def open(self, path: str) -> SourceFile:
        """The file of a path, parsed. Raises Refusal where it cannot be read."""
        key = os.path.realpath(path)
        if key not in self.known:
            if len(self.known) >= MAX_FILES:
                raise SpecError(f"the model takes more than {MAX_FILES} files")
            text = file_text(path, MAX_FILE_BYTES)
            self.known[key] = parsed_file(path, os.path.basename(path), text)
        return self.known[key]

    def find(self, module: str, level: int, beside: SourceFile) -> SourceFile | None:
        """The file of `module` as a file next to it imports it, or None."""
        if not beside.path:
            return None
        folder = os.path.dirname(os.path.abspath(beside.path))
        parts = [part for part in module.split(".") if part]
        if not all(part.isidentifier() for part in parts):
            return None
        if level > MAX_PACKAGE_FOLDERS:
            return None
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._in(folder, parts)
        outside = 0
        while outside < MAX_PARENT_FOLDERS:
            file = self._in(folder, parts)
            if file is not None:
                return file
            if os.path.dirname(folder) == folder:
                break
            outside += not os.path.isfile(os.path.join(folder, "__init__.py"))
            folder = os.path.dirname(folder)
        return None

    def _in(self, folder: str, parts: list[str]) -> SourceFile | None:
        path = os.path.join(folder, *parts)
        for candidate in (f"{path}.py" if parts else "", os.path.join(path, "__init__.py")):
            if candidate and os.path.isfile(candidate):
                try:
                    if not os.path.realpath(candidate).startswith(_inside(folder)):
                        raise SpecError("a link that leads out of its folder is not followed")
                    return self.open(candidate)
                except SpecError as error:
                    raise SpecError(f"{safe(candidate)}: {error}") from None
        return None


def _inside(folder: str) -> str:
    """The common prefix of the real paths of all files in a folder."""
    return os.path.join(os.path.realpath(folder), "")


def parsed_file(path: str, name: str, text: str) -> SourceFile:
    """A file from its text. Raises SpecError with the location of a syntax error."""
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    try:
        tree = parsed_module(text)
    except UNREADABLE as error:
        line = getattr(error, "lineno", None)
        where = at_line(name, line) if line else safe(name)
        reason = safe(getattr(error, "msg", None) or "it is nested too deep")
        raise SpecError(f"{where} is not valid Python: {reason[:200]}") from None
    return SourceFile(path, name, text, tree)
