"""convcli from Python: the same answers as on the command line, and errors that say what is wrong."""

import subprocess
import sys
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convcli
from convcli.cli.main import run
from convcli.errors import PictureError, Refusal, SpecError, UnfitError

SAMPLES = Path(__file__).parents[1] / "samples"
CAT = SAMPLES / "cat.jpg"


def test_every_public_name_is_there_and_documented():
    for name in convcli.__all__:
        if name[0].islower():
            assert ">>> " in (getattr(convcli, name).__doc__ or ""), name
        elif name == "RandomConvFeatures":
            assert ">>> " in (convcli.RandomConvFeatures.__doc__ or "")
        elif name != "__version__":
            assert issubclass(getattr(convcli, name), convcli.Refusal)
    assert dir(convcli) == sorted(convcli.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        convcli.nothing  # noqa: B018


def test_importing_costs_nothing():
    code = "import sys, convcli; sys.exit(bool({'numpy', 'PIL', 'click'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


NETWORKS = {
    # network, input → output, parameters, MACs
    ("lenet5", None): ((10,), 61_706, 416_520),
    ("alexnet", 224): ((1000,), 61_100_840, 714_188_480),
    ("nn.Conv2d(1, 6, 5)", "28x28x1"): ((6, 24, 24), 156, 86_400),
    ("conv:96,11,stride=4", (227, 227, 3)): ((96, 55, 55), 34_944, 105_415_200),
    (SAMPLES / "net.py", 32): ((10,), 175_242, 26_657_408),
}


@pytest.mark.parametrize(("asked", "told"), NETWORKS.items(), ids=str)
def test_summaries_are_those_of_the_command_line(asked, told):
    found = convcli.summarize(*asked)
    assert (found.output, found.params, found.macs) == told
    again = convcli.summarize(convcli.parse(asked[0]), asked[1])
    assert again.record() == found.record()


def test_a_network_alone_needs_an_input():
    network = convcli.parse("conv(6, 5)").network
    assert convcli.summarize(network, 28).output == (6, 24, 24)
    with pytest.raises(SpecError, match="--input"):
        convcli.summarize(network)


class Cells(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_a_notebook_and_a_print_show_the_table():
    found = convcli.summarize("conv:8,3 relu", 32)
    page = Cells(found._repr_html_())
    assert page.tags.count("tr") == 5
    assert {"30x30x8", "224", "194,400"} <= set(page.words)
    rows = [line.split() for line in str(found).splitlines()]
    assert ["total", "30x30x8", "224", "194,400"] in rows
    assert repr(found) == "<32x32x3 → 30x30x8: 224 params, 194,400 MACs>"


def test_html_is_text_and_never_markup():
    text = convcli.parse("a = conv(2, 1)")
    (node,) = text.network.nodes
    network = text.network._replace(nodes=(node._replace(name="<script>alert(1)</script>"),))
    shown = convcli.summarize(network, 4)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


REFUSED = {
    "summarize('resnet5')": (SpecError, "did you mean resnet50"),
    "summarize('conv(6, 5)', 3)": (UnfitError, "longer than the input"),
    "summarize('conv(6, 5)', '7x0')": (SpecError, "too small"),
    "summarize('conv(6, 5)', True)": (SpecError, "input=True: 'True' is not a whole number"),
    "summarize('conv(6, 5)', 7.5)": (SpecError, "not a whole number"),
    "summarize('conv(6, 5)', -1)": (SpecError, "too small"),
    "summarize('conv(6, 5)', (8, 'x'))": (SpecError, "not a whole number"),
    "summarize('conv(6, 5)', 8, batch=0)": (SpecError, "batch is a whole number"),
    "summarize('conv(6, 5)', 8, depth=-3)": (SpecError, "depth is a whole number"),
    "kernel(None)": (SpecError, "not a kernel"),
    "filter_image(X, 'blur', border=None)": (SpecError, "not a border"),
    "filter_image(X, 'blur', threads=0)": (SpecError, "threads"),
    "extract_features(X, seed='a')": (SpecError, "seed"),
    "extract_features(X, resize='x')": (SpecError, "resize"),
    "summarize('conv(6, 5)', 8, mac_rule='thp')": (SpecError, "did you mean thop"),
    "summarize('conv(6, 5)', 8, dtype='float')": (SpecError, "float16, bfloat16"),
    "summarize('conv(6, 5)', 8, columns=['param'])": (SpecError, "did you mean params"),
    "parse('convv(6, 5)')": (SpecError, "did you mean conv"),
    "kernel('soble')": (SpecError, "did you mean sobel"),
    "filter_image(X)": (SpecError, "no kernel is given"),
    "filter_image(X, 'soble')": (SpecError, "did you mean sobel"),
    "filter_image(X, [[1, np.nan]])": (SpecError, "finite"),
    "filter_image(X, [[[1]]])": (SpecError, "not a kernel"),
    "filter_image(X, 'blur', border='refect')": (SpecError, "did you mean reflect"),
    "filter_image(X, 'blur', range='strech')": (SpecError, "did you mean stretch"),
    "filter_image(X, 'blur', channels='red')": (SpecError, "rgb, luma or each"),
    "filter_image(X, 'blur', stride=0)": (SpecError, "at least 1"),
    "filter_image(X, 'blur', stride=(1, 2, 3))": (SpecError, "at least 1"),
    "filter_image(X, 'blur', amount=np.nan)": (SpecError, "amount"),
    "filter_image(X.astype(complex), 'blur')": (UnfitError, "complex128 is not a picture"),
    "filter_image(X[0], 'blur')": (UnfitError, "not a picture"),
    "filter_image(X[:0], 'blur')": (UnfitError, "not a picture"),
    "filter_image('none.jpg', 'blur')": (PictureError, "No such file"),
    "extract_features(X, 'conv(2, 50)')": (UnfitError, "longer than the input"),
    "extract_features(X, parts='men')": (SpecError, "did you mean mean"),
    "explain(5)": (SpecError, "give --kernel"),
    "explain(5, 3, stride=0)": (SpecError, "stride=0"),
    "explain(5, 3, padding=(1, 2, 3))": (SpecError, "padding="),
    "explain(5, 9)": (UnfitError, "longer than the input"),
    "explain([[1, 2], [3]], 1)": (SpecError, "row 2"),
    "explain([[1, [2]]], 1)": (SpecError, "nested"),
    "explain([[[[1]]]], 1)": (SpecError, "channels, rows, columns"),
    "explain([], 3)": (SpecError, "no numbers"),
    "explain([[1]], 1, symbols=True, seed=3)": (SpecError, "--random"),
    "explain([[1]], activation='relu').output": (UnfitError, "no output"),
    "fit(X, X)": (UnfitError, "not determined"),
    "fit(X, X, 'big')": (SpecError, "'big'"),
    "fit(X, X[:, 0], 3)": (UnfitError, "not a picture"),
    "fit(X * np.nan, X, 3)": (SpecError, "finite"),
    "fit('none.jpg', X)": (PictureError, "No such file"),
    "layers('convv')": (SpecError, "did you mean conv"),
}


@pytest.mark.parametrize(("call", "expected"), REFUSED.items())
def test_what_cannot_be_is_refused_with_its_reason(call, expected):
    kind, text = expected
    names = {name: getattr(convcli, name) for name in convcli.__all__}
    with pytest.raises(kind, match=text):
        eval(call, names | {"np": np, "X": np.zeros((9, 9), np.uint8)})
    assert issubclass(SpecError, Refusal)


@pytest.mark.parametrize(
    ("kernels", "options", "words"),
    [
        (["sobel"], {}, ""),
        (["gaussian:1", "laplacian"], {"range": "stretch"}, "--range stretch"),
        (["blur"], {"border": "wrap", "stride": (2, 3)}, "--border wrap --stride 2x3"),
        (["emboss"], {"gray": True, "bias": 12.5}, "--gray --bias 12.5"),
        (["sharpen"], {"linear": True, "amount": 0.25}, "--linear --amount 0.25"),
        (["edge"], {"channels": "luma"}, "--channels luma"),
    ],
)
def test_filters_are_those_of_the_command_line(tmp_path, kernels, options, words):
    target = str(tmp_path / "out.png")
    chain = [word for one in kernels for word in ("-k", one)]
    assert run(["filter", str(CAT), *chain, *words.split(), "-q", "-o", target]) == 0
    with Image.open(target) as picture:
        wanted = np.asarray(picture)
    found = convcli.filter_image(CAT, *kernels, **options)
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 1), (7, 9, 3), (7, 9, 4), (1, 1), (1, 5, 2)])
def test_an_array_comes_back_as_it_is(dtype, shape):
    picture = (np.arange(np.prod(shape)) % 200).reshape(shape).astype(dtype)
    same = convcli.filter_image(picture, "identity")
    assert (same.dtype, same.shape) == (picture.dtype, picture.shape)
    if len(shape) == 2 or shape[2] in (1, 3):
        np.testing.assert_array_equal(same, picture)


@pytest.mark.parametrize(
    ("shape", "dtype", "mode"),
    [((7, 9), "u1", "L"), ((7, 9, 1), "u2", "L"), ((7, 9, 3), "u1", "RGB"), ((7, 9, 4), "u2", "RGBA"), ((7, 9), "f4", None)],
)  # fmt: skip
def test_a_notebook_shows_a_filtered_picture(shape, dtype, mode):
    picture = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    shown = convcli.filter_image(picture, "identity")._repr_png_()
    if mode is None:
        assert shown is None
        return
    with Image.open(BytesIO(shown)) as image:
        assert (image.mode, image.size) == (mode, (9, 7))
        if dtype == "u1":
            np.testing.assert_array_equal(np.asarray(image), picture.reshape(shape))


def test_a_notebook_shows_feature_maps():
    seen = convcli.extract_features(np.eye(16, dtype="u1"), "conv(4, 3)", seed=7)
    assert repr(seen).startswith("<features of conv1 14x14x4; vector of ")
    with Image.open(BytesIO(seen._repr_png_())) as image:
        assert image.mode == "RGB"


def test_a_kernel_is_text_an_array_or_a_kernel():
    picture = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    text = convcli.filter_image(picture, "0 -1 0; -1 5 -1; 0 -1 0")
    for same in ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], convcli.kernel("sharpen"), "sharpen"):
        np.testing.assert_array_equal(convcli.filter_image(picture, same), text)


def test_an_explanation_has_the_values_of_scipy_and_the_text_of_the_command(capsys):
    from scipy.signal import correlate2d

    x, w = np.random.default_rng(4).integers(-9, 10, (2, 3, 6, 5))
    w = w[:, :3, :2]
    lesson = convcli.explain(x, w, padding=(1, 0), stride=(2, 1), bias=0.5)
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
    sums = sum(correlate2d(a, b, "valid") for a, b in zip(padded, w, strict=True))
    (output,) = lesson.output
    np.testing.assert_array_equal(np.array(output, float), sums[::2] + 0.5)
    assert [row["value"] for row in lesson.rows()] == [
        str(v) if v % 1 else int(v) for v in np.ravel(sums[::2] + 0.5)
    ]

    lesson = convcli.explain([[1, 2, 0], [0, 1, 3], [2, 1, 1]], [[1, 0], [0, -1]], flip=True)
    assert run(["explain", "--input", "1 2 0; 0 1 3; 2 1 1", "-k", "1 0; 0 -1", "--flip"]) == 0
    assert capsys.readouterr().out == f"{lesson}\n"
    assert Cells(lesson._repr_html_()).tags == ["pre"]


@pytest.mark.parametrize(
    ("call", "text"),
    {
        "explain([[5]], [[3]]).output": "(((15,),),)",  # numbers, and no sizes
        "explain([['a', 'b']], [['w']]).rows()[1]['sum']": "'z[0,1] = b·w'",
        "explain((3, 4), 2)": "<cross-correlation: input 3x4, kernel 2x2, stride 1, padding 0: output 2x3>",
        "explain([[.1, .2]], [[.5]], bias=.3).output": "(((Fraction(7, 20), Fraction(2, 5)),),)",
        "explain(signal=[0, 1, 2], kernel=[1, -1]).output": "(((0, 1, 1, -2),),)",
        "explain(signal=np.arange(3), kernel=np.array([1, -1])).output": "(((0, 1, 1, -2),),)",
        "explain([[1, 2], [3, 4]], pool='max:2').output": "(((4,),),)",
        "explain([[-1, 2]], activation='relu').rows()[0]['sum']": "'max(0, -1)'",
        "explain(receptive='vgg16', unit=('conv3_3', (5, 7)))": "<a receptive field, explained>",
        "fit(X, 3 * X + 7.0, 1).kernels.round(9).tolist()": "[[[[3.0]]]]",
        "fit(X, 3 * X + 7.0, 1).bias.round(9).tolist()": "[7.0]",
        "fit(X.astype('u1'), filter_image(X.astype('u1'), 'box:5'), 'auto').kernels.round(2)[0, 0, 0].tolist()": "[0.04, 0.04, 0.04, 0.04, 0.04]",
        "len(layers().rows()) > 50, layers('Conv2D').rows()[0]": "(True, {'property': 'layer', 'value': 'conv'})",
    }.items(),
)
def test_lessons_and_fits_take_arrays(call, text):
    names = {name: getattr(convcli, name) for name in convcli.__all__}
    noise = np.random.default_rng(0).integers(0, 256, (24, 24)).astype(float)
    assert repr(eval(call, names | {"np": np, "X": noise})) == text


def test_a_lesson_is_saved_as_a_page_and_an_animation(tmp_path):
    lesson = convcli.explain(picture=CAT, kernel="sharpen", at=(9, 9))
    lesson.save(tmp_path / "pixel.html")
    assert b"<html" in (tmp_path / "pixel.html").read_bytes()
    convcli.explain(4, 3).save(tmp_path / "walk.gif", fps=5)
    with Image.open(tmp_path / "walk.gif") as picture:
        assert picture.n_frames >= 4
    with pytest.raises(convcli.OutputError, match="already exists"):
        lesson.save(tmp_path / "pixel.html")
