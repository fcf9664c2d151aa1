"""What every command prints as JSON, validated against the schema that it promises."""

import json
import struct
from copy import deepcopy

import numpy as np
import pytest
from PIL import Image

from convcli.app.schemas import FORMS, json_schema
from convcli.cli.main import COMMANDS, run

try:
    from jsonschema import Draft202012Validator
except ImportError:  # the extra `test` has it; without it, the keywords that are used suffice
    Draft202012Validator = None

OUTPUTS = {
    "shape": {
        "a network": (
            "shape resnet18",
            "shape lenet5 --depth 1 --batch 4 --top 3",
            "shape --input 224 --kernel 11 --stride 4",
            "shape --input 9 conv:4,3 nn.Linear(7,5) --keep-going --fit",
            "shape --input 30x3 conv1d:4,3 relu --explain",
            "shape --input 16x16x3 transposed:4,3,stride=3 linear:2 --explain",
        ),
        "--versus": ("shape lenet5 --versus lenet5-1998 --versus linear",),
        "--compare": ("shape lenet5 resnet18 --compare",),
        "--sweep": ("shape alexnet --sweep 32..96:32",),
        "--get": ("shape lenet5 --get params --get output",),
        "a file of weights": ("shape w.safetensors",),
    },
    "solve": {
        "lengths": (
            "solve --input 224 --kernel 11 --stride 4 --output 55",
            "solve --input 7 --stride 2 --output 14 --transposed",
        ),
        "--why": ("solve lenet5 --why 61706", "solve lenet5 --why 61707"),
    },
    "why": {"an error": ("why linear.log", "why conv.log")},
    "zoo": {"networks": ("zoo",)},
    "layers": {"the notation": ("layers",), "a layer": ("layers conv", "layers residual")},
    "filter": {
        "a picture": (
            "filter a.png -k sobel -o b.png",
            "filter a.png -k gaussian:2 -o c.png --explain",
            "filter a.png -k sharpen --border wrap -o d.png --range stretch",
        )
    },
    "kernels": {
        "the catalogue": ("kernels",),
        "a kernel": ("kernels sobel", "kernels gaussian:1", "kernels kirsch"),
    },
    "extract": {
        "layers": ("extract a.png conv:4,3 relu maxpool:2 -o e.png",),
        "--top": ("extract a.png --net lenet5 --top 2",),
        "--distances": ("extract a.png b.png conv:4,3 --distances cosine",),
        "--nearest": ("extract a.png conv:4,3 --nearest 1 --among pictures",),
    },
    "explain": {
        "a convolution or a pool": (
            "explain --input 4x4 --kernel 3 --stride 2",
            "explain --input 4x4x2 --pool max:2",
            "explain --input 3x3 --kernel 2 --transposed --symbols",
            "explain --input 1/4,2 --kernel 1 --bias 1/3 --cell 0,0",
        ),
        "--scatter": (
            "explain --input 2x2 --kernel 3 --transposed --scatter --stride 2 --padding 1",
            "explain --input 2x2 --kernel 2 --transposed --scatter --symbols --cell 0,1 --bias b",
        ),
        "--backward": (
            "explain --input 3x3 --kernel 2 --backward",
            "explain --input 4x4 --pool avg:2 --backward",
        ),
        "a pixel": ("explain a.png --kernel sobel --at 5,6",),
        "--signal": ("explain --signal 0,1,2 --kernel 1,0,-1",),
        "--activation": ("explain --input 1/4,-2 --activation tanh",),
        "--receptive": (
            "explain --receptive vgg16 --unit conv3_3:5,7",
            "explain --receptive lenet5 --unit f6",
        ),
    },
    "fit": {
        "a kernel": ("fit a.png b.png --size 3",),
        "a network": ("fit a.png b.png --net conv:3,3,padding=1 --steps 2",),
    },
}
"""Command → form → lines; `--format json` is behind each."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pictures, a folder of one, a file of weights and two logs."""
    folder = tmp_path_factory.mktemp("schemas")
    samples = np.random.default_rng(0).integers(0, 255, (2, 16, 16, 3), np.uint8)
    (folder / "pictures").mkdir()
    for name, pixels in zip(("a.png", "pictures/b.png"), samples, strict=True):
        Image.fromarray(pixels).save(folder / name)
    Image.fromarray(np.roll(samples[0], 1, 0)).save(folder / "b.png")
    tensor = {"dtype": "F32", "shape": [2, 1, 1, 1], "data_offsets": [0, 8]}
    header = json.dumps({"conv1.weight": tensor}).encode()
    length = struct.pack("<Q", len(header))
    (folder / "w.safetensors").write_bytes(length + header + bytes(8))
    (folder / "linear.log").write_text(
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x9216 and 6400x128)\n"
    )
    (folder / "conv.log").write_text(
        "RuntimeError: Given groups=1, weight of size [6, 3, 5, 5], expected input[1, 1, 28, 28] "
        "to have 3 channels, but got 1 channels instead\n"
    )
    return folder


TYPES = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None), "array": list, "object": dict,
}  # fmt: skip


def is_valid(value, schema):
    """Whether a value is as a schema says, by the keywords that FORMS gives rise to."""
    if Draft202012Validator is not None:
        return Draft202012Validator(schema).is_valid(value)
    assert schema.keys() <= {
        "title", "type", "anyOf", "items", "properties", "required", "additionalProperties", "$schema"
    }  # fmt: skip
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    of_type = [
        isinstance(value, TYPES[name]) and (isinstance(value, bool) == (name == "boolean"))
        for name in types
    ]
    if types and not any(of_type):
        return False
    if "anyOf" in schema and not any(is_valid(value, one) for one in schema["anyOf"]):
        return False
    if isinstance(value, list):
        return all(is_valid(item, schema.get("items", {})) for item in value)
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        rest = schema.get("additionalProperties", {})
        return value.keys() >= {*schema.get("required", ())} and all(
            is_valid(item, fields.get(name, rest)) for name, item in value.items()
        )
    return True


LINES = [
    (command, form, line)
    for command, forms in OUTPUTS.items()
    for form, lines in forms.items()
    for line in lines
]


@pytest.mark.parametrize(("command", "form", "line"), LINES, ids=[line for *_, line in LINES])
def test_what_is_printed_is_of_the_form_that_is_promised(
    folder, monkeypatch, capfd, command, form, line
):
    """Of that one alone; and without any of its fields, or with another type, of none."""
    monkeypatch.chdir(folder)
    code = run([*line.split(), "--format", "json", *["--force"] * (" -o " in line)])
    out, err = capfd.readouterr()
    assert code == 0 or "--keep-going" in line or "61707" in line, err
    record = json.loads(out)
    forms = {one["title"]: one for one in json_schema(command)["anyOf"]}
    assert [title for title, one in forms.items() if is_valid(record, one)] == [form]
    for name in forms[form]["required"]:
        broken = deepcopy(record)
        del broken[name]
        assert not is_valid(broken, forms[form]), f"without {name}"
        if forms[form]["properties"][name]:
            assert not is_valid({**record, name: [{"no": ...}]}, forms[form]), name


def test_every_command_that_prints_json_has_a_schema_and_every_form_an_output(capfd):
    assert {name: [*forms] for name, forms in FORMS.items()} == {
        name: [*forms] for name, forms in OUTPUTS.items()
    }
    without = {"draw", "samples", "schema", "completion", "man"}
    assert COMMANDS.keys() - without == FORMS.keys()
    for command in FORMS:
        assert run(["schema", command]) == 0
        schema = json.loads(capfd.readouterr().out)
        assert schema == json_schema(command)
        if Draft202012Validator is not None:
            Draft202012Validator.check_schema(schema)
    assert run(["schema", "shapes"]) == 2
    assert "did you mean shape?" in capfd.readouterr().err
