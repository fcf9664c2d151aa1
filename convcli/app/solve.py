"""`convcli solve`: the sizes that give an output, and the conventions behind a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcli.errors import SpecError, UnfitError
from convcli.options import OutputOptions
from convcli.tables import Outcome

if TYPE_CHECKING:
    from convcli.geometry import Pair


class SolveOptions(OutputOptions):
    """What is known of one axis of a layer, or a network and a figure of it."""

    network: tuple[str, ...] = ()
    size: tuple[int, ...] | None = None
    kernel: int | None = None
    stride: int | None = None
    padding: Pair | None = None
    dilation: int = 1
    output: int | None = None
    transposed: bool = False
    output_padding: int | None = None
    why: str | None = None


def solve(options: SolveOptions) -> Outcome:
    """The solutions, and a refusal where there are none."""
    return _axis(options) if options.why is None else _figure(options, options.why)


LENGTHS = ("size", "kernel", "stride", "padding")
"""Options of an axis beside --output."""


def _axis(options: SolveOptions) -> Outcome:
    """The values of the lengths that are left out."""
    from convcli.nets.analysis.window_solver import (
        Unknowns,
        listing,
        solutions,
        text_of_tried,
        transposed_solutions,
    )

    size, output = options.size, options.output
    if options.network:
        raise SpecError("a network is asked about with --why; lengths are given as options")
    if output is None:
        raise SpecError("give --output, the length that is wanted, or --why and a figure")
    if size is not None and len(set(size)) > 1:
        raise SpecError("solve works along one axis: give --input one length")
    if options.output_padding is not None and not options.transposed:
        raise SpecError("--output-padding is for --transposed")
    known = options.given(*LENGTHS)
    if size is None and len(known) < 2:
        others = [f"--{name}" for name in LENGTHS[1:] if name not in known]
        rest = " or ".join(others) if known else f"two of {', '.join(others)}"
        raise SpecError(f"too much is left open for an output of {output}: give --input, or {rest}")
    axis = Unknowns(
        size[0] if size else None,
        options.kernel,
        options.stride,
        options.padding,
        output,
        options.dilation,
    )
    if options.transposed:
        every = transposed_solutions(axis, options.output_padding)
    else:
        every = solutions(axis)
    mirrored = options.transposed and axis.input is not None
    tried = text_of_tried(axis._replace(input=output) if mirrored else axis)
    refusal = UnfitError(
        f"no whole numbers give an output of {output}" + (f": {tried}" if tried else "")
    )
    result = listing(every, tried, options.transposed)
    return Outcome(result, refusal=None if every else refusal)


def _figure(options: SolveOptions, text: str) -> Outcome:
    """The conventions under which a network has a figure."""
    from convcli.nets.analysis.conventions import explanations, listing, read_figure
    from convcli.nets.analysis.summary import trace
    from convcli.nets.analysis.valid_inputs import check_fits
    from convcli.nets.input_size import input_shape
    from convcli.nets.readers.read import read_words
    from convcli.nets.zoo import NAMES, zoo_name

    figure, words = read_figure(text), options.network
    if not words:
        raise SpecError("--why needs a network: convcli solve resnet50 --why 4.11G")
    known = zoo_name(words[0]) if len(words) == 1 else None
    readings = {known or (words[0] if len(words) == 1 else "this"): read_words(words)}
    if known is not None:
        stem = known.partition("-")[0]
        versions = [name for name in NAMES if name.partition("-")[0] == stem]
        readings |= {name: read_words([name]) for name in versions}
    networks = {
        name: (reading.network, input_shape(options.size, reading.network, reading.input))
        for name, reading in readings.items()
    }
    hits, nearest = explanations(figure, networks)
    if not nearest:
        network, shape = next(iter(networks.values()))
        check_fits(network, trace(network, shape, keep_going=True))
    refusal = UnfitError(f"no convention tried here gives {figure.text}")
    return Outcome(listing(figure, hits, nearest), refusal=None if hits else refusal)
