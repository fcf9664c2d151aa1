"""The figures of every torchvision network of the zoo beside those that torchvision publishes.

    python tests/benchmarks/zoo.py

One row each: parameters and 10⁹ multiply–accumulates, ours and published; exits with 1 where two
differ. Then bytes that layers keep for backward beside those that PyTorch's hooks are handed. The
suite looks at a few of each (tests/nets/test_published.py, tests/nets/test_training.py).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "nets"))

import saved_tensors
import test_training

from convcli.nets.analysis.summary import summarize
from convcli.nets.analysis.table import Settings, totals
from convcli.nets.readers.read import read_words
from convcli.nets.zoo.backbones import BACKBONES

wrong = 0
for name, (*_, members) in BACKBONES.items():
    reading = read_words([name])
    summary = summarize(reading.network, reading.input)
    macs = totals(summary, Settings("weights+products"))["macs"] / 1e9
    _, params, published = members[name]
    same = (summary.params, round(macs, 3)) == (params, published)
    wrong += not same
    print(f"{name:20} {summary.params:>12,} {params:>12,} {macs:8.3f} {published:8.3f}  {same}")
for name, side, *bytes_ in saved_tensors.NETWORKS:
    kept = test_training.torchvision(name, side)
    same = [kept.activations(1), kept.activations(2)] == bytes_
    wrong += not same
    print(f"{name:20} {side:>4} {kept.activations(1):>12,} {bytes_[0]:>12,}  {same}")
sys.exit(1 if wrong else 0)
