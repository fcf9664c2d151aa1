"""Pictures: kernels by name, and pictures under them."""

import os
from typing import TYPE_CHECKING, Literal

from convcli.errors import SpecError
from convcli.tables import Listing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from convcli.images.kernels.kernel import Kernel


def kernels() -> Listing:
    """The kernels that have names, with their parameters, sizes, purposes and sources.

    >>> kernels().rows()[1]["kernel"]
    'box'
    """
    from convcli.images.kernels.listing import catalogue_listing

    return catalogue_listing()


def filter_image(
    image: "str | os.PathLike[str] | ArrayLike",
    *kernels: "str | Kernel | ArrayLike",
    border: str = "edge",
    range: str = "auto",
    stride: int | tuple[int, int] = 1,
    channels: Literal["rgb", "luma", "each"] = "rgb",
    gray: bool = False,
    linear: bool = False,
    bias: float = 0,
    amount: float = 1,
    exact: bool = False,
    threshold: float | None = None,
    region: str | tuple[int, int, int, int] = "",
    mask: "str | os.PathLike[str] | NDArray[np.number | np.bool_] | None" = None,
    flip: bool = False,
    transpose: bool = False,
    rotate: int = 0,
    scale: float | str = 1,
    normalize: Literal["sum", "abs", "none"] = "none",
    anchor: tuple[int, int] | None = None,
    dilation: int | tuple[int, int] = 1,
    iterations: int = 1,
    threads: int | None = None,
) -> "NDArray[np.number]":
    """A picture under a kernel, or under several in turn, without rounding in between.

    `image` is a path ("-" is stdin; an animation's first frame), or an array (height, width) or
    (height, width, samples) of uint8, uint16 or float32; of integers a second or fourth sample is
    alpha. The result is an array of the same kind, gray where `gray` is set, and a notebook shows
    it. A kernel is text as on the command line (`sobel`, `gaussian:2`, "0 1; 1 0", @file), what
    `convcli.kernel` gives, or a matrix (rows, columns). All other arguments are the options of
    `convcli filter`; kernels are used as drawn: cross-correlation. A region is text,
    "10,20,200x100", or (row, column, height, width). A mask is a path, or an array (height, width)
    of booleans, uint8, uint16, or shares.

    >>> import numpy as np
    >>> step = np.array([[0, 0, 255, 255]] * 3, np.uint8)
    >>> filter_image(step, "sobel")
    array([[  0, 255, 255,   0],
           [  0, 255, 255,   0],
           [  0, 255, 255,   0]], dtype=uint8)
    >>> filter_image(step, [[1, 1, 1]], "scale")
    Traceback (most recent call last):
        ...
    convcli.errors.SpecError: no kernel is called 'scale'; convcli kernels lists them

    Raises SpecError for what is not understood, PictureError for a file that is not a picture, and
    UnfitError where a border or a kernel does not fit the picture.
    """
    import numpy as np

    from convcli.images.filters.apply import filter_picture, open_planned
    from convcli.images.filters.options import FilterOptions
    from convcli.images.filters.spec import spec_of
    from convcli.images.image import picture_of
    from convcli.images.kernels.parse import kernel
    from convcli.images.pixel_arrays import PictureArray

    if threads is not None and (type(threads) is not int or threads < 1):
        raise SpecError(f"threads {threads!r:.40} is not an integer of at least 1")
    options = FilterOptions(
        border=str(border),
        stride=stride if isinstance(stride, tuple) else (stride, stride),
        dilation=dilation if isinstance(dilation, tuple) else (dilation, dilation),
        threshold="" if threshold is None else str(threshold),
        region=region if isinstance(region, str) else "{},{},{}x{}".format(*region),
        flip=flip,
        transpose=transpose,
        rotate=rotate,
        scale=str(scale),
        normalize=normalize,
        anchor=anchor,
        iterations=iterations,
        channels=channels,
        gray=gray,
        linear=linear,
        range=str(range),
        bias=str(bias),
        amount=str(amount),
        exact=exact,
    )
    options.validate()
    where = os.fspath(mask) if isinstance(mask, str | os.PathLike) else mask
    spec = spec_of(options, tuple(map(kernel, kernels))).masked(where)
    if isinstance(image, str | os.PathLike):
        opened = open_planned(os.fspath(image), spec)
        assert opened.picture is not None  # which a target alone allows
        return filter_picture(opened.picture, opened.plan, threads).pixels.view(PictureArray)
    samples = np.asarray(image)
    picture = picture_of(samples)
    if not picture.full:
        picture = picture._replace(has_alpha=False)
    result = filter_picture(picture, spec, threads).pixels.view(PictureArray)
    return result[..., 0] if samples.ndim == 2 else result
