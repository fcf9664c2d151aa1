"""Options arrive as one frozen record, in which each is declared once."""

import inspect
from typing import get_type_hints

import click
import pytest

from convcli.app.options import ExtractOptions
from convcli.app.shape import ShapeOptions
from convcli.cli.help import takes
from convcli.cli.main import COMMANDS, root
from convcli.options import Options

CONTEXT = click.Context(root, info_name="convcli")


def record_of(name):
    """The record that a command takes, if it takes one."""
    callback = root.get_command(CONTEXT, name).callback
    return get_type_hints(inspect.unwrap(callback)).get("options")


RECORDS = {name: record for name in COMMANDS if (record := record_of(name)) is not None}


BESIDE = {"filter": {"masked"}}
"""What a record holds of a run beside its options: here the digest of the mask."""


def test_commands_with_many_options_take_a_record():
    assert RECORDS.keys() >= {"shape", "solve", "extract", "explain", "fit", "kernels"}


@pytest.mark.parametrize(("name", "record"), RECORDS.items())
def test_the_fields_of_a_record_are_the_parameters_of_its_command(name, record):
    fields = {field for one in record.__mro__ for field in vars(one).get("__annotations__", {})}
    options = {param.name for param in root.get_command(CONTEXT, name).params}
    assert fields == options | BESIDE.get(name, set())
    for field in fields:
        assert hasattr(record, field), f"{field} has no default"


def test_a_record_has_the_defaults_of_its_class_and_cannot_be_changed():
    options = ShapeOptions(stride=(1, 1), fit=False, expect=(), batch=0)
    assert (options.dtype, options.batch, options.stride, options.kernel) == (
        "float32",
        0,
        (1, 1),
        None,
    )
    # a default that was given is given, a flag that is off and no words are not
    assert options.given("kernel", "batch", "stride", "fit", "expect") == ["batch", "stride"]
    with pytest.raises(AttributeError, match=r"ShapeOptions\.batch"):
        options.batch = 2
    with pytest.raises(TypeError, match="no option kernl"):
        ShapeOptions(kernl=3)
    assert (ExtractOptions().ship, ExtractOptions().format_, ExtractOptions().seed) == (
        "paths",
        None,
        None,
    )


def test_what_the_command_line_does_not_say_is_left_to_the_record():
    class Blur(Options):
        width: int = 3
        gray: bool = False
        words: tuple[str, ...] = ()

    found = []
    command = takes(Blur)(found.append)
    command(width=None, gray=False, words=())
    command(width=0, gray=True, words=("a",))
    first, second = found
    assert (first.width, first.gray, first.words) == (3, False, ())
    assert (second.width, second.gray, second.words) == (0, True, ("a",))
    assert vars(first) == {}
