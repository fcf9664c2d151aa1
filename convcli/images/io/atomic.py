"""Files that are written completely or not at all, and never over the input."""

import os
import re
import stat
from collections.abc import Callable, Iterable
from errno import EINVAL, EISDIR, ENOENT, EOPNOTSUPP
from io import BytesIO
from typing import IO, TypeVar

from convcli.errors import OutputError
from convcli.text import safe

Result = TypeVar("Result")

DESCRIPTOR = re.compile(r"/dev/(std(out|err)|fd/[0-9]+)|/proc/self/fd/[0-9]+")
"""A file that the process has open."""


def check_free(paths: Iterable[str | None], force: bool, *sources: str) -> None:
    """Refuse an output path that exists, or that is an input.

    Raises OutputError. `force` allows a path that exists, but never an input.
    """
    named = [path for path in paths if path not in (None, "-")]
    for path in named:
        if not path:
            raise OutputError("an output without a name cannot be written")
        if named.count(path) > 1:
            raise OutputError(f"{safe(path)} is named as an output twice")
        if DESCRIPTOR.fullmatch(path):
            continue
        if not os.path.isdir(os.path.dirname(path) or "."):
            raise OutputError(f"{safe(path)} cannot be written: No such file or directory")
        if not os.path.isfile(path):
            continue
        for source in sources:
            if source != "-" and os.path.isfile(source) and os.path.samefile(path, source):
                raise OutputError(
                    f"{safe(path)} is the input, which is never overwritten but with --in-place"
                )
        if not force:
            raise OutputError(f"{safe(path)} already exists; --force overwrites it")


def files_named(words: Iterable[object]) -> list[str]:
    """The files that words of a command line may name: FILE, @FILE, FILE:NAME.

    >>> files_named(["cat.png", "@kernel.txt", "model.py:Net", None, 3])
    ['cat.png', 'kernel.txt', 'model.py:Net', 'model.py']
    """
    names = []
    for word in words:
        if isinstance(word, str) and "\0" not in word:
            file, colon, _ = word.removeprefix("@").rpartition(":")
            names += [word.removeprefix("@"), *([file] if colon else [])]
    return [name for name in names if name]


def write_file(path: str, write: Callable[[IO[bytes]], Result], force: bool) -> Result:
    """Write a file completely or not at all: write a temporary file beside it, then rename that.

    Returns what `write` does. Without `force` a file that is there already is left as it is. Raises
    OutputError.
    """
    target = path if is_stream(path) else _followed(path)
    if is_stream(target):
        # a device or a named pipe is written to, not replaced; neither can be sought in
        buffer = BytesIO()
        result = write(buffer)
        try:
            with _opened(target) as stream:
                stream.write(buffer.getbuffer())
        except OSError as error:
            raise OutputError(f"{safe(path)} cannot be written: {error.strerror}") from None
        return result
    check_free([path], force)
    if os.path.isdir(target):
        raise OutputError(f"{safe(path)} is a folder")
    named: str | None = None
    try:
        handle, named = _temporary(os.path.dirname(target))
        with open(handle, "w+b") as stream:
            result = write(stream)
            stream.flush()
            if os.path.exists(target):  # else a power failure could lose the old file
                os.fsync(stream.fileno())
            os.chmod(stream.fileno() if named is None else named, _mode_of(target))
            if named is None:
                named = _link(stream.fileno(), target, force)
        if named is not None:
            _publish(named, target, force)
        return result
    except OSError as error:
        raise OutputError(f"{safe(path)} cannot be written: {error.strerror or error}") from None
    finally:
        if named is not None and os.path.lexists(named):
            os.unlink(named)


def is_inside(path: str, folder: str) -> bool:
    """Whether a real path is a folder or lies in it; paths on two drives never do.

    >>> is_inside("/out/a/b.png", "/out"), is_inside("/outer", "/out"), is_inside("/out", "/")
    (True, False, True)
    """
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    return path == folder or path.startswith(os.path.join(folder, ""))


def is_stream(path: str) -> bool:
    """Whether a path is a device, a named pipe, or what the process has open: /dev/fd/3."""
    if DESCRIPTOR.fullmatch(path):
        return True
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _opened(path: str) -> IO[bytes]:
    """A stream for writing; what the process has open goes on where it is, and is not cut off."""
    match = DESCRIPTOR.fullmatch(path)
    if match is None:
        return open(path, "wb")
    name = path.rpartition("/")[2]
    return os.fdopen(os.dup({"stdout": 1, "stderr": 2}.get(name) or int(name)), "wb")


def _followed(path: str) -> str:
    """Where a result is written: a link stays, and what it points at is replaced.

    Raises OutputError for a link that leads to a file outside its folder, which somebody else may
    have put there.
    """
    if not os.path.islink(path):
        return path
    folder, target = os.path.realpath(os.path.dirname(path) or "."), os.path.realpath(path)
    if not is_stream(target) and not is_inside(target, folder):
        raise OutputError(
            f"{safe(path)} is a link out of its folder, to {safe(target)}; links are not "
            f"followed: name that file, or remove the link"
        )
    return target


def _name(folder: str) -> str:
    # tempfile takes a tenth of a small filter's time to import
    return os.path.join(folder, f".convcli-{os.getpid()}-{os.urandom(6).hex()}")


def _temporary(folder: str) -> tuple[int, str | None]:
    """A new file of our own in a folder: its descriptor and, where it has to have one, its path.

    Linux makes files without a name, which are gone when their process is, however it ends.
    """
    flags = os.O_RDWR | getattr(os, "O_BINARY", 0)
    nameless: int | None = getattr(os, "O_TMPFILE", None)
    if nameless is not None and os.path.isdir("/proc/self/fd"):
        try:
            return os.open(folder or ".", flags | nameless, 0o600), None
        except OSError as error:
            if error.errno not in (EOPNOTSUPP, EISDIR, EINVAL, ENOENT):
                raise
    while True:
        path = _name(folder)
        try:
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), path
        except FileExistsError:
            continue


def _link(handle: int, target: str, force: bool) -> str | None:
    """Link an unnamed file to its name; or to a temporary one, where it replaces another file."""
    link = f"/proc/self/fd/{handle}"
    root = os.open("/", os.O_RDONLY)  # a folder's descriptor makes os.link follow `link`
    try:
        if not os.path.lexists(target):
            try:
                os.link(link, target, src_dir_fd=root, follow_symlinks=True)
                return None
            except FileExistsError:
                if not force:
                    raise OutputError(
                        f"{safe(target)} already exists; --force overwrites it"
                    ) from None
        path = _name(os.path.dirname(target))
        os.link(link, path, src_dir_fd=root, follow_symlinks=True)
        return path
    finally:
        os.close(root)


def _mode_of(target: str) -> int:
    """The permissions the target has, or those a plain `open` would give it."""
    if os.path.exists(target):
        return stat.S_IMODE(os.stat(target).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _publish(temporary: str, target: str, force: bool) -> None:
    if not force:
        try:
            os.link(temporary, target)  # unlike a rename, refuses a newer file
        except FileExistsError:
            raise OutputError(f"{safe(target)} already exists; --force overwrites it") from None
        except OSError:
            pass  # a file system without hard links: the check before has to do
        else:
            return
    os.replace(temporary, target)
