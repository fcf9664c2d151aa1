"""What the interpreter makes of Python's rules: what CPython makes of them, or a refusal."""

from collections import Counter

import pytest
from python_programs import SNIPPETS, Writer, compared


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
