"""Operators of ONNX against the node tests of its backend, each read and run as a file would be."""

import re

import numpy as np
import pytest
from onnx_models import Whole, model_of
from onnx_node_cases import node_cases

from convcli.errors import Refusal, UnfitError
from convcli.nets.readers.onnx.model_file import read_model
from convcli.nets.readers.onnx.reader import Translation

MODULES = [
    *(
        "add",
        "and_",
        "argmax",
        "argmin",
        "clip",
        "concat",
        "cumsum",
        "depthtospace",
        "div",
        "dropout",
        "einsum",
    ),
    *(
        "equal",
        "erf",
        "expand",
        "flatten",
        "gather",
        "gatherelements",
        "gathernd",
        "gemm",
        "greater",
    ),
    *(
        "groupnormalization",
        "hardmax",
        "hardsigmoid",
        "hardswish",
        "instance_normalization",
        "layernormalization",
    ),
    *(
        "less",
        "logsoftmax",
        "lppool",
        "lrn",
        "matmul",
        "max",
        "mean",
        "min",
        "mul",
        "neg",
        "not_",
        "pad",
    ),
    *("pow", "prelu", "reciprocal", "reducel1", "reducel2", "reduce_log_sum", "reduce_log_sum_exp"),
    *(
        "reducemax",
        "reducemean",
        "reducemin",
        "reduceprod",
        "reducesum",
        "reducesumsquare",
        "reshape",
    ),
    *(
        "resize",
        "round",
        "shape",
        "shrink",
        "sign",
        "size",
        "slice",
        "softmax",
        "spacetodepth",
        "split",
    ),
    *(
        "sqrt",
        "squeeze",
        "sub",
        "sum",
        "tile",
        "topk",
        "transpose",
        "trilu",
        "unsqueeze",
        "where",
        "xor",
    ),
    *(
        "batch_normalization",
        "conv",
        "convtranspose",
        "averagepool",
        "maxpool",
        "globalaveragepool",
    ),
    *("center_crop_pad", "cumprod", "eyelike", "gridsample", "reversesequence"),
    *("rmsnormalization", "scatter", "scatterelements", "scatternd"),
    *("dequantizelinear", "quantizelinear", "meanvariancenormalization", "lpnormalization", "gelu"),
]

NOT_APPLICABLE = {
    r"einsum_inner_prod": "a sum of doubles that nearly cancels",
    r"bfloat16|float8|float4|int4|int2|e4m3|e5m2": "types without an array of NumPy",
    r"string|sequence|empty_set|zero_size|tri[lu]_zero|allowzero|start_out_of_bounds": "text, and tensors without values",
    r"training_mode|with_argmax|blocked|(pool|pooling|transpose)_3d": "refused by name",
    r"resize_downsample_scales_(linear|cubic)_align_corners$": "the reference spans a fraction of a "
    "cell there, onnxruntime whole cells, as is done here",
    r"antialias|batch_diagonal": "refused",
}
"""What is left out, and why."""


def cases(module):
    return {
        name: case
        for name, case in node_cases(module).items()
        if "_expanded" not in name
        and not any(re.search(what, name) for what in NOT_APPLICABLE)
        and all(isinstance(array, np.ndarray) for array in case.data_sets[0][0])
    }


def test_most_of_them_apply():
    assert sum(len(cases(module)) for module in MODULES) > 470


@pytest.mark.parametrize("module", MODULES)
def test_operators_give_what_the_backend_tests_say(module):
    for name, case in cases(module).items():
        inputs, outputs = case.data_sets[0]
        values = Whole(case.model, inputs).run()
        assert len(values) == len(outputs), name
        for value, expected in zip(values, outputs, strict=False):
            assert value.shape == expected.shape, name
            rtol, atol = max(case.rtol, 1e-4), max(case.atol, 1e-5)
            np.testing.assert_allclose(
                value, np.asarray(expected, np.float64), rtol, atol, err_msg=name
            )


@pytest.mark.parametrize(
    ("module", "name", "why"),
    [
        (
            "maxpool",
            "test_maxpool_with_argmax_2d_precomputed_pads",
            "the places of the largest values are not read",
        ),
        ("einsum", "test_einsum_batch_diagonal", "Einsum"),
    ],
)
def test_a_refusal_names_the_operator(module, name, why):
    case = node_cases(module)[name]
    with pytest.raises(Refusal, match=why):
        Whole(case.model, case.data_sets[0][0]).run()


def test_text_is_refused_by_name():
    from onnx import TensorProto

    model = model_of([("Identity", ["x"], ["y"])], {"x": [2]}, {"y": [2]})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    network = Translation(read_model(memoryview(model.SerializeToString())), "x").at((2,))
    assert network.stopped.message == "the file's input x is text, not numbers"


def test_a_quotient_of_integers_is_cut_off_and_one_of_floats_is_not():
    nodes = [
        ("Cast", ["x"], ["i"], {"to": 7}),
        ("Mul", ["i", "three"], ["m"]),
        ("Div", ["m", "two"], ["d"]),
        ("Cast", ["d"], ["f"], {"to": 1}),
        ("Div", ["f", "half"], ["y"]),
    ]
    arrays = {
        "three": np.array(3, np.int64),
        "two": np.array(-2, np.int64),
        "half": np.array(4, np.float32),
    }
    model = model_of(nodes, {"x": [1, 3]}, {"y": [1, 3]}, arrays)
    (y,) = Whole(model, [np.array([[1.0, -3.0, 5.0]], np.float32)]).run()
    np.testing.assert_array_equal(y, [[-0.25, 1.0, -1.75]])


def test_places_beyond_a_tensor_are_refused_by_name():
    nodes = [("ScatterND", ["x", "places", "values"], ["y"])]
    arrays = {"places": np.array([[9]]), "values": np.ones((1, 4), np.float32)}
    model = model_of(nodes, {"x": [3, 4]}, {"y": [3, 4]}, arrays)
    with pytest.raises(UnfitError, match="scatter_nd: index 9 is out of bounds"):
        Whole(model, [np.zeros((3, 4), np.float32)]).run()
