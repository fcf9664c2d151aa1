"""Mutated network text for as long as one likes: read or refused, never a traceback.

    python tests/benchmarks/fuzz_text.py [seconds] [seed]

Starts from networks as people paste them (tests/nets/texts.py) and the zoo; cuts, swaps, repeats
and splices their lines, words and characters. Prints how many were read, refused for their text and
refused for their shapes, the slowest, and the text of any other exception.
"""

import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "nets"))

import texts

from convcli.errors import Refusal
from convcli.nets.analysis.summary import trace
from convcli.nets.readers.read import read_text
from convcli.nets.zoo import NAMES, zoo_text

SEEDS = [text for _, text in texts.PASTED.values()] + [zoo_text(name) for name in NAMES]
SPLICES = [
    *("(", ")", "[", "]", "{", "}", ",", ":", "=", "'", '"', "\\", "#", "\n", "\t", "\x00", "\x1b"),
    *("0", "-1", "999999999999999999999", "1e309", "nan", "None", "True", "...", "*", "**", "//"),
    *("self", "lambda x: x", "__class__", "class A(nn.Module):\n", "def forward(self, x):\n    "),
    *(
        "return x",
        "for i in x:",
        "x = x",
        "model.add(model)",
        "repeat(9999, [",
        "concat(",
        "\ud800",
    ),
]


def mutated(text: str, rng: random.Random) -> str:
    text = (
        text[rng.randrange(len(text)) :][: rng.randrange(1, 3_000)] if rng.random() < 0.7 else text
    )
    for _ in range(rng.randrange(1, 6)):
        place, other = rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)
        first, last = min(place, other), min(max(place, other), min(place, other) + 200)
        match rng.randrange(5):
            case 0:
                text = text[:first] + text[last:]
            case 1:
                text = text[:place] + rng.choice(SPLICES) * rng.choice([1, 1, 1, 50]) + text[place:]
            case 2:
                text = text[:first] + text[first:last] * rng.randrange(2, 5) + text[last:]
            case 3:
                lines = text.split("\n")
                rng.shuffle(lines)
                text = "\n".join(lines)
            case 4:
                piece = rng.choice(SEEDS)
                start = rng.randrange(len(piece))
                text = text[:place] + piece[start : start + rng.randrange(1, 200)] + text[place:]
    return text


def main(seconds: float, seed: int) -> int:
    rng, counts, slowest = random.Random(seed), Counter[str](), (0.0, "")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text, start = mutated(rng.choice(SEEDS), rng), time.perf_counter()
        try:
            reading = read_text(text)
            counts["unfit" if trace(reading.network, (3, 64, 64)).failures else "read"] += 1
        except Refusal:
            counts["refused"] += 1
        except Exception:
            counts["BUG"] += 1
            traceback.print_exc()
            print(repr(text[:3_000]))
        slowest = max(slowest, (time.perf_counter() - start, text[:100]))
    print(dict(counts), f"slowest {slowest[0]:.2f} s: {slowest[1]!r}")
    return 1 if counts["BUG"] else 0


if __name__ == "__main__":
    values = [float(word) for word in sys.argv[1:]]
    sys.exit(main(values[0] if values else 180, int(values[1]) if len(values) > 1 else 0))
