"""What a file says beside its pixels: EXIF, profiles, texts, and how a result was made."""

from struct import pack
from typing import Any

from PIL import Image

from convcli.images.image import Picture
from convcli.images.io.prefetch import is_pillows


def metadata_of(picture: Picture, form: str) -> dict[str, Any]:
    """The words of Pillow's `save` that keep a picture's metadata in a format."""
    words = {key: value for key, value in picture.metadata.items() if key not in ("text", "record")}
    if form != "JPEG":
        words.pop("comment", None)
    if picture.mode == "CMYK" and form not in ("JPEG", "TIFF"):
        words.pop("icc_profile", None)  # it describes inks
    if form == "GIF":
        words = {}
    texts, record = picture.metadata.get("text"), picture.metadata.get("record")
    if form == "PNG" and (texts or record):
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        for key, text in {**(texts or {}), **({RECORD_KEY: record} if record else {})}.items():
            info.add_text(str(key), str(text))
        words["pnginfo"] = info
    elif record and form in ("JPEG", "TIFF", "WEBP"):
        words["exif"] = _with_comment(words.get("exif"), record)
    return words


RECORD_KEY = "convcli"
"""The name of the PNG text that says how a result was made."""

EXIF_IFD, USER_COMMENT = 0x8769, 0x9286
ASCII_COMMENT = b"ASCII\0\0\0"


def _with_comment(exif: bytes | None, record: str) -> bytes:
    """EXIF data with the record as its user comment."""
    if not exif:
        return _exif_of(ASCII_COMMENT + record.encode("ascii"))
    made = Image.Exif()
    made.load(exif)
    made.get_ifd(EXIF_IFD)[USER_COMMENT] = ASCII_COMMENT + record.encode("ascii")
    return made.tobytes()


def is_sound(exif: bytes) -> bool:
    """Whether EXIF data can be read and written again.

    >>> is_sound(_exif_of(ASCII_COMMENT)), is_sound(b"Exif\\0\\0scrambled")
    (True, False)
    """
    try:
        _with_comment(exif, "")
    except Exception as error:
        if not is_pillows(error):
            raise
        return False
    return True


def _exif_of(comment: bytes) -> bytes:
    """EXIF data that is one user comment: a TIFF of two directories (CIPA DC-008, 4.6).

    Pillow could make it, but takes longer to import what it needs than a small filter takes.
    """
    first = pack("<HHHLLL", 1, EXIF_IFD, 4, 1, 26, 0)
    second = pack("<HHHLLL", 1, USER_COMMENT, 7, len(comment), 44, 0)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + second + comment
