"""Where a rule of a tool has no answer, and where the tool is known to count differently.

A refusal names the layers and the reason; a caveat is printed as a note with the figure.
"""

from collections.abc import Callable, Sequence

from convcli.errors import UnfitError
from convcli.nets.analysis.mac_rules import OWN, is_module, recurrent
from convcli.nets.analysis.summary import Row
from convcli.nets.layers import Activation, AdaptivePool, Linear, PReLU, Upsample
from convcli.nets.layers.tensor_ops import Broadcast, Operation, Scalar, Unused, Weights
from convcli.records import NamedTuple


def takes_one_step(row: Row) -> bool:
    """Whether the input of a recurrent layer or an attention has one step."""
    layer = row.bare_layer
    if isinstance(layer, Operation) and layer.type == "attention":
        return layer.inputs[0][-2:-1] == (1,)
    return recurrent(row)[0] == 1


class Refusal(NamedTuple):
    """Rows that a tool has no answer for: it stops there, or its count follows no rule."""

    rules: tuple[str, ...]
    is_met: Callable[[Row], bool]
    reason: str


OPERATORS = ("fvcore", "ptflops@aten", "torch")
"""Rules of tools that count the operators that run, whatever calls them."""

TOOLS = ("torchinfo", "thop", "thop@0.0.31", "fvcore", "ptflops", "ptflops@aten", "torch")


def _is_keras_alone(row: Row) -> bool:
    from convcli.nets.layers import sequences  # a millisecond of a start

    return isinstance(
        row.node.layer,
        sequences.Recurrent
        | sequences.ConvRecurrent
        | sequences.Embedding
        | sequences.TimeDistributed
        | sequences.Attention
        | sequences.AxisNorm
        | sequences.SpectralNorm,
    )


def _has_factors(row: Row) -> bool:
    layer = row.bare_layer
    return isinstance(layer, Upsample) and len(set(layer.scale)) > 1


def _keeps_a_length(row: Row) -> bool:
    layer = row.bare_layer
    return isinstance(layer, AdaptivePool) and is_module(row) and None in layer.sizes


REFUSALS = (
    Refusal(
        (*TOOLS, "calflops"),
        _is_keras_alone,
        "the tool runs PyTorch, where this layer of Keras is built differently",
    ),
    Refusal(
        ("ptflops", "ptflops@aten", "calflops"),
        lambda row: row.node.module.startswith("Lazy"),
        "the tool stops at a lazy layer",
    ),
    Refusal(("calflops",), _has_factors, "the tool stops at a scale_factor for each axis"),
    Refusal(("thop@0.0.31",), _keeps_a_length, "the tool stops at an output size of None"),
    Refusal(
        OPERATORS,
        lambda row: row.node.function == "einsum" and len(row.inputs) > 2,
        "PyTorch chooses in which order it multiplies more than two",
    ),
    Refusal(
        OPERATORS,
        lambda row: row.node.module.startswith("Orthogonal"),
        "the tool counts how the orthogonal weight is computed",
    ),
    Refusal(
        ("fvcore",),
        lambda row: not row.node.is_registered and row.measure.params > 0,
        "the tool stops at weights that the model does not register",
    ),
)
"""Where a rule has no answer, and why."""


def without_answer(rule: str, rows: Sequence[Row]) -> tuple[list[str], str]:
    """The layers that a rule has no answer for, and why."""
    for refusal in REFUSALS:
        if rule in refusal.rules:
            names = [row.name for row in rows if refusal.is_met(row)]
            if names:
                return names, refusal.reason
    return [], ""


def check_answers(rule: str, rows: Sequence[Row]) -> None:
    """Raise UnfitError where a rule has no answer for a layer; it names rules that do."""
    names, reason = without_answer(rule, rows)
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise UnfitError(
            f"--mac-rule {rule} cannot count {', '.join(names[:3])}{more}: {reason}; "
            f"{' and '.join(OWN)} count it"
        )


def caveats(rule: str, rows: Sequence[Row]) -> list[str]:
    """Where the tool's count differs from its rule here, as far as the rows show."""
    notes: list[str] = []
    dropped = [
        row.name for row in rows if isinstance(row.node.layer, Unused) and row.node.layer.called
    ]
    if dropped and rule not in (*OWN, "fvcore"):
        notes.append(
            f"{_few(dropped)}: called, but nothing comes of it; the tool of --mac-rule {rule} "
            "counts its MACs too, which are not here"
        )
    if rule == "ptflops@aten" and (biases := _biases_left_out(rows)):
        notes.append(
            f"{_few(biases)}: where the input is not contiguous, as behind permute, the tool "
            f"of --mac-rule {rule} leaves the bias out, which is counted here"
        )
    if rule == "torchinfo":
        own = [
            row.name
            for row in rows
            # of a convolution whose forward the program writes itself
            if isinstance(row.node.layer, Weights) and "Conv" in row.node.module
        ]
        if own:
            notes.append(
                f"{_few(own)}: of a class with Conv in its name, the tool of --mac-rule torchinfo "
                "counts the parameters for every output pixel; here they are counted once"
            )
    return notes


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


ELEMENTWISE = (Activation, Broadcast, Scalar, PReLU)
"""Layers that keep the memory layout of their input."""


def _biases_left_out(rows: Sequence[Row]) -> list[str]:
    """Linear layers with a bias whose input has a memory layout unlike its axis order."""
    turned, biases = set[str](), list[str]()
    for row in rows:
        layer, reads = row.bare_layer, turned.intersection(row.node.inputs)
        is_turn = isinstance(layer, Operation) and layer.type in ("permute", "transpose")
        if is_turn or (reads and isinstance(layer, ELEMENTWISE)):
            turned.add(row.name)
        elif reads and isinstance(layer, Linear) and row.measure.bias and len(row.output) > 1:
            biases.append(row.name)
    return biases
