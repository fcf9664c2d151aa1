"""The doors' names open, and each says what it takes, gives and refuses, with an example."""

import inspect

import pytest

from convcli import conv
from convcli.conv import gradients

WAYS_BACK = [name for name in vars(gradients) if name.endswith(("_gradient", "_gradients"))]
DOORS = {name: getattr(conv, name) for name in conv.__all__} | {
    name: getattr(gradients, name) for name in WAYS_BACK if not name.startswith("_")
}


def test_the_names_are_those_that_open():
    assert dir(conv) == conv.__all__
    assert len(DOORS) > len(conv.__all__) + 5
    with pytest.raises(AttributeError, match="no attribute 'conv3d'"):
        _ = conv.conv3d


@pytest.mark.parametrize("name", DOORS)
def test_a_door_says_what_it_takes_and_refuses(name):
    text, _, example = inspect.getdoc(DOORS[name]).partition(">>> ")
    assert example
    assert "Raises" in text or "errors" in text
    assert "dtype" in text.lower()
    assert "shape" in text.lower() or "(n, c" in text
