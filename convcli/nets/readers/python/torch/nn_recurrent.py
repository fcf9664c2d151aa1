"""Recurrent layers: RNN, GRU and LSTM, whose weights are parameters of their own."""

from math import prod
from typing import Any

from convcli.nets.layers.arguments import count
from convcli.nets.readers.python.language.objects import Class, Halt, Object, Tensor, class_of
from convcli.nets.readers.python.stdlib.builtins import no_effect
from convcli.nets.readers.python.torch import tensor_args
from convcli.nets.readers.python.torch.nn_module import MODULE, parameters

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
"""Layer → matrices side by side in one of its weights (Cho et al. 2014, Gers et al. 2000)."""


def recurrent(name: str, gates: int) -> Class:
    """The class of a recurrent layer."""

    def init(
        machine: Any,
        owner: Object,
        input_size: Any,
        hidden_size: Any,
        num_layers: Any = 1,
        bias: Any = True,
        batch_first: Any = False,
        dropout: Any = 0.0,
        bidirectional: Any = False,
        proj_size: Any = 0,
        **_: Any,
    ) -> None:
        if proj_size:
            raise Halt("a recurrent layer with proj_size is not read here")
        inner, hidden = count(input_size, "input_size"), count(hidden_size, "hidden_size")
        ways = ("", "_reverse") if bidirectional else ("",)
        for level in range(count(num_layers, "num_layers")):
            for way in ways:
                end, rows = f"l{level}{way}", gates * hidden
                owner.attrs[f"weight_ih_{end}"] = Tensor((rows, inner), trained=True)
                owner.attrs[f"weight_hh_{end}"] = Tensor((rows, hidden), trained=True)
                if bias:
                    owner.attrs[f"bias_ih_{end}"] = Tensor((rows,), trained=True)
                    owner.attrs[f"bias_hh_{end}"] = Tensor((rows,), trained=True)
            inner = hidden * len(ways)
        owner.attrs |= {
            "hidden_size": hidden,
            "num_layers": num_layers,
            "batch_first": bool(batch_first),
            "bidirectional": bool(bidirectional),
        }

    def forward(machine: Any, owner: Object, x: Any, *_: Any) -> Any:
        """The outputs of every step, and the state behind the last one."""
        x = tensor_args.tensor_of(machine, x)
        ways = 2 if owner.attrs["bidirectional"] else 1
        gives = (*x.shape[:-1], owner.attrs["hidden_size"] * ways)
        weights = [tensor for _, tensor in parameters(owner)]
        macs = prod(x.shape[:-1]) * sum(prod(one.shape) for one in weights if len(one.shape) == 2)
        made = tensor_args.operation(machine, name.lower(), [x, *weights], gives, macs=macs)
        batch = x.shape[0] if owner.attrs["batch_first"] else x.shape[-2]
        hidden = (owner.attrs["num_layers"] * ways, batch, owner.attrs["hidden_size"])
        state = Tensor(hidden, made.node)
        return made, (state, Tensor(hidden, made.node)) if name == "LSTM" else state

    return class_of(name, MODULE, __init__=init, forward=forward, flatten_parameters=no_effect)
