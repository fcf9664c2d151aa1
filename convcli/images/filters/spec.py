"""What is done to a picture: a chain of kernels, and how their responses become samples.

It is what options say, or what the record in a result says.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from convcli.borders import Border, read_border
from convcli.errors import SpecError, UnfitError
from convcli.images.filters.color import in_gray
from convcli.images.filters.options import (
    FIXED,
    RECORDED,
    Channels,
    FilterOptions,
    Pair,
    read_record,
)
from convcli.images.filters.region import Region, read_region
from convcli.images.image import Limits, picture_of
from convcli.images.io.formats import formats_beginning
from convcli.images.io.read import open_picture, record_in
from convcli.images.kernels.catalogue import kernel_call
from convcli.images.kernels.kernel import Kernel
from convcli.images.kernels.parse import kernel, spec_text
from convcli.images.kernels.transforms import (
    anchored,
    dilated,
    flipped,
    normalized,
    rotated,
    scaled,
    transposed,
)
from convcli.images.pixel_arrays import Values
from convcli.matrices import row_hints
from convcli.numerals import read_fraction
from convcli.records import NamedTuple
from convcli.text import like, power_text, safe

MAX_KERNELS = 100
"""Maximum kernels of one chain, repeated ones included."""

FLOAT32 = 2.0**-20
"""What sums of float32 weights are off by, as a share of their magnitudes: a few of its steps."""


def read_mask(
    mask: str | NDArray[np.number | np.bool_], limits: Limits | None = None
) -> tuple[Values, str]:
    """The gray of a picture as shares (h, w) of what is filtered: black 0, white 1; its digest.

    >>> read_mask(np.array([[False, True]]))[0].tolist()
    [[0.0, 1.0]]

    Raises PictureError for what cannot be read, and UnfitError for what holds no shares.
    """
    from hashlib import sha256  # which starts OpenSSL

    if isinstance(mask, str):
        picture = open_picture(mask, limits=limits)
    else:
        numbers = mask.astype(np.uint8) * 255 if mask.dtype == np.bool_ else mask
        picture = picture_of(cast("NDArray[np.number]", numbers))
    gray = in_gray(picture.without_alpha).pixels[..., 0]
    shares = np.asarray(gray / (picture.full or 1))
    if (
        not (shares <= 1).all()
        or not (shares >= 0).all()
        or (isinstance(mask, str) and not picture.full)
    ):
        name = f"{safe(mask)}: a" if isinstance(mask, str) else "a"
        raise UnfitError(
            f"{name} mask has samples of 8 or 16 bits, or in Python shares from 0 to 1"
        )
    return shares, sha256(repr(shares.shape).encode() + shares.tobytes()).hexdigest()[:16]


CROSSING = 5
"""Default minimum step of a zero crossing, in units of the samples."""


class Range(NamedTuple):
    """A range by name, with its values: percentiles of "pct", the least step of "crossings"."""

    name: str = "auto"
    low: float = 0.0
    high: float = 100.0

    @property
    def text(self) -> str:
        if self.name == "crossings":
            return f"crossings:{self.low:g}"
        return f"pct:{self.low:g},{self.high:g}" if self.name == "pct" else self.name


def read_range(text: str) -> Range:
    """A range as the command line takes it.

    >>> read_range("pct:1,99")
    Range(name='pct', low=1.0, high=99.0)
    """
    name, colon, values = text.strip().lower().partition(":")
    if name in (*FIXED, "stretch") and not colon:
        return Range(name)
    if name == "pct":
        try:
            low, high = (float(value) for value in (values or "1,99").split(","))
        except ValueError:
            low = high = 0.0
        if 0 <= low < high <= 100:
            return Range("pct", low, high)
    if name == "crossings":
        try:
            step = float(values or str(CROSSING))
        except ValueError:
            step = -1.0
        if 0 <= step <= 1e9:
            return Range("crossings", step)
    hint = like(name, (*FIXED, "stretch", "crossings", "pct"))
    known = ", ".join(FIXED)
    raise SpecError(f"{text!r:.60} is not a range: {known}, stretch, pct:1,99, crossings:5{hint}")


class FilterSpec(NamedTuple):
    """What is done to a picture: kernels in turn, and how their responses become samples.

    `bias` is in the units of the samples; `amount` mixes the result with the input.
    """

    kernels: tuple[Kernel, ...]
    border: Border = Border("edge")
    stride: Pair = (1, 1)
    channels: Channels = "rgb"
    gray: bool = False
    linear: bool = False
    range: Range = Range()
    bias: Fraction = Fraction(0)
    amount: Fraction = Fraction(1)
    exact: bool = False
    threshold: Fraction | None = None
    """Samples from this on become white, all others black."""
    region: Region | None = None
    """The part that is filtered; the rest stays as it is."""
    mask: Values | None = None
    """The filtered share of each pixel (h, w), from 0 to 1."""
    flip: bool = False
    """Whether the kernels were turned by 180°."""
    options: FilterOptions = FilterOptions()
    """What it was read from."""

    def masked(
        self, mask: str | NDArray[np.number | np.bool_] | None, limits: Limits | None = None
    ) -> "FilterSpec":
        """The same where a mask is white. Raises SpecError where a record wants one not given."""
        if mask is None:
            if self.options.masked:
                raise SpecError(
                    "that result was made with a mask, which its record does not hold: give --mask"
                )
            return self
        if self.region is not None:
            raise SpecError("--region and --mask both say where to filter; give one of them")
        shares, digest = read_mask(mask, limits)
        return self._replace(mask=shares, options=self.options.changed(masked=digest))

    @property
    def label(self) -> str:
        """The names of its kernels, for names of files."""
        return "+".join(dict.fromkeys(one.name for one in self.kernels))

    @property
    def title(self) -> str:
        """The same for people: a matrix says its size, as in `custom 3x3`."""
        return "+".join(dict.fromkeys(one.title for one in self.kernels))


def spec_of(options: FilterOptions, kernels: Sequence[Kernel] | None = None) -> FilterSpec:
    """What options of the right types mean; `kernels` stand in place of those that are named.

    >>> spec_of(FilterOptions(kernels=("sobel",), range="signed")).range.name
    'signed'

    Raises SpecError for text that cannot be understood.
    """
    range_, flag = read_range(options.range), "--" if kernels is None else ""
    scale, bias, amount = (
        read_fraction(text, f"{flag}{name}")
        for name, text in (
            ("scale", options.scale),
            ("bias", options.bias),
            ("amount", options.amount),
        )
    )
    border = read_border(options.border)
    count = len(options.kernels if kernels is None else kernels) * options.iterations
    if not count:
        raise SpecError("no kernel is given")
    if count > MAX_KERNELS:
        raise SpecError(
            f"{power_text(count)} kernels in a chain are more than {MAX_KERNELS}, "
            "iterations counted"
        )
    named = tuple(map(kernel, options.kernels)) if kernels is None else kernels
    chain = [_changed(one, scale, options) for one in named] * options.iterations
    draws_lines = any(one.lines for one in chain)
    if draws_lines and (options.stride != (1, 1) or options.dilation != (1, 1)):
        raise SpecError("canny follows lines from pixel to pixel, without --stride or --dilation")
    return FilterSpec(
        kernels=tuple(chain),
        border=border,
        stride=options.stride,
        channels=options.channels,
        gray=options.gray or draws_lines,
        linear=options.linear,
        range=range_,
        bias=bias,
        amount=amount,
        exact=options.exact,
        threshold=read_fraction(options.threshold, "--threshold") if options.threshold else None,
        region=read_region(options.region) if options.region else None,
        flip=options.flip,
        options=options,
    )


def _changed(one: Kernel, scale: Fraction, options: FilterOptions) -> Kernel:
    if options.flip:
        one = flipped(one)
    if options.transpose:
        one = transposed(one)
    if options.rotate:
        one = rotated(one, options.rotate)
    if options.normalize != "none":
        one = normalized(one, options.normalize)._replace(smooth=0.0)
    if options.scale != "1":
        one = scaled(one, scale)._replace(smooth=0.0)
    if options.anchor is not None:
        one = anchored(one, options.anchor)._replace(smooth=0.0)
    return one if options.dilation == (1, 1) else dilated(one, options.dilation)


def replayed(options: FilterOptions) -> FilterOptions:
    """The options with the files of kernels read, pictures among them: what made each is repeated.

    An option that was given counts, others are those of the pictures' records.
    """
    if not any(text.startswith("@") for text in options.kernels):
        return options
    chain: list[str] = []
    values: dict[str, object] = {}
    for text in options.kernels:
        record = _record_at(text[1:]) if text.startswith("@") else None
        if record is None:
            chain.append(spec_text(kernel(text)) if text.startswith("@") else text)
        else:
            chain.extend(record.kernels)
            values |= {name: vars(record)[name] for name in record.given(*RECORDED)}
    values |= {name: vars(options)[name] for name in options.given(*RECORDED)}
    return FilterOptions.of({**values, "kernels": tuple(chain)})


def _record_at(path: str) -> FilterOptions | None:
    """The record of a picture; None for another file, whose reader says what is wrong with it."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(8)
    except OSError:
        return None
    if not formats_beginning(start):
        return None
    text = record_in(path)
    if text is None:
        raise SpecError(f"{safe(path)} names no kernel: it is not a result of `convcli filter`")
    return read_record(text, f"the record in {safe(path)}")


def remarks(spec: FilterSpec, options: FilterOptions) -> list[str]:
    """Notes on surprises: a matrix written by hand whose sum darkens or brightens the picture."""
    lines = _bias_remarks(spec)
    if spec.region:
        lines.append(f"only {spec.region.text} are filtered")
    if spec.gray and not options.gray:
        lines.append("lines are drawn on the picture in gray, as with --gray")
    for one, text in zip(spec.kernels, options.kernels, strict=False):
        if one.name == "gaussian" and one.listed:
            lines += _size_remarks(text)
        if not one.listed:
            lines += row_hints(*one.shape)
        if re.match(r"\s*[A-Za-z]", text) or options.normalize != "none":
            continue
        total = sum(float(abs(np.asarray(m)).sum()) * abs(scale) for m, scale in one.matrices())
        if min(abs(one.sum), abs(one.sum - 1)) > FLOAT32 * total:
            lines.append(
                f"the kernel's weights sum to {_short(one.sum)}, not to 0 or 1: "
                "--normalize sum keeps the brightness"
            )
    return list(dict.fromkeys(lines))


def signed_chain(kernels: tuple[Kernel, ...]) -> bool:
    """Whether the responses of a chain are differences, of either sign."""
    signed = False
    for one in kernels:
        if one.combine in ("magnitude", "maximum"):
            signed = False
        elif not one.one_sided:
            signed = signed or one.is_gradient or one.sum <= 0
    return signed


def _bias_remarks(spec: FilterSpec) -> list[str]:
    """What a bias does to responses of either sign."""
    bias, name = _short(spec.bias), spec.range.name
    if not spec.bias or name not in ("auto", "clip", "abs") or all(one.sum for one in spec.kernels):
        return []
    if not signed_chain(spec.kernels):
        return [f"edge strengths are never below 0: --bias {bias} only brightens them"]
    if name == "clip":
        return [f"the weights sum to 0: --bias {bias} shows a response of 0 as {bias}"]
    return [
        f"the weights sum to 0: --range {name} shows |response|, and --bias {bias} brightens it; "
        f"--range clip --bias {bias} shows both signs, 0 as {bias}"
    ]


def _size_remarks(text: str) -> list[str]:
    """What a second value of a gaussian is, where it looks like the size of the kernel."""
    match kernel_call(text).args:
        case [int() | float() as sigma, int() as second, *_] if second % 2 and second > 2 * sigma:
            return [
                f"{safe(text)} has σ {sigma} along rows and {second} along columns; write a size "
                f"as size={second}"
            ]
    return []


def _short(number: Fraction) -> str:
    return str(number) if len(str(number)) < 12 else f"{float(number):.9g}"
