"""Each public function says what it takes, gives and refuses, with an example."""

import inspect

import pytest

from convcli import conv
from convcli.conv import gradients

GRADIENTS = [name for name in vars(gradients) if name.endswith(("_gradient", "_gradients"))]
FUNCTIONS = {name: getattr(conv, name) for name in conv.__all__} | {
    name: getattr(gradients, name) for name in GRADIENTS if not name.startswith("_")
}


def test_there_are_gradients_beside_the_functions():
    assert len(FUNCTIONS) > len(conv.__all__) + 5


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_and_refuses(name):
    text, _, example = inspect.getdoc(FUNCTIONS[name]).partition(">>> ")
    assert example
    assert "Raises" in text or "errors" in text
    assert "dtype" in text.lower()
    assert "shape" in text.lower() or "(n, c" in text
