"""Figures in a real browser: no two texts overlap, none leaves the page.

The browser is Debian's Chromium with its driver; where they are not installed the test is skipped.
"""

import re
import shutil

import pytest

import convcli

FAULTS = """
const page = document.documentElement.viewBox.baseVal, faults = [];
const texts = [...document.querySelectorAll('text')].map(t => [t.textContent, t.getBBox()]);
const apart = (a, m, b, n) => Math.min(a + m, b + n) - Math.max(a, b) < 0.2;
texts.forEach(([text, box], i) => {
  if (box.x < 0 || box.y < 0 || box.x + box.width > page.width || box.y + box.height > page.height)
    faults.push(text + ' leaves the page');
  for (const [other, near] of texts.slice(i + 1))
    if (!apart(box.x, box.width, near.x, near.width) && !apart(box.y, box.height, near.y, near.height))
      faults.push(text + ' lies on ' + other);
});
return [texts.length, faults];
"""

LABELS = ("sizes", "kernels", "params", "macs", "rf")
FIGURES = [
    ("lenet5", {"style": "maps", "legend": True, "title": "LeNet-5, as it is drawn since 1998"}),
    ("vgg16", {"style": "volumes", "labels": LABELS, "color_by": "macs", "scale": "log"}),
    ("resnet50", {"style": "volumes", "labels": LABELS}),
    ("googlenet", {"style": "maps"}),
    ("googlenet", {"style": "blocks", "labels": LABELS}),
    ("resnet152", {"style": "blocks", "direction": "right", "legend": True, "title": "152"}),
    ("conv(1, 3)", {"style": "blocks", "legend": True, "color_by": "params"}),
]


def test_no_two_texts_overlap_and_none_leaves_the_page(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{flag}")
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as browser:
        for number, (network, words) in enumerate(FIGURES):
            file = tmp_path / f"{number}.svg"
            convcli.draw(network, 9 if "(" in network else None, **words).save(file)
            browser.get(f"file://{file}")
            count, faults = browser.execute_script(FAULTS)
            assert count > 3
            assert not faults, (network, words)
        # what is written over what is found
        svg = file.read_text("utf-8")
        again = re.search(r"<text .*?</text>", svg)[0]
        file.write_text(svg.replace("</svg>", f"{again}</svg>"), "utf-8")
        browser.get(f"file://{file}")
        assert browser.execute_script(FAULTS)[1]
