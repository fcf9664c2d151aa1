"""The layers of the notation: their arguments, their names elsewhere, their formulas.

Everything is derived from the tables of the vocabularies: a layer is built from examples of its
arguments, and another vocabulary's name is the same layer if it builds a record of the same type.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import getdoc

from convcli.callsyntax import brief
from convcli.errors import Refusal, SpecError
from convcli.nets.analysis.formulas import formulas_by_layer
from convcli.nets.analysis.summary import SCHEMA, summarize
from convcli.nets.graph import sequential
from convcli.nets.layers import Layer, size_text
from convcli.nets.layers.activations import FUNCTIONS
from convcli.nets.readers.vocabulary.registry import defaults, names_of, parameters
from convcli.tables import Listing
from convcli.text import like

EXAMPLES: dict[str, object] = {
    "filters": 8, "kernel": 3, "outputs": 10, "groups": 2, "size": 3, "padding": 1, "slopes": 1,
    "units": 10, "kernel_size": 3, "pool_size": 2, "out_channels": 8, "in_channels": 4,
    "in_features": 256, "out_features": 10, "num_features": 4, "num_groups": 2, "num_channels": 4,
    "output_size": 3, "target_shape": (4, 64), "unflattened_size": (2, 2), "dim": 1,
    "normalized_shape": (4, 8, 8), "norm_type": 2, "upscale_factor": 2, "downscale_factor": 2,
    "scale_factor": 2, "rate": 0.5, "p": 0.5, "threshold": 0.1, "value": 0.0, "cropping": 1,
}  # fmt: skip
"""Example values of arguments without a default."""

SHAPES = ((4, 8, 8), (4, 8), (4, 8, 8, 8))
"""Inputs for examples: each takes the first that fits."""


def arguments(name: str) -> str:
    """The arguments of a layer of the notation, with their defaults.

    >>> arguments("maxpool")
    'kernel, stride=None, padding=0, dilation=1, ceil=False, count_include_pad=True'
    """
    if name in names_of("short", "BLOCKS"):
        return ", ".join(parameters(names_of("short", "BLOCKS")[name])) or "[...], [...], ..."
    build = names_of("short")[name]
    usual = defaults(build)
    signature = [f"{key}={usual[key]!r}" if key in usual else key for key in parameters(build)]
    if signature or name == "reshape":
        return ", ".join(signature) or "height, ..."
    type_ = built(build).type
    return ", ".join(FUNCTIONS[type_][2].split()) if type_ in FUNCTIONS else ""


def built(build: Callable[..., Layer]) -> Layer:
    """A layer built from example arguments. Raises SpecError if an argument has no example."""
    given = defaults(build)
    try:
        return build(*(EXAMPLES[key] for key in parameters(build) if key not in given))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SpecError("no example is known") from None


def called(dialect: str) -> dict[str, list[str]]:
    """The names of a dialect, by the type of layer that they build."""
    names: dict[str, list[str]] = {}
    tables = [names_of(dialect)]
    if dialect == "Keras":
        tables.append(names_of(dialect, "SHARED"))
        for type_, (_, words, _) in FUNCTIONS.items():
            names[type_] = [f"Activation({word!r})" for word in words.split()]
    for table in tables:
        for name, build in table.items():
            with suppress(SpecError):
                names.setdefault(built(build).type, []).append(name)
    for type_ in [name for name in names if name.startswith("adaptive_")]:
        of_all = names.setdefault(type_.replace("adaptive", "global", 1), [])
        of_all += [f"{name}(1)" for name in names[type_]]
    return names


def _rows() -> Iterator[tuple[str, ...]]:
    torch, keras = called("PyTorch"), called("Keras")
    for name, build in names_of("short").items():
        try:
            type_ = built(build).type
        except SpecError:
            type_ = ""
        others = (", ".join(names.get(type_, ())) for names in (torch, keras))
        yield name, arguments(name), type_, *others
    for name in names_of("short", "BLOCKS"):
        yield name, arguments(name), "block", "", ""


def listing() -> Listing:
    """Every layer of the notation, as a result to print."""
    rows = list(_rows())
    header = ("layer", "arguments", "type", "PyTorch", "Keras")
    return Listing(
        [row[0] for row in rows],
        (header, rows, ()),
        {"schema": SCHEMA, "layers": [dict(zip(header, row, strict=True)) for row in rows]},
        "convcli layers NAME has its formulas",
        brief=("layer", "arguments", "type"),
    )


def description(name: str) -> Listing:
    """A layer of the notation, or of another vocabulary, with the formulas of an example."""
    rows = {row[0]: row for row in _rows()}
    if name not in rows:
        others = (own for own, row in rows.items() if name in ", ".join(row[3:]).split(", "))
        own_name = next(others, None)
        if own_name is None:
            hint = like(name, rows)
            raise SpecError(f"no layer is called {brief(name)}; convcli layers lists them{hint}")
        name = own_name
    _, takes, type_, torch, keras = rows[name]
    fields: dict[str, object] = {
        "layer": name, "arguments": takes, "type": type_, "PyTorch": torch, "Keras": keras,
    }  # fmt: skip
    formulas: list[str] = []
    build = names_of("short").get(name)
    if build is None:
        fields["what"] = "holds other layers"
    else:
        layer = built(build)
        fields["what"] = (getdoc(type(layer)) or "").partition("\n\n")[0].replace("\n", " ")
        for shape in SHAPES:
            with suppress(Refusal):
                summary = summarize(sequential([layer]), shape)
                fields["example"] = f"{size_text(shape)} → {size_text(summary.output)}"
                known = formulas_by_layer(summary)[summary.rows[0].name]
                formulas = [f"{formula.quantity}: {formula}" for formula in known]
                break
    cells = [(key, value) for key, value in fields.items() if value]
    return Listing(
        f"{name}({takes})",
        (("property", "value"), [*cells, *(("formula", text) for text in formulas)], ()),
        {"schema": SCHEMA, **fields, "formulas": formulas},
    )
