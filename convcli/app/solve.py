"""What `convcli solve` does: sizes that give an output, the convention behind a figure."""

from collections.abc import Sequence

from convcli.app.shape import Answer, _failure_text
from convcli.errors import SpecError, UnfitError
from convcli.nets.analysis.summary import trace
from convcli.nets.input_size import input_shape


def solve_question(
    words: Sequence[str],
    size: Sequence[int] | None,
    kernel: int | None,
    stride: int | None,
    padding: tuple[int, int] | None,
    dilation: int,
    output: int | None,
) -> Answer:
    """`convcli solve` along one axis: what is left out is found."""
    from convcli.nets.analysis.window_solver import Solved, Unknowns, solutions

    if words:
        raise SpecError("a network is asked about with --why; lengths are given as options")
    if output is None:
        raise SpecError("give --output, the length that is wanted, or --why and a figure")
    if size is not None and len(set(size)) > 1:
        raise SpecError("solve works along one axis: give --input one length")
    asked = Unknowns(size[0] if size else None, kernel, stride, padding, output, dilation)
    found = solutions(asked)
    refusal = None
    if not found:
        refusal = UnfitError(f"no whole numbers give an output of {output}")
    return Answer(Solved(found), "", refusal)


def why_question(words: Sequence[str], size: Sequence[int] | None, text: str) -> Answer:
    """`convcli solve NETWORK --why FIGURE`: the conventions behind a figure."""
    from convcli.nets.analysis.conventions import Explained, explanations, read_figure
    from convcli.nets.readers.read import read_words
    from convcli.nets.zoo import NAMES

    figure = read_figure(text)
    if not words:
        raise SpecError("--why needs a network: convcli solve resnet50 --why 4.11G")
    readings = {words[0] if len(words) == 1 else "this": read_words(words)}
    if len(words) == 1 and words[0] in NAMES:
        stem = words[0].partition("-")[0]
        kin = [name for name in NAMES if name.partition("-")[0] == stem]
        readings |= {name: read_words([name]) for name in kin}
    networks = {
        name: (reading.network, input_shape(size, reading.network, reading.input))
        for name, reading in readings.items()
    }
    hits, nearest = explanations(figure, networks)
    if not nearest:
        network, shape = next(iter(networks.values()))
        raise UnfitError(_failure_text(network, shape, trace(network, shape, True).failures[0]))
    refusal = None if hits else UnfitError(f"no convention tried here gives {figure.text}")
    return Answer(Explained(figure, hits, nearest), "", refusal)
