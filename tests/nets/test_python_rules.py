"""What the interpreter makes of Python's rules: what CPython makes of them, or a refusal."""

from collections import Counter

import pytest
from python_programs import SNIPPETS, Writer, by_interpreter, compared


@pytest.mark.slow
def test_random_programs_mean_what_they_mean_to_cpython():
    """Thousands of them: python tests/nets/python_programs.py 5000 7."""
    writer = Writer(seed=20)
    outcomes = compared([writer.program() for _ in range(150)])
    assert [one.text for one in outcomes if one.kind == "different"] == []
    assert Counter(one.kind for one in outcomes)["equal"] > 90


@pytest.mark.slow
def test_every_rule_alone_is_followed_or_refused():
    writer = Writer(seed=3)
    programs = []
    for snippet in SNIPPETS * 3:
        body = "\n".join(f"    {line}" for line in writer.filled(snippet).strip().split("\n"))
        head = writer.program(snippets=0).partition("    return out")
        programs.append(f"{head[0]}{body}\n{head[1]}{head[2]}")
    outcomes = compared(programs)
    assert [one.text for one in outcomes if one.kind == "different"] == []
    refused = {one.text.partition("(")[2] for one in outcomes if one.kind == "refused"}
    assert len(refused) <= 4, refused  # a deque of a length, keys with an __eq__ of their own


REFUSED = {
    "async": "async def f():\n    return 1\nx = f()",
    "send": "def g():\n    x = yield 1\n    yield x\ni = g()\nnext(i)\nx = i.send(3)",
    "match": "class P:\n    __match_args__ = ('a',)\nmatch P():\n    case P(a):\n        x = a",
    "int": "class I(int):\n    pass\nx = I(3) + 1",
    "dict": "class D(dict):\n    def __missing__(self, key):\n        return key\nx = D()[3]",
    "__class_getitem__": "class A:\n    def __class_getitem__(cls, i):\n        return i\nx = A[3]",
    "__format__": "class A:\n    def __format__(self, s):\n        return s\nx = f'{A():y}'",
    "deque": "from collections import deque\nx = list(deque([1, 2], maxlen=1))",
    "singledispatch": "from functools import singledispatch\n@singledispatch\ndef f(a):\n"
    "    return 1\nx = f(1)",
    "complex": "x = 1j * 1j",
    "numbers": "x = 10 ** 30",
    "exceptions": "try:\n    [][0]\nexcept Exception as e:\n    x = type(e).__name__",
    "hash": "x = hash((1, 2))",
    "json": "import json\nx = json.loads('1')",
    "random": "import random\nx = random.random()",
    "fractions": "from fractions import Fraction\nx = Fraction(1, 3) * 3",
}


@pytest.mark.parametrize("feature", REFUSED)
def test_what_the_documents_say_is_refused_is_refused(feature):
    value, why = by_interpreter(REFUSED[feature] + "\nRESULT = [x]\n")
    assert why, value
