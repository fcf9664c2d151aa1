"""What `--format json` prints, command by command, and that as JSON Schema.

A form is written as it looks: `{"name": "string", "tensors": [TENSOR]}`. Text is the types of JSON;
a list is an array of its one form; a tuple, one of several; a field that ends with ? may be left
out, and the field * stands for fields of any name. Fields may be added to a form, and none goes.
"""

Form = str | dict[str, "Form"] | list["Form"] | tuple["Form", ...]

VALUE = "number string"
"""A number; as text, a letter or a fraction that no double holds."""

SIZES: Form = {"*": "integer"}
"""height, width, channels: the axes by name."""

GRIDS: Form = [[[VALUE]]]
"""Channels of rows of values."""

STACK: Form = {"height": "integer", "width": "integer", "channels": "integer", "values": GRIDS}

COUNTS: dict[str, Form] = {
    "params": "integer",
    "trainable": "integer",
    "frozen": "integer",
    "buffers": "integer",
    "macs": "integer null",
    "flops": "integer null",
}
LAYER_COUNTS: dict[str, Form] = {
    **COUNTS,
    "memory": "integer null",
    "traffic": "integer null",
    "share": {"params": "number", "macs": "number null"},
}
TOTALS: Form = {
    **COUNTS,
    "activations": "integer null",
    "memory": {
        "dtype": "string",
        "batch": "integer",
        "weights": "integer",
        "activations": "integer null",
        "peak_activations": "integer null",
        "forward": "integer null",
    },
}
FORMULA: Form = {
    "quantity": "string",
    "axes": ["string"],
    "formula": "string",
    "latex": "string",
    "value": "number",
}
LAYER: Form = {
    "name": "string",
    "type": "string",
    "kernel?": ["integer"],
    "stride?": ["integer"],
    "padding?": "string",
    "shares?": "string",
    "layers?": "integer",
    "inputs": ["string"],
    "input": SIZES,
    "output": SIZES,
    **LAYER_COUNTS,
    "intensity": "number null",
    "unread": SIZES,
    "receptive_field": SIZES,
    "jump": {"*": "number"},
    "formulas?": [FORMULA],
}
NETWORK: dict[str, Form] = {
    "network": "string",
    "input": SIZES,
    "output": SIZES,
    "totals": TOTALS,
}
CONVENTION: Form = {
    "network": "string",
    "quantity": "string",
    "convention": "string",
    "value": "integer",
}
KERNEL: dict[str, Form] = {
    "name": "string",
    "size": {"height": "integer", "width": "integer"},
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
    "source": "string",
    "purpose": "string",
    **KERNEL,
}
AXIS: Form = {
    "kernel": "integer",
    "stride": "integer",
    "dilation": "integer",
    "before": "integer",
    "after": "integer",
    "spread": "integer",
}
TERM: Form = {
    "tap": ["integer"],
    "place": ["integer"],
    "cell": (["integer"], "null"),
    "x": VALUE,
    "w": VALUE,
    "product": VALUE,
}
SHARE: Form = {"to": ["integer"], "gradient": VALUE, "times": VALUE, "product": VALUE}

NOTATION: dict[str, Form] = {
    "layer": "string",
    "arguments": "string",
    "type": "string",
    "PyTorch": "string",
    "Keras": "string",
}

FORMS: dict[str, dict[str, dict[str, Form]]] = {
    "shape": {
        "a network": {
            "input": (SIZES, "null"),
            "output": (SIZES, "null"),
            "inputs": [{"name": "string", "shape": ["integer"]}],
            "outputs": [{"name": "string", "*": "integer string"}],
            "assumed": ["string"],
            "fit?": ["string"],
            "layers": [LAYER],
            "types": [{"type": "string", "layers": "integer", **LAYER_COUNTS}],
            "totals": TOTALS,
            "formulas?": [FORMULA],
            "conventions": {"macs": "string", "flops": "string", "params": "string"},
            "warnings": ["string"],
            "failures": ["string"],
        },
        "--versus": {
            "networks": [NETWORK],
            "layers": [
                {
                    "name": "string",
                    "names": ["string null"],
                    "output": [(SIZES, "null")],
                    "params": ["integer null"],
                    "macs": ["integer null"],
                }
            ],
            "warnings": ["string"],
        },
        "--compare": {"networks": [{**NETWORK, "layers": "integer"}]},
        "--sweep": {
            "sizes": [
                {"input": SIZES, "output?": SIZES, "totals?": TOTALS, "failure?": "string"},
            ]
        },
        "--get": {"figures": {"*": "integer string"}},
        "a file of weights": {
            "file": "string",
            "tensors": [
                {"name": "string", "shape": ["integer"], "dtype": "string", "values": "integer"}
            ],
            "totals": {"params": "integer", "statistics": "integer", "bytes": "integer"},
            "notes": ["string"],
        },
    },
    "solve": {
        "lengths": {
            "tried": "string",
            "solutions": [
                {
                    "input": "integer",
                    "kernel": "integer",
                    "stride": "integer",
                    "dilation": "integer",
                    "padding": ["integer"],
                    "output": "integer",
                    "exact": "boolean",
                    "unread?": "integer",
                    "leftover?": "integer",
                    "output_padding?": "integer",
                }
            ],
        },
        "--why": {"figure": "string", "explanations": [CONVENTION], "nearest": [CONVENTION]},
    },
    "why": {
        "an error": {
            "message": "string",
            "kind": "string",
            "cause": "string",
            "fixes": ["string"],
            "figures": {"*": ("number string boolean null", [""])},
            "file": "string null",
            "input": (SIZES, "null"),
            "code": "string null",
        }
    },
    "zoo": {"networks": {"networks": [{"name": "string", "about": "string"}]}},
    "layers": {
        "the notation": {"layers": [NOTATION]},
        "a layer": {
            **NOTATION,
            "what": "string",
            "example?": "string",
            "formulas": ["string"],
        },
    },
    "filter": {
        "a picture": {
            "picture": {
                "height": "integer",
                "width": "integer",
                "colours": "integer",
                "alpha": "boolean",
                "dtype": "string",
                "frames": "integer",
            },
            "kernels": [{**KERNEL, "engine": "string"}],
            "flip": "boolean",
            "border": "string",
            "stride": ["integer"],
            "channels": "string",
            "range": "string",
            "gain": "string",
            "bias": "string",
            "amount": "string",
            "threshold": "string number null",
            "linear": "boolean",
            "exact": "boolean",
            "expected_bytes": "integer",
            "output": "string",
            "values": {
                "minimum": "number null",
                "maximum": "number null",
                "clipped": "integer",
                "samples": "integer",
            },
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
                    "name": "string",
                    "type": "string",
                    "output": SIZES,
                    "macs": "integer",
                    "seconds": "number",
                    "macs_per_second": "number null",
                    **dict.fromkeys(
                        ("mean", "spread", "least", "largest", "dead", "negative", "ratio"),
                        "number null",
                    ),
                    "correlation": "number null",
                }
            ],
        },
        "--top": {
            "classes": [
                {
                    "path": "string",
                    "rank": "integer",
                    "number": "integer",
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
            "axes": {"rows": AXIS, "columns": AXIS},
            "formulas": {"rows": "string", "columns": "string"},
            "unread": [["integer"]],
            "output": {"height": "integer", "width": "integer", "values?": GRIDS},
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
            "input": STACK,
            "kernel": STACK,
            "bias": f"{VALUE} null",
            "formulas": {"rows": "string", "columns": "string"},
            "output": {"height": "integer", "width": "integer", "values?": GRIDS},
            "notes": ["string"],
            "stamps": [
                {
                    "cell": ["integer"],
                    "x": [VALUE],
                    "taps": [
                        {"place": ["integer"], "inside": "boolean", "product": VALUE, "sum": VALUE}
                    ],
                }
            ],
        },
        "--backward": {
            "operation": "string",
            "gradient": GRIDS,
            "input": GRIDS,
            "kernel?": GRIDS,
            "bias?": VALUE,
            "notes": ["string"],
            "flows": [
                {
                    "cell": ["integer"],
                    "to_input": [SHARE],
                    "to_kernel": [SHARE],
                    "gradient": [VALUE],
                }
            ],
        },
        "a pixel": {
            "operation": "string",
            "kernel": {"name": "string", "parts": [[[VALUE]]]},
            "combine": "string null",
            "at": {"row": "integer", "column": "integer"},
            "before": [VALUE],
            "after": [VALUE],
            "channels": [{"window": [[VALUE]], "sums": [VALUE], "response": VALUE}],
        },
        "--signal": {
            "operation": "string",
            "formula": "string",
            "f": [VALUE],
            "g": [VALUE],
            "t": ["integer"],
            "result": [VALUE],
            "swapped": [VALUE],
            "finding": "string",
            "steps": [
                {
                    "t": "integer",
                    "terms": [{"f": VALUE, "g": VALUE, "tau": "integer", "product": VALUE}],
                    "value": VALUE,
                }
            ],
        },
        "--activation": {
            "operation": "string",
            "definition": "string",
            "input": STACK,
            "output": GRIDS,
            "notes": ["string"],
            "steps": [{"cell": ["integer"], "sum": "string", "value": VALUE}],
        },
        "--receptive": {
            "node": "string",
            "unit": ["integer"],
            "maps": SIZES,
            "input": SIZES,
            "receptive_field": SIZES,
            "jump": {"*": "number"},
            "with_padding": {"*": ["integer"]},
            "seen": {"*": ["integer"]},
        },
    },
    "fit": {
        "a kernel": {
            "kernels": [GRIDS],
            "bias": ["number"],
            "errors": ([[[["number null"]]]], "null"),
            "determined": "boolean",
            "rank": "integer",
            "unknowns": "integer",
            "residual": "number",
            "explained": "number null",
            "rounding": "number",
            "windows": "integer",
            "clipped": "integer",
            "warnings": ["string"],
        },
        "a network": {
            "loss": {"before": "number", "after": "number"},
            "steps": "integer",
            "seed": "integer",
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
            return {"anyOf": [_schema(one) for one in form]}
        case list():
            return {"type": "array", "items": _schema(form[0])}
    fields = {name.removesuffix("?"): _schema(one) for name, one in form.items() if name != "*"}
    required = [name for name in form if name != "*" and not name.endswith("?")]
    schema: dict[str, object] = {"type": "object"}
    if fields:
        schema["properties"] = fields
    if required:
        schema["required"] = required
    if "*" in form:
        schema["additionalProperties"] = _schema(form["*"])
    return schema
