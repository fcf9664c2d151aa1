"""Pages to touch: what they hold, and what a real browser makes of it.

The browser is Debian's Chromium with its driver; where they are not installed those tests are skipped.
"""

import base64
import hashlib
import json
import random
import re
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from convcli import filter_image
from convcli.app.explain import explain
from convcli.app.lessons import ExplainOptions
from convcli.borders import Border
from convcli.errors import SpecError, UnfitError
from convcli.explanation.page.document import document
from convcli.explanation.page.networks import network_data
from convcli.features.config_options import read_setup
from convcli.features.extractor import Extractor
from convcli.features.options import FeatureOptions
from convcli.geometry import Window, output_length, transposed_length
from convcli.images.io.read import open_picture
from convcli.nets.graph import INPUT
from convcli.runtime.layers import forward

CAT = str(Path(__file__).parents[2] / "samples" / "cat.jpg")
STYLE = Path(__file__).parents[2] / "convcli" / "explanation" / "page" / "style.css"

NETS = {
    "lenet5": "lenet5",
    "branches": (
        "conv(6, 3, padding=1); bn; relu; "
        "concat([conv(4, 1)], [maxpool(3, stride=1, padding=1), conv(4, 3, padding=1, groups=2)]); "
        "residual([conv(8, 3, padding=1), sigmoid]); avgpool(2); leaky_relu(0.2); "
        "transposed(5, 3, stride=2, padding=1, extra=1); tanh; globalpool; flatten; linear(7)"
    ),
    "strided": "conv(8, 5, stride=3, dilation=2); relu6; depthwise(3); maxpool(3, stride=2, ceil=True); relu",
}


def page_of(tmp_path, name="page.html", **options):
    target = tmp_path / name
    explain(ExplainOptions(output=str(target), quiet=True, **options))
    return target


def data_of(page):
    text = page.read_text("utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


# -- the file -------------------------------------------------------------------------------


def test_a_page_asks_for_nothing_and_allows_nothing(tmp_path):
    page = page_of(tmp_path, input="5x5", kernel="3").read_text("utf-8")
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL)[1]
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)[1]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    for kind, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    code = page.replace("http://www.w3.org/2000/svg", "")  # the name of a language, no address
    for word in ("http:", "https:", "src=", "href=", "url(", "@import", "fetch(", "XMLHttpRequest"):
        assert word not in code, word


def test_the_same_lesson_gives_the_same_bytes(tmp_path):
    first = page_of(tmp_path, "1.html", net="lenet5", picture=CAT).read_bytes()
    assert page_of(tmp_path, "2.html", net="lenet5", picture=CAT).read_bytes() == first


def test_names_cannot_end_the_element_that_holds_them():
    name = "</script><script>alert(1)</script>&amp;<!--"
    page = document(name, {"kind": "network", "notes": [name]}).decode()
    assert page.count("</script>") == 2  # the data's and the script's own
    assert "<!--" not in page.split("<script>")[0]
    assert json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])["notes"] == [name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": "5x5", "kernel": "3", "symbols": True}, "a page computes with numbers"),
        ({"input": "90x90", "kernel": "3"}, "up to 64x64 cells"),
        ({"input": "4", "kernel": "2", "backward": True}, "a page shows a convolution"),
        ({"signal": "1 2 3", "kernel": "1 1", "fps": 3.0}, "browser's theme"),
        ({"net": "lenet5"}, "give a picture"),
        ({"net": "lenet5", "picture": CAT, "max_size": 100}, "is too small for the picture"),
        ({"net": "lenet5", "picture": CAT, "kernel": "3"}, "--kernel says nothing about"),
        ({"picture": CAT, "kernel": "box:33"}, "33x33 taps; a page shows up to 31x31"),
    ],
)
def test_what_a_page_cannot_hold_is_refused(tmp_path, options, message):
    with pytest.raises((SpecError, UnfitError), match=re.escape(message)):
        page_of(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_a_limit_of_size_names_what_is_left_out(tmp_path, capsys):
    explain(
        ExplainOptions(
            net="vgg16",
            picture=CAT,
            until="pool2",
            resize=(64,),
            max_size=400_000,
            output=str(tmp_path / "page.html"),
        )
    )
    assert "left out, beyond --max-size" in capsys.readouterr().err
    data = data_of(tmp_path / "page.html")
    held = [node["name"] for node in data["nodes"] if node["maps"]]
    assert INPUT in held
    assert 1 < len(held) < len(data["nodes"])
    assert (tmp_path / "page.html").stat().st_size < 400_000 + 120_000  # and the page itself


def test_pictures_are_reduced_and_it_is_said(tmp_path):
    from PIL import Image

    Image.fromarray(
        np.arange(600 * 300 * 4, dtype=np.uint32).astype(np.uint8).reshape(600, 300, 4)
    ).save(tmp_path / "large.png")
    data = data_of(page_of(tmp_path, picture=str(tmp_path / "large.png"), kernel="blur"))
    assert data["note"] == "512x256 pixels, reduced from 600x300, transparency is left out"
    assert len(base64.b64decode(data["picture"]["samples"])) == 512 * 256 * 3


COLORS = (
    ("text", "page"),
    ("quiet", "page"),
    ("refusal", "page"),
    ("focus", "page"),
    *(("text", name) for name in ("cell", "under", "result", "chosen", "button")),
)


@pytest.mark.parametrize(("theme", "pair"), list(product((0, 1), COLORS)))
def test_texts_stand_out_from_what_is_behind_them(theme, pair):
    """Contrast of 4.5 and more, as WCAG 2.2 counts it."""
    block = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)[theme]
    colors = dict(re.findall(r"--([a-z]+): #([0-9a-f]{6})", block))

    def luminance(name):
        levels = [int(colors[name][k : k + 2], 16) / 255 for k in (0, 2, 4)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels]
        return np.dot(linear, (0.2126, 0.7152, 0.0722))

    low, high = sorted(map(luminance, pair))
    assert (high + 0.05) / (low + 0.05) >= 4.5


# -- the browser ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(300)  # on a machine that has more to do
    yield browser
    browser.quit()


def opened(browser, page, fragment="", width=1280, dark=False):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get("about:blank")
    browser.get(f"file://{page}{fragment}")
    return browser


def quiet(browser):
    """No message on the console, no request but the page itself."""
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


SLIDERS = """
return arguments[0].map(([operation, values]) => {
  const set = (name, value, kind) => {
    const input = document.querySelector(`[data-name="${name}"]`);
    if (!input) return;
    input.value = value;
    input.dispatchEvent(new Event(kind, { bubbles: true }));
  };
  set("operation", operation, "change");
  for (const [name, value] of values) set(name, value, "input");
  const result = document.querySelector("[data-output]");
  return [result.dataset.output, result.textContent];
});
"""


@pytest.mark.slow
def test_300_settings_of_the_sliders_are_the_geometry(browser, tmp_path):
    opened(browser, page_of(tmp_path, input="7x7", kernel="3", stride=(2, 2)))
    draw = random.Random(7)
    settings, expected = [], []
    for _ in range(300):
        n, k, s = draw.randint(1, 9), draw.randint(1, 5), draw.randint(1, 4)
        p, d, extra = draw.randint(0, 4), draw.randint(1, 3), draw.randint(0, 3)
        operation = draw.choice(("cross-correlation", "transposed convolution"))
        values = [["input", n], ["kernel", k], ["stride", s], ["padding", p], ["dilation", d]]
        settings.append([operation, [*values, ["output padding", extra]]])
        window = Window(k, s, d)
        try:
            if operation == "cross-correlation":
                length = output_length(n, window, (p, p))
            else:
                length = transposed_length(n, window, (p, p), extra)
                if extra >= max(s, d):
                    length = 0
        except UnfitError:
            length = 0
        expected.append(f"{length}x{length}" if length > 0 else "")
    answers = [
        answer
        for start in range(0, 300, 25)  # scripts that end within their time on a loaded machine
        for answer in browser.execute_script(SLIDERS, settings[start : start + 25])
    ]
    assert [output for output, _ in answers] == expected
    assert sum(not output for output in expected) > 20
    quiet(browser)


PLACES = """
const [grid, cells] = arguments;
return cells.map(([row, column]) => {
  const drawing = document.querySelector(`[data-grid="${grid}"]`);
  const target = drawing.querySelector("canvas") ?? drawing;
  const box = target.getBoundingClientRect();
  const [rows, columns] = arguments[2];
  drawing.dispatchEvent(new PointerEvent("pointermove", {
    clientX: box.left + (column + 0.5) / columns * box.width,
    clientY: box.top + (row + 0.5) / rows * box.height,
    bubbles: true,
  }));
  const line = document.querySelector("[data-value]");
  return [line.dataset.value, line.dataset.sample];
});
"""

BORDERS = ("zero", "edge", "reflect", "symmetric", "wrap", "constant:2")


@pytest.mark.slow
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("flip", [False, True])
def test_the_sum_of_every_cell_is_the_printed_one(browser, tmp_path, border, flip):
    from convcli.borders import read_border
    from convcli.explanation.operands import INPUT as GRID
    from convcli.explanation.operands import KERNEL
    from convcli.explanation.steps import Geometry, convolution
    from convcli.matrices import read_stack

    x, w = (
        "1 2 3 4; 5 6 7 8; 9 1 2 3; 1 1 2 5 | 0 1 0 1; 2 2 1 0; 1 3 1 2; 0 0 1 4",
        "1 -2; 0 1/3 | 2 1; 0 -1",
    )
    pads = ((1, 2), (2, 1))
    page = page_of(
        tmp_path,
        input=x,
        kernel=w,
        padding=pads,
        border=border,
        flip=flip,
        bias="1/2",
        dilation=(1, 2),
        stride=(2, 1),
    )
    walk = convolution(
        read_stack(x, GRID),
        read_stack(w, KERNEL),
        Geometry((2, 1), pads, (1, 2)),
        0.5,
        flip,
        read_border(border),
    )
    opened(browser, page)
    rows, columns = walk.size
    cells = list(product(range(rows), range(columns)))
    answers = browser.execute_script(PLACES, "output", cells, [rows, columns])
    sums = [float(walk.step(cell).outputs[0]) for cell in cells]
    assert [float(value) for value, _ in answers] == pytest.approx(sums, abs=1e-9)
    quiet(browser)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sobel", "sharpen", "emboss", "kirsch", "gaussian", "laplacian"])
def test_pixels_are_those_that_filter_writes(browser, tmp_path, name):
    from PIL import Image

    samples = np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(samples).save(tmp_path / "noise.png")
    opened(browser, page_of(tmp_path, picture=str(tmp_path / "noise.png"), kernel=name))
    expected = filter_image(samples, name)
    cells = [(0, 0), (29, 39), (0, 39), *np.random.default_rng(4).integers(0, 30, (60, 2)).tolist()]
    answers = browser.execute_script(PLACES, "before", cells, [30, 40])
    assert [int(sample) for _, sample in answers] == [int(expected[i, j, 0]) for i, j in cells]
    quiet(browser)


CELLS = """
return arguments[0].map(([layer, channel, row, column, rows, columns]) => {
  document.querySelector(`[data-layer="${layer}"]`).click();
  const board = document.querySelector(`.boards [data-channel="${channel}"]`);
  const box = board.querySelector("canvas").getBoundingClientRect();
  board.dispatchEvent(new PointerEvent("pointerdown", {
    clientX: box.left + (column + 0.5) / columns * box.width,
    clientY: box.top + (row + 0.5) / rows * box.height,
    bubbles: true,
  }));
  return document.querySelector(".sum [data-value]")?.dataset.value ?? null;
});
"""


def floats(maps, shape):
    values = np.frombuffer(base64.b64decode(maps["values"]), "<f2").astype(np.float32)
    return (values * np.float32(2.0 ** maps["exponent"])).reshape(shape)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_cells_of_networks_are_what_the_layers_compute(browser, tmp_path, name):
    """170 cells of each: the arithmetic on the page against the layer run on the stored maps."""
    setup = (
        read_setup((), FeatureOptions(net=NETS[name], resize=(33,)))
        if name == "lenet5"
        else (read_setup((NETS[name],), FeatureOptions(resize=(33,))))
    )
    extractor = Extractor(setup)
    data, _ = network_data(extractor, CAT)
    page = tmp_path / "net.html"
    page.write_bytes(document(name, data))
    nodes = {node["name"]: node for node in data["nodes"]}
    maps = {key: floats(node["maps"], node["shape"]) for key, node in nodes.items()}
    rows = extractor.rows(tuple(nodes[INPUT]["shape"]))
    expected, draw = {}, random.Random(1)
    for row in rows:
        prefix = f"{row.node.owner or row.name}."
        own = {
            key.removeprefix(prefix): w
            for key, w in extractor.weights.items()
            if key.startswith(prefix)
        }
        expected[row.name] = forward(row.node.layer, [maps[one] for one in row.node.inputs], own)
    cells, values = [], []
    for _ in range(170):
        row = draw.choice(rows)
        result = expected[row.name]
        grid = result.reshape(result.shape if result.ndim == 3 else (1, 1, -1))
        place = tuple(draw.randrange(min(n, 64)) for n in grid.shape)
        cells.append([row.name, *place, *grid.shape[1:]])
        values.append(float(grid[place]))
    opened(browser, page)
    answers = browser.execute_script(CELLS, cells)
    assert all(answer is not None for answer in answers)
    scale = {key: float(np.abs(result).max()) or 1.0 for key, result in expected.items()}
    errors = [
        abs(float(answer) - value) / scale[cell[0]]
        for answer, value, cell in zip(answers, values, cells, strict=True)
    ]
    assert max(errors) < 2e-6
    quiet(browser)


def test_a_link_shows_one_cell_and_keys_move_it(browser, tmp_path):
    from selenium.webdriver.common.keys import Keys

    page = page_of(tmp_path, input="7x7", kernel="3")
    opened(browser, page, "#stride=2,2&cell=1,2")
    heading = lambda: browser.find_element("css selector", ".sum h3").text  # noqa: E731
    assert heading() == "row 1, column 2"
    grid = '[data-grid="output"]'
    browser.execute_script(f"document.querySelector('{grid}').focus()")
    for key, place in (
        (Keys.ARROW_LEFT, (1, 1)),
        (Keys.ARROW_DOWN, (2, 1)),
        (Keys.ARROW_DOWN, (2, 1)),
        (Keys.HOME, (0, 0)),
        (Keys.END, (2, 2)),
    ):
        browser.switch_to.active_element.send_keys(key)
        assert heading() == f"row {place[0]}, column {place[1]}"
    browser.execute_async_script("setTimeout(arguments[0], 500)")  # the link follows in a moment
    assert "cell=2,2" in browser.current_url
    assert "stride=2,2" in browser.current_url
    quiet(browser)


def test_every_control_is_reached_by_the_tab_key_and_named(browser, tmp_path):
    opened(browser, page_of(tmp_path, net="lenet5", picture=CAT))
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('button, input, select, [tabindex]')].filter((e) =>"
        " !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).length"
    )
    assert unnamed == 0
    quiet(browser)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", ["convolution", "picture", "network"])
def test_a_phone_shows_it_without_scrolling_sideways(browser, tmp_path, kind, dark):
    options = {
        "convolution": {"input": "9x9", "kernel": "3"},
        "picture": {"picture": CAT, "kernel": "sobel"},
        "network": {"net": "lenet5", "picture": CAT},
    }[kind]
    opened(browser, page_of(tmp_path, **options), width=360, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    quiet(browser)


def test_a_picture_of_ones_own_is_read_in_the_page(browser, tmp_path):
    page = page_of(tmp_path, picture=CAT, kernel="blur")
    opened(browser, page)
    browser.find_element("css selector", 'input[type="file"]').send_keys(
        str(Path(CAT).with_name("leaf.png"))
    )
    browser.execute_async_script(
        "const done = arguments[0]; const wait = () => document.querySelector('.note').textContent"
        ".startsWith('leaf.png') ? done() : setTimeout(wait, 50); wait()"
    )
    quiet(browser)
    assert Border("edge").name == "edge"
    assert open_picture(str(Path(CAT).with_name("leaf.png"))).header.width > 0


@pytest.mark.slow
def test_a_trained_file_shows_constants_without_arithmetic(tmp_path):
    """A constant reads no node: its cells are shown, and how they are computed is not."""
    from onnx import TensorProto, helper, numpy_helper, save

    arrays = {
        "w": np.full((4, 3, 3, 3), 0.1, np.float32),
        "shift": np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Add", ["r", "shift"], ["y"]),
    ]
    sizes = {"x": [1, 3, 16, 16], "y": [1, 4, 14, 14]}
    values = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in sizes.items()}
    weights = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "net", [values["x"]], [values["y"]], weights)
    save(helper.make_model(graph), tmp_path / "net.onnx")
    page = page_of(tmp_path, net=f"{tmp_path}/net.onnx", picture=CAT, resize=(16, 16))
    nodes = data_of(page)["nodes"]
    steps = {node["type"]: node.get("step") for node in nodes}
    assert steps["constant"] is None
    assert steps["conv2d"]["kind"] == "convolution"
    (conv,) = (node for node in nodes if node["type"] == "conv2d")
    held = np.frombuffer(base64.b64decode(conv["weights"]["weight"]), "<f4")
    np.testing.assert_array_equal(held, arrays["w"].ravel())
