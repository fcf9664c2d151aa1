"""Files that appear whole or not at all, and never in place of the input."""

import os
import stat
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import IO

from convcli.errors import OutputError, safe


def check_free(paths: Iterable[str | None], force: bool, *sources: str) -> None:
    """Refuse to go on when a path that will be written is taken, or is an input.

    Raises OutputError. `force` allows what is taken, but never an input.
    """
    named = [path for path in paths if path not in (None, "-")]
    for path in named:
        if not path:
            raise OutputError("an output without a name cannot be written")
        if named.count(path) > 1:
            raise OutputError(f"{safe(path)} is asked for twice")
        if not os.path.isdir(os.path.dirname(path) or "."):
            raise OutputError(f"{safe(path)} cannot be written: No such file or directory")
        if not os.path.isfile(path):
            continue
        for source in sources:
            if source != "-" and os.path.isfile(source) and os.path.samefile(path, source):
                raise OutputError(f"{safe(path)} is the input, which is never overwritten")
        if not force:
            raise OutputError(f"{safe(path)} is there already; give --force to overwrite it")


def files_named(words: Iterable[object]) -> list[str]:
    """The files that words of a command line may name: FILE, @FILE, FILE:NAME.

    >>> files_named(["cat.png", "@kernel.txt", "model.py:Net", None, 3])
    ['cat.png', 'kernel.txt', 'model.py:Net', 'model.py']
    """
    found = []
    for word in words:
        if isinstance(word, str) and "\0" not in word:
            file, colon, _ = word.removeprefix("@").rpartition(":")
            found += [word.removeprefix("@"), *([file] if colon else [])]
    return [name for name in found if name]


def write_file(path: str, write: Callable[[IO[bytes]], object], force: bool) -> None:
    """Make a file whole or not at all, by writing a temporary one beside it and renaming that.

    Without `force` a file that is there already is left as it is. Raises OutputError.
    """
    # a link keeps pointing where it does; what it points at is replaced
    target = Path(os.path.realpath(path) if os.path.islink(path) else path)
    if target.exists() and not target.is_file() and not target.is_dir():
        # a device or a named pipe is written to, not replaced; neither can be sought in
        buffer = BytesIO()
        write(buffer)
        try:
            with open(target, "wb") as stream:
                stream.write(buffer.getbuffer())
        except OSError as error:
            raise OutputError(f"{safe(path)} cannot be written: {error.strerror}") from None
        return
    check_free([path], force)
    if target.is_dir():
        raise OutputError(f"{safe(path)} is a folder")
    try:
        handle, temporary = _temporary(target.parent)
    except OSError as error:
        raise OutputError(f"{safe(path)} cannot be written: {error.strerror}") from None
    try:
        with open(handle, "w+b") as stream:
            write(stream)
            stream.flush()
            if target.exists():  # what is replaced is lost when the power fails too early
                os.fsync(stream.fileno())
        os.chmod(temporary, _mode_of(target))
        _publish(temporary, target, force)
    except OSError as error:
        raise OutputError(f"{safe(path)} cannot be written: {error.strerror or error}") from None
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def _temporary(folder: Path) -> tuple[int, str]:
    """A new file of our own in a folder: its descriptor and its path."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:  # tempfile takes a tenth of a small filter's time to import
        path = str(folder / f".convcli-{os.getpid()}-{os.urandom(6).hex()}")
        try:
            return os.open(path, flags, 0o600), path
        except FileExistsError:
            continue


def _mode_of(target: Path) -> int:
    """The permissions the target has, or those a plain `open` would give it."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _publish(temporary: str, target: Path, force: bool) -> None:
    if not force:
        try:
            os.link(temporary, target)  # unlike a rename, refuses a file that came meanwhile
        except FileExistsError:
            raise OutputError(f"{safe(target)} is there already; give --force") from None
        except OSError:
            pass  # a file system without hard links: the check before has to do
        else:
            return
    os.replace(temporary, target)
