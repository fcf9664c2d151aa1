"""Numbers from files: every form, and nothing in them trusted."""

import json

import numpy as np
import pytest


def test_values_come_from_files(told, tmp_path):
    expected = "8\n"
    image, kernel = [[1, 2, 3], [0, 1, 5], [1, 0, 2]], [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    (tmp_path / "x.txt").write_text("# an image\n1 2 3\n0 1 5\n1 0 2\n")
    (tmp_path / "x.csv").write_text("1,2,3\n0,1,5\n1,0,2\n")
    (tmp_path / "x.json").write_text(json.dumps(image))
    np.save(tmp_path / "x.npy", np.array(image, np.uint8))
    np.save(tmp_path / "k.npy", np.array(kernel, np.float32))
    (tmp_path / "long.txt").write_text("1.0000000000000000 2 3\n0 1 5\n1 0 2.00000000000000000000")
    for name in ("x.txt", "x.csv", "x.json", "x.npy", "long.txt"):
        code, out, _ = told(
            "explain -q", "--input", f"@{tmp_path / name}", "--kernel", f"@{tmp_path}/k.npy"
        )
        assert (code, out) == (0, expected), name


def test_decimals_and_fractions_in_json_are_exact(told, tmp_path):
    (tmp_path / "x.json").write_text('[[0.1, 0.2, "1/3", 0.1000000000000000055511151231257827]]')
    words = ["--input", f"@{tmp_path}/x.json", "--kernel", "1 1", "--format", "json"]
    values = json.loads(told("explain", *words)[1])["output"]["values"]
    assert values == [[[0.3, 8 / 15, 1 / 3 + 0.1]]]
    assert told("explain -q --bias b", *words[:4])[1] == "0.3 + b 8/15 + b 0.433333 + b\n"


@pytest.mark.parametrize(
    "text",
    [
        "1 2\n3 4\n\n5 6\n7 8",
        "1 2\r\n3 4\r\n\r\n\r\n\r\n# green\n5 6\n7 8",
        "1 2;3 4\n\n|\n5 6\n7 8",
    ],
)
def test_channels_in_a_file_are_apart_by_empty_lines_or_a_bar(told, tmp_path, text):
    (tmp_path / "x.txt").write_bytes(text.encode())
    words = ["--input", f"@{tmp_path}/x.txt", "--kernel", "1|1"]
    assert told("explain -q", *words)[1] == "6 8\n10 12\n"


def test_a_file_is_never_run_or_trusted(told, tmp_path):
    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    header = (tmp_path / "o.npy").read_bytes()[:10]
    (tmp_path / "short.npy").write_bytes(
        header
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 100000), }".ljust(117)
        + b"\n"
    )
    (tmp_path / "minus.npy").write_bytes(
        header
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -8), }".ljust(117)
        + b"\n"
        + bytes(64)
    )
    np.save(tmp_path / "empty.npy", np.zeros((0, 3)))
    (tmp_path / "digits.json").write_text(f"[[{'9' * 3000}]]")
    (tmp_path / "large.json").write_text("[[1e300]]")
    (tmp_path / "empty.json").write_text("[[]]")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "long.txt").write_text("1 " * (3 << 20))
    (tmp_path / "nan.json").write_text("[[NaN]]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "words.txt").write_text("import os; os.system('ls')")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe1")
    for name, words in {
        "o.npy": "of O cannot be read as the input: give numbers",
        "short.npy": "has 80,000,000,000 bytes, the file 0",
        "minus.npy": "it is not a .npy array of plain numbers",
        "empty.npy": "an array (0, 3) of float64 cannot be read as the input: it needs",
        "digits.json": "in row 1 of the input is beyond the limit: 1,000 digits",
        "large.json": "'1e300' in row 1 of the input is beyond the limit: numbers up to 1e+125",
        "empty.json": "row 1 of the input has no values",
        "empty.txt": "row 1 of the input has no values",
        "long.txt": "is larger than 4,194,304 bytes",
        "nan.json": "'NaN' in row 1 of the input is not a number: it is not finite",
        "deep.json": "JSON holds rows of numbers",
        "words.txt": "is not a number",
        "bytes.txt": "is not UTF-8 text",
        "none": "cannot be read",
    }.items():
        code, out, err = told("explain --kernel 1", "--input", f"@{tmp_path / name}")
        assert code in (1, 2), name
        assert (out, err.count("\n")) == ("", 1), name
        assert words in err
