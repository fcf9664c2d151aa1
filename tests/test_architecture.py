"""The light start of `shape`. Who may import whom is checked by import-linter, see pyproject.toml."""

import subprocess
import sys
from pathlib import Path

CHART = Path(__file__).parents[1] / "samples" / "chart.png"

HEAVY = {"numpy", "PIL", "rich"}


def loaded_by(*lines: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after running command lines."""
    code = f"""
import sys, convcli
from convcli.cli.main import run
assert not any([run(line.split()) for line in {lines!r}])
sys.stderr.write(" ".join(sys.modules))
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not process.returncode, process.stderr
    return set(process.stderr.split())


def test_shape_and_explain_start_without_numpy_pillow_and_rich():
    modules = loaded_by(
        "shape --input 224 --kernel 11 --format tsv",
        "shape --input 224 --kernel 11 --format json",
        "shape resnet50 -q",
        "explain --input 5x5 --kernel 3",
    )
    assert "convcli.nets.analysis.summary" in modules
    assert not modules & HEAVY


def test_the_proof_of_a_light_start_can_fail(tmp_path):
    modules = loaded_by(
        "shape --input 224 --kernel 11 --format table",
        f"filter {CHART} --kernel blur -o {tmp_path}/blur.png",
    )
    assert modules >= HEAVY


def test_an_onnx_file_is_read_without_numpy_pillow_and_rich():
    import onnx

    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    modules = loaded_by(f"shape {folder / 'light_shufflenet.onnx'} -q --format tsv")
    assert "convcli.nets.readers.onnx.reader" in modules
    assert not modules & (HEAVY | {"onnx"})
