"""A network run on one picture, node by node; each output is freed after its last reader."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from time import perf_counter

import numpy as np

from convcli.arrays import Array
from convcli.errors import SpecError, UnfitError
from convcli.nets.analysis.summary import Row
from convcli.nets.graph import INPUT, Network
from convcli.nets.layers import slots_of
from convcli.nets.layers.tensor_ops import Unused
from convcli.records import NamedTuple
from convcli.runtime.in_place import Chain, chains, write_over
from convcli.runtime.layers import forward, refusal
from convcli.runtime.stored import aligned
from convcli.runtime.weights import weight_name


class Step(NamedTuple):
    """The output of one node, and its time."""

    row: Row
    maps: Array
    seconds: float


def until(network: Network, names: Sequence[str]) -> Network:
    """The network up to the last of the named nodes; all of it if none is named.

    Nodes that these do not need stay, so that weights are drawn as for the whole network; `walk`
    skips them. Raises SpecError for a name that no node has.

    >>> from convcli.nets.readers.read import read_text
    >>> net = read_text("conv(2, 3); relu; conv(4, 3)").network
    >>> [node.name for node in until(net, ["relu1"]).nodes]
    ['conv1', 'relu1']
    """
    indices = {node.name: index for index, node in enumerate(network.nodes)}
    for name in names:
        if name not in indices:
            from difflib import get_close_matches

            close = get_close_matches(name, indices, n=3)
            some = close or [*list(indices)[:3], "…"]
            raise SpecError(f"no layer is called {name[:60]!r}; there are {', '.join(some)}")
    if not names:
        return network
    part = network._replace(
        nodes=network.nodes[: max(indices[name] for name in names) + 1], redo=None, stopped=None
    )
    if network.redo is None:
        return part
    return part._replace(redo=lambda shape, given: until(network.at(shape), names))


def used(network: Network) -> Network:
    """A network of a model file without the weights that its output does not need."""
    nodes = tuple(node for node in network.nodes if not isinstance(node.layer, Unused))
    redo = network.redo
    if redo is None:
        return network._replace(nodes=nodes)
    return network._replace(nodes=nodes, redo=lambda shape, given: used(redo(shape, given)))


def needed(rows: Sequence[Row], names: Sequence[str] = ()) -> tuple[Row, ...]:
    """The rows that the named nodes need, their own included; all if none is named."""
    if not names:
        return tuple(rows)
    wanted = set(names)
    for row in reversed(rows):
        if row.name in wanted:
            wanted.update(row.node.inputs)
    return tuple(row for row in rows if row.name in wanted)


def check_runs(network: Network) -> None:
    """Refuse a network with a layer that cannot be run, before anything is computed."""
    if network.stopped is not None:
        raise UnfitError(network.stopped.text())
    if network.sizes_alone:
        raise UnfitError(
            f"{network.sizes_alone} is read for its sizes; to run the network, export it as .onnx"
        )
    for node in network.nodes:
        given = not node.inputs and node.name in network.weights
        why = None if given else refusal(node.layer)
        if why:
            raise UnfitError(f"{node.name}: {why}")


def _own(row: Row, weights: Mapping[str, Array]) -> dict[str, Array]:
    """The weights of a row by role, or those of the node whose weights it uses."""
    if not row.inputs:
        return {}
    roles = slots_of(row.node.layer, row.inputs[0])
    owner = row.node.owner or row.name
    named = {role: weight_name(owner, role) for role in roles}
    return {role: aligned(weights[name]) for role, name in named.items() if name in weights}


def walk(
    rows: Sequence[Row],
    x: Array,
    weights: Mapping[str, Array],
    names: Collection[str] | None = None,
) -> Iterator[Step]:
    """Run the rows of a summary on x, one at a time.

    A node's maps are freed once the last that reads them is done; who wants to keep them does.
    Where the maps of some nodes alone are wanted, by `names`, batch norms, sums and activations
    write over what they read, and the rows that were written over have no step.
    """
    order = [Chain(row) for row in rows] if names is None else chains(rows, names)
    last = {name: index for index, chain in enumerate(order) for name in chain.reads}
    fixed = {row.name: weights[row.name].reshape(row.output) for row in rows if not row.inputs}
    known = {INPUT: x, **fixed}
    for index, chain in enumerate(order):
        row = chain.first
        before = perf_counter()
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                if row.inputs:
                    inputs = [known[name] for name in row.node.inputs]
                    y = forward(row.node.layer, inputs, _own(row, weights))
                    del inputs
                else:
                    y = fixed[row.name]
                if chain.followers:
                    own = [_own(follower, weights) for follower in chain.followers]
                    write_over(y, row.name, chain.followers, own, known)
        except UnfitError as misfit:
            raise UnfitError(f"{row.name}: {misfit}") from None
        seconds = perf_counter() - before
        for name in chain.reads:
            if last[name] == index:
                known.pop(name, None)
        if last.get(chain.last.name, 0) > index:
            known[chain.last.name] = y
        step = Step(chain.last, y, seconds)
        del y
        yield step
        del step
