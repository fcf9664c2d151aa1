"""Recurrent layers: RNN, GRU and LSTM, whose weights are parameters of their own."""

from math import prod

from convcli.callsyntax import brief
from convcli.nets.layers import Shape
from convcli.nets.layers.arguments import count
from convcli.nets.readers.python.language.objects import (
    Class,
    Instance,
    ReadError,
    ShapeMismatch,
    Tensor,
    Value,
    class_of,
)
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib.builtins import no_effect
from convcli.nets.readers.python.torch import tensor_args
from convcli.nets.readers.python.torch.nn_module import MODULE, parameters

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
"""Layer → matrices side by side in one of its weights (Cho et al. 2014, Gers et al. 2000)."""


def recurrent(name: str, gates: int) -> Class:
    """The class of a recurrent layer."""

    def init(
        interpreter: Interpreter,
        owner: Instance,
        input_size: Value,
        hidden_size: Value,
        num_layers: Value = 1,
        bias: Value = True,
        batch_first: Value = False,
        dropout: Value = 0.0,
        bidirectional: Value = False,
        proj_size: Value = 0,
        **_: Value,
    ) -> None:
        inner, hidden = count(input_size, "input_size"), count(hidden_size, "hidden_size")
        if proj_size and (name != "LSTM" or count(proj_size, "proj_size") >= hidden):
            raise ReadError("proj_size is for an LSTM, and less than its hidden_size")
        given = count(proj_size, "proj_size") if proj_size else hidden
        ways = ("", "_reverse") if bidirectional else ("",)
        for level in range(count(num_layers, "num_layers")):
            for way in ways:
                end, rows = f"l{level}{way}", gates * hidden
                shapes: dict[str, Shape] = {"weight_ih": (rows, inner), "weight_hh": (rows, given)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = given, hidden
                for role, shape in shapes.items():
                    owner.attrs[f"{role}_{end}"] = Tensor(shape, trained=True)
            inner = given * len(ways)
        owner.attrs |= {
            "input_size": count(input_size, "input_size"),
            "hidden_size": hidden,
            "proj_size": proj_size,
            "num_layers": num_layers,
            "batch_first": bool(batch_first),
            "bidirectional": bool(bidirectional),
        }

    def forward(interpreter: Interpreter, owner: Instance, x: Value, *_: Value) -> Value:
        """The outputs of every step, and the state after the last one."""
        x = tensor_args.to_tensor(x)
        values, hidden, layers = (
            tensor_args.to_integer(owner.attrs[key])
            for key in ("input_size", "hidden_size", "num_layers")
        )
        if len(x.shape) not in (2, 3):
            raise ShapeMismatch(f"{name} reads (steps, batch, values); {brief(x.shape)} arrives")
        if x.shape[-1] != values:
            raise ShapeMismatch(
                f"{name}({values}, {hidden}) meets {x.shape[-1]:,} values a step, not {values:,}: "
                f"{brief(x.shape)} arrives"
            )
        ways = 2 if owner.attrs["bidirectional"] else 1
        given = tensor_args.to_integer(owner.attrs["proj_size"]) or hidden
        shape = (*x.shape[:-1], given * ways)
        weights = [tensor for _, tensor in parameters(owner)]
        matrices = sum(prod(tensor.shape) for tensor in weights if len(tensor.shape) == 2)
        output = tensor_args.append_operation(
            interpreter, name.lower(), [x, *weights], shape, macs=prod(x.shape[:-1]) * matrices
        )
        # without a batch, so are the states
        batch = () if len(x.shape) == 2 else (x.shape[0 if owner.attrs["batch_first"] else 1],)
        kinds = {"hidden_state": given, **({"cell_state": hidden} if name == "LSTM" else {})}
        states = [
            tensor_args.append_operation(interpreter, kind, [output], (layers * ways, *batch, size))
            for kind, size in kinds.items()
        ]
        return output, tuple(states) if name == "LSTM" else states[0]

    return class_of(name, MODULE, __init__=init, forward=forward, flatten_parameters=no_effect)
