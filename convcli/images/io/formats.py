"""The formats of picture files: one record each, from which everything that depends on one follows.

    FORMATS           pictures, opened and saved by Pillow under the record's name
    FLOAT_FORMATS     arrays of responses, which are written alone

This file does without NumPy, so that a picture is decoded while NumPy is imported.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Literal, get_args

from convcli.errors import OutputError, SpecError
from convcli.records import NamedTuple
from convcli.text import like, safe

SaveOption = Literal["quality", "subsampling", "lossless"]


class Format(NamedTuple):
    """A format of files: how its files are recognized, and what they can hold."""

    name: str
    """Pillow's name."""
    suffixes: tuple[str, ...]
    """Suffixes of files that are written; the first is the usual one."""
    more_suffixes: tuple[str, ...] = ()
    """Suffixes of files that are only read."""
    magic: tuple[bytes, ...] = ()
    """The first bytes of files."""
    also_named: tuple[str, ...] = ()
    """Other names that `--to` takes."""
    alpha: bool = True
    soft_alpha: bool = True
    """Whether pixels may be transparent in part."""
    frames: Literal["", "timed", "pages"] = ""
    """Whether it holds several pictures, each shown for a time, or as pages of any size."""
    max_side: int | None = None
    """Pixels per side that it holds, where its library notices too late."""
    deep_channels: int = 0
    """Samples per pixel up to which it holds 16 bits."""
    float_channels: int = 0
    """Samples per pixel up to which it holds floats of 32 bits."""
    inks: bool = False
    """Whether it holds cyan, magenta, yellow and black."""
    metadata: frozenset[str] = frozenset({"dpi", "exif", "xmp", "icc_profile"})
    """The metadata that a result keeps of its picture."""
    record: Literal["", "text", "exif", "comment"] = ""
    """Where it holds the record of how a result was made."""
    tags: bool = False
    """Whether it holds the tags of a TIFF."""
    color_chunks: bool = False
    """Whether it holds gamma and the colors of a PNG as they stand in one."""
    save: Mapping[str, int] = {}
    """Pillow's options where none are given."""
    save_options: frozenset[SaveOption] = frozenset()
    """The options of the command line that apply to it."""
    writes: Literal["whole", "rows", "strips"] = "whole"
    """Whether a result can be written while it is computed: its rows as they are, or encoded."""
    vips_loader: str = ""
    """How libvips reads it in bands."""
    floats: bool = False
    """Whether it holds responses as they are, neither scaled nor rounded."""
    narrow: bool = False
    """Whether those are floats of 32 bits at most."""


# Pillow's own quality of 75 shows blocks around the edges that a filter brings out; its level of
# compression, 6, takes half as long again for 1 to 2 % less
FORMATS = {
    one.name: one
    for one in (
        Format(
            name="JPEG",
            suffixes=(".jpg", ".jpeg"),
            more_suffixes=(".jpe", ".jfif", ".mpo"),
            magic=(b"\xff\xd8\xff",),
            also_named=("jpg",),
            alpha=False,
            max_side=65_500,
            inks=True,
            metadata=frozenset({"dpi", "exif", "xmp", "icc_profile", "comment"}),
            record="exif",
            save={"quality": 95},
            save_options=frozenset({"quality", "subsampling"}),
            writes="strips",
            vips_loader="jpegload",
        ),
        Format(
            name="PNG",
            suffixes=(".png", ".apng"),
            magic=(b"\x89PNG",),
            also_named=("apng",),
            frames="timed",
            deep_channels=4,
            metadata=frozenset({"dpi", "exif", "xmp", "icc_profile", "hidden_first", "text"}),
            color_chunks=True,
            record="text",
            save={"compress_level": 4},
            vips_loader="pngload",
        ),
        Format(
            name="PPM",
            suffixes=(".ppm", ".pgm"),
            more_suffixes=(".pnm",),
            magic=(b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
            also_named=("pgm",),
            alpha=False,
            deep_channels=3,
            metadata=frozenset(),
            writes="rows",
        ),
        Format(
            name="BMP",
            suffixes=(".bmp",),
            magic=(b"BM",),
            alpha=False,
            metadata=frozenset({"dpi"}),
        ),
        Format(
            name="TIFF",
            suffixes=(".tif", ".tiff"),
            magic=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
            also_named=("tif",),
            frames="pages",
            deep_channels=4,
            float_channels=4,
            inks=True,
            tags=True,
            record="exif",
            vips_loader="tiffload",
        ),
        Format(
            name="WEBP",
            suffixes=(".webp",),
            magic=(b"RIFF",),
            frames="timed",
            max_side=16_383,
            record="exif",
            save={"quality": 95},
            save_options=frozenset({"quality", "lossless"}),
        ),
        Format(
            name="GIF",
            suffixes=(".gif",),
            magic=(b"GIF8",),
            soft_alpha=False,
            frames="timed",
            max_side=65_535,
            metadata=frozenset({"comment"}),
            record="comment",
        ),
        Format(
            name="AVIF",
            suffixes=(".avif",),
            magic=tuple(
                b"\0\0\0" + bytes([length]) + b"ftyp" + brand
                for length in range(16, 64, 4)
                for brand in (b"avif", b"avis")
            ),
            frames="timed",
            max_side=65_535,
            metadata=frozenset({"exif", "xmp", "icc_profile"}),
            record="exif",
            save={"quality": 95},
            save_options=frozenset({"quality", "subsampling"}),
        ),
        Format(
            name="JPEG2000",
            suffixes=(".jp2", ".j2k"),
            more_suffixes=(".jpf", ".jpx", ".j2c", ".jpc"),
            magic=(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
            also_named=("jp2", "j2k"),
            deep_channels=1,
            metadata=frozenset(),
        ),
    )
}
"""The formats that are opened; Pillow's others are not, since some of them run other programs."""

FLOAT_FORMATS = {
    one.name: one
    for one in (
        Format(name="NPY", suffixes=(".npy",), floats=True),
        Format(name="NPZ", suffixes=(".npz",), floats=True),
        Format(name="PFM", suffixes=(".pfm",), floats=True, narrow=True),
        Format(name="TIF32", suffixes=(".tif",), floats=True, narrow=True, tags=True),
    )
}

SUFFIXES = {suffix: one for one in FORMATS.values() for suffix in one.suffixes}
"""The format of pictures that a file name asks for."""

FLOAT_SUFFIXES = {
    suffix: one
    for one in FLOAT_FORMATS.values()
    for suffix in one.suffixes
    if suffix not in SUFFIXES
}
"""The format of floats that a file name asks for."""


class Unread(NamedTuple):
    """A kind of pictures that is not read: what its files begin with, and what converts them."""

    name: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...]
    command: str
    offset: int = 0
    package: str = ""
    """What reads it all the same, by Pillow's name of the format."""

    @property
    def is_read(self) -> bool:
        """Whether the package that reads it is there."""
        return bool(self.package) and find_spec(self.package) is not None

    @property
    def advice(self) -> str:
        """How to read such a picture.

        >>> UNREAD_SUFFIXES[".heic"].advice, UNREAD_SUFFIXES[".jxl"].advice
        ("pip install 'convcli[heif]', or heif-convert IN OUT.png", 'djxl IN OUT.png')
        """
        return f"pip install 'convcli[heif]', or {self.command}" if self.package else self.command


MAGICK = "convert IN OUT.png"

UNREAD = (
    Unread("HEIC", (".heic", ".heif", ".hif"), (b"ftyphei", b"ftyphev", b"ftypmif1"),
           "heif-convert IN OUT.png", 4, "pillow_heif"),
    Unread("JPEG XL", (".jxl",), (b"\xff\x0a", b"\0\0\0\x0cJXL "), "djxl IN OUT.png"),
    Unread("JPEG XR", (".jxr", ".wdp"), (b"II\xbc\x01",), "JxrDecApp -i IN -o OUT.tif"),
    Unread("JPEG-LS", (".jls",), (b"\xff\xd8\xff\xf7",), MAGICK),
    Unread("OpenEXR", (".exr",), (b"v/1\x01",), "convert IN OUT.tif"),
    Unread("Radiance HDR", (".hdr",), (b"#?RADIANCE", b"#?RGBE"), "convert IN OUT.tif"),
    Unread("Photoshop's PSD", (".psd", ".psb"), (b"8BPS",), "convert IN[0] OUT.png"),
    Unread("raw of a camera", (".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"),
           (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO"), "dcraw -T IN"),
    Unread("PAM", (".pam",), (b"P7",), "pamtopng IN"),
    Unread("FITS", (".fits", ".fit"), (b"SIMPLE  =",), "convert IN OUT.tif"),
    Unread("DICOM", (".dcm",), (b"DICM",), "dcm2img IN OUT.png", 128),
    Unread("SVG", (".svg",), (b"<svg", b"<?xml"), "rsvg-convert IN -o OUT.png"),
    Unread("PDF", (), (b"%PDF",), "pdftoppm -png IN OUT"),
    Unread("PostScript", (".eps",), (b"%!PS",), MAGICK),
    Unread("QOI", (".qoi",), (b"qoif",), MAGICK),
    Unread("DDS", (".dds",), (b"DDS ",), MAGICK),
    Unread("SGI", (".sgi",), (b"\x01\xda",), MAGICK),
    Unread("an icon", (".ico", ".icns"), (b"\0\0\1\0", b"icns"), MAGICK),
    Unread("a video", (), (b"ftypisom", b"ftypmp4", b"ftypqt"), "ffmpeg -i IN OUT-%04d.png", 4),
    Unread("a video", (), (b"\x1aE\xdf\xa3",), "ffmpeg -i IN OUT-%04d.png"),
    Unread("Targa", (".tga",), (), MAGICK),
)  # fmt: skip
"""Pictures that are named for what they are."""

UNREAD_SUFFIXES = {suffix: one for one in UNREAD for suffix in one.suffixes}


@lru_cache
def readable_suffixes() -> frozenset[str]:
    """Suffixes of the files that are taken from a folder."""
    written = (suffix for one in FORMATS.values() for suffix in one.suffixes + one.more_suffixes)
    return frozenset([*written, *(end for one in UNREAD if one.is_read for end in one.suffixes)])


def result_suffix(suffix: str) -> str:
    """What a result's name ends in: as its picture's, but .png for kinds that are read alone.

    >>> result_suffix(".JPG")
    '.JPG'
    """
    kind = UNREAD_SUFFIXES.get(suffix.lower())
    return ".png" if kind is not None and kind.is_read else suffix


def unread_kind(start: bytes) -> Unread | None:
    """The kind of pictures that begin with these bytes, and are not read.

    >>> unread_kind(b"8BPS\\0\\1").command
    'convert IN[0] OUT.png'
    """
    for one in UNREAD:
        if one.magic and start[one.offset :].startswith(one.magic):
            return one
    return None


def format_of(path: str) -> Format:
    """The format of pictures that a file name asks for.

    >>> format_of("out/cat.JPG").name
    'JPEG'

    Raises OutputError for a suffix of none.
    """
    suffix = suffix_of(path)
    if suffix not in SUFFIXES:
        raise OutputError(
            f"{safe(path)}: no picture format ends in {safe(suffix)!r}; "
            f"write one of {', '.join(SUFFIXES)}"
        )
    return SUFFIXES[suffix]


def suffix_of(path: str) -> str:
    """The end of a file name, in lower case.

    >>> suffix_of("out/cat.JPG")
    '.jpg'
    """
    return os.path.splitext(path)[1].lower()


def format_named(name: str) -> Format:
    """The format that `--to` names.

    >>> format_named("jpg").name, format_named("tif32").floats
    ('JPEG', True)

    Raises SpecError for a name of none.
    """
    known = (*FORMATS.values(), *FLOAT_FORMATS.values())
    for one in known:
        if name.lower() in (one.name.lower(), *one.also_named):
            return one
    names = [one.name.lower() for one in known]
    raise SpecError(f"--to {name!r:.60} is not a format: {', '.join(names)}{like(name, names)}")


def formats_beginning(start: bytes) -> list[Format]:
    """The formats whose files begin with these bytes.

    >>> [one.name for one in formats_beginning(b"GIF89a")], formats_beginning(b"0 1 0")
    (['GIF'], [])
    """
    return [one for one in FORMATS.values() if start.startswith(one.magic)]


class SaveOptions(NamedTuple):
    """How a picture is saved: a format that its name does not ask for, and options of formats."""

    format: Format | None = None
    quality: int | None = None
    subsampling: str | None = None
    lossless: bool | None = None

    def check(self, form: Format) -> None:
        """Raise SpecError for an option that does not apply to a format."""
        for name in get_args(SaveOption):
            if getattr(self, name) and name not in form.save_options:
                known = [one.name for one in FORMATS.values() if name in one.save_options]
                raise SpecError(
                    f"--{name} has no meaning for {form.name}, only for {' and '.join(known)}"
                )
        if self.lossless and self.quality is not None:
            raise SpecError("--lossless keeps every sample; leave --quality out")

    def of(self, form: Format, metadata: Mapping[str, object] = {}) -> dict[str, object]:
        """The options of Pillow's `save` for a format; `metadata` say how the picture was saved.

        >>> SaveOptions().of(FORMATS["JPEG"])
        {'quality': 95, 'subsampling': '4:4:4'}
        >>> SaveOptions(quality=80).of(FORMATS["JPEG"], {"subsampling": "4:2:2"})["subsampling"]
        '4:2:2'
        """
        options: dict[str, object] = dict(form.save)
        if self.quality is not None and "quality" in form.save_options:
            options["quality"] = self.quality
        if "subsampling" in form.save_options:
            # filtered detail shows in color too, so high quality keeps full color
            own = metadata.get("subsampling", "4:2:0")
            usual = "4:4:4" if self.quality is None or self.quality >= FINE else own
            options["subsampling"] = self.subsampling or usual
        own = self.quality is None and metadata.get("lossless")
        if "lossless" in form.save_options and (self.lossless or own):
            options |= {"lossless": True, "exact": True}
        return options


FINE = 90
"""The quality from which a JPEG keeps all of its color."""


class Target(NamedTuple):
    """Where a result goes: a path or "-", whether it may be replaced, and how it is saved."""

    path: str
    force: bool = False
    options: SaveOptions = SaveOptions()

    def format(self, own: str = "") -> Format | None:
        """The format: the one given, that of the name, or on stdout the picture's `own`.

        None where that is not known yet. Raises OutputError for a name that ends as none does.
        """
        if self.options.format or self.path == "-":
            usual = "PNG" if own and own not in (*FORMATS, *FLOAT_FORMATS) else own  # of HEIC
            return self.options.format or FORMATS.get(usual) or FLOAT_FORMATS.get(usual)
        return FLOAT_SUFFIXES.get(suffix_of(self.path)) or format_of(self.path)
