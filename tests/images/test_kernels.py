"""The catalogue's matrices, and kernels written by hand."""

import json
from fractions import Fraction
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convcli import filter_image
from convcli.cli.main import run
from convcli.errors import SpecError
from convcli.images.filters.options import FilterOptions
from convcli.images.filters.plan import intensity_map
from convcli.images.filters.spec import Range, remarks, replayed, spec_of
from convcli.images.kernels.catalogue import CATALOGUE
from convcli.images.kernels.kernel import weight_sum
from convcli.images.kernels.parse import kernel
from convcli.images.kernels.transforms import rotated

MATRICES = {
    "identity": [[1]],
    "blur": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "edge": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "sobel": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "prewitt": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "scharr": [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
    "box:2": [[1, 1], [1, 1]],
    "Box:3x2": [[1, 1], [1, 1], [1, 1]],
    "box(2X3)": [[1, 1, 1], [1, 1, 1]],
    "blur:5": [[a * b for b in (1, 4, 6, 4, 1)] for a in (1, 4, 6, 4, 1)],
    "emboss:45": [[0, -1, -2], [1, 1, -1], [2, 1, 0]],
    "emboss:-45": [[2, 1, 0], [1, 1, -1], [0, -1, -2]],
    "emboss:0": [[1, 0, -1], [2, 1, -2], [1, 0, -1]],
    "emboss:angle=90": [[-1, -2, -1], [0, 1, 0], [1, 2, 1]],
    "SOBEL:X": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "Sobel(Part=Left)": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "Motion:4": [[1, 1, 1, 1]],
    "motion:3,90": [[1], [1], [1]],
    "motion:1": [[1]],
}


@pytest.mark.parametrize(("spec", "matrix"), MATRICES.items())
def test_matrices_stand_as_they_are_drawn(spec, matrix):
    weights, matrix = np.asarray(kernel(spec)), np.array(matrix)
    weights = weights if weights.ndim == 2 else weights[0]
    np.testing.assert_allclose(weights / np.abs(weights).max(), matrix / np.abs(matrix).max())


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_entry_says_where_it_is_from_and_what_it_is_for(name):
    assert kernel(name).name == name
    assert CATALOGUE[name].source
    assert CATALOGUE[name].purpose


BRIGHT = [
    "identity", "box", "box:2", "blur", "binomial", "binomial:6", "gaussian", "gaussian:0.4", "gaussian(2, size=7)",
    "disk", "disk:0.3", "motion", "motion:5,angle=30", "motion:4", "motion:4.5",
    "gaussian:3,1", "gaussian:3,1,30", "gaussian:100", "blur:5", "box:2x5", "emboss:90", "sharpen", "unsharp", "unsharp:2,amount=0.3", "emboss",
]  # fmt: skip
DARK = [
    "high-pass", "edge", "outline", "laplacian", "laplacian:8", "log", "log:0.5", "dog", "dog:2,3", "sobel", "prewitt",
    "scharr", "farid", "sobel-x", "farid-y", "scharr:left", "roberts", "kirsch", "frei-chen", "frei-chen:6", "gabor",
    "gabor:1,theta=30",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("total", "specs"), [(1, BRIGHT), (0, DARK)])
def test_blurs_keep_what_is_constant_and_differences_see_nothing_in_it(total, specs):
    for spec in specs:
        assert {weight_sum(m) * scale for m, scale in kernel(spec).matrices()} == {total}, spec


def test_both_parts_of_a_gradient_are_each_other_turned():
    x, y = (part.matrix for part in kernel("sobel").parts)
    np.testing.assert_array_equal(x.T, y)


@pytest.mark.parametrize("sigma", [0.3, 0.5, 0.7, 0.8, 1, 2, 7.5])
def test_a_gaussian_has_the_width_it_was_asked_for(sigma):
    taps = kernel(f"gaussian:{sigma}").parts[0].factors[0].ravel()
    places = np.arange(len(taps)) - len(taps) // 2
    assert np.sqrt((taps * places**2).sum() / taps.sum()) == pytest.approx(sigma, rel=0.01)
    assert kernel(f"gaussian:{sigma}").sum == 1


def test_a_motion_is_uniform_along_rows_and_columns():
    for length in (1, 2, 5, 9, 40):
        for angle in (0, 90, 180, -90):
            weights = np.asarray(kernel(f"motion:{length},{angle}"))
            assert weights.shape == ((length, 1) if angle % 180 else (1, length))
            np.testing.assert_array_equal(weights, 1 / length)


@pytest.mark.parametrize(
    ("spec", "rows"),
    [  # MATLAB: fspecial("motion", 9, 45) and fspecial("motion", 4.5, 0)
        ("motion:9,45", [[0, 0, 0, 0, 0, 0.0292, 0.0755], [0, 0, 0, 0, 0.0292, 0.0997, 0.0292]]),
        ("motion:4.5", [[1 / 6, 2 / 9, 2 / 9, 2 / 9, 1 / 6]]),
    ],
)
def test_a_motion_at_an_angle_is_matlabs(spec, rows):
    weights = np.asarray(kernel(spec))
    np.testing.assert_allclose(weights[: len(rows)], rows, atol=5e-5)
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])


def test_a_motion_spreads_as_far_as_its_pixels():
    """The variance of a line of L pixels is (L² − 1)/12, across it that of a width of 1."""
    for length, angle in ((21, 0), (20, 45), (31, 77), (15, 120)):
        weights = np.asarray(kernel(f"motion:{length},{angle}"))
        assert along(weights, angle) == pytest.approx((length**2 - 1) / 12, rel=0.02)


def along(weights, angle):
    """The variance of weights in a direction."""
    y, x = np.indices(weights.shape)
    x, y = x - (weights.shape[1] - 1) / 2, (weights.shape[0] - 1) / 2 - y
    turn = np.radians(angle)
    return float((weights * (x * np.cos(turn) + y * np.sin(turn)) ** 2).sum())


def test_a_gaussian_is_as_wide_as_it_is_asked_along_and_across():
    for angle in (0, 30, 90, 135):
        weights = np.asarray(kernel(f"gaussian:4,1.5,{angle}"))
        assert along(weights, angle) == pytest.approx(16, rel=0.01)
        assert along(weights, angle + 90) == pytest.approx(2.25, rel=0.01)
    np.testing.assert_array_equal(kernel("gaussian:3,1"), np.asarray(kernel("gaussian:1,3")).T)
    assert exact(kernel("gaussian:2,2")) == exact(kernel("gaussian:2"))
    wide = kernel("gaussian:200").parts[0].factors[1].ravel() / 2**18
    x = np.arange(len(wide)) - len(wide) // 2
    assert np.sqrt((wide * x**2).sum()) == pytest.approx(200, rel=0.002)


def test_a_kernel_is_an_array_a_short_text_and_a_picture():
    np.testing.assert_array_equal(kernel("box:2"), [[0.25, 0.25], [0.25, 0.25]])
    assert np.asarray(kernel("sobel"), np.float32).shape == (2, 3, 3)
    assert np.asarray(kernel("dog")).shape == (15, 15)
    assert repr(kernel("sobel")) == "<kernel sobel 3x3, magnitude of 2>"
    assert repr(kernel("0 1 0")) == "<kernel custom 1x3>"
    with Image.open(BytesIO(kernel("sobel")._repr_png_())) as drawn:
        assert drawn.size == (2 * 192 + 8, 192)
        assert drawn.getpixel((0, 96)) == (5, 48, 97)  # −2 is blue
        assert drawn.getpixel((191, 96)) == (103, 0, 31)


REMARKS = [
    ({"kernels": ("sobel",), "bias": "128"}, "edge strengths are never below 0: --bias 128 only brightens them"),
    ({"kernels": ("emboss", "sobel-x"), "bias": "128"}, "the weights sum to 0: --range auto shows |response|, and --bias 128"),
    ({"kernels": ("sobel-x",), "bias": "128", "range": "clip"}, "the weights sum to 0: --bias 128 shows a response of 0 as 128"),
    ({"kernels": ("blur",), "bias": "9"}, ""),
    ({"kernels": ("gaussian:1,5",)}, "gaussian:1,5 has σ 1 along rows and 5 along columns; write a size as size=5"),
    ({"kernels": ("gaussian:3,1",)}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("values", "said"), REMARKS)
def test_what_surprises_is_said(values, said):
    options = FilterOptions(**values)
    told = remarks(spec_of(options), options)
    assert [text[: len(said)] for text in told] == ([said] if said else [])


def test_a_result_that_is_nearly_black_says_what_shows_it(capsys, tmp_path):
    soft = np.add.outer(np.arange(40), np.arange(40)).astype(np.uint8)
    soft[20:, 20:] += 3
    Image.fromarray(soft).save(tmp_path / "soft.png")
    said = {}
    for name in ("sobel", "laplacian --range clip", "blur", "sobel --range stretch"):
        words = f"filter {tmp_path}/soft.png -o {tmp_path}/o.png --force -k {name}".split()
        assert run(words) == 0
        said[name] = capsys.readouterr().err
    assert "; nearly black, --range stretch shows more" in said["sobel"]
    assert "nearly black" in said["laplacian --range clip"]
    assert "black" not in said["blur"] + said["sobel --range stretch"]


def test_random_is_seeded_and_its_own_for_each_seed():
    first, again, other = (kernel(f"random:5,seed={s}").parts[0].matrix for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("text", "matrix", "scale"),
    [
        ("1 2; 3 4", [[1, 2], [3, 4]], 1),
        ("1,2;3,4;", [[1, 2], [3, 4]], 1),
        ("1/9 1/3", [[1, 3]], Fraction(1, 9)),
        ("0.5; -.25", [[2], [-1]], Fraction(1, 4)),
        ("1e2", [[100]], 1),
    ],
)
def test_a_matrix_is_read_exactly(text, matrix, scale):
    (part,) = kernel(text).parts
    assert (part.matrix.tolist(), part.scale) == (matrix, scale)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "row 1 of the kernel matrix has no values"),
        ("1 2; 3", "row 2 of the kernel matrix has 1 values, row 1 has 2"),
        ("1 2;; 3 4", "row 2 of the kernel matrix has no values"),
        ("1 x; 3 4", "'x' in row 1 of the kernel matrix is not a number"),
        ("1 1/0", "'1/0' in row 1"),
        ("1e999999999", "is beyond the limit"),
        (
            "1e300 1 1",
            "'1e300' in row 1 of the kernel matrix is beyond the limit: numbers up to 1e+125",
        ),
        ("-inf nan", "'-inf' in row 1 of the kernel matrix is not a number"),
        ("1 " * 2000, "at most 1023"),
        ("nan", "no kernel is called 'nan'"),
        ("soble", "did you mean sobel?"),
        ("sobel:3", "part=3 must be x, y, magnitude, left"),
        ("gaussian:0", "sigma=0 must be above 0"),
        ("gaussian:1e9", "sigma=1000000000.0 must be above 0 and at most"),
        ("gaussian:wide", "sigma=wide is not a number"),
        ("gaussian:1,size=4", "size=4 must be odd"),
        (
            "gaussian(2, width=3)",
            "there is no value width; it takes sigma=1.0, sigma_y=None, angle=0.0, size=None",
        ),
        ("box:0", "size=0 must be a whole number from 1 to 1023"),
        ("box:3x4x5", "cannot be read"),
        ("box:0x3", "size=0 must be a whole number from 1 to 1023"),
        ("emboss:30", "angle=30 must be a multiple of 45"),
        ("gaussian:300", "sigma=300 must be above 0 and at most 255"),
        ("gaussian:3,0", "sigma=0 must be above 0"),
        ("gaussian:40,3,30", "sigma=40 must be above 0 and at most 30"),
        ("gaussian:3,1,angle=up", "angle=up is not a number"),
        ("random:3,seed=-1", "seed=-1 must be a whole number"),
        ("gaussian(2", "is not a name, name:values or name(values)"),
        ("gaussian:2)+(3", "is not one call"),
        ("gaussian:__import__('os')", "is not a number, a name or a list of them"),
        ("gaussian:" + "(" * 5000, "cannot be read"),
        ("gaussian:" + "1" * 50_000, "is not a name"),
    ],
)
def test_a_bad_kernel_is_refused_in_a_sentence(spec, message):
    with pytest.raises(SpecError) as refusal:
        kernel(spec)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_the_british_spelling_of_a_parameter_is_taken_too():
    """Records of results may hold it."""
    eight = [[1, 1, 1], [1, -8, 1], [1, 1, 1]]
    for text in ("laplacian(neighbours=8)", "laplacian(neighbors=8)"):
        assert kernel(text).parts[0].matrix.tolist() == eight
    with pytest.raises(SpecError, match="neighbors is given twice"):
        kernel("laplacian(4, neighbours=8)")


SPECS = [*CATALOGUE, "sobel:left", "scharr:top", "sobel:y", "gaussian:9", "box:31", "laplacian:8", "frei-chen:4", "unsharp:1,2,0.5", "canny:2,0.01,0.5", "motion:9,angle=30"]  # fmt: skip


@pytest.mark.parametrize("form", ["json", "csv", "tsv"])
@pytest.mark.parametrize("spec", SPECS)
def test_what_kernels_prints_is_read_back_as_the_same_kernel(capfd, tmp_path, spec, form):
    assert run(["kernels", spec, "--format", form]) == 0
    path = tmp_path / f"k.{form}"
    path.write_text(capfd.readouterr().out)
    true, read = kernel(spec), kernel(f"@{path}")
    assert exact(read) == exact(true)
    if form == "json":
        assert [scale for _, scale in read.matrices()] == [scale for _, scale in true.matrices()]
    assert read.combine == ("" if true.linear else true.combine)
    assert (read.center, read.one_sided, read.name) == (true.center, true.one_sided, "k")
    assert rotated(read, 90).shape == rotated(true, 90).shape
    pixels = np.random.default_rng(1).integers(0, 256, (20, 18, 3), np.uint8)
    np.testing.assert_array_equal(
        filter_image(pixels, read, exact=True), filter_image(pixels, true, exact=True)
    )
    (text,) = replayed(
        FilterOptions(kernels=(f"@{path}",))
    ).kernels  # what the record of a result holds
    assert exact(kernel(text)) == exact(true)
    assert (kernel(text).combine, kernel(text).one_sided) == (read.combine, read.one_sided)


def exact(one):
    return [[int(tap) * scale for tap in matrix.flat] for matrix, scale in one.matrices()]


def test_an_anchor_stays_with_its_file(capfd, tmp_path):
    moved = {"anchor": [0, 2], "matrix": [[1, 2, 3], [4, 5, 6]]}
    (tmp_path / "k.json").write_text(json.dumps(moved))
    one = kernel(f"@{tmp_path}/k.json")
    assert (one.center, one.matrices()[0][0].tolist()) == ((0, 2), moved["matrix"])
    for form in ("json", "csv", "tsv"):
        assert run(["kernels", f"@{tmp_path}/k.json", "--format", form]) == 0
        (tmp_path / "again.txt").write_text(capfd.readouterr().out)
        again = kernel(f"@{tmp_path}/again.txt")
        assert (again.center, exact(again)) == ((0, 2), exact(one))
    (text,) = replayed(FilterOptions(kernels=(f"@{tmp_path}/k.json",))).kernels
    assert (kernel(text).center, exact(kernel(text))) == ((0, 2), exact(one))


PAIR = '"matrices": [{"weights": [[1, 2]]}, {"weights": [[3, 4]]}]'

ONE = '{"matrix": [[1]]}'
MANY = f'{{"combine": "sum", "matrices": [{", ".join([ONE] * 65)}]}}'

# a kernel in a file → what is said
NO_KERNELS = {
    f"{{{PAIR}}}": "2 matrices are not a kernel; write one, or JSON that says how they combine",
    f'{{"combine": "product", {PAIR}}}': "'product' does not combine matrices; there are sum, magnitude, maximum",
    '{"combine": "magnitude", "matrix": [[1]]}': "a magnitude combines at least two matrices, not one",
    '{"one_sided": 2, "matrix": [[1]]}': "\"one_sided\" is true or false, not '2'",
    '{"anchor": 1, "matrix": [[1]]}': "\"anchor\" is a row and a column, such as [1, 1], not '1'",
    '{"anchor": [1, -1], "matrix": [[1]]}': '"anchor" is a row and a column',
    '{"anchor": [1, 1], "matrix": [[1]]}': "anchor 1,1 is not in a kernel of 1x1",
    '{"matrices": [[1]]}': "JSON holds rows of numbers",
    '{"combine": "sum", "matrices": [{"weights": [[1, 2]]}, {"weights": [[3]]}]}': "row 1 of channel 1 of the kernel matrix has 1 values, row 1 has 2",
    f'{{"combine": "sum", "matrices": [{", ".join(["{}"] * 65)}]}}': "JSON holds rows of numbers",
    MANY: "the kernel matrix has 65 channels; at most 64 are read",
    '{"matrix": [[1e99]], "scale": 1e99}': "the largest weight of kernel custom is about 1e+198; it must be from 1e-125 to 1e+125",
    '{"lines": [1, 2, 3], "matrix": [[1]]}': '"lines" of a magnitude is a sigma and two strengths, such as [1, 0.1, 0.2]',
    '{"threshold": -1, "matrix": [[1]]}': "\"threshold\" is 0 or more, not '-1'",
    '{"combine": "magnitude", "matrices": [{"matrix": [[1, 1e-140]]}, {"matrix": [[1, 2]]}]}': "a magnitude has weights of at most 140 digits",
    "matrix,row,0\n1,0,1,2": "row 1 of the table has 4 fields, not 3",
    "matrix,row,0\n1,1,1": "row 1 of the table is not the next row of a matrix",
    "matrix,row,0\n1,0,1\n1,2,1": "row 2 of the table is not the next row of a matrix",
    "matrix,row,0\n1,0,1\n3,0,1": "row 2 of the table is not the next row of a matrix",
    "matrix,row,0": "the table has no rows",
    "matrix,row,0,combine\n1,0,x,magnitude": "'x' in row 1 of the kernel matrix is not a number",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"), NO_KERNELS.items(), ids=[text[:40] for text in NO_KERNELS]
)
def test_what_is_said_of_a_kernel_in_a_file_makes_sense_or_is_refused(tmp_path, text, said):
    (tmp_path / "k.txt").write_text(text)
    with pytest.raises(SpecError) as refusal:
        kernel(f"@{tmp_path}/k.txt")
    assert said in str(refusal.value)
    assert str(refusal.value).startswith(f"kernel file {tmp_path}/k.txt: ")


def test_parts_of_a_file_are_added_where_it_says_so(tmp_path):
    (tmp_path / "k.json").write_text(
        f'{{"combine": "sum", {PAIR[:-1]}, {{"matrix": [[1, 0]], "scale": "1/2"}}]}}'
    )
    ((matrix, scale),) = kernel(f"@{tmp_path}/k.json").matrices()
    assert (matrix * scale).tolist() == [[4.5, 6]]


def tone(one):
    """Whether responses are shown as absolute values, and what they are multiplied by in all."""
    found = intensity_map(one, Range(), 255)
    return found.absolute, found.gain * one.parts[0].scale


def test_the_tone_follows_from_the_weights():
    assert tone(kernel("blur")) == (False, Fraction(1, 16))
    assert tone(kernel("edge")) == (True, 1)
    assert tone(kernel("sobel")) == (True, Fraction(1, 4))
    assert tone(kernel("-1 0 1; -2 0 2; -1 0 1")) == (True, Fraction(1, 4))
    assert tone(kernel("prewitt")) == (True, Fraction(1, 3))


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (np.float32([0.1, 0.2, 0.7]), False),
        (np.float32([0.1, 0.2, -0.3]), False),
        (np.float32([[1 / 9] * 3] * 3), False),
        (np.float32([0.1, 0.2, 0.6999]), True),
        (np.float32([0.5, 0.75]), True),
    ],
)
def test_sums_of_float32_weights_are_taken_for_0_or_1(tmp_path, weights, told):
    np.save(tmp_path / "k.npy", weights)
    options = replayed(FilterOptions(kernels=(f"@{tmp_path / 'k.npy'}",)))
    assert bool(remarks(spec_of(options), options)) == told
