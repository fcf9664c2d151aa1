"""The memory of training: weights, gradients, optimizer states, activations."""

from collections import Counter
from collections.abc import Iterable

from convcli.nets.analysis.backward import Step, Storage, Walk
from convcli.nets.analysis.summary import DTYPES, SCHEMA, Summary
from convcli.nets.graph import Network
from convcli.records import NamedTuple
from convcli.tables import Listing, Record
from convcli.text import bytes_text, counted

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""Values that an optimizer keeps per trained weight."""

MAX_BATCH = 2**24
"""The largest batch that is tried."""


class Training(NamedTuple):
    """A network's training: the memory that it takes, for any batch."""

    optimizer: str
    dtype: str
    weights: int
    """Number of values of weights and running statistics."""
    trained: int
    steps: tuple[Step, ...]
    storages: tuple[Storage, ...]
    unknown: tuple[str, ...]
    """Layers without a known rule."""

    def activations(self, batch: int) -> int:
        """Bytes that are kept for backward at the end of a forward run."""
        kept = frozenset[int]().union(*(step.kept for step in self.steps))
        return self._bytes(kept, batch)

    def kept_by_layer(self, batch: int) -> list[Record]:
        """Bytes that each layer keeps and no earlier layer keeps."""
        known: set[int] = set()
        layers: list[Record] = []
        for step in self.steps:
            layers.append({"name": step.name, "kept": self._bytes(step.kept - known, batch)})
            known |= step.kept
        return layers

    @property
    def fixed(self) -> tuple[int, int, int]:
        """Bytes of weights, gradients, and optimizer states."""
        size = DTYPES[self.dtype]
        states = OPTIMIZERS[self.optimizer] * self.trained
        return self.weights * size, self.trained * size, states * size

    def peak(self, batch: int) -> int:
        """Peak bytes of the forward pass, the backward pass and the optimizer step.

        A gradient is as large as its tensor, and those of weights appear as the backward pass
        reaches them; memory is freed after its last use.
        """
        size = DTYPES[self.dtype]
        weights, gradients, states = self.fixed
        holders: Counter[int] = Counter()
        alive = peak = 0
        for step in self.steps:  # forward: what is kept from now on, and what is in use
            peak = max(peak, alive + self._bytes(step.used - holders.keys(), batch))
            alive += self._bytes(step.kept - holders.keys(), batch)
            holders.update(step.kept)
        own = 0
        for step in reversed(self.steps):  # backward: with the gradients of what was used
            own += step.trained * size
            peak = max(peak, alive + own + self._bytes(step.used, batch))
            holders.subtract(step.kept)
            alive -= self._bytes((storage for storage in step.kept if not holders[storage]), batch)
        return weights + states + max(peak, gradients)

    def largest_batch(self, limit: int) -> int:
        """The largest batch whose peak is within a limit of bytes; 0 if one image exceeds it."""
        low, high = 0, 1
        while high <= MAX_BATCH and self.peak(high) <= limit:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.peak(middle) <= limit else (low, middle)
        return low

    def _bytes(self, storages: Iterable[int], batch: int) -> int:
        size = DTYPES[self.dtype]
        return sum(self.storages[storage].size(batch, size) for storage in storages)


def training(network: Network, summary: Summary, optimizer: str, dtype: str) -> Training:
    """The memory that training a network takes.

    >>> from convcli.nets.analysis.summary import summarize
    >>> from convcli.nets.readers.read import read_text
    >>> net = read_text("conv(8, 3); bn; relu; flatten; linear(10)").network
    >>> adam = training(net, summarize(net, (3, 32, 32)), "adam", "float32")
    >>> adam.activations(1), adam.fixed  # 3·32·32 + 2·8·30·30 + 2·8 values
    (69952, (289064, 289000, 578000))
    """
    walk = Walk()
    steps = walk.steps(summary)
    unrecorded = (f"{name}() in the program" for name in network.passed_over)
    return Training(
        optimizer,
        dtype,
        sum(row.weights + row.statistics for row in summary.rows),
        summary.trainable,
        steps,
        tuple(walk.storages),
        (*unrecorded, *walk.unknown),
    )


def listing(training: Training, batch: int, limit: int | None) -> Listing:
    """The parts of the memory, and the largest batch that fits a limit, as a result to print."""
    weights, gradients, states = training.fixed
    parts = {
        "weights": weights,
        "gradients": gradients,
        "optimizer_states": states,
        "activations": training.activations(batch),
        "peak": training.peak(batch),
    }
    fields: dict[str, object] = {
        "schema": SCHEMA,
        "optimizer": training.optimizer,
        "dtype": training.dtype,
        "batch": batch,
        **parts,
        "layers": training.kept_by_layer(batch),
        "unknown": list(training.unknown),
    }
    value, caption = str(parts["peak"]), f"{training.optimizer}, {training.dtype}, batch {batch}"
    if limit is not None:
        largest = training.largest_batch(limit)
        value, full = str(largest), training.peak(largest) if largest else 0
        fields["fits"] = {"limit": limit, "batch": largest, "peak": full}
    at_least = ", at least" if training.unknown else ""
    meanings = {
        "weights": "with running statistics",
        "gradients": "of trained weights",
        "optimizer_states": f"{OPTIMIZERS[training.optimizer]} for each trained weight",
        "activations": f"kept for backward{at_least}",
        "peak": f"the most at once{at_least}",
    }
    rows = [
        (name.replace("_", " "), count, bytes_text(count), meanings[name])
        for name, count in parts.items()
    ]
    if limit is not None:
        images = counted(largest, "image")
        rows.append(("largest batch", full, bytes_text(full), f"{images} in {bytes_text(limit)}"))
    warnings = []
    if training.unknown:
        names = ", ".join(training.unknown[:4]) + (", …" if len(training.unknown) > 4 else "")
        warnings.append(f"what {names} keeps for backward is unknown and not in the figures")
    return Listing(
        value,
        (("memory", "bytes", "size", "what"), rows, ()),
        fields,
        f"{caption}; as PyTorch keeps it, without the loss, the allocator's blocks, workspaces "
        "and copies of mixed precision",
        warnings,
    )
