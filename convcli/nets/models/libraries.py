"""What the names of imported libraries mean: `torch`, `nn`, `F`, `math`; unknown ones, nothing."""

from typing import Any

from convcli.nets.models import builtin, creation, layers, modules, names, standard
from convcli.nets.models.arithmetic import FOURIER
from convcli.nets.models.prelude import prelude_name
from convcli.nets.models.values import (
    MISSING,
    Class,
    Function,
    Library,
    Native,
    Tensor,
    Unknown,
)

NN = ("torch.nn", "torch.nn.modules")
FUNCTIONAL = ("torch.nn.functional", "torch.functional", "torch._C._nn")

KNOWN = {"torch", "numpy", "np", "einops", *standard.LIBRARY, *standard.TYPING, *standard.QUIET}
"""Top modules that are libraries, whatever files lie beside the model's."""

ALIASES = {
    "pytorch_lightning": ("LightningModule",),
    "lightning": ("LightningModule",),
    "mmcv": ("BaseModule",),
    "mmengine": ("BaseModule",),
}
"""Classes of libraries that are `nn.Module` with ways of training."""

PACKAGES = {
    "torchvision.models",
    "torchvision.ops",
    "torchvision.models.resnet",
    "torchvision.models.vgg",
    "torchvision.models.densenet",
    "torchvision.models.mobilenet",
    "torchvision.models._utils",
    "torchvision.ops.misc",
    "timm.models",
    "timm.layers",
    "timm.models.layers",
    "mmcv.runner",
    "mmcv.cnn",
    "mmengine.model",
    "einops.layers",
    "einops.layers.torch",
}

LOSSES = ("Loss", "CrossEntropyLoss")


def name_of(machine: Any, library: Library, name: str) -> Any:
    """`library.name`; what is not known of a library is an Unknown that says so."""
    module = library.name
    if module == "torch" or module.startswith("torch."):
        return _torch(machine, module, name)
    if name in standard.LIBRARY.get(module, {}):
        return standard.LIBRARY[module][name]
    if module in standard.TYPING:
        return Unknown(f"{module}.{name}", harmless=True)
    if module.partition(".")[0] == "einops":
        from convcli.nets.models import einops

        if name in einops.NAMES:
            return einops.NAMES[name]
        return Library(f"{module}.{name}")
    if module == "numpy" or module.startswith("numpy."):
        return _numpy(name)
    if module == "os" and name == "path":
        return Library("os.path")
    if module == "sys" and name == "modules":
        return Library("sys.modules")
    if module == "sys" and name == "version_info":
        return (3, 11, 0)
    if module == "random" or module.startswith("numpy.random"):
        return Unknown(f"{module}.{name}")
    found = prelude_name(machine, module, name)
    if found is not MISSING:
        return found
    if module.partition(".")[0] in ALIASES and name in ALIASES[module.partition(".")[0]]:
        return modules.MODULE
    if f"{module}.{name}" in PACKAGES:
        return Library(f"{module}.{name}")
    harmless = module.partition(".")[0] in standard.QUIET
    return Unknown(f"{module}.{name}", harmless=harmless)


def _torch(machine: Any, module: str, name: str) -> Any:
    if module in NN or module.startswith("torch.nn.modules."):
        found = _nn(machine, name)
        if found is not MISSING:
            return found
    if module.startswith("torch.nn.parameter") and name == "Parameter":
        return PARAMETER
    if module in FUNCTIONAL or module in ("torch", "torch.special"):
        if name in names.FUNCTIONS:
            return Native(name, names.FUNCTIONS[name])
        bare = name.removesuffix("_")
        if bare in names.FUNCTIONS:
            return Native(name, names.FUNCTIONS[bare])
    if module == "torch":
        if name == "Tensor":
            return TENSOR
        if name in names.NEW:
            return Native(name, names.NEW[name])
        if name in TORCH:
            return TORCH[name]
    if module == "torch.autograd" and name == "Variable":
        return Native(name, builtin.first)
    if module in ("torch.autograd", "torch.autograd.function") and name == "Function":
        return layers.AUTOGRAD
    if module.startswith("torch.distributions") and name == "Normal":
        return layers.NORMAL
    if module == "torch.utils.checkpoint" and name in ("checkpoint", "checkpoint_sequential"):
        return Native(name, _checkpoint)
    if name in ("DataParallel", "DistributedDataParallel"):
        return Native(name, builtin.first)
    if module == "torch.jit" and name == "ScriptModule":
        return modules.MODULE
    if name == "weight_norm":
        return Native(name, layers.weight_norm)
    if module == "torch.nn.modules.utils" and name.lstrip("_") in AXES:
        return Native(name, _tuple_of(AXES[name.lstrip("_")]))
    if module.startswith("torch.nn.init"):
        if name == "calculate_gain":
            return Native(name, lambda machine, *_: 1.0)
        initialises = name.endswith("_") or name in INITIALISERS
        return Native(name, builtin.first if initialises else _unknown_of(f"nn.init.{name}"))
    if module.startswith("torch.nn.utils"):
        return Native(name, builtin.first)
    if module == "torch.fft" and name in FOURIER:
        return Native(name, FOURIER[name])
    if module == "torch.jit" and name == "isinstance":
        return ISINSTANCE
    if module == "torch.jit" and name == "annotate":
        return Native(name, lambda machine, kind, value: value)
    if module in STATES:
        if name.startswith("is_") or name in ("device_count",):
            return Native(name, lambda machine, *_, **__: False)
        if name in ("script", "ignore", "unused", "export", "script_if_tracing", "interface"):
            return Native(name, standard.unchanged)
        return Unknown(f"{module}.{name}", harmless=True)
    if name in SUBMODULES:
        return Library(f"{module}.{name}")
    harmless = module.startswith(HARMLESS) or name.endswith(LOSSES) or name in QUIET
    return Unknown(f"{module}.{name}", harmless=harmless)


def _nn(machine: Any, name: str) -> Any:
    if name in ("Parameter", "UninitializedParameter"):
        return PARAMETER
    found = layers.classes().get(name)
    return found if found is not None else prelude_name(machine, "torch.nn", name)


def _unknown_of(text: str) -> Any:
    return lambda machine, *_, **__: Unknown(f"{text}()", harmless=True)


def _checkpoint(machine: Any, function: Any, *args: Any, **options: Any) -> Any:
    """A call whose values are computed again while training."""
    return machine.call(function, list(args), {})


def _new_parameter(machine: Any, cls: Class, *args: Any, **options: Any) -> Any:
    return layers.parameter(machine, *args, **options)


def _new_tensor(machine: Any, cls: Class, *args: Any, **options: Any) -> Any:
    return creation.typed(machine, *args, **options)


TENSOR = builtin.TENSOR
TENSOR.names |= {name: Native(name, call) for name, call in names.METHODS.items()}
TENSOR.names["__new__"] = Native("Tensor", _new_tensor)
PARAMETER = Class("Parameter", (), {"__new__": Native("Parameter", _new_parameter)})


def _switch(machine: Any, function: Any = None, *_: Any, **__: Any) -> Any:
    """`torch.no_grad()`: a context, or a decorator, that changes nothing here."""
    return function if isinstance(function, Function) else Native("no_grad", standard.unchanged)


ISINSTANCE = builtin.BUILTINS["isinstance"]

INITIALISERS: tuple[str, ...] = (
    "uniform",
    "normal",
    "constant",
    "eye",
    "dirac",
    "orthogonal",
    "sparse",
)
INITIALISERS += ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal")
"""The old names of `nn.init`, without the underscore."""

AXES = {"single": 1, "pair": 2, "triple": 3, "quadruple": 4, "ntuple": 0}


def _tuple_of(many: int) -> Any:
    """`_pair(3)` is (3, 3)."""

    def call(machine: Any, value: Any, *_: Any) -> Any:
        if not many:
            return Native("ntuple", _tuple_of(value))
        return tuple(value) if isinstance(value, list | tuple) else (value,) * many

    return call


SUBMODULES = {
    "nn",
    "functional",
    "utils",
    "init",
    "cuda",
    "jit",
    "onnx",
    "backends",
    "cudnn",
    "autograd",
    "hub",
    "optim",
    "modules",
    "conv",
    "batchnorm",
    "container",
    "module",
    "activation",
    "pooling",
    "linear",
    "normalization",
    "padding",
    "dropout",
    "distributed",
    "checkpoint",
    "model_zoo",
    "data",
    "amp",
    "fx",
    "special",
    "compiler",
    "distributions",
    "parameter",
    "parametrizations",
    "parallel",
    "rnn",
    "random",
    "linalg",
    "fft",
    "_six",
}

STATES: tuple[str, ...] = (
    "torch.cuda",
    "torch.backends",
    "torch.onnx",
    "torch.jit",
    "torch.distributed",
)
STATES += ("torch.distributed", "torch.compiler", "torch._dynamo")
"""Modules that say where a model runs: on a processor, in Python, by itself."""

HARMLESS = (
    "torch.cuda",
    "torch.utils",
    "torch.hub",
    "torch.optim",
    "torch.jit",
    "torch.backends",
    "torch.distributed",
    "torch.amp",
    "torch.fx",
    "torch._six",
    "torch.random",
)

QUIET = ("device", "manual_seed", "save", "load", "dtype", "set_num_threads", "Generator")
DTYPES: tuple[str, ...] = (
    "float32",
    "float16",
    "float64",
    "float",
    "half",
    "double",
    "int64",
    "long",
    "int32",
    "int",
)
DTYPES += ("bool", "uint8", "bfloat16", "int8", "strided", "channels_last", "contiguous_format")

TORCH: dict[str, Any] = {
    **{name: Unknown(f"torch.{name}", harmless=True) for name in DTYPES},
    **{name: Native(name, _switch) for name in ("no_grad", "enable_grad", "inference_mode")},
    "set_grad_enabled": Native("set_grad_enabled", _switch),
    "autocast": Native("autocast", _switch),
    "is_tensor": Native("is_tensor", lambda machine, value: isinstance(value, Tensor)),
    "is_grad_enabled": Native("is_grad_enabled", lambda machine: False),
    "is_autocast_enabled": Native("is_autocast_enabled", lambda machine, *_: False),
    "numel": Native("numel", names.METHODS["numel"]),
    "compile": Native("compile", builtin.first),
    "Size": Native("Size", lambda machine, sizes=(): tuple(machine.listed(sizes))),
    "__version__": "2.13.0",
    "pi": 3.141592653589793,
    "inf": float("inf"),
    "Module": modules.MODULE,
}


def _numpy(name: str) -> Any:
    if name in ("prod", "ceil", "floor", "sqrt", "log", "log2", "exp", "gcd"):
        return standard.LIBRARY["math"][name]
    if name in ("int", "float", "bool", "int32", "int64", "float32"):
        return builtin.BUILTINS["int" if "int" in name else "bool" if name == "bool" else "float"]
    if name in ("any", "all"):
        return Native(name, _of_truth(name))
    if name == "random":
        return Library("numpy.random")
    if name in (
        "array",
        "asarray",
        "atleast_1d",
        "ndarray",
        "arange",
        "linspace",
        "zeros",
        "ones",
        "meshgrid",
        "eye",
    ):
        if name == "atleast_1d":
            return Native(name, _at_least_1d)
        return Native(name, names.NEW.get(name, creation.tensor))
    if name in (
        "cumsum",
        "sum",
        "max",
        "min",
        "abs",
        "round",
        "maximum",
        "minimum",
        "power",
        "mean",
    ):
        return Native(name, NUMPY[name])
    if name in ("pi", "e", "inf"):
        return standard.LIBRARY["math"][name]
    return Unknown(f"numpy.{name}")


def _of_truth(name: str) -> Any:
    def call(machine: Any, values: Any, *_: Any, **__: Any) -> Any:
        if isinstance(values, Tensor):
            if values.values is None:
                return Unknown("the values of an array")
            values = values.values
        held = values if isinstance(values, list | tuple) else [values]
        return machine.call(builtin.BUILTINS[name], [held], {})

    return call


def _at_least_1d(machine: Any, value: Any) -> Any:
    made = creation.tensor(machine, value)
    if isinstance(made, Tensor) and not made.shape:
        return Tensor((1,), values=made.values)
    return made


def _cumsum(machine: Any, values: Any, *_: Any) -> list[Any]:
    held = values.values if isinstance(values, Tensor) and values.values else values
    return standard.accumulated(machine, held)


def _of_all(function: str) -> Any:
    def call(machine: Any, values: Any, *rest: Any, **_: Any) -> Any:
        held = values.values if isinstance(values, Tensor) and values.values else values
        return machine.call(builtin.BUILTINS[function], [held, *rest], {})

    return call


NUMPY: dict[str, Any] = {
    "cumsum": _cumsum,
    **{name: _of_all(name) for name in ("sum", "max", "min", "abs", "round")},
    "maximum": _of_all("max"),
    "minimum": _of_all("min"),
    "power": builtin.raised_to,
    "mean": lambda machine, values: _of_all("sum")(machine, values) / len(values),
}
