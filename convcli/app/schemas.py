"""What `--format json` prints, command by command, and that as JSON Schema.

A form is written as it looks: `{"name": "string", "tensors": [TENSOR]}`. Text is the types of JSON;
a list is an array of its one form; a tuple, one of several. Fields of one form stand together,
`{"height width": "integer"}`; one that ends with ? may be left out, and * stands for fields of any
name. Fields may be added to a form, and none goes.
"""

Form = str | dict[str, "Form"] | list["Form"] | tuple["Form", ...]

VALUE = "number string"
"""A number; as text, a letter or a fraction that no double holds."""

SIZES: Form = {"*": "integer"}
"""height, width, channels: the axes by name."""

GRIDS: Form = [[[VALUE]]]
"""Channels of rows of values."""

STACK: Form = {"height width channels": "integer", "values": GRIDS}

COUNTS: dict[str, Form] = {
    "params trainable frozen buffers": "integer",
    "macs flops": "integer null",
}
LAYER_COUNTS: dict[str, Form] = {
    **COUNTS,
    "memory traffic": "integer null",
    "share": {"params": "number", "macs": "number null"},
}
TOTALS: Form = {
    **COUNTS,
    "activations": "integer null",
    "memory": {
        "dtype": "string",
        "batch weights": "integer",
        "activations peak_activations forward": "integer null",
    },
}
FORMULA: Form = {
    "quantity": "string",
    "axes": ["string"],
    "formula latex": "string",
    "value": "number",
}
LAYER: Form = {
    "name type": "string",
    "kernel? stride?": ["integer"],
    "padding? shares?": "string",
    "layers?": "integer",
    "inputs": ["string"],
    "input output": SIZES,
    **LAYER_COUNTS,
    "intensity": "number null",
    "unread receptive_field": SIZES,
    "jump": {"*": "number"},
    "formulas?": [FORMULA],
}
NETWORK: dict[str, Form] = {"network": "string", "input output": SIZES, "totals": TOTALS}
CONVENTION: Form = {"network quantity convention": "string", "value": "integer"}
KERNEL: dict[str, Form] = {
    "name": "string",
    "size": {"height width": "integer"},
    "combine": "string null",
    "anchor": ["integer"],
    "one_sided": "boolean",
    "sum": "string",
    "rank": "integer",
    "separable": "boolean",
    "matrices": [{"scale": "string", "weights": [[VALUE]]}],
}
NAMED_KERNEL: dict[str, Form] = {
    "parameters": {"*": "number string boolean null"},
    "source purpose": "string",
    **KERNEL,
}
AXIS: Form = {"kernel stride dilation before after spread": "integer"}
TERM: Form = {"tap place": ["integer"], "cell": (["integer"], "null"), "x w product": VALUE}
SHARE: Form = {"to": ["integer"], "gradient times product": VALUE}

NOTATION: dict[str, Form] = {"layer arguments type PyTorch Keras": "string"}

FORMS: dict[str, dict[str, dict[str, Form]]] = {
    "shape": {
        "a network": {
            "input output": (SIZES, "null"),
            "inputs": [{"name": "string", "shape": ["integer"]}],
            "outputs": [{"name": "string", "*": "integer string"}],
            "assumed fit?": ["string"],
            "layers": [LAYER],
            "types": [{"type": "string", "layers": "integer", **LAYER_COUNTS}],
            "totals": TOTALS,
            "formulas?": [FORMULA],
            "conventions": {"macs flops params": "string"},
            "warnings failures": ["string"],
        },
        "--versus": {
            "networks": [NETWORK],
            "layers": [
                {
                    "name": "string",
                    "names": ["string null"],
                    "output": [(SIZES, "null")],
                    "params macs": ["integer null"],
                }
            ],
            "warnings": ["string"],
        },
        "--compare": {"networks": [{**NETWORK, "layers": "integer"}]},
        "--sweep": {"sizes": [{"input output?": SIZES, "totals?": TOTALS, "failure?": "string"}]},
        "--get": {"figures": {"*": "integer string"}},
        "a file of weights": {
            "file": "string",
            "tensors": [
                {"name": "string", "shape": ["integer"], "dtype": "string", "values": "integer"}
            ],
            "totals": {"params statistics bytes": "integer"},
            "notes": ["string"],
        },
    },
    "solve": {
        "lengths": {
            "tried": "string",
            "solutions": [
                {
                    "input kernel stride dilation": "integer",
                    "padding": ["integer"],
                    "output": "integer",
                    "exact": "boolean",
                    "unread? leftover? output_padding?": "integer",
                }
            ],
        },
        "--why": {"figure": "string", "explanations nearest": [CONVENTION]},
    },
    "why": {
        "an error": {
            "message kind cause": "string",
            "fixes": ["string"],
            "figures": {"*": ("number string boolean null", [""])},
            "file": "string null",
            "input": (SIZES, "null"),
            "code": "string null",
        }
    },
    "zoo": {"networks": {"networks": [{"name about": "string"}]}},
    "layers": {
        "the notation": {"layers": [NOTATION]},
        "a layer": {**NOTATION, "what example?": "string", "formulas": ["string"]},
    },
    "filter": {
        "a picture": {
            "picture": {
                "height width colours": "integer",
                "alpha": "boolean",
                "dtype": "string",
                "frames": "integer",
            },
            "kernels": [{**KERNEL, "engine": "string"}],
            "flip": "boolean",
            "border": "string",
            "stride": ["integer"],
            "channels range gain bias amount": "string",
            "threshold": "string number null",
            "linear exact": "boolean",
            "expected_bytes": "integer",
            "output": "string",
            "values": {"minimum maximum": "number null", "clipped samples": "integer"},
        }
    },
    "kernels": {"the catalogue": {"kernels": [NAMED_KERNEL]}, "a kernel": NAMED_KERNEL},
    "extract": {
        "layers": {
            "network": ["string"],
            "seed": "integer null",
            "input": SIZES,
            "channels": "integer",
            "normalize": "string",
            "resize": (["integer"], "string null"),
            "crop": (["integer"], "null"),
            "last": "string",
            "layers": [
                {
                    "name type": "string",
                    "output": SIZES,
                    "macs": "integer",
                    "seconds": "number",
                    "macs_per_second": "number null",
                    "mean spread least largest dead negative ratio correlation": "number null",
                }
            ],
        },
        "--top": {
            "classes": [
                {
                    "path": "string",
                    "rank number": "integer",
                    "label": "string",
                    "value": "number null",
                }
            ]
        },
        "--distances": {
            "metric": "string",
            "pictures": [{"path": "string", "distances": ["number null"]}],
        },
        "--nearest": {
            "metric": "string",
            "neighbors": [
                {
                    "path": "string",
                    "rank": "integer",
                    "neighbor": "string",
                    "distance": "number null",
                }
            ],
            "neighbours": [
                {
                    "path": "string",
                    "rank": "integer",
                    "neighbour": "string",
                    "distance": "number null",
                }
            ],
        },
    },
    "explain": {
        "a convolution or a pool": {
            "operation": "string",
            "input": STACK,
            "kernel": (STACK, "null"),
            "bias": f"{VALUE} null",
            "border": "string",
            "axes": {"rows columns": AXIS},
            "formulas": {"rows columns": "string"},
            "unread": [["integer"]],
            "output": {"height width": "integer", "values?": GRIDS},
            "notes": ["string"],
            "steps": [
                {
                    "cell": ["integer"],
                    "channels": [{"terms": [TERM], "sum": VALUE}],
                    "bias": f"{VALUE} null",
                    "values": [VALUE],
                }
            ],
        },
        "--scatter": {
            "operation": "string",
            "input kernel": STACK,
            "bias": f"{VALUE} null",
            "formulas": {"rows columns": "string"},
            "output": {"height width": "integer", "values?": GRIDS},
            "notes": ["string"],
            "stamps": [
                {
                    "cell": ["integer"],
                    "x": [VALUE],
                    "taps": [{"place": ["integer"], "inside": "boolean", "product sum": VALUE}],
                }
            ],
        },
        "--backward": {
            "operation": "string",
            "gradient input kernel?": GRIDS,
            "bias?": VALUE,
            "notes": ["string"],
            "flows": [{"cell": ["integer"], "to_input to_kernel": [SHARE], "gradient": [VALUE]}],
        },
        "a pixel": {
            "operation": "string",
            "kernel": {"name": "string", "parts": [[[VALUE]]]},
            "combine": "string null",
            "at": {"row column": "integer"},
            "before after": [VALUE],
            "channels": [{"window": [[VALUE]], "sums": [VALUE], "response": VALUE}],
        },
        "--signal": {
            "operation formula": "string",
            "f g": [VALUE],
            "t": ["integer"],
            "result swapped": [VALUE],
            "finding": "string",
            "steps": [
                {
                    "t": "integer",
                    "terms": [{"f g": VALUE, "tau": "integer", "product": VALUE}],
                    "value": VALUE,
                }
            ],
        },
        "--activation": {
            "operation definition": "string",
            "input": STACK,
            "output": GRIDS,
            "notes": ["string"],
            "steps": [{"cell": ["integer"], "sum": "string", "value": VALUE}],
        },
        "--receptive": {
            "node": "string",
            "unit": ["integer"],
            "maps input receptive_field": SIZES,
            "jump": {"*": "number"},
            "with_padding seen": {"*": ["integer"]},
        },
    },
    "fit": {
        "a kernel": {
            "kernels": [GRIDS],
            "bias": ["number"],
            "errors": ([[[["number null"]]]], "null"),
            "determined": "boolean",
            "rank unknowns": "integer",
            "residual": "number",
            "explained": "number null",
            "rounding": "number",
            "windows clipped": "integer",
            "warnings": ["string"],
        },
        "a network": {
            "loss": {"before after": "number"},
            "steps seed": "integer",
            "weights": {"*": [""]},
        },
    },
}
"""Command → what it prints of what, or with which option → its fields beside `schema`."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(command: str) -> dict[str, object]:
    """The JSON Schema of what a command prints with `--format json`.

    >>> schema = json_schema("zoo")
    >>> schema["title"], schema["anyOf"][0]["required"]
    ('convcli zoo --format json', ['schema', 'networks'])
    """
    forms = FORMS[command]
    return {
        "$schema": DRAFT,
        "title": f"convcli {command} --format json",
        "anyOf": [
            {"title": title, **_schema({"schema": "integer", **form})}
            for title, form in forms.items()
        ],
    }


def _schema(form: Form) -> dict[str, object]:
    """The JSON Schema of one form."""
    match form:
        case "":
            return {}
        case str():
            types = form.split()
            return {"type": types[0] if len(types) == 1 else types}
        case tuple():
            return {"anyOf": [_schema(option) for option in form]}
        case list():
            return {"type": "array", "items": _schema(form[0])}
    forms = {name: field for names, field in form.items() for name in names.split()}
    fields = {name.rstrip("?"): _schema(field) for name, field in forms.items() if name != "*"}
    required = [name for name in forms if name[-1] not in "*?"]
    schema: dict[str, object] = {"type": "object"}
    if fields:
        schema["properties"] = fields
    if required:
        schema["required"] = required
    if "*" in forms:
        schema["additionalProperties"] = _schema(forms["*"])
    return schema
