"""One reader of numbers: what text and files mean, to every command alike, and what is refused."""

import csv
import io
import json
import tempfile
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from test_architecture import loaded_by

from convcli.app.lessons import ExplainOptions, lesson_of
from convcli.cli.main import run
from convcli.errors import SpecError
from convcli.explanation.operands import KERNEL
from convcli.fitting.levels import open_levels
from convcli.images.kernels.parse import LIMITS, kernel, spec_text
from convcli.matrices import Limits, read_stack, read_text
from convcli.numerals import read_fraction

ANY = Limits("matrix")


def fractions(rows):
    return [[Fraction(cell) for cell in row.split()] for row in rows.split(";")]


SHARPEN = "0 -1 0; -1 5 -1; 0 -1 0"

# text → the rows it means
READ = {
    SHARPEN: SHARPEN,
    "0 -1 0\n-1 5 -1\n0 -1 0": SHARPEN,
    "0,-1,0\n-1,5,-1\n0,-1,0\n": SHARPEN,
    "0, -1, 0; -1, 5, -1; 0, -1, 0": SHARPEN,
    "0 ,-1 ,0\n-1 ,5 ,-1\n0 ,-1 ,0": SHARPEN,
    "0\t-1\t0\r\n-1\t5\t-1\r\n0\t-1\t0\r\n": SHARPEN,
    "0, -1, 0,\n-1, 5, -1,\n0, -1, 0,": SHARPEN,
    "0 -1 0;\n-1 5 -1;\n0 -1 0;": SHARPEN,
    "0;-1;0\n-1;5;-1\n0;-1;0\n": SHARPEN,
    "0; -1; 0\n-1; 5; -1\n0; -1; 0\n": SHARPEN,
    "0;-1;0;\n-1;5;-1;\n0;-1;0;": SHARPEN,
    "0 -1 0, -1 5 -1, 0 -1 0": SHARPEN,
    "\ufeff# sharpen\n0 -1 0  # above\n\n-1 5 -1\n\n\n0 -1 0 # below\n\n": SHARPEN,
    "0 -1 0\n-1 5 -1\n# between\n0 -1 0": SHARPEN,
    "[[0,-1,0],[-1,5,-1],[0,-1,0]]": SHARPEN,
    "[[0, -1, 0], [-1, 5, -1], [0, -1, 0],]": SHARPEN,
    "((0, -1, 0), (-1, 5, -1), (0, -1, 0))": SHARPEN,
    "[0, -1, 0], [-1, 5, -1], [0, -1, 0]": SHARPEN,
    "[[ 0 -1  0]\n [-1  5 -1]\n [ 0 -1  0]]": SHARPEN,
    "[0 -1 0; -1 5 -1; 0 -1 0]": SHARPEN,
    "[[[0, -1, 0], [-1, 5, -1], [0, -1, 0]]]": SHARPEN,
    '{"matrix": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]}': SHARPEN,
    '{"matrix": [[0, -8, 0], ["-8", 40.0, -8e0], [0, -8, 0]], "scale": "1/8"}': SHARPEN,
    '{"weights": [[0, -2, 0], [-2, 10, -2], [0, -2, 0]], "scale": 0.5, "note": "crisp"}': SHARPEN,
    '"0","-1","0"\n"-1","5","-1"\n"0","-1","0"': SHARPEN,
    "0;-0.5;0\n-.5;3.;-5e-1\n0;-1/2;0": "0 -1/2 0; -1/2 3 -1/2; 0 -1/2 0",
    "0 1 0, 1 4 1, 0 1 0": "0 1 0; 1 4 1; 0 1 0",
    "1 2; 3 4\n5 6; 7 8": "1 2; 3 4; 5 6; 7 8",
    "1;2;3": "1; 2; 3",
    "1\n2\n3": "1; 2; 3",
    "1,2;3,4;": "1 2; 3 4",
    "[1/9, 1/3]": "1/9 1/3",
    "[.5, -1.]": "1/2 -1",
    "1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9": "1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9",
    "0.1 0.2": "1/10 1/5",
    "[[0.1, 0.2]]": "1/10 1/5",
    '{"matrix": [[0.1, 1e-3, "2/6"]]}': "1/10 1/1000 1/3",
    "0.123456789012345678901234567 1 0": "123456789012345678901234567/1000000000000000000000000000 1 0",
    "[[0.1000000000000000055511151231257827, 1]]": "1000000000000000055511151231257827/10000000000000000000000000000000000 1",
    f"1 1/{10**200 + 1}": f"1 1/{10**200 + 1}",
    "1e99 -2.5e-40": f"{10**99} -5/{2 * 10**40}",
    f"{'0' * 500}1.5{'0' * 400} 2": "3/2 2",
}  # fmt: skip

FILES_ALONE = {
    "matrix,row,0,1,2\n1,0,0,-1,0\n1,1,-1,5,-1\n1,2,0,-1,0\n": SHARPEN,
    "matrix\trow\t0\t1\n1\t0\t1/9\t2\n": "1/9 2",
}


@pytest.fixture
def shell(capfd, monkeypatch, tmp_path):
    """Runs convcli in a folder that holds a.png; gives its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save("a.png")

    def call(line, *words):
        code = run([*line.split(), *words])
        return code, *capfd.readouterr()

    return call


def by_filter(shell, spec):
    code, out, err = shell("filter a.png -o o.png --force --format json", "-k", spec)
    assert code == 0, err
    return by_record(json.loads(out)["kernels"])


def by_kernels(shell, spec):
    code, out, err = shell("kernels --format json", spec)
    assert code == 0, err
    return by_record([json.loads(out)])


def by_record(kernels):
    ((matrix,),) = (one["matrices"] for one in kernels)
    return [[tap * Fraction(matrix["scale"]) for tap in row] for row in matrix["weights"]]


def by_explain(shell, spec):
    (grid,) = lesson_of(ExplainOptions(input="20x20", kernel=spec)).walk.given
    return [list(row) for row in grid]


def by_fit(shell, spec):
    """The one that reads numbers from files alone, as floats."""
    (plane,) = open_levels(spec.removeprefix("@")).planes
    return plane.tolist()


COMMANDS = {"filter": by_filter, "kernels": by_kernels, "explain": by_explain, "fit": by_fit}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("text", "rows"), {**READ, **FILES_ALONE}.items())
def test_every_command_reads_the_same_matrix_from_text_and_from_a_file(shell, command, text, rows):
    expected = fractions(rows)
    with open("k.json" if text.startswith("{") else "k.txt", "w", newline="") as file:
        file.write(text)
    found = COMMANDS[command](shell, f"@{file.name}")
    if command == "fit":
        assert found == [[float(value) for value in row] for row in expected]
    else:
        assert found == expected
        if text not in FILES_ALONE:
            assert COMMANDS[command](shell, text) == expected


COPRIME = [f"1/{n}" for n in range(1, 801)]

# text → part of what is said
REFUSED = {
    "1 2; 3": "row 2 of the {} has 1 values, row 1 has 2",
    "1 2\n3 4 5": "row 2 of the {} has 3 values, row 1 has 2",
    "0;-1;0\n-1;5": "row 2 of the {} has 2 values, row 1 has 3",
    "[[1, 2], [3]]": "row 2 of the {} has 1 values, row 1 has 2",
    "1 2;; 3 4": "row 2 of the {} has no values",
    "[[1], []]": "row 2 of the {} has no values",
    "": "row 1 of the {} has no values",
    "# nothing": "row 1 of the {} has no values",
    "0,5 1,5": "'0,5 1,5' may mean '0.5 1.5' or '0 5 1 5': write decimals with a point",
    "1,5 2,5; 3,5 4,5": "'1,5 2,5' may mean '1.5 2.5' or '1 5 2 5'",
    "1 2,3 4": "'1 2,3 4' may mean '1 2.3 4' or '1 2 3 4'",
    "0,5;1,5\n2,5;3,5": "'0,5;1,5' may mean '0.5 1.5' or '0 5;1 5'",
    "0,5;1;2\n1;2,5;3": "'0,5;1;2' may mean '0.5 1 2' or '0 5;1;2'",
    "0 -1, 0": "row 1 of the {} mixes spaces and commas, '0 -1, 0'",
    "1, 2 3\n4, 5 6": "row 1 of the {} mixes spaces and commas, '1, 2 3'",
    "1,,2": "row 1 of the {} has a comma without a value, '1,,2'",
    "1/0 1": "'1/0' in row 1 of the {} is not a number: it divides by 0",
    "1/\u0660 1": "'1/\u0660' in row 1 of the {} is not a number such as",
    "\u0661 2": "'\u0661' in row 1 of the {} is not a number such as",
    "1 nan": "'nan' in row 1 of the {} is not a number: it is not finite",
    "1; -inf": "'-inf' in row 2 of the {} is not a number: it is not finite",
    "[[1, NaN]]": "'NaN' in row 1 of the {} is not a number: it is not finite",
    '{"matrix": [[Infinity]]}': "'Infinity' in row 1 of the {} is not a number: it is not finite",
    "[[1, true]]": "'true' in row 1 of the {} is not a number such as",
    '{"matrix": [[null, 1]]}': "'None' in row 1 of the {} is not a number such as",
    "1 2 0x1F": "'0x1F' in row 1 of the {} is not a number such as",
    "1 1_000": "'1_000' in row 1 of the {} is not a number such as",
    "1e126 1": "'1e126' in row 1 of the {} is beyond the limit: numbers up to 1e+125",
    "1 1e1000": "'1e1000' in row 1 of the {} is beyond the limit: 1,000 digits, exponents of -999 to 999",
    f"1 0.{'1' * 5000}": f"'0.{'1' * 38}…' in row 1 of the {{}} is beyond the limit: 1,000 digits",
    "1 1e-300": "'1e-300' in row 1 of the {} is beyond the limit: with the numbers before it, it takes more than 290 digits over a common denominator",
    f"{' '.join(COPRIME[:400])}; {' '.join(COPRIME[400:])}": "'1/661' in row 2 of the {} is beyond the limit: with the numbers before it, it takes more than 290",
    "[1, [2]]": "JSON holds rows of numbers",
    "[[1, 2], 3]": "JSON holds rows of numbers",
    "[[1, 2]": "JSON holds rows of numbers",
    "[[1, 2]]]": "JSON holds rows of numbers",
    "[[[[1]]]]": "JSON holds rows of numbers",
    "[" * 100_000: "JSON holds rows of numbers",
    '{"matrix": ' + "[" * 100_000: "it is not JSON: lists are nested too deep",
    '{"matrix": [[[[1]]]]}': "JSON holds rows of numbers",
    '{"matrix": [[1, 2]]': "it is not JSON",
    '{"matrix": 7}': "JSON holds rows of numbers",
    '{"scale": 7}': "JSON holds rows of numbers",
    '{"matrix": [[1]], "matrix": [[2]]}': "JSON has a key twice",
    '{"matrix": [[1]], "divisor": 16}': "'divisor' is not read; JSON of a matrix holds matrix, weights, scale",
    '{"matrix": [[1]], "scale": "1/0"}': "the scale '1/0' is not a number: it divides by 0",
    '{"matrix": [[1]], "scale": 1e400}': "the scale '1e400' is beyond the limit",
    '{"kernels": [{}, {}]}': "it holds 2 kernels; convcli kernels NAME --format json is one",
}  # fmt: skip


@pytest.mark.parametrize("command", ["filter", "kernels", "explain", "fit"])
@pytest.mark.parametrize(("text", "said"), REFUSED.items(), ids=[text[:30] for text in REFUSED])
def test_every_command_refuses_the_same_text_in_one_line(shell, command, text, said):
    with open("k.json", "w", newline="", encoding="utf-8") as file:
        file.write(text)
    lines = {
        "filter": (2, "kernel matrix", "filter a.png -o o.png -k @k.json"),
        "kernels": (2, "kernel matrix", "kernels @k.json"),
        "explain": (2, "kernel", "explain --input 20x20 -k @k.json"),
        "fit": (1, "matrix", "fit k.json a.png"),
    }
    expected, name, line = lines[command]
    code, out, err = shell(line)
    assert (code, out, err.count("\n")) == (expected, "", 1), err
    assert said.format(name) in err
    assert "k.json: " in err


# what is drawn from these is symbols to a lesson, and nothing to a filter
@pytest.mark.parametrize("text", ["a b; c d", "[[a, b], [c, d]]", '[["a", "b"], ["c", "d"]]'])
def test_letters_are_for_lessons_alone(shell, text):
    with open("k.txt", "w") as file:
        file.write(text)
    assert by_explain(shell, "@k.txt") == [["a", "b"], ["c", "d"]]
    code, _, err = shell("filter a.png -o o.png -k @k.txt")
    assert code == 2
    assert "'a' in row 1 of the kernel matrix is not a number such as 2, 0.1 or 1/9" in err


def test_channels_are_apart_by_bars_lines_or_brackets():
    expected = (((1, 2), (3, 4)), ((5, 6), (7, 8)))
    for text in (
        "1 2; 3 4 | 5 6; 7 8",
        "1 2\n3 4\n|\n5 6\n7 8",
        "1 2\n3 4\n\n5 6\n7 8",
        "1 2; 3 4\r\n\r\n\r\n# green\r\n5 6; 7 8",
        "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]",
        '{"matrix": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}',
        '{"matrices": [{"weights": [[1, 2], [3, 4]]}, {"weights": [[10, 12], [14, 16]], "scale": "1/2"}]}',
    ):  # fmt: skip
        assert read_text(text, ANY).values == expected, text
    assert read_stack("1 2\n\n3 4", ANY) == (((1, 2),), ((3, 4),))
    with pytest.raises(SpecError, match="channel 1 of the matrix has 1 rows, not 2"):
        read_stack("1 2; 3 4 | 5 6", ANY)


def test_a_kernel_of_several_matrices_is_none_to_a_filter(shell):
    for text in ("1 2; 3 4 | 5 6; 7 8", "1 2\n3 4\n\n5 6\n7 8", "[[[1, 2]], [[3, 4]]]"):
        with open("k.txt", "w") as file:
            file.write(text)
        code, _, err = shell("filter a.png -o o.png -k @k.txt")
        assert code == 2
        assert "kernel file k.txt: 2 matrices are not a kernel; write one, or JSON that says" in err
        assert len(lesson_of(ExplainOptions(input="20x20", kernel="@k.txt")).walk.given) == 2


# what `np.savetxt` makes of gaussians: 18 digits and exponents to 1e-103
@pytest.mark.parametrize(("side", "sigma"), [(15, 1.0), (31, 1.4)])
def test_a_file_of_savetxt_is_read_by_all_commands(shell, side, sigma):
    taps = np.exp(-((np.arange(side) - side // 2) ** 2) / (2 * sigma**2))
    np.savetxt("k.txt", np.outer(taps, taps) / taps.sum() ** 2)
    with open("k.txt") as file:
        expected = [[Fraction(word) for word in line.split()] for line in file]
    assert expected[0][0] < Fraction(1, 10**22)
    for command in ("filter", "kernels"):
        assert COMMANDS[command](shell, "@k.txt") == expected
    (grid,) = lesson_of(ExplainOptions(input="40x40", kernel="@k.txt", cell=(0, 0))).walk.given
    assert [list(row) for row in grid] == expected
    np.testing.assert_array_equal(open_levels("k.txt").planes[0], np.loadtxt("k.txt"))


ARRAYS = {
    "int8": np.array([[-128, 127]], np.int8),
    "uint8": np.array([[0, 255]], np.uint8),
    "int16 big-endian": np.array([[-300], [7]], ">i2"),
    "uint32": np.array([[2**32 - 1, 1]], np.uint32),
    "int64": np.array([[2**62, -(2**62)]], np.int64),
    "uint64": np.array([[2**64 - 1, 1]], np.uint64),
    "float16": np.array([[0.5, -2.25]], np.float16),
    "float32 big-endian": np.array([[0.125, 3]], ">f4"),
    "float64": np.array([[0.1, -7.25, 1e-9]]),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "one row": np.array([1, 2, 3]),
    "one number": np.array(7),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_arrays_are_read_as_numpy_reads_them(shell, tmp_path, array, version):
    with open("k.npy", "wb") as file:
        np.lib.format.write_array(file, array, version)
    expected = np.atleast_2d(np.load("k.npy"))
    (grid,) = read_stack("@k.npy", ANY)
    assert [list(row) for row in grid] == expected.tolist()
    ((matrix, scale),) = kernel("@k.npy").matrices()
    assert (matrix * scale).tolist() == expected.tolist()
    if array.ndim == 2:
        np.testing.assert_array_equal(open_levels("k.npy").planes[0], expected.astype(float))


def test_channels_of_an_array_are_its_first_axis(tmp_path):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    for order in "CF":
        np.save(tmp_path / "k.npy", np.asarray(array, order=order))
        assert np.array(read_stack(f"@{tmp_path}/k.npy", ANY)).tolist() == array.tolist()


@pytest.mark.parametrize(
    "text", ["1 " * 1024, "1\n" * 1024, "1;" * 1024, "[" + "[1]," * 1024 + "]"]
)
def test_what_is_too_large_is_refused_before_it_is_read(shell, text):
    with open("k.txt", "w") as file:
        file.write(text)
    for line in ("filter a.png -o o.png -k @k.txt", "explain --input 20x20 -k @k.txt"):
        code, out, err = shell(line)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "at most 1023 rows and columns" in err or "at most 512 rows and columns" in err


def npy(header, data=b""):
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + data


# bytes of a .npy file → what is said
BAD_ARRAYS = {
    b"\x93NUMPY": "it does not begin as one",
    b"\x93NUMPY\x09\0\x10\0": "it does not begin as one",
    npy("(" * 9000): "it is not a .npy array of plain numbers: its header is '((((",
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }"): "of O cannot be read",
    npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1, 1), }"): "of plain numbers",
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (True, 3), }", bytes(24)): "of plain numbers",
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -8), }", bytes(64)): "of plain numbers",
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", bytes(7)): "an array (1, 1) of float64 has 8 bytes, the file 7",
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999, 99999), }"): "has 79,998,400,008 bytes, the file 0",
    npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'9' * 400},), }}"): "its shape is (99",
    npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1, 1), }", b"\1"): "an array (1, 1) of bool cannot be read",
    npy("{'descr': '<c16', 'fortran_order': False, 'shape': (1, 1), }", bytes(16)): "of complex128 cannot be read",
    npy("{'descr': '<f16', 'fortran_order': False, 'shape': (1, 1), }", bytes(16)): "of float128 cannot be read",
    npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1, 1), }", bytes(1)): "of U1 cannot be read",
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }"): "it needs at least one number",
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, 1), }", bytes(8)): "cannot be read",
    npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1100), }", bytes(1100)): "is 1x1100; at most",
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", b"\0\0\0\0\0\0\xf0\x7f"): "'inf' in row 1",
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", b"\x9c\x75\0\x88\x3c\xe4\x37\x7e"): "'1e+300' in row 1",
}  # fmt: skip


@pytest.mark.parametrize(("data", "said"), BAD_ARRAYS.items(), ids=BAD_ARRAYS.values())
def test_an_array_is_refused_from_its_header(shell, data, said):
    with open("k.npy", "wb") as file:
        file.write(data)
    for line in ("filter a.png -o o.png -k @k.npy", "explain --input 20x20 -k @k.npy"):
        code, out, err = shell(line)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert said in err
        assert "k.npy: " in err


def test_an_array_is_read_without_numpy(tmp_path):
    np.save(tmp_path / "k.npy", np.array([[0.5, 2.0]]))
    modules = loaded_by(f"explain --input 2x2 --kernel @{tmp_path}/k.npy")
    assert "convcli.numerals" in modules
    assert "numpy" not in modules


def test_files_that_cannot_be_read_are_named(shell):
    with open("utf16.csv", "wb") as file:
        file.write("1 2".encode("utf-16"))
    for name, said in {
        "none.txt": "none.txt cannot be read: No such file or directory",
        ".": ". cannot be read: Is a directory",
        "utf16.csv": "utf16.csv is not UTF-8 text; text, CSV, JSON and .npy are read",
    }.items():
        for line in ("filter a.png -o o.png -k", "explain --input 20x20 -k", "kernels"):
            code, _, err = shell(line, f"@{name}")
            assert (code, err.count("\n")) == (2, 1)
            assert said in err
    with open("large.txt", "w") as file:
        file.write("1 " * (3 << 20))
    code, _, err = shell("explain --input 20x20 -k @large.txt")
    assert (code, err) == (2, "Error: large.txt is larger than 4,194,304 bytes\n")


# kernel → what the run says of it on stderr
TITLES = {
    "0,-1,0,-1,5,-1,0,-1,0": [
        "custom 1x9 is one row; a 3x3 kernel separates its rows by ;",
        "custom 1x9: values ",
    ],
    "1 1 1 1": [
        "custom 1x4 is one row; a 2x2 kernel separates its rows by ;",
        "custom 1x4: values ",
    ],
    "1 1 1 1 1": ["custom 1x5: values "],
    "0;-1;0\n-1;5;-1\n0;-1;0": ["custom 3x3: values "],
    "0 -1 0, -1 5 -1, 0 -1 0": ["custom 3x3: values "],
    "[[0,-1,0],[-1,5,-1],[0,-1,0]]": ["custom 3x3: values "],
    "sharpen": ["sharpen: values "],
}


@pytest.mark.parametrize(("text", "lines"), TITLES.items())
def test_a_run_names_a_matrix_by_its_size(shell, text, lines):
    code, _, err = shell("filter a.png -o o.png", "-k", text)
    assert code == 0
    notes = [line for line in err.splitlines() if "custom" in line or "sharpen" in line]
    assert len(notes) == len(lines)
    assert all(map(str.startswith, notes, lines))
    hints = lines[:-1]
    assert shell("explain --input 20x20 --cell 0,0", "-k", text)[2].splitlines() == hints
    assert shell("explain --input 20x20 --cell 0,0 -q", "-k", text)[2] == ""
    assert shell("kernels --format csv", text)[2].splitlines() == hints
    title = lines[-1].partition(":")[0]
    out = shell("explain a.png --at 4,4", "-k", text)[1]
    assert out.startswith(f"{title} at row 4, column 4 (x=4, y=4) of a picture of 8x8\n")


def test_the_result_of_a_matrix_is_named_as_before(shell):
    assert shell("filter a.png -k", "1 2; 3 4")[1] == "a.custom.png\n"


NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.decimals(-1000, 1000, allow_nan=False, places=6).map(str),
    st.floats(1e-60, 1e9).map(repr),
    st.tuples(st.integers(-99, 99), st.integers(1, 99)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)


@settings(deadline=None)
@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(NUMBERS, min_size=n, max_size=n), min_size=1, max_size=4)))  # fmt: skip
def test_one_matrix_is_the_same_in_every_form(rows):
    expected = [[Fraction(cell) for cell in row] for row in rows]
    comma = io.StringIO()
    csv.writer(comma).writerows(rows)
    forms = [
        "; ".join(" ".join(row) for row in rows),
        "\n".join("\t".join(row) for row in rows),
        comma.getvalue(),
        json.dumps(rows),
        str(rows),
        str(tuple(map(tuple, rows))),
        json.dumps({"matrix": rows, "scale": "1"}),
        f"[{'; '.join(' '.join(row) for row in rows)}]",
    ]
    if len(rows) > 1 and len(rows[0]) > 1:
        forms += [
            "\n".join(";".join(row) for row in rows),
            ", ".join(" ".join(row) for row in rows),
        ]
    for text in forms:
        (grid,) = read_stack(text, ANY)
        assert [list(row) for row in grid] == expected, text
    one = kernel(forms[0])
    assert [
        [tap * scale for tap in row] for matrix, scale in one.matrices() for row in matrix.tolist()
    ] == expected
    assert spec_text(kernel(spec_text(one))) == spec_text(one)


@settings(deadline=None)
@given(st.fractions(max_denominator=10**60))
def test_a_fraction_is_read_as_python_writes_it(value):
    assert read_fraction(str(value)) == value


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: abs(value) < 1e125))
def test_a_float_is_read_as_the_decimal_it_is_written_as(value):
    assert read_fraction(repr(value)) == Fraction(repr(value))


PIECES = [
    *("1", "-2", "1/3", "0.5", "1,5", " ", ", ", ";", "\n", "\n\n", "|", "[", "]", "[[", "]]"),
    *("{", "}", '"matrix":', '"scale":', "# x\n"),
]


@settings(deadline=None, max_examples=500)
@given(
    st.one_of(
        st.text(alphabet="0123456789.,;|/-+eE \n\t\r[](){}#\"':aN\u0660\u2028\ufeff", max_size=40),
        st.lists(st.sampled_from(PIECES), max_size=20).map("".join),
    )
)
def test_any_text_is_read_by_filters_and_lessons_alike_or_refused_by_both(text):
    outcomes = []
    for limits in (LIMITS, KERNEL._replace(symbols=False, name=LIMITS.name)):
        try:
            outcomes.append(read_text(text, limits, tables=True))
        except SpecError as refusal:
            assert len(str(refusal)) < 400
            assert "\n" not in str(refusal)
            outcomes.append(str(refusal))
    assert outcomes[0] == outcomes[1]


@settings(deadline=None)
@given(st.data())
def test_any_header_of_an_array_is_read_or_refused(data):
    file = io.BytesIO()
    np.save(file, np.arange(6, dtype="<i2").reshape(2, 3))
    mutated = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        mutated[data.draw(st.integers(6, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile(suffix=".npy") as named:
        named.write(mutated)
        named.flush()
        try:
            (grid,) = read_stack(f"@{named.name}", ANY)
        except SpecError:
            return
    assert len(grid) * len(grid[0]) * 2 <= len(mutated)
