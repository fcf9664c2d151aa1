"""`convcli fit`: from options to what was fitted, printed and saved."""

from typing import Literal

import numpy as np

from convcli.app.options import FitOptions
from convcli.errors import SpecError
from convcli.fitting import least_squares
from convcli.fitting.least_squares import Moment
from convcli.fitting.levels import Levels, open_levels
from convcli.fitting.loss_curve import watch
from convcli.fitting.results import STYLES, FittedKernel, TrainedNet, kernel_text
from convcli.images.io.atomic import check_free, files_named, write_file
from convcli.images.io.write import save_arrays
from convcli.output import note
from convcli.tables import show_text
from convcli.text import safe

STEPS, NET_STEPS = 1000, 2000

MAX_STEPS = 1_000_000

AUTO_SIZES = [(side, side) for side in range(3, 16, 2)]
"""What `--size auto` tries in turn."""

GAIN = 0.95
"""A larger kernel is taken where it lowers the residual to less than this share."""


def fit(options: FitOptions) -> None:
    """Fit or train, print the result, and save it. Raises a Refusal."""
    _check(options)
    before, after = open_levels(options.before), open_levels(options.after)
    for name, levels in ((options.before, before), (options.after, after)):
        for words in levels.notes:
            note(f"{safe(name)}: {words}")
    result = _train(options, before, after) if options.net else _fit(options, before, after)
    show_text(result, STYLES, options)
    if isinstance(result, FittedKernel):
        result.check(is_printed=options.shows_text)
    if options.output:
        _save(result, options.output, options.force)
        note(f"written to {safe(options.output)}")
        more = result.filter_options(before.step) if isinstance(result, FittedKernel) else ""
        if more:
            name = safe(options.output)
            note(f"the file holds only the weights: filter -k @{name} needs {more}")


def _check(options: FitOptions) -> None:
    """Raises SpecError and OutputError for options that do not go together."""
    if options.before == options.after == "-":
        raise SpecError("standard input holds one picture; name the other")
    if options.net is not None and options.size is not None:
        raise SpecError("--size is a kernel's; the layers of --net have their own")
    if options.net is None and options.seed is not None:
        raise SpecError("--seed is for --net; a kernel starts from zeros")
    if options.net is None and options.steps is not None and not options.watch:
        raise SpecError("--steps is for --watch and --net; least squares takes none")
    if options.steps is not None and options.steps > MAX_STEPS:
        raise SpecError(f"--steps {options.steps}: at most {MAX_STEPS:,}")
    if options.output == "-":
        raise SpecError("-o takes the name of a file; -q prints the kernel's rows on stdout")
    if options.output and options.net and not options.output.lower().endswith(".npz"):
        raise SpecError(f"{safe(options.output)}: a net's weights are written to .npz")
    sources = (options.before, options.after, *files_named([options.net]))
    check_free([options.output], options.force, *sources)


def fit_kernel(
    before: Levels, after: Levels, size: tuple[int, int] | Literal["auto"]
) -> FittedKernel:
    """The kernel of a pair. Raises UnfitError.

    "auto" takes the smallest that explains it, or after which larger ones hardly do better.
    """
    clip = (after.step / 2, after.top - after.step / 2) if after.step else None

    def fitted(size: tuple[int, int]) -> FittedKernel:
        fit = least_squares.fit(before.planes, after.planes, size, clip)
        return FittedKernel(fit, step=after.step)

    if size != "auto":
        return fitted(size)
    result = fitted(AUTO_SIZES[0])
    for larger_size in AUTO_SIZES[1:]:
        if result.is_explained or min(before.planes.shape[1:]) < 2 * larger_size[0]:
            break
        larger = fitted(larger_size)
        if larger.fitted.residual > GAIN * result.fitted.residual:
            break
        result = larger
    return result


def _fit(options: FitOptions, before: Levels, after: Levels) -> FittedKernel:
    result = fit_kernel(before, after, options.size or (3, 3))
    if not options.watch:
        return result
    steps = options.steps or STEPS
    moments = least_squares.descend(result.fitted.equations, steps)
    losses = watch(
        moments, steps, "gradient descent", lambda moment: moment.kernels[0, :1].tolist()
    )
    return result._replace(descent=(steps, losses[-1]))


def _train(options: FitOptions, before: Levels, after: Levels) -> TrainedNet:
    from convcli.fitting.backprop import Stack, Trainer  # least squares need no networks
    from convcli.nets.readers.read import read_words

    assert options.net is not None
    seed, steps = options.seed or 0, options.steps or NET_STEPS
    stack = Stack(read_words([options.net]).network, len(before.planes), seed)
    trainer = Trainer(stack, before.planes, after.planes, steps, seed)
    first = trainer.total_loss()
    if options.watch:
        watch(trainer.run(), steps, "backpropagation", _first_filters)
    else:
        for _ in trainer.run():
            pass
    return TrainedNet(stack.weights, first, trainer.total_loss(), steps, seed)


def _first_filters(moment: Moment) -> list[list[list[float]]]:
    """The first layer's filters of the first channel, side by side as far as a screen holds."""
    weight = moment.kernels
    side = weight[: max(1, 8 // weight.shape[3]), 0].transpose(1, 0, 2)
    return [np.concatenate(list(side.transpose(1, 0, 2)), axis=1).tolist()]


def _save(result: FittedKernel | TrainedNet, path: str, force: bool) -> None:
    if isinstance(result, TrainedNet):
        save_arrays({**result.weights, "seed": np.array(result.seed)}, path, force)
        return
    text = kernel_text(result.fitted.kernels) + "\n"
    write_file(path, lambda stream: stream.write(text.encode()), force)
