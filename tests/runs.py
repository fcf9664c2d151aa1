"""A network run on one array, with all that it makes: what tests of the runtime compare."""

from typing import NamedTuple

import numpy as np

from convcli.nets.analysis.summary import summarize
from convcli.runtime.executor import check_runs, until, walk
from convcli.runtime.initializers import Init
from convcli.runtime.weights import drawn, slopes


class Run(NamedTuple):
    """Maps by node, and weights by name."""

    maps: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]


def run_network(network, x, seed=0, init="he", weights=None, last=""):
    """Run a network on x (c, h, w) as far as the node `last`, with weights of a seed or those given."""
    part = until(network, [last] if last else [])
    check_runs(part)
    rows = summarize(part, x.shape).rows
    if weights is None:
        how = Init(init) if isinstance(init, str) else init
        weights = drawn(rows, seed, how, slopes(network))
    return Run({step.row.name: step.maps for step in walk(rows, x, weights)}, weights)
