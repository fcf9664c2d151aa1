"""The meaning of names of imported libraries: `torch`, `nn`, `F`, `math`; Unknown for others."""

import ast
import math
from functools import partial

from convcli.nets.readers.python.bundled import TEXTS, prelude_name
from convcli.nets.readers.python.keras import names as keras
from convcli.nets.readers.python.language.conversions import to_list
from convcli.nets.readers.python.language.objects import (
    MISSING,
    Class,
    ClassMethod,
    Function,
    Instance,
    Library,
    Native,
    NativeFunction,
    Tensor,
    Unknown,
    Value,
    class_of,
    natives,
)
from convcli.nets.readers.python.language.operators import operate
from convcli.nets.readers.python.language.protocol import Interpreter
from convcli.nets.readers.python.stdlib import builtins, modules
from convcli.nets.readers.python.stdlib.builtins import BUILTINS, first
from convcli.nets.readers.python.stdlib.type_checks import TENSOR
from convcli.nets.readers.python.torch import creation, names, nn_layers, nn_module, nn_weights
from convcli.nets.readers.python.torch.elementwise import FOURIER

KNOWN = {"torch", "numpy", "np", "einops", *keras.TOPS}
KNOWN |= {*modules.LIBRARY, *modules.TYPING, *modules.QUIET}
"""Top-level modules that are libraries, even if files next to the model's have their names."""

MODULES = {
    ("pytorch_lightning", "LightningModule"),
    ("lightning", "LightningModule"),
    ("mmcv", "BaseModule"),
    ("mmengine", "BaseModule"),
}
"""Classes of libraries that are `nn.Module` with methods for training."""

PACKAGES = {
    "torchvision.models", "torchvision.models.resnet", "torchvision.models.vgg",
    "torchvision.models.densenet", "torchvision.models.mobilenet", "torchvision.models._utils",
    "torchvision.ops", "torchvision.ops.misc", "timm.models", "timm.layers", "timm.models.layers",
    "mmcv.runner", "mmcv.cnn", "mmengine.model",
}  # fmt: skip
"""Modules of other libraries that are known to be modules."""


TOPS = (
    KNOWN | {name.partition(".")[0] for name in (*TEXTS, *PACKAGES)} | {top for top, _ in MODULES}
)
"""Top-level modules with known names: a file that imports them needs no fallback."""


def name_of(interpreter: Interpreter, library: Library, name: str) -> Value:
    """`library.name`; an unknown name of a library is an Unknown that says so."""
    module = library.name
    top = module.partition(".")[0]
    if top == "torch":
        return _torch(interpreter, module, name)
    if top in keras.TOPS:
        return keras.name_of(module, name)
    if name in modules.LIBRARY.get(module, {}):
        value = modules.LIBRARY[module][name]
        return dict(value) if isinstance(value, dict) else value  # os.environ: the file may set it
    if module in modules.TYPING:
        return Unknown(f"{module}.{name}", harmless=True)
    if top == "einops":
        from convcli.nets.readers.python.torch import einops

        if name in einops.NAMES:
            return einops.NAMES[name]
        inner = name in ("layers", "torch")
        return Library(f"{module}.{name}") if inner else Unknown(f"{module}.{name}")
    if module == "numpy" and name in NUMPY:
        return NUMPY[name]
    if (top, name) in MODULES:
        return nn_module.MODULE
    value = prelude_name(interpreter, module, name)
    if value is not MISSING:
        return value
    if f"{module}.{name}" in PACKAGES:
        return Library(f"{module}.{name}")
    return Unknown(f"{module}.{name}", harmless=top in modules.QUIET and top != "random")


# -- torch ----------------------------------------------------------------------------------


def _torch(interpreter: Interpreter, module: str, name: str) -> Value:
    if name in TORCH.get(module, {}):
        return TORCH[module][name]
    if (module, name) == ("torch.hub", "load"):
        return Native("torch.hub.load", _from_hub)
    for function in (name, name.removesuffix("_")):
        if module in FUNCTIONAL and function in names.FUNCTIONS:
            is_torch = module == "torch" and function in names.ACTIVATIONS
            return Native(f"torch.{name}" if is_torch else name, names.FUNCTIONS[function])
    if module == "torch.nn" or module.startswith(("torch.nn.modules", "torch.nn.parameter")):
        if name in NN:
            return NN[name]
        if name in nn_layers.classes():
            return nn_layers.classes()[name]
    if name in ANYWHERE:
        return ANYWHERE[name]
    if module.startswith("torch.nn.init"):
        initializes = name.endswith("_") or name in INITIALIZERS
        return Native(name, first if initializes else _unknown_of(f"nn.init.{name}"))
    if module.startswith("torch.nn.utils") and not name.startswith("parametriz"):
        return Native(name, first)
    if module in STATES:
        if name in DECORATORS:
            return Native(name, modules.unchanged)
        if name.startswith("is_") or name == "device_count":
            return Native(name, lambda interpreter, *_, **__: False)
        return Unknown(f"{module}.{name}", harmless=True)
    if name in SUBMODULES:
        return Library(f"{module}.{name}")
    value = prelude_name(interpreter, module, name)
    if value is not MISSING:
        return value
    harmless = module.startswith(HARMLESS) or name.endswith("Loss") or name in QUIET
    return Unknown(f"{module}.{name}", harmless=harmless)


def _from_hub(
    interpreter: Interpreter, repository: Value, model: Value, *args: Value, **options: Value
) -> Value:
    """A model of torchvision by the name its repository gives it, as `torch.hub.load` has it."""
    if isinstance(repository, str) and repository.startswith("pytorch/vision"):
        build = prelude_name(interpreter, "torchvision.models", str(model))
        if build is not MISSING:
            own = {name: value for name, value in options.items() if name not in OF_HUB}
            return interpreter.call(build, [*args], own)
    return Unknown(f"torch.hub.load({repository!r}, {model!r})")


OF_HUB = {"source", "trust_repo", "force_reload", "verbose", "skip_validation"}
"""Options of `torch.hub.load` itself."""


def _unknown_of(text: str) -> NativeFunction:
    return lambda interpreter, *_, **__: Unknown(f"{text}()", harmless=True)


def _checkpoint(interpreter: Interpreter, function: Value, *args: Value, **options: Value) -> Value:
    """A call whose values are recomputed in training."""
    return interpreter.call(function, list(args), {})


def _checkpoint_sequential(
    interpreter: Interpreter, functions: Value, segments: Value, value: Value, **options: Value
) -> Value:
    for function in to_list(interpreter, functions):
        value = interpreter.call(function, [value], {})
    return value


def _switch(interpreter: Interpreter, function: Value = None, *_: Value, **__: Value) -> Value:
    """`torch.no_grad()`: a context, or a decorator, that changes nothing here."""
    return function if isinstance(function, Function) else Native("no_grad", modules.unchanged)


def _new_parameter(interpreter: Interpreter, cls: Class, *args: Value, **options: Value) -> Value:
    return nn_weights.parameter(interpreter, *args, **options)


def _new_tensor(interpreter: Interpreter, cls: Class, *args: Value, **options: Value) -> Value:
    return creation.typed(interpreter, *args, **options)


def _applied(interpreter: Interpreter, cls: Class, *args: Value) -> Value:
    """`Function.apply(x)`: its forward, with a context that takes anything."""
    return interpreter.call(cls.find("forward"), [Instance(CONTEXT), *args], {})


def _tuple_of(count: int, interpreter: Interpreter, value: Value) -> Value:
    """`_pair(3)` is (3, 3)."""
    return tuple(value) if isinstance(value, list | tuple) else (value,) * count


def _in_parallel(interpreter: Interpreter, module: Value, *_: Value, **__: Value) -> Value:
    """`nn.DataParallel(net)`: the module itself, which is its own `module` from then on."""
    if isinstance(module, Instance):
        module.cached["module"] = module
    return module


def _size(interpreter: Interpreter, sizes: Value = ()) -> tuple[Value, ...]:
    return tuple(to_list(interpreter, sizes))


TENSOR.names |= {
    **natives(names.METHODS),
    "__new__": Native("Tensor", _new_tensor),
}
PARAMETER = Class("Parameter", (), {"__new__": Native("Parameter", _new_parameter)})
CONTEXT = class_of("Context", save_for_backward=builtins.no_effect)
AUTOGRAD = Class("Function", (), {"apply": ClassMethod(Native("apply", _applied))})

NN = {"Parameter": PARAMETER, "UninitializedParameter": PARAMETER}

FUNCTIONAL = ("torch", "torch.special", "torch.nn.functional", "torch.functional", "torch._C._nn")
"""Modules of functions of tensors."""

DTYPES = (
    "float32", "float16", "float64", "float", "half", "double", "int64", "long", "int32", "int",
    "bool", "uint8", "bfloat16", "int8", "strided", "channels_last", "contiguous_format",
)  # fmt: skip

SWITCHES = ("no_grad", "enable_grad", "inference_mode", "set_grad_enabled", "autocast")

DECORATORS = ("script", "ignore", "unused", "export", "script_if_tracing", "interface")

TUPLES = {"single": 1, "pair": 2, "triple": 3, "quadruple": 4}

TORCH: dict[str, dict[str, Value]] = {
    "torch": {
        **natives(names.NEW),
        "Tensor": TENSOR,  # a class, though it makes tensors as well
        "cuda": Library("torch.cuda"),  # not the method of a tensor
        **{name: Unknown(f"torch.{name}", harmless=True) for name in DTYPES},
        **natives(dict.fromkeys(SWITCHES, _switch)),
        **natives(
            {
                "is_tensor": lambda interpreter, value: isinstance(value, Tensor),
                "is_grad_enabled": lambda interpreter: False,
                "is_autocast_enabled": lambda interpreter, *_: False,
                "numel": names.METHODS["numel"],
                "compile": first,
                "Size": _size,
            }
        ),
        "__version__": "2.13.0",
        "pi": math.pi,
        "inf": math.inf,
    },
    "torch.autograd": {"Variable": Native("Variable", first), "Function": AUTOGRAD},
    "torch.autograd.function": {"Function": AUTOGRAD},
    "torch.utils.checkpoint": natives(
        {"checkpoint": _checkpoint, "checkpoint_sequential": _checkpoint_sequential}
    ),
    "torch.jit": {
        "ScriptModule": nn_module.MODULE,
        "isinstance": BUILTINS["isinstance"],
        "annotate": Native("annotate", lambda interpreter, kind, value: value),
    },
    "torch.fft": natives(FOURIER),
    "torch._C": natives(
        dict.fromkeys(
            ("_is_tracing", "_get_tracing_state", "is_grad_enabled"),
            lambda interpreter, *_: False,
        )
    ),
    "torch.nn.utils.parametrizations": natives(
        {
            "weight_norm": partial(nn_weights.parametrized, "Parametrized", nn_weights.weight_norm),
            "spectral_norm": partial(nn_weights.parametrized, "Parametrized", None),
            "orthogonal": partial(nn_weights.parametrized, "Orthogonal", None),
        }
    ),
    "torch.linalg": natives(
        {name: names.FUNCTIONS[name] for name in ("norm", "vector_norm", "multi_dot", "matmul")}
    ),
    "torch.special": natives(names.FUNCTIONS),
    "torch.nn.modules.utils": {
        f"{under}{name}": Native(name, partial(_tuple_of, count))
        for name, count in TUPLES.items()
        for under in ("", "_")
    }
    | natives({"_ntuple": lambda interpreter, count: Native("ntuple", partial(_tuple_of, count))}),
}
"""Names of `torch` that exist in one module alone."""

ANYWHERE = natives(
    {
        "DataParallel": _in_parallel,
        "DistributedDataParallel": _in_parallel,
        "weight_norm": nn_weights.weight_norm,
        "spectral_norm": nn_weights.spectral_norm,
        **dict.fromkeys(
            ("remove_weight_norm", "remove_spectral_norm", "remove_parametrizations"),
            nn_weights.plain_again,
        ),
    }
)
"""Names of `torch` that are the same in all of its modules."""

INITIALIZERS = (
    "uniform", "normal", "constant", "eye", "dirac", "orthogonal", "sparse",
    "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal",
)  # fmt: skip
"""The old names of `nn.init`, without the underscore."""

SUBMODULES = {
    "nn", "functional", "utils", "init", "cuda", "jit", "onnx", "backends", "cudnn", "autograd",
    "hub", "optim", "modules", "conv", "batchnorm", "container", "module", "activation", "pooling",
    "linear", "normalization", "padding", "dropout", "distributed", "checkpoint", "model_zoo",
    "data", "amp", "fx", "special", "compiler", "distributions", "parameter", "parametrizations",
    "parametrize",
    "parallel", "rnn", "_C", "random", "linalg", "fft", "_six", "ao", "quantization", "quantized",
}  # fmt: skip

STATES = (
    "torch.cuda", "torch.backends", "torch.onnx", "torch.jit", "torch.distributed",
    "torch.compiler", "torch._dynamo",
)  # fmt: skip
"""Modules about where and how a model runs, such as devices."""

HARMLESS = (
    "torch.cuda", "torch.utils", "torch.hub", "torch.optim", "torch.jit", "torch.backends",
    "torch.distributed", "torch.amp", "torch.fx", "torch._six", "torch.random",
)  # fmt: skip
"""Prefixes of modules whose functions can be called on modules and leave them unchanged."""

QUIET = ("device", "manual_seed", "save", "load", "dtype", "set_num_threads", "Generator")


# -- numpy ----------------------------------------------------------------------------------


def _plain(values: Value) -> Value:
    """The numbers of an array with known numbers; any other value unchanged."""
    return values.values if isinstance(values, Tensor) and values.values else values


def _of_truth(
    function: str, /, interpreter: Interpreter, values: Value, *_: Value, **__: Value
) -> Value:
    if isinstance(values, Tensor) and values.values is None:
        return Unknown("the values of an array")
    plain = _plain(values)
    items = plain if isinstance(plain, list | tuple) else [plain]
    return interpreter.call(BUILTINS[function], [items], {})


def _of_all(
    function: str, /, interpreter: Interpreter, values: Value, *rest: Value, **_: Value
) -> Value:
    return interpreter.call(BUILTINS[function], [_plain(values), *rest], {})


def _mean(interpreter: Interpreter, values: Value) -> Value:
    total = _of_all("sum", interpreter, values)
    return operate(interpreter, ast.Div, total, builtins.length_of(interpreter, values))


def _at_least_1d(interpreter: Interpreter, value: Value) -> Value:
    array = creation.tensor(interpreter, value)
    if isinstance(array, Tensor) and not array.shape:
        return Tensor((1,), values=array.values)
    return array


NUMPY: dict[str, Value] = {
    **{
        name: modules.LIBRARY["math"][name]
        for name in ("prod", "ceil", "floor", "sqrt", "log", "log2", "exp", "gcd", "pi", "e", "inf")
    },
    **dict.fromkeys(("int", "int32", "int64"), BUILTINS["int"]),
    **dict.fromkeys(("float", "float32"), BUILTINS["float"]),
    "bool": BUILTINS["bool"],
    "random": Library("numpy.random"),
    **natives(
        {
            **dict.fromkeys(("array", "asarray", "ndarray"), creation.tensor),
            **{
                name: names.NEW[name]
                for name in ("arange", "linspace", "zeros", "ones", "meshgrid", "eye")
            },
            "atleast_1d": _at_least_1d,
            **{name: partial(_of_truth, name) for name in ("any", "all")},
            **{name: partial(_of_all, name) for name in ("sum", "max", "min", "abs", "round")},
            "maximum": partial(_of_all, "max"),
            "minimum": partial(_of_all, "min"),
            "power": builtins.raised_to,
            "mean": _mean,
            "cumsum": lambda interpreter, values, *_, **__: modules.accumulated(
                interpreter, _plain(values)
            ),
        }
    ),
}
"""The known names of `numpy`: numbers and short arrays, as constructors use them."""
