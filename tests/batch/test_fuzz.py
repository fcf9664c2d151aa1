"""Any bytes as a picture, any text as a network or a kernel: an answer or a refusal, never a bug."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from batches import tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from convcli.cli.main import run
from convcli.images.io.formats import FORMATS

LOOSE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _seeds():
    colour = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8))
    for form in FORMATS:
        stream = BytesIO()
        colour.save(stream, form)
        yield stream.getvalue()


SEEDS = list(_seeds())
ANY = st.binary(max_size=200) | st.builds(
    bytes.__add__,
    st.sampled_from([begin for form in FORMATS.values() for begin in form.magic]),
    st.binary(max_size=200),
)
DAMAGED = st.builds(
    lambda seed, place, length, middle: seed[: place % len(seed)] + middle + seed[place % len(seed) + length :],
    st.sampled_from(SEEDS), st.integers(0, 5000), st.integers(0, 40), st.binary(max_size=40),
)  # fmt: skip


@pytest.fixture
def shell(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = run(words)
        return code, *capfd.readouterr()

    return call


@LOOSE
@given(ANY | DAMAGED)
def test_any_bytes_are_filtered_or_refused(shell, data):
    for name in tree():
        os.unlink(name)
    Path("in").write_bytes(data)
    code, out, err = shell("filter", "in", "-k", "blur", "-o", "out.png")
    assert code in (0, 1)
    assert "Traceback" not in err
    if code:
        assert out == ""
        assert err.splitlines()[-1].startswith("Error: ")
        assert tree() == ["in"]
    else:
        with Image.open("out.png") as image:
            image.load()


@LOOSE
@given(st.text(max_size=60) | st.text("conv:123,relu maxpool()=[]x/.-", max_size=60))
def test_any_text_is_a_network_or_refused(shell, text):
    code, _, err = shell("shape", "--input", "28", "--", text)
    assert code in (0, 1, 2)
    assert "Traceback" not in err


@LOOSE
@given(st.text(max_size=40) | st.text("0123456789.-/; ,e:gausinbox()=", max_size=40))
def test_any_text_is_a_kernel_or_refused(shell, text):
    Image.new("L", (4, 4)).save("in.png")
    code, _, err = shell("filter", "in.png", "-qo", "out.png", "--force", f"--kernel={text}")
    assert code in (0, 1, 2)
    assert "Traceback" not in err
