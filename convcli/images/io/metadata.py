"""What a file says beside its pixels: EXIF, profiles, texts, and how a result was made."""

from struct import pack

from PIL import Image

from convcli.images.image import Metadata, Picture
from convcli.images.io.formats import Format
from convcli.images.io.source import is_pillows

RECORD_KEY = "convcli"
"""The name of the PNG text that says how a result was made."""

EXIF_IFD, USER_COMMENT = 0x8769, 0x9286
ASCII_COMMENT = b"ASCII\0\0\0"

SAME_COLORS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I", "F", "CMYK"}
"""Modes whose color profile still describes the picture once it is an array."""


def read_metadata(upright: Image.Image, mode: str, notes: list[str]) -> Metadata:
    """What is kept of an image that is read in a mode; `notes` gets what is left out.

    A color profile is kept where the colors stay the same: one of inks describes inks alone.
    """
    same = upright.mode in SAME_COLORS and (upright.mode == "CMYK") == (mode == "CMYK")
    kept = {"dpi", "exif", "xmp", "comment", *(["icc_profile"] if same else [])}
    exif = upright.info.get("exif")
    if exif and not is_sound(exif):
        kept.remove("exif")
        notes.append("its EXIF is damaged, and is left out")
    return {key: value for key, value in upright.info.items() if key in kept}


def texts_of(image: Image.Image) -> dict[str, str]:
    """The texts of a PNG."""
    return dict(getattr(image, "text", None) or {})


def record_of(image: Image.Image) -> str | None:
    """The record of how an image was made; None where there is none."""
    texts = texts_of(image)
    if RECORD_KEY in texts:
        return str(texts[RECORD_KEY])
    comment = image.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT)
    if isinstance(comment, bytes) and comment.startswith(ASCII_COMMENT):
        return comment[len(ASCII_COMMENT) :].decode("ascii", "replace")
    return None


def saved_metadata(picture: Picture, form: Format) -> dict[str, object]:
    """The options of Pillow's `save` that keep a picture's metadata in a format."""
    metadata = picture.metadata
    options = {key: value for key, value in metadata.items() if key in form.metadata}
    if picture.mode == "CMYK" and not form.inks:
        options.pop("icc_profile", None)  # it describes inks
    texts, record = metadata.get("text"), metadata.get("record")
    if form.record == "text" and (texts or record):
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        kept = texts if isinstance(texts, dict) else {}
        for key, text in (kept | ({RECORD_KEY: record} if record else {})).items():
            info.add_text(str(key), str(text))
        options["pnginfo"] = info
    elif form.record == "exif" and isinstance(record, str) and record:
        exif = options.get("exif")
        options["exif"] = _with_comment(exif if isinstance(exif, bytes) else b"", record)
    return options


def _with_comment(exif: bytes, record: str) -> bytes:
    """EXIF data with the record as its user comment."""
    if not exif:
        return _exif_of(ASCII_COMMENT + record.encode("ascii"))
    result = Image.Exif()
    result.load(exif)
    result.get_ifd(EXIF_IFD)[USER_COMMENT] = ASCII_COMMENT + record.encode("ascii")
    return result.tobytes()


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
