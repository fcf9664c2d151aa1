"""What `fit` is asked: from its words and options to what was learned, shown and saved."""

from typing import Any, NamedTuple

import numpy as np

from convcli.errors import SpecError, UnfitError
from convcli.fit.least_squares import descend, fit
from convcli.fit.planes import Levels, open_levels
from convcli.fit.results import STYLES, FoundKernel, FoundNet, kernel_text
from convcli.images.io.read import check_free, files_named, write_file
from convcli.images.io.write import save_arrays
from convcli.output import line, note, show_lines
from convcli.tables import FORMATS, show
from convcli.text import safe

STEPS, NET_STEPS = 1000, 2000

MOST_STEPS = 1_000_000


class Ask(NamedTuple):
    """What was asked for, as the command line says it."""

    before: str
    after: str
    size: tuple[int, int] | None
    net: str | None
    watch: bool
    steps: int | None
    seed: int | None
    output: str | None
    force: bool
    format_: str | None
    quiet: bool


def learn(ask: Ask) -> None:
    """Fit or train, show what was found, and save it. Raises a Refusal."""
    _check(ask)
    before, after = open_levels(ask.before), open_levels(ask.after)
    for name, levels in ((ask.before, before), (ask.after, after)):
        for words in levels.notes:
            note(f"{safe(name)}: {words}")
    found = _train(ask, before, after) if ask.net else _fit(ask, before, after)
    if ask.quiet:
        line(found.value)
    elif ask.format_ in (None, "text"):
        show_lines(found.lines(), STYLES)
    else:
        show(found, ask.format_)
    if isinstance(found, FoundKernel) and not found.fitted.determined:
        told = not ask.quiet and ask.format_ in (None, "text")
        raise UnfitError(
            "not determined; a picture with more detail may do" if told else found.verdict
        )
    if ask.output:
        _save(found, ask.output, ask.force)
        note(f"written to {safe(ask.output)}")
        words = found.beside(before.step) if isinstance(found, FoundKernel) else ""
        if words:
            note(f"the file holds the weights alone: filter -k @{safe(ask.output)} needs {words}")


def _check(ask: Ask) -> None:
    if ask.format_ not in (None, "text", *FORMATS):
        raise SpecError(f"{ask.format_!r:.40} is no format; there are text, {', '.join(FORMATS)}")
    if ask.before == ask.after == "-":
        raise SpecError("standard input holds one picture; name the other")
    if ask.net is not None and ask.size is not None:
        raise SpecError("--size is a kernel's; the layers of --net have their own")
    if ask.net is None and ask.seed is not None:
        raise SpecError("--seed is for --net; a kernel starts from zeros")
    if ask.net is None and ask.steps is not None and not ask.watch:
        raise SpecError("--steps is for --watch and --net; least squares takes none")
    if ask.steps is not None and ask.steps > MOST_STEPS:
        raise SpecError(f"--steps {ask.steps}: at most {MOST_STEPS:,}")
    if ask.output == "-":
        raise SpecError("-o takes the name of a file; -q prints the kernel's rows on stdout")
    if ask.output and ask.net and not ask.output.lower().endswith(".npz"):
        raise SpecError(f"{safe(ask.output)}: a net's weights are written to .npz")
    check_free([ask.output], ask.force, ask.before, ask.after, *files_named([ask.net]))


def _fit(ask: Ask, before: Levels, after: Levels) -> FoundKernel:
    clip = (after.step / 2, after.top - after.step / 2) if after.step else None
    found = fit(before.planes, after.planes, ask.size or (3, 3), clip)
    if not ask.watch:
        return FoundKernel(found)
    from convcli.fit.live import watched

    steps = ask.steps or STEPS
    moments = descend(found.equations, steps)
    losses = watched(
        moments, steps, "gradient descent", lambda moment: moment.kernels[0, :1].tolist()
    )
    return FoundKernel(found, (steps, losses[-1]))


def _train(ask: Ask, before: Levels, after: Levels) -> FoundNet:
    from convcli.fit.backprop import Stack, Trainer
    from convcli.nets.readers.read import read_words

    assert ask.net is not None
    seed, steps = ask.seed or 0, ask.steps or NET_STEPS
    stack = Stack(read_words([ask.net]).network, len(before.planes), seed)
    trainer = Trainer(stack, before.planes, after.planes, steps, seed)
    first = trainer.whole_loss()
    if ask.watch:
        from convcli.fit.live import watched

        name = next(iter(stack.weights))
        watched(trainer.run(), steps, "backpropagation", lambda _: _shown(stack.weights[name]))
    else:
        for _ in trainer.run():
            pass
    return FoundNet(stack.weights, first, trainer.whole_loss(), steps, seed)


def _shown(weight: Any) -> list[Any]:
    """The first layer's filters of the first channel, side by side as far as a screen holds."""
    side = weight[: max(1, 8 // weight.shape[3]), 0].transpose(1, 0, 2)
    return [np.concatenate(list(side.transpose(1, 0, 2)), axis=1).tolist()]


def _save(found: FoundKernel | FoundNet, path: str, force: bool) -> None:
    if isinstance(found, FoundNet):
        save_arrays({**found.weights, "seed": np.array(found.seed)}, path, force)
        return
    text = kernel_text(found.fitted.kernels) + "\n"
    write_file(path, lambda stream: stream.write(text.encode()), force)
