"""Open and save pictures: formats, metadata, names of files, stdin and stdout."""

import sys

from PIL import Image, UnidentifiedImageError

from convcli.errors import PictureError
from convcli.images.image import Picture as Picture
from convcli.images.io.atomic import check_free as check_free
from convcli.images.io.atomic import files_named as files_named
from convcli.images.io.atomic import write_file as write_file
from convcli.images.io.formats import FORMATS
from convcli.images.io.memory_limits import Limits, Needs, TooLargeError
from convcli.images.io.metadata import (
    ASCII_COMMENT,
    EXIF_IFD,
    RECORD_KEY,
    USER_COMMENT,
)
from convcli.images.io.netpbm import open_map
from convcli.images.io.pillow import picture_of
from convcli.images.io.prefetch import Early, is_pillows
from convcli.text import safe

BAD_FILE = (
    OSError,
    SyntaxError,
    ValueError,
    NotImplementedError,
    OverflowError,
    MemoryError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow and our own readers raise on bad files; else it is Pillow's own, or a bug of ours."""


def open_picture(
    source: str,
    every_kind: bool = False,
    early: Early | None = None,
    limits: Limits | None = None,
    needs: Needs | None = None,
) -> Picture:
    """Read a picture from a path, or from stdin for "-", turned as its EXIF orientation says.

    Palettes, bilevel and other modes become the 8-bit L, LA, RGB or RGBA that holds them. Only
    where `every_kind` is wanted are pictures of several frames, of 32 bits and of four inks read
    as they are; `early` is a picture that is being decoded already. Raises PictureError for what
    cannot be read, with the reason; before it is decoded, for what is beyond `limits`, of which
    `needs` says how much memory the picture will take.
    """
    name = "standard input" if source == "-" else safe(source)
    if source == "-" and (sys.stdin is None or sys.stdin.isatty()):
        raise PictureError(f"{name} is not a pipe or a file; name a picture, or pipe one in")
    try:
        early = early or Early(source, limits=limits)
        raw = early.raw()
        mapped = open_map(raw) if raw is not None else None
        if mapped is not None:
            early.limits.check_mapped(mapped.pixels.shape, mapped.pixels.itemsize, needs)
            picture = mapped
        else:
            with early.image(needs=needs) as image:
                picture = picture_of(image, every_kind, early.deep)
        early.check_unchanged()
        return picture
    except UnidentifiedImageError:
        kinds = ", ".join(FORMATS)
        raise PictureError(f"{name} is not a picture of a kind convcli reads ({kinds})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"{name} is too large: {error}") from None
    except TooLargeError as error:
        raise error.called(name) from None
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    except Exception as error:
        if not isinstance(error, BAD_FILE) and not is_pillows(error):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PictureError(f"{name} cannot be read: {safe(reason)}") from None


def record_in(path: str) -> str | None:
    """The record of how a picture was made, as it stands in the file; None where there is none.

    Raises PictureError for a file that is no picture.
    """
    try:
        with Early(path).image(load=False) as image:
            texts = getattr(image, "text", None) or {}
            if RECORD_KEY in texts:
                return str(texts[RECORD_KEY])
            comment = image.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT)
    except UnidentifiedImageError:
        return None
    except Exception as error:
        if not isinstance(error, BAD_FILE) and not is_pillows(error):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise PictureError(f"{safe(path)} cannot be read: {safe(reason)}") from None
    if isinstance(comment, bytes) and comment.startswith(ASCII_COMMENT):
        return comment[len(ASCII_COMMENT) :].decode("ascii", "replace")
    return None
