"""Tags of a TIFF that results keep: its texts, and its map coordinates.

Sources: TIFF 6.0, section 8; OGC 19-008 (GeoTIFF 1.1), 7.1; the tags of GDAL; OME-TIFF 6.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PIL import Image

from convcli.records import NamedTuple

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
DESCRIPTION, STRIP_OFFSETS, ORIENTATION, SAMPLES = 270, 273, 274, 277
STRIP_ROWS, STRIP_BYTES, PLANES, PREDICTOR = 278, 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
EXTRA, SAMPLE_FORMAT, EXIF, PROFILE = 338, 339, 34665, 34675
"""The numbers of tags."""

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
"""Values of PHOTOMETRIC."""

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
"""Values of SAMPLE_FORMAT."""

SEPARATE = 2
"""Of PLANES: each sample has its own."""

TEXTS = {269: "DocumentName", DESCRIPTION: "ImageDescription", 271: "Make", 272: "Model",
         285: "PageName", 306: "DateTime", 315: "Artist", 316: "HostComputer",
         33432: "Copyright"}  # fmt: skip

PLACES = {33550: "GeoTIFF", 33922: "GeoTIFF", 34264: "GeoTIFF", 34735: "GeoTIFF",
          34736: "GeoTIFF", 34737: "GeoTIFF", 42112: "GDAL", 42113: "GDAL"}  # fmt: skip

SHAPE_ONLY = b'{"shape": '
"""The description that tifffile gives arrays, which adds nothing to them."""


class Tags(NamedTuple):
    """Tags by number, as type and value, and the picture that they are of."""

    values: Mapping[int, tuple[int, object]]
    shape: tuple[int, ...]
    """Rows, columns, samples, and pages of the file; none where it is turned upright."""
    dtype: str

    def kept(self, shape: tuple[int, ...], dtype: str) -> dict[int, tuple[int, object]]:
        """Those that hold for a result too: a place where it has as many rows and columns, a
        description where it has as many samples and pages of its dtype too, as OME's names them.
        """
        holds = dict.fromkeys(TEXTS, True) | dict.fromkeys(PLACES, shape[:2] == self.shape[:2])
        holds[DESCRIPTION] = (shape, dtype) == (self.shape, self.dtype)
        return {tag: one for tag, one in self.values.items() if holds[tag]}

    def lost(self, shape: tuple[int, ...] | None = None, dtype: str = "") -> list[str]:
        """The names of those that do not; of all, where no shape is given.

        >>> Tags({33550: (12, (1.0, 1.0, 0.0))}, (4, 5, 1, 1), "uint8").lost((2, 3, 1, 1), "uint8")
        ['GeoTIFF']
        """
        kept = () if shape is None else self.kept(shape, dtype)
        names = ((TEXTS | PLACES)[tag] for tag in self.values if tag not in kept)
        return list(dict.fromkeys(names))


def tags_of(directory: ImageFileDirectory_v2, shape: tuple[int, ...], dtype: str) -> Tags | None:
    """The tags of a page that are kept; None where there are none."""
    if directory.get(ORIENTATION, 1) != 1:
        shape = ()
    values: dict[int, tuple[int, object]] = {}
    for tag in (TEXTS | PLACES).keys() & set(directory):
        value, kind = directory[tag], directory.tagtype[tag]
        if isinstance(value, str):
            value = value.encode("latin-1")  # as Pillow decodes texts, whatever they are
        if value and not (tag == DESCRIPTION and value.startswith(SHAPE_ONLY)):
            values[tag] = kind, value
    return Tags(dict(sorted(values.items())), shape, dtype) if values else None


def directory_of(tags: Mapping[int, tuple[int, object]], exif: object) -> ImageFileDirectory_v2:
    """The tags, beside those of EXIF data, as Pillow's `save` takes them."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    directory = ImageFileDirectory_v2()
    if isinstance(exif, bytes):
        own = Image.Exif()
        own.load(exif)
        for tag in own:
            inner = own.get_ifd(tag)
            directory[tag] = dict(inner) if inner else own[tag]
    for tag, (kind, value) in tags.items():
        directory.tagtype[tag] = kind
        directory[tag] = value
    return directory
