"""What each algorithm of the convolution core costs: the constants behind its `cost`.

    python tests/benchmarks/layers.py [runs]

Prints, a row a layer and algorithm, the median time, seconds per multiply–accumulate and GFLOP/s
(2 FLOPs a MAC), in float32. Layers too slow for the loops of `reference` are left to the others.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from convcli.conv import conv2d
from convcli.conv.algorithms import ALGORITHMS

# name → input (c, h, w), filters, kernel, stride, padding, groups
LAYERS = {
    "small": ((3, 16, 16), 4, 3, 1, 1, 1),
    "VGG conv1_1": ((3, 224, 224), 64, 3, 1, 1, 1),
    "VGG conv3_2": ((256, 56, 56), 256, 3, 1, 1, 1),
    "AlexNet conv1": ((3, 227, 227), 96, 11, 4, 0, 1),
    "ResNet 1×1": ((256, 56, 56), 64, 1, 1, 0, 1),
    "MobileNet depthwise": ((144, 56, 56), 144, 3, 1, 1, 144),
    "picture, small bank": ((3, 3000, 3000), 8, 3, 1, 1, 1),
}

SLOWEST = 100_000
"""MACs beyond which the definition in loops is not waited for."""


def seconds(call: Callable[[], object], runs: int) -> float:
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def main(runs: int) -> None:
    rng = np.random.default_rng(0)
    print("layer\talgorithm\tmilliseconds\tseconds/MAC\tGFLOP/s")
    for layer, (size, filters, kernel, stride, padding, groups) in LAYERS.items():
        x = rng.standard_normal(size).astype(np.float32)
        shape = filters, size[0] // groups, kernel, kernel
        weight = rng.standard_normal(shape).astype(np.float32)
        places = conv2d(x, weight, None, stride, padding, 1, groups).size
        macs = places * size[0] // groups * kernel * kernel
        for name in ALGORITHMS:
            if name == "reference" and macs > SLOWEST:
                continue
            call = partial(conv2d, x, weight, None, stride, padding, 1, groups, name)
            took = seconds(call, runs)
            print(f"{layer}\t{name}\t{took * 1e3:.2f}\t{took / macs:.2g}\t{2e-9 * macs / took:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
