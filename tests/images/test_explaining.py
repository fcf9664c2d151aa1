"""What `--explain` and `convcli kernels` say is what is computed."""

import json
from fractions import Fraction

import numpy as np
import pytest

from convcli.cli.main import run
from convcli.images.engines.box_sums import BoxSums
from convcli.images.engines.correlate import Correlator
from convcli.images.engines.gaussian_grid import GaussianGrid
from convcli.images.engines.quantize import Statistics
from convcli.images.engines.settled import Settled
from convcli.images.filters.alpha import AlphaEngine
from convcli.images.filters.apply import filter_picture
from convcli.images.filters.plan import (
    AlphaMode,
    Writer,
    plan_filter,
)
from convcli.images.filters.spec import FilterSpec, Range
from convcli.images.image import Picture
from convcli.images.io.formats import Target
from convcli.images.kernels.listing import (
    catalogue_listing,
    kernel_listing,
    kernel_text,
    weights_text,
)
from convcli.images.kernels.parse import kernel

COLOUR = np.random.default_rng(4).integers(0, 256, (520, 530, 4)).astype(np.uint8)


def of(alpha=None, dtype=np.uint8):
    if alpha is None:
        return Picture(COLOUR[..., :3].astype(dtype), False, "PNG", {})
    return Picture(
        np.dstack([COLOUR[..., :3], np.full((520, 530), alpha, np.uint8)]), True, "PNG", {}
    )


GRID = "on a grid of every 5 pixels, within 0.01 of a gray level before rounding"

# kernels, picture, options → how each is computed
ENGINES = [
    ("blur", of(), {}, ["passes in uint16 (4 a sample)"]),
    ("disk:3", of(), {}, ["products of columns in float32"]),
    ("random:15", of(), {}, ["products of columns in float32, exact where rounding decides"]),
    ("random:31", of(), {}, ["fourier in float64"]),
    ("gaussian:3", of(), {}, ["products in float64"]),
    ("gaussian:9", of(), {}, [GRID]),
    ("gaussian:9", of(255), {}, [GRID]),
    ("gaussian:9", of(9), {}, ["products in float64, of color times alpha"]),
    ("gaussian:9", of(), {"exact": True}, ["products in float64"]),
    ("gaussian:9", of(), {"range": Range("stretch")}, ["products in float64"]),
    ("box:31", of(), {}, ["running sums in uint32"]),
    ("box:31", of(9), {}, ["passes in int32 (18 a sample), of color times alpha"]),
    ("box:31", of(), {"stride": (2, 2)}, ["passes in int32 (18 a sample)"]),
    ("sobel", of(), {"linear": True}, ["passes in float64 (3 a sample)"]),
    ("1e-20 1", of(), {}, ["passes in int64 (2 a sample), passes in int32 (1 a sample)"]),
    ("blur blur", of(), {}, ["passes in uint16 (4 a sample)", "passes in float64 (4 a sample)"]),
]  # fmt: skip


@pytest.fixture
def engines_run(monkeypatch):
    """The engines that go over a picture, as they describe themselves."""
    texts = []

    def noted(method):
        def work(self, *values):
            texts.append(self.text)
            return method(self, *values)

        return work

    for kind in (BoxSums, GaussianGrid, Settled, Correlator, AlphaEngine):
        for name in ("work", "float_work"):
            if hasattr(kind, name):
                monkeypatch.setattr(kind, name, noted(getattr(kind, name)))
    return texts


@pytest.mark.parametrize(("specs", "picture", "options", "engines"), ENGINES)
def test_the_engine_of_the_plan_is_the_one_that_runs(engines_run, specs, picture, options, engines):
    names = specs.split() if specs == "blur blur" else [specs]
    spec = FilterSpec(tuple(map(kernel, names)), **options)
    plan = plan_filter(picture.header, spec)
    filter_picture(picture, spec, threads=1)
    assert [stage.engine.text for stage in plan.stages] == engines
    assert engines_run[: len(engines)] == engines  # a settled one has an exact one for its bands


def test_responses_that_are_written_as_floats_have_the_engines_of_floats(engines_run):
    plan = plan_filter(of().header, FilterSpec((kernel("gaussian:9"),)), Target("out.npy"))
    assert [stage.engine.text for stage in plan.stages] == ["products in float64"]
    assert (plan.writer, plan.direct, plan.exact) == (Writer.FLOATS, False, False)


def test_a_plan_is_exact_where_samples_are():
    for spec, options, exact in [
        ("blur", {}, True),
        ("gaussian:9", {}, False),
        ("gaussian:9", {"exact": True}, True),
        ("blur", {"amount": Fraction(1, 2)}, False),
    ]:
        plan = plan_filter(of().header, FilterSpec((kernel(spec),), **options))
        assert plan.record()["exact"] == plan.exact == exact


@pytest.mark.parametrize(
    ("spec", "picture", "channels", "mode"),
    [
        ("blur", of(), "rgb", AlphaMode.IGNORED),
        ("blur", of(255), "rgb", AlphaMode.IGNORED),
        ("blur", of(9), "rgb", AlphaMode.PREMULTIPLIED),
        ("sobel", of(9), "rgb", AlphaMode.CONSTANT),
        ("laplacian", of(9), "rgb", AlphaMode.CONSTANT),
        ("blur", of(9), "each", AlphaMode.IGNORED),
    ],
)
def test_the_kernel_says_how_transparency_is_treated(spec, picture, channels, mode):
    plan = plan_filter(picture.header, FilterSpec((kernel(spec),), channels=channels))
    assert [stage.alpha for stage in plan.stages] == [mode]


# target, options of the filter, picture → how the result is written
WRITERS = [
    ("out.png", {}, of(), Writer.WHOLE),
    ("out.ppm", {}, of(), Writer.ROWS),
    ("out.ppm", {"gray": True}, of(), Writer.ROWS),
    ("-", {}, of()._replace(format="PPM"), Writer.WHOLE),
    ("out.ppm", {"linear": True}, of(), Writer.WHOLE),
    ("out.jpg", {}, of(), Writer.WHOLE),
    ("out.jpg", {}, of()._replace(pixels=np.zeros((600, 600, 3), np.uint8)), Writer.STRIPS),
    ("out.jpg", {}, of()._replace(pixels=np.zeros((600, 600, 3), np.uint16)), Writer.WHOLE),
    ("out.gif", {}, of()._replace(frames=(COLOUR,)), Writer.FRAMES),
    ("out.jpg", {}, of(255)._replace(pixels=np.full((600, 600, 4), 255, np.uint8)), Writer.STRIPS),
    ("out.pfm", {}, of(), Writer.FLOATS),
]


@pytest.mark.parametrize(("path", "options", "picture", "writer"), WRITERS)
def test_the_plan_says_how_the_result_is_written(tmp_path, path, options, picture, writer):
    spec = FilterSpec((kernel("blur"),), **options)
    target = Target(path if path == "-" else str(tmp_path / path))
    assert plan_filter(picture.header, spec, target).writer is writer


def test_matrices_are_shown_as_they_are_drawn():
    assert weights_text(*kernel("1/9 -1/9; 10/9 0").matrices()[0]) == [" 1  -1", "10   0", "× 1/9"]
    assert weights_text(*kernel("0.1 1e-9").matrices()[0]) == ["0.1  1e-09"]
    assert weights_text(*kernel("box:10").matrices()[0]) == ["10x10 weights, from 0.01 to 0.01"]
    assert kernel_text(kernel("roberts")) == [
        "kernel roberts, 2x2: √(Σ response²) of 2 matrices",
        "    1   0", "    0  -1", "",
        "     0  1", "    -1  0", "",
        "  sum        0; rank 2, not separable; anchor row 0, column 0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "parameters"),
    [
        ("gaussian", {"sigma": 1.0, "sigma_y": None, "angle": 0.0, "size": None}),
        ("gaussian:3", {"sigma": 3, "sigma_y": None, "angle": 0.0, "size": None}),
        ("gaussian(2, size=7)", {"sigma": 2, "sigma_y": None, "angle": 0.0, "size": 7}),
        ("sobel:left", {"part": "left"}),
        ("1 2", None),
    ],
)
def test_a_kernel_is_shown_with_the_values_it_was_given(capfd, spec, parameters):
    assert run(["kernels", spec, "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out).get("parameters") == parameters


# kernel and options → lines of the plan that follow from them, by the definitions
PLANS = [
    ("sobel", {}, [
        "kernels      as drawn (correlation)", "border       edge, stride 1x1", "channels     rgb",
        "range        auto, gain 1/4",  # 1 + 2 + 1 at most on either side
    ]),
    ("blur", {"amount": Fraction(1, 2), "linear": True, "stride": (2, 3)}, [
        "border       edge, stride 2x3", "channels     rgb, in linear light",
        "range        auto, gain 1, 1/2 of it blended with the input",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "options", "lines"), PLANS)
def test_a_plan_says_what_was_asked_for_and_what_follows(spec, options, lines):
    wanted = FilterSpec((kernel(spec),), **options)
    plan = plan_filter(of().header, wanted)
    text = plan.text()
    assert [line for line in lines if line not in text] == []
    assert f"  engine     {plan.stages[0].engine.text}" in text
    turned = plan_filter(of().header, wanted._replace(flip=True))
    assert "kernels      turned by 180° (convolution)" in turned.text()
    assert (plan.record()["flip"], turned.record()["flip"]) == (False, True)
    size = f"which has {520 * 530 * 3 / 2**20:,.0f}"
    assert text[-1].startswith("memory ")
    assert text[-1].endswith(size)


def test_statistics_of_no_samples_are_none():
    for ends, shown in (((1.0, 3.0), (1.0, 3.0)), ((3.0, 1.0), (None, None))):
        low, high = shown
        assert Statistics(*ends, 2, 4).record() == {
            "minimum": low,
            "maximum": high,
            "least": low,
            "most": high,
            "clipped": 2,
            "samples": 4,
        }


def test_the_catalogue_has_a_row_and_a_record_a_kernel():
    shown = catalogue_listing()
    columns, rows, _ = shown.table()
    (sobel,) = (dict(zip(columns, row, strict=True)) for row in rows if row[0] == "sobel")
    assert (sobel["size"], sobel["sum"], sobel["separable"]) == ("3x3", "0", "yes")
    (box,) = (dict(zip(columns, row, strict=True)) for row in rows if row[0] == "box")
    assert (box["parameters"], box["size"], box["sum"]) == ("size=3", "3x3", "1")
    records = shown.record()["kernels"]
    assert [one["name"] for one in records] == [row[0] for row in rows] == shown.value.splitlines()


def test_a_kernel_in_full_has_a_row_a_row_and_a_caption():
    shown = kernel_listing("sobel")
    columns, rows, _ = shown.table()
    assert columns == ("matrix", "row", "0", "1", "2", "combine")
    assert rows[1] == (1, 1, -2, 0, 2, "magnitude")
    assert rows[3] == (2, 0, -1, -2, -1, "magnitude")
    assert "sum        0; rank 1, separable; anchor row 1, column 1" in shown.caption
    assert "parameters: part=magnitude" in shown.caption
    assert kernel_listing("box").table()[1][0] == (1, 0, "1/9", "1/9", "1/9")
    assert kernel_listing("0.1 0.25").table()[1] == [(1, 0, "1/10", "1/4")]
    assert "parameters" not in kernel_listing("1 2").caption
