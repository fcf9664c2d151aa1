"""Pictures for batches, and convcli as a process."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

COMMAND = [sys.executable, "-W", "error::ResourceWarning", "-m", "convcli"]


def picture(path, number=0, size=(16, 12)):
    """A small picture that differs from those of other numbers."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    samples = np.random.default_rng(number).integers(0, 256, (*size[::-1], 3), np.uint8)
    Image.fromarray(samples).save(path)


def samples(path):
    with Image.open(path) as image:
        return np.asarray(image).copy()


def tree(folder="."):
    """Every file below a folder, hidden ones too."""
    return sorted(
        os.path.relpath(os.path.join(here, name), folder)
        for here, _, names in os.walk(folder)
        for name in names
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def convcli(*words, **options):
    """Run convcli as a process."""
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, check=False, timeout=120, **options
    )
