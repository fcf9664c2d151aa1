"""Sets of vectors from strangers: what is wrong with them is one line, before anything is read."""

import io
import struct
import zipfile

import numpy as np
import pytest

from convcli.errors import Refusal
from convcli.features.vector_io import read_set

VECTORS, PATHS = np.zeros((2, 3), np.float32), np.array(["a", "b"])


def header(text):
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text.encode()


def write_set(path, **arrays):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in ({"vectors": VECTORS, "paths": PATHS} | arrays).items():
            data = array
            if not isinstance(array, bytes):
                stream = io.BytesIO()
                np.save(stream, array)
                data = stream.getvalue()
            file.writestr(f"{name}.npy", data)


def typed(descr, shape):
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"


CASES = {
    "a header that is none": ({"vectors": header("(" * 9000 + "\n")}, "not a .npy array of plain"),
    "a shape of truth values": ({"vectors": header(typed("<f4", "(True, 3)"))}, "plain numbers"),
    "objects": ({"vectors": header(typed("|O", "(2, 3)"))}, "has no array vectors"),
    "not a number": ({"vectors": VECTORS + np.nan}, "the vector of a has values that are not"),
    "infinity": ({"vectors": np.array([[0, 0, 0], [0, np.inf, 0]])}, "the vector of b has"),
    "beyond float32": ({"vectors": np.array([[1e300, 0, 0], [0, 0, 0]])}, "the vector of a has"),
    "integers": ({"vectors": VECTORS.astype(int)}, "does not hold vectors"),
    "a path with a zero byte": ({"paths": np.array(["a\0b", "c"])}, "does not hold vectors"),
    "too few paths": ({"paths": PATHS[:1]}, "does not hold vectors"),
    "too many names": ({"names": header(typed("<U1", "(100000000,)"))}, "does not hold vectors"),
    "shapes that are none": ({"shapes": np.array("[[1]]")}, "does not hold vectors"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_set_that_is_none_is_a_refusal(case, tmp_path):
    arrays, said = CASES[case]
    write_set(tmp_path / "set.npz", **arrays)
    with pytest.raises(Refusal, match=said):
        read_set(str(tmp_path / "set.npz"))


def test_a_set_of_every_kind_of_floats_is_read(tmp_path):
    for dtype in ("f2", "f4", "f8", ">f4"):
        write_set(tmp_path / "set.npz", vectors=np.arange(6).reshape(2, 3).astype(dtype))
        np.testing.assert_array_equal(
            read_set(str(tmp_path / "set.npz")).rows, [[0, 1, 2], [3, 4, 5]]
        )


def test_texts_of_no_characters_are_not_read_however_many_there_are(tmp_path):
    write_set(tmp_path / "set.npz", names=header(typed("<U0", "(100000000,)")))
    assert read_set(str(tmp_path / "set.npz")).names == ()
