"""Random filters against fractions, and random convolutions against the definition.

    python tests/benchmarks/fuzz_arithmetic.py [cases of each] [seed]

A filter is a kernel of integers, fractions or decimals on a small picture of 8 or 16 bits with a
border; every sample must be the true value rounded half up. A convolution has random sizes, stride,
padding, dilation and groups; every algorithm that does not refuse must agree with the loops of
`convcli.conv.algorithms.reference`, integers exactly. Prints cases, comparisons and what is wrong;
the exit code is 1 where anything is.
"""

import random
import sys
import traceback
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "images"))

from oracle import filtered

from convcli.conv.algorithms import ALGORITHMS
from convcli.conv.functional import conv2d
from convcli.errors import Refusal, UnfitError
from convcli.images.filters.apply import filter_picture
from convcli.images.filters.options import FilterOptions
from convcli.images.filters.plan import plan_filter
from convcli.images.filters.spec import spec_of
from convcli.images.image import Picture

BORDERS = ("edge", "reflect", "symmetric", "wrap", "zero", "valid")


def weight(rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return str(rng.randint(-9, 9))
    if kind == 1:
        return f"{rng.randint(-20, 20)}/{rng.randint(1, 30)}"
    if kind == 2:
        return f"{rng.uniform(-2, 2):.{rng.randint(1, 17)}f}"
    return f"{rng.uniform(-1, 1):.18e}"  # as np.savetxt writes them


def filter_case(rng: random.Random) -> str:
    """One random filter; gives what is wrong with it, or nothing."""
    rows, columns = rng.randint(1, 5), rng.randint(1, 5)
    kernel = "; ".join(" ".join(weight(rng) for _ in range(columns)) for _ in range(rows))
    full = rng.choice((255, 65535))
    shape = rng.randint(1, 9), rng.randint(1, 9), rng.choice((1, 3))
    samples = np.random.default_rng(rng.randrange(2**32)).integers(0, full + 1, shape)
    samples = samples.astype(np.uint8 if full == 255 else np.uint16)
    border = rng.choice(BORDERS)
    options = FilterOptions(
        kernels=(kernel,),
        border=border,
        range=rng.choice(("clip", "abs", "auto")),
        flip=rng.random() < 0.3,
        bias=rng.choice(("0", "7", "-3")),
    )
    name = f"{options.record()} on {shape} of {full}"
    try:
        picture, spec = Picture(samples, False, "PNG", {}), spec_of(options)
        plan = plan_filter(picture.header, spec)
        result = filter_picture(picture, plan, threads=rng.choice((1, 2))).pixels
    except Refusal:
        return "" if border in ("valid", "reflect", "symmetric", "wrap") else f"refused: {name}"
    except Exception:
        return f"{name}\n{traceback.format_exc()}"
    (stage,) = plan.stages
    for channel in range(shape[2]):
        plane = samples[..., channel].tolist()
        true = filtered(plane, stage.kernel, stage.intensity, spec.border.name, full)
        if result[..., channel].tolist() != true:
            return f"wrong: {name}"
    return ""


def conv_case(rng: random.Random) -> tuple[int, str]:
    """One random convolution; gives how many algorithms were compared, and what is wrong."""
    groups = rng.choice((1, 1, 2, 3))
    channels, filters = groups * rng.randint(1, 3), groups * rng.randint(1, 3)
    kernel = rng.randint(1, 5), rng.randint(1, 5)
    words = {
        "stride": (rng.randint(1, 3), rng.randint(1, 3)),
        "padding": ((rng.randint(0, 3), rng.randint(0, 3)), (rng.randint(0, 3), rng.randint(0, 3))),
        "dilation": (rng.randint(1, 2), rng.randint(1, 2)),
        "groups": groups,
    }
    size = tuple(
        max(1, dilation * (taps - 1) + 1 - sum(ends) + rng.randint(0, 9))
        for taps, dilation, ends in zip(kernel, words["dilation"], words["padding"], strict=True)
    )
    numbers = np.random.default_rng(rng.randrange(2**32))
    dtype = rng.choice(("int32", "float32", "float64"))
    x = numbers.integers(-50, 51, (rng.randint(1, 2), channels, *size)).astype(dtype)
    w = numbers.integers(-9, 10, (filters, channels // groups, *kernel)).astype(dtype)
    name = f"x {x.shape} {dtype}, w {w.shape}, {words}"
    compared = 0
    try:
        true = conv2d(x, w, algorithm="reference", **words)
        for algorithm in ("auto", *ALGORITHMS):
            try:
                y = conv2d(x, w, algorithm=algorithm, **words)
            except UnfitError:
                continue
            compared += 1
            # growth of Winograd's largest transform, over sums of up to 225 products of 450
            bound = 0 if dtype == "int32" else 450 * 225 * 100 * np.finfo(dtype).eps
            if y.shape != true.shape or np.abs(y - true).max(initial=0) > bound:
                return compared, f"{algorithm} is wrong: {name}"
    except Exception:
        return compared, f"{name}\n{traceback.format_exc()}"
    return compared, ""


def main(count: int, seed: int) -> int:
    rng = random.Random(seed)
    wrong = [text for _ in range(count) if (text := filter_case(rng))]
    print(f"{count:,} filters, {len(wrong):,} wrong")
    found = [conv_case(rng) for _ in range(count)]
    compared = sum(number for number, _ in found)
    wrong_convs = [text for _, text in found if text]
    print(f"{count:,} convolutions, {compared:,} comparisons, {len(wrong_convs):,} wrong")
    for text in [*wrong, *wrong_convs][:20]:
        print(text)
    return 1 if wrong or wrong_convs else 0


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*words, *(2000, 0)[len(words) :]))
