"""Every step costs what it does: operations on large values are charged by the size of the values."""

import os
import re
import time
import tracemalloc
from contextlib import suppress
from itertools import pairwise

import pytest

from convcli.cli.main import run
from convcli.errors import Refusal
from convcli.nets import time_limit as time_limit_module
from convcli.nets.readers.python.interpreter import ModelInterpreter
from convcli.nets.readers.python.language import limits
from convcli.nets.readers.read import read_source, read_text
from convcli.nets.time_limit import time_limit

LARGE = """\
import re, torch
s = [0] * 10000
t = tuple(s)
w = 'ab' * 10000
d = {i: 0 for i in range(5000)}
k = {str(i): 0 for i in range(1000)}
u = set(d)
class P:
    def f(self, **a): return a
o = P()
for i in range(1000): setattr(o, 'a' + str(i), 0)
v = torch.arange(1000)
"""

OPERATIONS = (
    "s[1:]", "t[1:]", "w[1:]", "s.copy()", "d.copy()", "u.copy()", "list(s)", "tuple(s)", "set(s)",
    "dict(d)", "s + s", "t + t", "w + w", "{**d}", "[*s]", "d | d", "u | u", "u & u", "u - u",
    "u.union(u)", "o.f(**k)", "vars(o)", "globals()", "s.reverse()",
    "s.index(1) if 1 in s else 0", "s.count(1)", "1 in t", "'abb' in w", "w.find('abb')",
    "w.isalnum()", "w.upper()", "w.replace('a', 'b')", "w.split('a')", "'-'.join(k)",
    "w.strip('ab')", "w == 'ab' * 10000", "sum(s)", "max(s)", "min(s)",
    "f'{w}'", "'{}'.format(w)", "'%s' % w", "v + 1", "v * v", "-v", "torch.sqrt(v)",
    "re.match('[a-z]*[a-z]*[a-z]*[a-z]*' + str(i), 'a' * 60)", "list(zip(s, s))",
    "list(enumerate(s))", "list(map(str, s))", "list(reversed(s))", "any(s)", "u.issubset(u)",
    "u.intersection(u)", "u.difference(u)", "d.update(d)", "s.__len__() and s * 2",
)  # fmt: skip

NET = """
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.c = torch.nn.Conv2d(3, 4, 3)
    def forward(self, x):
        return self.c(x)
"""


FEW = {"globals()": 60}
"""Steps of what holds few values here."""


@pytest.fixture(scope="module")
def steps() -> dict[str, int]:
    """What each operation is charged in one program of large values."""
    counts = []
    with pytest.MonkeyPatch.context() as patch:
        assign = ModelInterpreter.assign

        def counted(interpreter, target, value, frame):
            if getattr(target, "id", "") == "kept":
                counts.append(interpreter.steps)
            return assign(interpreter, target, value, frame)

        patch.setattr(ModelInterpreter, "assign", counted)
        lines = "".join(f"    (kept := {operation})\n" for operation in ("0", *OPERATIONS))
        read_text(f"{LARGE}for i in range(1):\n{lines}{NET}")
    charges = [end - start for start, end in pairwise(counts)]
    return dict(zip(OPERATIONS, charges, strict=True))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_on_large_values_is_charged_by_their_size(operation, steps):
    assert steps[operation] >= FEW.get(operation, 400)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "operation"),
    [
        ("s = [0] * 10000", "s[1:]"),
        ("w = 'ab' * 10000", "w[1:]"),
        ("w = 'ab' * 10000", "w + 'c'"),
        ("d = {i: 0 for i in range(5000)}", "d.copy()"),
        ("d = {i: 0 for i in range(5000)}", "{**d}"),
        ("u = {i for i in range(5000)}", "u | u"),
        ("k = {str(i): 0 for i in range(2000)}\ndef f(**a): return a", "f(**k)"),
        ("class P: pass\no = P()\nfor i in range(1000): setattr(o, str(i), 0)", "vars(o)"),
    ],
)
def test_copies_that_are_kept_take_bounded_memory(values, operation, monkeypatch):
    """A thirtieth of the steps, and of 300 MiB."""
    monkeypatch.setattr(limits, "MAX_STEPS", 60_000)
    tracemalloc.start()
    try:
        with pytest.raises(Refusal, match="60,000 steps"):
            read_text(f"{values}\nkept = [{operation} for i in range(10000000)]\n{NET}")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * 2**20


CHAINS = {
    "bases": "class A: pass\n" + "class A(A): pass\n" * 1000,
    "shared key": "t = ()\nfor i in range(40): t = (t, t)\nfrom enum import Enum\n"
    "class E(Enum):\n    A = 1\ny = E[t]",
    "integer": "x = 0x" + "f" * 600000 + "\n" + "y = x * x\n" * 1000,
    "fields": "y = f'" + "{1:9}" * 20000 + "'",
}


@pytest.mark.parametrize("name", CHAINS)
def test_definitions_that_grow_take_bounded_time(name):
    before = time.process_time()
    with suppress(Refusal):
        read_text(f"import torch\n{CHAINS[name]}\n{NET}")
    assert time.process_time() - before < 5


def test_the_time_of_a_reading_is_bounded(monkeypatch):
    text = f"import torch\nfor i in range(10000000):\n    pass\n{NET}"
    with (
        time_limit(0.2),
        pytest.raises(Refusal, match=r"more than 0\.2 seconds to read; --timeout 2 allows more"),
    ):
        read_text(text)
    monkeypatch.setattr(time_limit_module, "MAX_SECONDS", 0.2)
    with pytest.raises(Refusal, match=r"more than 0\.2 seconds to read\n"):
        read_text(text)


def test_the_limit_of_time_is_an_option_and_steps_grow_with_it(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(limits, "MAX_STEPS", 20_000)
    path = tmp_path / "net.py"
    path.write_text(f"import torch\nfor i in range(12000):\n    pass\n{NET}")
    for command in (["shape", "--input", "32", "-q"], ["draw", "--input", "32", "-o", "-"]):
        name, *words = command
        assert run([name, str(path), *words]) == 2
        assert (
            "takes more than 20,000 steps to read; --timeout 40 allows more"
            in capfd.readouterr().err
        )
        assert run([name, str(path), *words, "--timeout", "40"]) == 0


def test_a_search_of_inputs_ends_with_the_limit_and_says_so(monkeypatch, tmp_path, capfd):
    text = "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def forward(self, x):\n"
    text += "        for i in range(9000): pass\n        return x.view(-1, 3, 40000)\n"
    path = tmp_path / "net.py"
    path.write_text(text)
    monkeypatch.setattr(time_limit_module, "MAX_SECONDS", 0.5)
    before = time.process_time()
    run(["shape", f"{path}:Net", "--input", "32x32x3", "--fit"])
    assert time.process_time() - before < 5
    said = capfd.readouterr().err
    assert re.search(r"ended early, after \d+ inputs?; --timeout 5 allows more", said)


def test_no_limit_can_be_caught_by_the_program(monkeypatch):
    monkeypatch.setattr(limits, "MAX_STEPS", 20_000)
    text = "import torch\nwhile True:\n    try:\n        while True: pass\n    except: pass\n"
    with pytest.raises(Refusal, match="more than 20,000 steps"):
        read_text(text + NET)


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own")
def test_links_out_of_the_folder_of_a_model_are_not_followed(tmp_path):
    inside, outside = tmp_path / "model", tmp_path / "else"
    inside.mkdir()
    outside.mkdir()
    (outside / "widths.py").write_text("WIDTH = 4\n")
    (inside / "own.py").write_text("WIDTH = 4\n")
    (inside / "widths.py").symlink_to(outside / "widths.py")
    (inside / "alias.py").symlink_to(inside / "own.py")
    for name, is_followed in {"widths": False, "alias": True}.items():
        model = inside / "net.py"
        text = f"import torch\nfrom {name} import WIDTH\n{NET}".replace("4, 3)", "WIDTH, 3)")
        model.write_text(text)
        if is_followed:
            assert read_source(str(model)) is not None
        else:
            with pytest.raises(Refusal, match="a link that leads out"):
                read_source(str(model))
