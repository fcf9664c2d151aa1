"""A `.tflite` file as records: tensors, operators with their options, inputs and outputs.

Field numbers are those of `schema.fbs`.
"""

from math import prod

from convcli.nets.layers import Shape
from convcli.nets.readers.tflite.flatbuffers import FlatError, Table, root
from convcli.nets.stored_arrays import TYPES, StoredArray, checked
from convcli.records import NamedTuple
from convcli.text import safe

MAX_OPERATORS = 100_000

MAX_ENDS = 1_000
"""Maximum inputs and outputs of a network, and outputs of an operator."""

ELEMENT_TYPES: dict[int, str] = dict(
    enumerate(
        (
            *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16"),
            *("complex64", "int8", "float64", "complex128", "uint64"),
        )
    )
) | {15: "uint32", 16: "uint16", 17: "int4"}

BUILTIN: tuple[str, ...] = (
    *("ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D"),
    *("DEPTH_TO_SPACE", "DEQUANTIZE", "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED"),
    *("HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION"),
    *("LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D", "MUL", "RELU", "RELU_N1_TO_1"),
    *("RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH"),
    *("CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD"),
    *("UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"),
    *("TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    *("STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP", "TOPK_V2", "SPLIT", "LOG_SOFTMAX"),
    *("DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM", "ARG_MAX"),
    *("MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT"),
    *("SLICE", "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL"),
    *("NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW", "ARG_MIN", "FAKE_QUANT"),
    *("REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND", "LOGICAL_NOT"),
    *("UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE", "FILL"),
    *("FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE"),
    *("MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND"),
    *("COS", "WHERE", "RANK", "ELU", "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE"),
    *("MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF", "WHILE", "NON_MAX_SUPPRESSION_V4"),
    *("NON_MAX_SUPPRESSION_V5", "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM"),
    "BATCH_MATMUL",
)
"""Builtin operators in the order of their codes."""

NAMES: dict[int, str] = dict(enumerate(BUILTIN)) | {
    128: "CUMSUM",
    130: "BROADCAST_TO",
    131: "RFFT2D",
    132: "CONV_3D",
    133: "IMAG",
    134: "REAL",
    135: "COMPLEX_ABS",
    140: "REDUCE_ALL",
    141: "CONV_3D_TRANSPOSE",
    145: "BROADCAST_ARGS",
    150: "GELU",
    151: "DYNAMIC_UPDATE_SLICE",
    152: "RELU_0_TO_1",
    156: "ATAN2",
    158: "SIGN",
    160: "BITWISE_XOR",
    161: "RIGHT_SHIFT",
}
"""Builtin operators by code, without those of other kinds of graphs."""


class OperatorFile(NamedTuple):
    """One operator: its code, its input and output tensors, and its options."""

    code: int
    inputs: list[int]
    outputs: list[int]
    options: Table | None
    custom: str = ""
    """The name of an operator that is not TFLite's own."""
    custom_options: memoryview | None = None

    @property
    def name(self) -> str:
        return self.custom or NAMES.get(self.code, f"operator {self.code}")

    @property
    def builtin(self) -> bool:
        return self.code in NAMES and not self.custom

    def number(self, field: int, kind: str = "i", default: int = 0) -> int:
        return self.options.number(field, kind, default) if self.options else default


class ModelFile:
    """The records of a file that a network needs."""

    def __init__(self, data: memoryview, source: str) -> None:
        self.source = source
        model = root(data)
        self.description = model.text(3)
        graphs = model.tables(2)
        if not graphs:
            raise FlatError("it holds no graph")
        graph, buffers = graphs[0], model.tables(4)
        codes = [
            (max(code.number(0, "b"), code.number(3, "i")), code.text(1))
            for code in model.tables(1)
        ]
        operators = graph.tables(3)
        tensors = graph.tables(0)
        if len(operators) > MAX_OPERATORS or len(tensors) > 4 * MAX_OPERATORS:
            raise FlatError(f"more than {MAX_OPERATORS:,} operators")
        self.operators = [
            OperatorFile(
                code,
                entry.numbers(1, "i"),
                entry.numbers(2, "i"),
                entry.table(4),
                safe(custom)[:60] if NAMES.get(code) == "CUSTOM" else "",
                entry.bytes(5),
            )
            for entry in operators
            for code, custom in [codes[entry.number(0, "I")]]
        ]
        self.inputs, self.outputs = graph.numbers(1, "i"), graph.numbers(2, "i")
        results = (operator.outputs for operator in self.operators)
        if any(len(ends) > MAX_ENDS for ends in (self.inputs, self.outputs, *results)):
            raise FlatError(f"more than {MAX_ENDS:,} inputs or outputs")
        self.shapes: list[Shape] = []
        self.names: list[str] = []
        self.arrays: dict[int, StoredArray] = {}
        for index, tensor in enumerate(tensors):
            shape = tuple(tensor.numbers(0, "i"))
            # a dynamic size is stored as −1, in addition to the size it was converted with
            if len(shape) > 64 or any(n < 0 for n in shape) or prod(shape) > 10**15:
                raise FlatError(f"sizes {shape[:8]}, which no tensor has")
            self.shapes.append(shape)
            self.names.append(tensor.text(3))
            buffer = buffers[tensor.number(2, "I")].bytes(0)
            if buffer is not None:
                self.arrays[index] = _array(tensor, shape, self.names[-1], buffer)
        if not self.inputs:
            raise FlatError("it has no input")
        self.input_names = tuple(safe(self.names[index]) for index in self.inputs)

    @property
    def shape(self) -> Shape:
        """The input that it was converted for, (channels, *lengths)."""
        shape = self.shapes[self.inputs[0]]
        if len(shape) == 4:
            return (shape[3], *shape[1:3])
        return shape[1:] if len(shape) > 1 else shape


def _array(tensor: Table, shape: Shape, name: str, buffer: memoryview) -> StoredArray:
    """An array of the file; the numbers of a sparse array are not read."""
    type_ = ELEMENT_TYPES.get(tensor.number(1, "b"), "")
    if not type_:
        raise FlatError(f"{safe(name)[:60]} has an unknown element type")
    array = StoredArray(type_, shape, buffer, name=name)
    size = -(-array.elements * TYPES[type_][0] // 8)
    if tensor.table(6) is not None or type_ == "string":
        return array._replace(data=None)
    if len(buffer) < size:
        raise FlatError(f"{safe(name)[:60]} holds {len(buffer):,} bytes, not {size:,}")
    return checked(array)
