"""Files of responses: floats as they are, signed, neither rounded nor clipped."""

from collections.abc import Callable
from typing import IO

import numpy as np

from convcli.images.arrays import Samples
from convcli.images.image import Picture
from convcli.images.io.formats import FORMATS
from convcli.images.io.netpbm import write_pfm
from convcli.images.io.write import save_picture


def _flat(values: Samples) -> Samples:
    return values[..., 0] if values.shape[2] == 1 else values


def _write_npy(values: Samples, stream: IO[bytes], picture: Picture) -> None:
    np.save(stream, _flat(values), allow_pickle=False)


def _write_npz(values: Samples, stream: IO[bytes], picture: Picture) -> None:
    np.savez_compressed(stream, response=_flat(values))


def _write_pfm(values: Samples, stream: IO[bytes], picture: Picture) -> None:
    write_pfm(values, stream)


def _write_tiff(values: Samples, stream: IO[bytes], picture: Picture) -> None:
    plain = picture._replace(pixels=values, has_alpha=False, mode="F")
    save_picture(plain, stream, FORMATS["TIFF"])


FLOAT_WRITERS: dict[str, Callable[[Samples, IO[bytes], Picture], None]] = {
    "NPY": _write_npy,
    "NPZ": _write_npz,
    "PFM": _write_pfm,
    "TIF32": _write_tiff,
}
"""How arrays of responses are written, by the names of FLOAT_FORMATS."""
