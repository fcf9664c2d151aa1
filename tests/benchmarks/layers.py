"""What the convolution core costs: the layer table, each algorithm, and PyTorch where it is.

    python tests/benchmarks/layers.py [--runs N] [--only WORD] [--json FILE] [--definition]

Prints a table of `auto` against PyTorch's `conv2d` (same threads, same run, in turns), then a row
for each layer and algorithm: median milliseconds, GFLOP/s (2 FLOPs a multiply–accumulate of the
definition, so that Winograd and Fourier may pass the peak), the milliseconds its `cost`
predicted and the workspace it announced. All in float32, one image. To have both peers, run it
with a Python that has PyTorch and NumPy, with the repository's root on its PYTHONPATH.

A turn begins with a pause and a call that is not counted: the threads of the peer before it
should be asleep, and its own awake.
"""

import argparse
import json
import os
import platform
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from math import exp, log, nan
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from convcli.conv import conv2d, workspace_bytes
from convcli.conv.algorithms import ALGORITHMS, chosen
from convcli.conv.functional import problem_of
from convcli.conv.threads import threads

# name → input (c, h, w), filters, kernel, stride, padding, groups
LAYERS = {
    "VGG conv1_1": ((3, 224, 224), 64, 3, 1, 1, 1),
    "VGG conv1_2": ((64, 224, 224), 64, 3, 1, 1, 1),
    "VGG conv2_2": ((128, 112, 112), 128, 3, 1, 1, 1),
    "VGG conv3_2": ((256, 56, 56), 256, 3, 1, 1, 1),
    "VGG conv4_2": ((512, 28, 28), 512, 3, 1, 1, 1),
    "AlexNet conv1": ((3, 227, 227), 96, 11, 4, 0, 1),
    "AlexNet conv2": ((96, 27, 27), 256, 5, 1, 2, 1),
    "ResNet 1×1": ((256, 56, 56), 64, 1, 1, 0, 1),
    "ResNet 3×3/2": ((128, 56, 56), 128, 3, 2, 1, 1),
    "MobileNet depthwise": ((144, 56, 56), 144, 3, 1, 1, 144),
    "picture, small bank": ((3, 3000, 3000), 8, 3, 1, 1, 1),
    "picture, 7×7 bank": ((3, 3000, 3000), 8, 7, 1, 3, 1),
    "picture, 31×31 kernel": ((1, 2000, 2000), 1, 31, 1, 15, 1),
}

DEFINITION = ((3, 512, 512), 8, 3, 1, 0, 1)
"""What the looped definition is timed on, where it is asked for: it takes half a minute."""

PAUSE = 0.05
"""Seconds; OpenBLAS's threads wait awake for about half of it."""

TURN = 0.1
"""Seconds of calls in a turn, at least one call."""

HOPELESS = 8
"""An algorithm predicted to take so many times the best one is not waited for."""

Call = Callable[[], Any]


def timed(calls: dict[str, Call], runs: int) -> dict[str, float]:
    """Median seconds of each call, in turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            time.sleep(PAUSE)
            call()
            started = time.perf_counter()
            while not times[name] or time.perf_counter() - started < TURN:
                before = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - before)
    return {name: median(one) for name, one in times.items()}


def torch_call(x: Any, weight: Any, stride: int, padding: int, groups: int) -> Call | None:
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads())
    tensors = torch.from_numpy(x[np.newaxis]), torch.from_numpy(weight)

    def call() -> Any:
        with torch.no_grad():
            return torch.nn.functional.conv2d(*tensors, None, stride, padding, 1, groups)

    return call


def measure(name: str, runs: int) -> dict[str, Any]:
    """One layer: seconds and GFLOP/s of everything that computes it, and the memory of `auto`."""
    size, filters, kernel, stride, padding, groups = LAYERS[name]
    rng = np.random.default_rng(0)
    shape = filters, size[0] // groups, kernel, kernel
    x = rng.standard_normal(size, np.float32)
    weight = rng.standard_normal(shape, np.float32)
    options = stride, padding, 1, groups
    problem = problem_of((1, *size), shape, *options, x.dtype)
    costs = {
        name: one.cost(problem) for name, one in ALGORITHMS.items() if not one.refuses(problem)
    }
    hopeful = [one for one, cost in costs.items() if cost < HOPELESS * min(costs.values())]
    calls: dict[str, Call] = {
        one: partial(conv2d, x, weight, None, *options, one) for one in ["auto", *hopeful]
    }
    peer = torch_call(x, weight, stride, padding, groups)
    if peer:
        calls["PyTorch"] = peer
    seconds = timed(calls, runs)
    tracemalloc.start()
    y = conv2d(x, weight, None, *options)
    extra = tracemalloc.get_traced_memory()[1] - y.nbytes
    tracemalloc.stop()
    return {
        "layer": name,
        "macs": problem.macs,
        "chosen": chosen(problem),
        "seconds": seconds,
        "gflops": {one: 2e-9 * problem.macs / took for one, took in seconds.items()},
        "predicted_seconds": {one: costs[one] for one in hopeful},
        "workspace_bytes": {
            one: workspace_bytes(size, shape, *options, one) for one in ["auto", *hopeful]
        },
        "output_bytes": y.nbytes,
        "peak_extra_bytes": extra,
        "pytorch_over_ours": seconds["PyTorch"] / seconds["auto"] if peer else nan,
    }


def matmul_peak(runs: int = 9, side: int = 2048) -> float:
    """GFLOP/s of NumPy's product of two large matrices, with all its threads."""
    a, b = (np.ones((side, side), np.float32) for _ in range(2))
    out = np.empty_like(a)
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        np.matmul(a, b, out=out)
        times.append(time.perf_counter() - started)
    return 2e-9 * side**3 / median(times[1:])


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
    try:
        import torch

        peer = torch.__version__
    except ImportError:
        peer = None
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "threads": threads(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": [f"{one['internal_api']} {one['version']} {one['architecture']}" for one in blas],
        "pytorch": peer,
        "matmul_peak_gflops": matmul_peak(),
    }


def definition() -> dict[str, float]:
    """Seconds of the looped definition and of `auto` on the same picture."""
    size, filters, kernel, *_ = DEFINITION
    rng = np.random.default_rng(0)
    x = rng.standard_normal(size, np.float32)
    weight = rng.standard_normal((filters, size[0], kernel, kernel), np.float32)
    started = time.perf_counter()
    conv2d(x, weight, algorithm="reference")
    looped = time.perf_counter() - started
    return {"reference": looped} | timed({"auto": partial(conv2d, x, weight)}, 5)


def print_tables(found: dict[str, Any]) -> None:
    host, rows = found["machine"], found["layers"]
    print(f"{host['processor']}, {host['threads']} threads, {', '.join(host['blas'])}")
    print(f"NumPy {host['numpy']}, PyTorch {host['pytorch']}, Python {host['python']}")
    print(f"matrix-product peak {host['matmul_peak_gflops']:.0f} GFLOP/s\n")
    print("| layer | auto | ms | GFLOP/s | PyTorch ms | PyTorch / ours | output MB | extra MB |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        seconds = row["seconds"]
        print(
            f"| {row['layer']} | {row['chosen']} | {seconds['auto'] * 1e3:.2f} "
            f"| {row['gflops']['auto']:.0f} | {seconds.get('PyTorch', nan) * 1e3:.2f} "
            f"| {row['pytorch_over_ours']:.2f} | {row['output_bytes'] / 2**20:.1f} "
            f"| {row['peak_extra_bytes'] / 2**20:.1f} |"
        )
    print(f"\ngeometric mean of PyTorch / ours: {found['geometric_mean']:.2f}\n")
    print("layer\talgorithm\tms\tpredicted ms\tGFLOP/s\tworkspace MB")
    for row in rows:
        for name, cost in row["predicted_seconds"].items():
            took, flops = row["seconds"][name] * 1e3, row["gflops"][name]
            space = row["workspace_bytes"][name] / 2**20
            line = f"{took:.2f}\t{cost * 1e3:.2f}\t{flops:.0f}\t{space:.1f}"
            print(f"{row['layer']}\t{name}\t{line}")
    if "definition" in found:
        both = found["definition"]
        print(
            f"\n512×512×3, eight 3×3 filters: the definition in loops {both['reference']:.1f} s, "
            f"auto {both['auto'] * 1e3:.2f} ms, {both['reference'] / both['auto']:,.0f} times"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the convolution core.")
    parser.add_argument("--runs", type=int, default=5, help="turns of each peer")
    parser.add_argument("--only", default="", help="layers whose name has this word")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--definition", action="store_true", help="time the loops too")
    asked = parser.parse_args()
    host = machine()
    rows = [measure(name, asked.runs) for name in LAYERS if asked.only in name]
    ratios = [log(row["pytorch_over_ours"]) for row in rows]
    found = {"machine": host, "layers": rows, "geometric_mean": exp(sum(ratios) / len(ratios))}
    if asked.definition:
        found["definition"] = definition()
    print_tables(found)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main()
