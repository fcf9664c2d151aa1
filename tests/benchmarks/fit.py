"""The constants behind `cost`: times of every algorithm over many layers, and the best fit to them.

    python tests/benchmarks/fit.py [--runs N]

Prints the SECONDS_… constants of each algorithm, to two digits, as they stand in its module; then,
for each layer, what `auto` would choose with them and how much slower that is than the fastest.
A cost is linear in its constants, so that setting one to 1 and the others to 0 gives what it is
multiplied by; the fit is of relative errors, with outliers weighing less. Times are CPU seconds of
one thread, which other work on the machine hardly changes.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from layers import LAYERS
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits

from convcli.conv import conv2d
from convcli.conv.algorithms import ALGORITHMS
from convcli.conv.functional import problem_of
from convcli.conv.spec import Problem

MORE = [
    ((3, 16, 16), 4, 3, 1, 1, 1),
    ((1, 28, 28), 6, 5, 1, 2, 1),
    ((16, 32, 32), 16, 3, 1, 1, 1),
    ((64, 14, 14), 64, 3, 1, 1, 1),
    ((256, 14, 14), 256, 3, 1, 1, 1),
    ((512, 7, 7), 512, 3, 1, 1, 1),
    ((64, 56, 56), 256, 1, 1, 0, 1),
    ((1024, 7, 7), 256, 1, 1, 0, 1),
    ((3, 224, 224), 64, 7, 2, 3, 1),
    ((32, 112, 112), 32, 3, 1, 1, 32),
    ((960, 7, 7), 960, 3, 1, 1, 960),
    ((24, 60, 60), 24, 3, 2, 1, 24),
    ((3, 512, 512), 3, 3, 1, 1, 3),
    ((64, 60, 60), 64, 3, 1, 1, 4),
    ((1, 512, 512), 4, 9, 1, 4, 1),
    ((8, 128, 128), 8, 15, 1, 7, 1),
    ((32, 20, 20), 32, 7, 1, 3, 1),
    ((3, 400, 400), 3, 3, 1, 1, 1),
    ((16, 64, 64), 32, 5, 1, 2, 1),
    ((3, 300, 300), 16, 5, 2, 0, 1),
    ((1, 256, 256), 1, 3, 1, 1, 1),
    ((1, 2000, 2000), 1, 5, 1, 2, 1),
]
"""Layers beside those of the table: input (c, h, w), filters, kernel, stride, padding, groups."""

HOPELESS = 1.0
"""Seconds beyond which an algorithm's first call is its only one."""

Timed = list[tuple[Problem, float]]


def measured(runs: int) -> dict[str, Timed]:
    """For each algorithm, problems and the lower quartile of its seconds."""
    rng = np.random.default_rng(0)
    times: dict[str, Timed] = {name: [] for name in ALGORITHMS if name != "reference"}
    for size, filters, kernel, stride, padding, groups in [*LAYERS.values(), *MORE]:
        shape = filters, size[0] // groups, kernel, kernel
        x, weight = (rng.standard_normal(one, np.float32) for one in (size, shape))
        options = stride, padding, 1, groups
        problem = problem_of((1, *size), shape, *options, x.dtype)
        for name, found in times.items():
            if ALGORITHMS[name].refuses(problem):
                continue
            seconds: list[float] = []
            while len(seconds) < runs + 1 and sum(seconds) < HOPELESS:
                before = time.process_time()
                conv2d(x, weight, None, *options, name)
                seconds.append(time.process_time() - before)
            kept = seconds[1:] or seconds
            found.append((problem, sorted(kept)[len(kept) // 4]))
    return times


def module_of(name: str) -> ModuleType:
    algorithm: Any = ALGORITHMS[name]
    if isinstance(algorithm, ModuleType):
        return algorithm
    return sys.modules[type(algorithm).__module__]


@contextmanager
def constants(module: ModuleType, values: dict[str, float]) -> Iterator[None]:
    before = {one: getattr(module, one) for one in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(before)


def fitted(module: ModuleType, names: list[str], times: dict[str, Timed]) -> dict[str, float]:
    """The constants of a module that predict best what its algorithms took."""
    known = [one for one in vars(module) if one.startswith("SECONDS_")]
    rows = [(ALGORITHMS[name], *one) for name in names for one in times[name]]
    factors = np.empty((len(rows), len(known)))
    for column, constant in enumerate(known):
        with constants(module, {one: float(one == constant) for one in known}):
            factors[:, column] = [algorithm.cost(problem) for algorithm, problem, _ in rows]
    seconds = np.array([took for *_, took in rows])
    trust = np.ones(len(rows))
    for _ in range(10):
        scale = trust / seconds
        solution, _ = nnls(factors * scale[:, np.newaxis], seconds * scale)
        off = np.log((factors @ solution + 1e-9) / seconds)
        trust = 1 / np.sqrt(1 + (off / 0.3) ** 2)
    print(f"# {', '.join(names)}: off by {np.exp(np.median(np.abs(off))) - 1:.0%} in the median")
    return {name: float(f"{value:.2g}") for name, value in zip(known, solution, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the constants of the algorithms' costs.")
    parser.add_argument("--runs", type=int, default=9, help="calls of each algorithm and layer")
    runs = parser.parse_args().runs
    with threadpool_limits(1):
        times = measured(runs)
    names = list(times)
    modules = {id(module_of(name)): module_of(name) for name in names}
    for module in modules.values():
        best = fitted(module, [name for name in names if module_of(name) is module], times)
        for constant, value in best.items():
            print(f"{constant} = {value:.2g}")
        vars(module).update(best)
    print("\nlayer\tauto\tfastest\tslower by")
    for problem, _ in times["gemm"]:
        took = {
            name: dict(found)[problem] for name, found in times.items() if problem in dict(found)
        }
        auto = min(took, key=lambda name: ALGORITHMS[name].cost(problem))
        fastest = min(took, key=lambda name: took[name])
        text = f"{problem.channels * problem.groups}×{problem.size[0]}×{problem.size[1]}"
        text += f" {problem.filters * problem.groups}, {problem.kernel[0]}"
        print(f"{text}\t{auto}\t{fastest}\t{took[auto] / took[fastest] - 1:.0%}")


if __name__ == "__main__":
    main()
