"""Expressions and statements of model files: what Python, einops and PyTorch give for each.

The figures of Python are worked out by Python itself; those of einops and PyTorch by hand, from
their documentation. What they refuse is refused here, with the line.
"""

import pytest

from convcli.errors import SpecError
from convcli.nets.analysis.summary import summarize
from convcli.nets.readers.read import read_text

PYTHON = "import collections, collections.abc, contextlib, copy, functools, inspect, itertools, math, operator, re\n"
TORCH = (
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport numpy as np\n"
    "from einops import einsum, pack, rearrange, reduce, repeat, unpack\n"
    "from einops.layers.torch import Rearrange, Reduce\n"
)


def net(init, forward):
    """A class whose `__init__` and `forward` have these lines."""
    inner = ["super().__init__()", *init.split("\n")]
    return "\n".join(
        [
            f"{PYTHON}{TORCH}class Net(nn.Module):",
            "    def __init__(self):",
            *(f"        {line}" for line in inner),
            "    def forward(self, x):",
            *(f"        {line}" for line in forward.split("\n")),
            "",
        ]
    )


def channels(init):
    """The channels that a convolution of `__init__` gives, which are `a` there."""
    text = net(f"{init}\nself.c = nn.Conv2d(3, a, 1)", "return self.c(x)")
    return summarize(read_text(text).network, (3, 5, 6)).output[0]


def after(lines):
    """What `a` is when Python itself has run these lines."""
    names = {}
    exec(PYTHON + lines, names)
    return names["a"]


# expressions that are a whole number above 0
NUMBERS = """
len([1, 2]) + len({3: 4}) + len("ab") + len((1,)) + len(range(7))
sum(range(4)) + sum([[1], [2, 3]], [])[2] + int(sum([1.5, 0.5], 1))
int("12") + int(3.9) + int(True) + int() + int(" 7 ")
int("101", 2) + int("ff", base=16) + int("0x10", 16)
round(2.5) + round(3.49) + int(round(2.567, 2) * 100) + round(1234, -2)
abs(-3) + pow(2, 3) + divmod(17, 5)[0] * 10 + divmod(17, 5)[1]
max(3, 9, 4) + max([3, 1], key=lambda one: -one) + min((), default=4) + min([5, 2, 8])
sorted([3, 1, 2], reverse=True)[0] + len(sorted(["bb", "a", "ccc"], key=len)[2])
sum(map(lambda p, q: p * q, [1, 2, 3], [4, 5])) + list(filter(None, [0, 5, 0, 7]))[1]
list(filter(lambda one: one > 5, [3, 6, 9]))[0] + list(zip([1, 2], [3, 4], [5]))[0][1]
list(reversed([1, 2, 3]))[0] + list(enumerate("ab", 4))[1][0] + next(iter([5, 6])) + next(iter([]), 8)
any([0, 1]) + all([1, 0]) + all([]) + any([]) + bool("a") + bool([]) + bool()
len(set([1, 1, 2])) + len(frozenset("aab")) + len(tuple("abc")) + len(list("ab"))
dict([("a", 3)])["a"] + dict(b=4)["b"] + dict({"c": 5}, d=6)["d"] + len(dict())
len(str(12345)) + len(repr("ab")) + len(str([1, (2,), {"a": None}, "b"])) + len(str({1})) + len(str())
callable(len) + callable(3) + callable(int) + callable(lambda: 0) + callable(functools.partial(len))
isinstance(True, int) + isinstance(2.0, float) + isinstance("a", (int, (list, str))) + isinstance([], tuple)
isinstance(None, type(None)) + isinstance(3, type(None)) + isinstance(1, object) + isinstance(None, object)
isinstance(int, type) + isinstance(3, type) + isinstance(ValueError, type) + isinstance(len, type)
isinstance([], collections.abc.Iterable) + isinstance(3, collections.abc.Iterable) + isinstance({}, collections.abc.Mapping)
isinstance((), collections.abc.Sequence) + isinstance({}, collections.abc.Sequence) + isinstance(len, collections.abc.Callable)
isinstance((), collections.abc.Hashable) + isinstance([], collections.abc.Hashable) + isinstance(3, collections.abc.Callable)
issubclass(ValueError, Exception) + issubclass(KeyError, (TypeError, LookupError)) + issubclass(ValueError, KeyError)
(type(3) is int) + (type([]) == list) + (type(3) is float) + (type(None) is type(None))
getattr([5, 7], "index")(7) + getattr([], "nothing", 4) + hasattr([], "append") + hasattr([], "nothing")
[1, 2, 3, 4][slice(1, None, 2)][1] + [1, 2, 3][-1] + [1, 2, 3][::-1][0] + (1, 2, 3)[:2][1]
math.ceil(2.1) + math.floor(2.9) + math.trunc(3.7) + math.gcd(12, 18) + math.isqrt(17)
int(math.sqrt(16)) + int(math.log2(8)) + int(math.log(math.e)) + int(math.log10(1000)) + int(math.fabs(-2))
int(math.pow(2, 4)) + int(math.hypot(3, 4)) + math.prod([2, 3, 4]) + math.prod((2, 3), start=2)
math.isclose(1.0, 1.0 + 1e-12) + math.isinf(math.inf) + math.isnan(math.nan) + math.isinf(3)
functools.reduce(operator.mul, [2, 3, 4]) + functools.reduce(lambda p, q: p - q, [1, 2], 10)
functools.partial(max, 5)(3) + functools.partial(int, base=2)("101") + functools.partial(max, 5, 3).args[1]
functools.partial(int, base=2).keywords["base"] + functools.partial(len).func("abc")
operator.add(1, 2) + operator.sub(5, 3) + operator.floordiv(7, 2) + int(operator.truediv(8, 2))
list(itertools.chain([1], (2, 3)))[2] + list(itertools.chain.from_iterable([[1], [2, 3]]))[1]
len(list(itertools.product([1, 2], "abc"))) + list(itertools.product([1, 2], repeat=2))[3][1]
sum(itertools.repeat(7, 3)) + list(itertools.islice([4, 5, 6], 1, None))[0] + list(itertools.islice(range(9), 3))[2]
list(itertools.accumulate([1, 2, 3]))[2] + list(itertools.accumulate([2, 3, 4], operator.mul))[2]
collections.Counter("aab")["a"] + collections.Counter("aab")["z"] + collections.OrderedDict([("a", 3)])["a"]
collections.namedtuple("P", "a b")(3, 4).b + collections.namedtuple("P", ["a", "b"], defaults=[6])(3).b
collections.deque([1, 2, 3])[2] + len(collections.defaultdict(list, a=[1])["a"])
copy.copy([1, 2])[1] + copy.deepcopy({"a": [3]})["a"][0]
len(re.split("_", "a_b_c")) + len(re.findall("[0-9]", "a1b22")) + len(re.sub("[0-9]", "", "a1b2"))
int(re.match("r([0-9]+)", "r18").group(1)) + int(re.search("[0-9]+", "res50").group())
int(re.match("r([0-9]+)x([0-9]+)", "r18x2").groups()[1]) + (re.match("a", "b") is None)
int("7".zfill(3)) + len("a".ljust(4)) + "abc".find("c") + "abcb".rfind("b") + len("a b".partition(" "))
len("a,b,c".split(",")) + len("-".join(["a", "b"])) + len("aXbX".replace("X", "--")) + len("aXbX".replace("X", "--", 1))
len("{}-{}".format(1, 22)) + len("{0}{0}{1}".format("a", "bc")) + len("{a:>5}{b!r}".format(a=1, b="x"))
len("%d-%s" % (12, "ab")) + len("%05.2f" % 3.14159) + len("%(a)s" % {"a": "xyz"}) + len("100%% %s" % [5])
len(f"{3:>4}{'a'!r}{2.5:.2f}") + len(f"{3!s:>6}{4:0{5}d}")
"ab".upper().isupper() + "3".isdigit() + "Ab".startswith(("A", "b")) + "a".endswith("b")
str.lower("AB").count("b") + len(str.join("-", ["a", "b"])) + dict.fromkeys("ab", 3)["b"]
[3, 4, 5].index(5) + (1, 1, 2).count(1) + [2, 2].count(2) + (4, 5).index(5)
{"a": 1}.get("b", 5) + {"a": 1}.get("a") + {"a": 1}.pop("b", 6) + {"a": 7}.pop("a")
{"a": 2}.setdefault("a", 3) + {}.setdefault("b", 4) + {1: 2, 3: 4}.popitem()[1] + len({1: 2}.copy())
len({"a": 1}.keys()) + list({"a": 2}.values())[0] + list({"b": 3}.items())[0][1]
len({1, 2}.union([3], (4,))) + len({1, 2} & {2}) + len({1, 2}.intersection([2])) + len({1, 2}.difference([2])) + len({1} ^ {2})
{1}.issubset([1, 2]) + ({1} <= {1, 2}) + ({1, 2} - {1} == {2}) + ({1} | {2} == {1, 2})
(5).bit_length() + (2.0).is_integer() + (2.5).is_integer() + (3).real + (4).imag
3 // 2 + 7 % 4 + 2 ** 3 + (6 & 3) + (6 | 1) + (6 ^ 2) + (1 << 3) + (16 >> 2) + int(7 / 2)
-(-3) + (+2) + ~(-5) + (not 0) + (1 if 2 < 3 <= 3 else 5) + (1 < 3 > 4)
(2 in [1, 2]) + (2 not in {2: 1}) + ("a" in "cat") + (3 in range(4)) + (None is None) + (len is not None)
(0 or 4) + (0 and 5) + (2 and 3) + ([] or 6)
[1, *[2, 3], 4][2] + {**{"a": 1}, "b": 2}["b"] + len({*[1, 1], 2}) + len((*"ab", 3))
[p * q for p in (1, 2) for q in (3, 4) if p != q][2] + {p: p * p for p in range(4)}[3] + len({p % 2 for p in range(5)})
sum(p for p in range(5) if p % 2) + (y := 4) + y
(lambda p, *q, c=2, **d: p + len(q) + c + len(d))(1, 2, 3, c=4, e=5)
([1, 2] < [1, 3]) + ((1, 2) == (1, 2)) + ([1] != [2]) + ([0, 1] * 2 == [0, 1, 0, 1]) + ("b" > "a")
len("ab" * 3) + len(2 * [1]) + len((1,) + (2,)) + len([1] + [2, 3])
""".strip().split("\n")  # fmt: skip


@pytest.mark.parametrize("expression", NUMBERS)
def test_a_plain_expression_is_what_python_makes_of_it(expression):
    assert channels(f"a = {expression}") == after(f"a = {expression}") > 0


# statements that leave a whole number above 0 in `a`
STATEMENTS = [
    "a, b = 1, 2",
    "(a, *b), c = (1, 2, 3), 4\na += len(b)",
    "*a, b = 1, 2, 3\na = len(a)",
    "a: int = 3",
    "a = [1, 2]\na[0] = 5\na = a[0]",
    "a = {}\na['x'] = 2\na = a['x']",
    "a = [1, 2, 3]\na[1:] = [4]\na = a[1]",
    "a = [1]\na += (2, 3)\na = len(a)",
    "a = 'x'\na += 'y'\na = len(a)",
    "a = 0\nfor i in range(5):\n    if i == 1:\n        continue\n    if i == 3:\n        break\n    a += i\nelse:\n    a = 9",
    "a = 0\nfor i in range(3):\n    a += i\nelse:\n    a += 5",
    "a = 0\nwhile a < 5:\n    a += 1\n    if a == 2:\n        continue\n    if a == 4:\n        break\nelse:\n    a = 9",
    "a = 0\nwhile a < 3:\n    a += 1\nelse:\n    a += 5",
    "a = 1\nassert a == 1, 'odd'",
    "try:\n    raise KeyError('x')\nexcept (ValueError, KeyError) as e:\n    a = 3",
    "try:\n    a = 1\nexcept KeyError:\n    a = 2\nelse:\n    a = 4\nfinally:\n    a += 1",
    "try:\n    [][1]\nexcept IndexError:\n    a = 6",
    "try:\n    {}['a']\nexcept LookupError:\n    a = 6",
    "try:\n    1 / 0\nexcept ZeroDivisionError:\n    a = 7",
    "try:\n    int('x')\nexcept ValueError:\n    a = 8",
    "try:\n    None.x\nexcept AttributeError:\n    a = 2",
    "try:\n    nothing_here\nexcept NameError:\n    a = 2",
    "try:\n    raise ValueError('odd')\nexcept:\n    a = 3",
    "try:\n    [1].index(3)\nexcept ValueError:\n    a = 3",
    "try:\n    {1}.remove(2)\nexcept KeyError:\n    a = 5",
    "try:\n    next(iter([]))\nexcept StopIteration:\n    a = 5",
    "try:\n    1 + 'a'\nexcept TypeError:\n    a = 5",
    "try:\n    (lambda q: q)()\nexcept TypeError:\n    a = 5",
    "try:\n    '%d' % 'a'\nexcept TypeError:\n    a = 5",
    "try:\n    a, b = 1, 2, 3\nexcept ValueError:\n    a = 5",
    "class A:\n    def __enter__(self):\n        return 5\n    def __exit__(self, *args):\n        pass\nwith A() as a:\n    a += 1",
    "import contextlib\n@contextlib.contextmanager\ndef f():\n    yield 4\nwith f() as a:\n    a += 1",
    "def f():\n    yield 1\n    yield 2\na = sum(f())",
    "match 3:\n    case None:\n        a = 1\n    case n if n > 2:\n        a = n",
    "match (1, 2):\n    case (1, b):\n        a = b",
    "match [1, [2, 3]]:\n    case [a, [b, 3]] if b == 2:\n        a += b",
    "match 3:\n    case (1 | 3) as a:\n        pass",
    "a = 4\nmatch 3:\n    case 1:\n        a = 1",
    "match (1, 2, 3):\n    case (1, 2):\n        a = 1\n    case _:\n        a = 2",
    "match True:\n    case True:\n        a = 6",
    "a = [1, 2]\ndel a[0]\na = len(a)",
    "a = {1: 2}\ndel a[1]\na = 1 + len(a)",
    "a = 1\nb = 2\ndel b\na = 3",
    "class A: pass\na = A()\na.b = 1\ndel a.b\na = 2 + hasattr(a, 'b')",
    "a = [1, 2, 3, 4]\ndel a[1:3]\na = len(a)",
    "class A:\n    def __init__(self): self.d = {}\n    def __setitem__(self, k, v): self.d[k] = v\n    def __getitem__(self, k): return self.d[k]\n    def __delitem__(self, k): del self.d[k]\n    def __len__(self): return len(self.d)\n    def __contains__(self, k): return k in self.d\nb = A()\nb['x'] = 4\na = b['x'] + len(b) + ('x' in b)\ndel b['x']\na += len(b)",
    "class A:\n    def __add__(self, o): return o + 3\nb = A()\nb += 2\na = b",
    "class A:\n    def __iadd__(self, o):\n        self.n = o\n        return self\nb = A()\nb += 2\na = b.n",
    "class A:\n    def __call__(self, n): return n + 1\na = A()(3)",
    "class A:\n    @property\n    def n(self): return 4\n    @staticmethod\n    def s(k): return k\n    @classmethod\n    def c(cls, k): return cls.s(k) + 1\na = A().n + A.s(2) + A.c(3) + A().c(1)",
    "class A:\n    n = 2\n    def __getattr__(self, k): return 5\na = A().n + A().z",
    "class A:\n    def __eq__(self, o): return True\na = (A() == 3) + 1",
    "class A:\n    def __len__(self): return 0\na = 3 if A() else 4",
    "class A:\n    def __iter__(self): return iter([1, 2])\na = sum(A())",
    "class A:\n    def __iter__(self):\n        yield 3\na = sum(A())",
    "class A:\n    def f(self): return 2\nclass B(A):\n    def f(self): return super().f() + 1\na = B().f()",
    "class A:\n    def __init__(self, n): self.n = n\nclass B(A):\n    def __init__(self):\n        super().__init__(4)\na = B().n",
    "class A:\n    def __init__(self): self.x, self.y = 1, 2\na = len(vars(A()))",
    "A = type('A', (), {'n': 5})\na = A().n",
    "class A: pass\na = A()\na.x = 3\ndelattr(a, 'x')\na = getattr(a, 'x', 7)",
    "class A: pass\na = A()\nsetattr(a, 'x', 3)\na = a.x",
    "class A: pass\nclass B(A): pass\na = isinstance(B(), A) + isinstance(A(), B) + issubclass(B, A) + (type(B()) is B)",
    "from enum import Enum\nclass E(Enum):\n    P = 3\n    Q = 5\na = E.P.value + len(E) + E['Q'].value + E(5).value + len(E.Q.name) + len([e for e in E]) + (E.P is E(3)) + isinstance(E.P, E)",
    "from dataclasses import dataclass, field, replace, asdict\n@dataclass\nclass D:\n    p: int\n    q: list = field(default_factory=list)\n    r: int = 4\nd = D(1, [2, 3])\na = d.p + len(d.q) + d.r + replace(d, r=9).r + len(asdict(d)) + (d == D(1, [2, 3]))",
    "from typing import NamedTuple\nclass P(NamedTuple):\n    p: int\n    q: int = 2\na = P(1).q + P(3, 4)[0] + len(P(1)) + P(5)._replace(q=7).q + len(P(1)._asdict())",
    "from typing import NamedTuple\nclass P(NamedTuple):\n    p: int\np, = P(3)\na = p",
    "import inspect\ndef f(x, y=2, *, z=3): pass\na = len(inspect.signature(f).parameters) + inspect.signature(f).parameters['y'].default",
    "import inspect\nclass A:\n    def m(self): pass\ndef f(): pass\na = inspect.isfunction(f) + inspect.isclass(A) + inspect.ismethod(A().m) + inspect.isfunction(3)",
    "def g():\n    n = 1\n    def f():\n        nonlocal n\n        n += 3\n    f()\n    return n\na = g()",
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('-n', '--number', default=3)\np.add_argument('--off', action='store_false')\np.add_argument('--on', action='store_true', dest='x')\no = p.parse_args([])\na = o.number + o.off + o.x",
    "from types import SimpleNamespace\na = SimpleNamespace(b=4).b",
    "import keyword\na = keyword.iskeyword('for') + 1",
    "import functools\n@functools.lru_cache(maxsize=None)\ndef f(n): return n + 1\na = f(3)",
    "import functools\n@functools.wraps(len)\ndef f(n): return n + 1\na = f(3)",
    "from collections import defaultdict\nd = defaultdict(int)\nd['a'] += 3\na = d['a'] + d['b'] + len(d)",
    "from collections import defaultdict\nd = defaultdict(lambda: 4)\na = d[0]",
    "from collections import deque\nd = deque([1, 2])\nd.append(3)\nd.appendleft(0)\na = d.popleft() + d.pop() + len(d)",
    "from collections import OrderedDict\nd = OrderedDict(a=1, b=2)\nd.move_to_end('a')\na = list(d).index('a') + d.popitem(last=False)[1]",
    "import os\na = int(os.environ.get('NOPE', 4)) + int(os.getenv('NOPE', '3'))",
    "import sys\na = 4 if sys.version_info >= (3, 6) else 2",
    "import copy\nb = [[1]]\nc, d = copy.copy(b), copy.deepcopy(b)\nb[0].append(2)\na = len(c[0]) * 10 + len(d[0])",
    "a = 3\nif a > 2 and not a == 5:\n    a = 4\nelif a:\n    a = 1\nelse:\n    a = 0",
    "l = [3, 1, 2]\nl.sort()\nl.reverse()\nl.insert(0, 9)\nl.remove(1)\nl.extend([7])\na = l[0] + l[1] + len(l)\nl.clear()\na += len(l) + len(l.copy())",
    "d = {'a': 1}\nd.update({'b': 2}, c=3)\nd.update([('e', 4)])\na = len(d)\nd.clear()\na += len(d)",
    "s = {1}\ns.add(2)\ns.update([3, 4])\ns.discard(9)\na = len(s) + len(s.copy())",
    "a = [0]\nfor a[0] in range(3):\n    pass\na = a[0] + 1",
    "b = lambda *p, **q: len(p) + len(q)\na = b(*[1, 2], **{'c': 3})",
    "def f(p, /, q, *, r): return p + q + r\na = f(1, 2, r=3)",
    "def f(): return\na = 1 if f() is None else 2",
    "def f(n):\n    if n:\n        return f(n - 1) + 1\n    return 0\na = f(6)",
    "a = int()\nfor i, (b, c) in enumerate(zip([1, 2], [3, 4])):\n    a += i * b * c",
    "def f():\n    raise KeyError('k')\ntry:\n    try:\n        f()\n    except KeyError as e:\n        raise\nexcept LookupError:\n    a = 7",
    "class A:\n    n = 1\nA.n = 5\na = A().n",
    "import collections\nP = collections.namedtuple('P', 'p q')\na = (P(1, 2) == (1, 2)) + (P(1, 2) == P(1, 3)) + (P(1, 2) != P(1, 3)) + len(P(1, 2)) + sum(P(3, 4))",
    "from dataclasses import dataclass\n@dataclass\nclass D:\n    p: int\n@dataclass\nclass E:\n    p: int\na = (D(1) == D(1)) + (D(1) == D(2)) + (D(1) != D(1)) + (D(1) != 1) + (D(1) == E(1))",
    "from dataclasses import dataclass\n@dataclass\nclass D:\n    p: int\n    def __post_init__(self): self.q = self.p + 3\na = D(1).q",
    "from dataclasses import dataclass\n@dataclass\nclass D:\n    p: int = 1\n    q: int = 2\n@dataclass\nclass E(D):\n    r: int = 3\n    p: int = 4\n@dataclass\nclass F(E):\n    s: int = 5\nd, e = F(6, 7, 8, 9), E(q=10)\na = d.p + 10 * d.q + 100 * d.r + 1000 * d.s + 10**4 * e.p + 10**5 * e.q + 10**6 * e.r",
    "a = [1, 2, 3]\na[0], a[1:] = 7, [8]\na = sum(a)",
    "a = {1: 2}\nfor a[1], b in [(3, 4), (5, 6)]:\n    pass\na = a[1] + b",
    "a = 3\na -= 1\na *= 4\na //= 3\na **= 2\na %= 3\na |= 4\na <<= 2",
    "def f(*p, k=1, **q): return sum(p) + k + sum(q.values())\na = f(1, *(2, 3), k=4, **{'z': 5})",
    "a = 0\nfor i in [1, 2, 3]:\n    for j in range(3):\n        if j == 1:\n            break\n        a += i * 10 + j",
    "b = []\nfor i in range(3):\n    b.append(lambda i=i: i * i)\na = b[2]() + b[1]()",
    "class A:\n    def __init__(self): self.k = 1\n    def up(self):\n        self.k += 1\n        return self\na = A().up().up().k",
    "class A:\n    def __getitem__(self, i): return [2, 4, 6][i]\n    def __len__(self): return 3\na = sum(A()) + A()[1]",
    "class A:\n    def __contains__(self, k): return k == 4\na = (4 in A()) + (5 not in A()) + 1",
    "class A:\n    @property\n    def n(self): return self._n + 1\n    @n.setter\n    def n(self, v): self._n = v\nb = A()\nb._n = 4\na = b.n",
    "import types\na = types.SimpleNamespace(b=4)\na.c = 5\na = a.b + a.c",
    "import itertools\na = [len(list(g)) for g in [[1], [2, 3]]][1] + len(list(itertools.chain()))",
    "import inspect\nclass A:\n    def __init__(self, p, q=2): pass\na = len(inspect.signature(A).parameters)",
    "import math\na = 1\nif math.isclose(0.1 + 0.2, 0.3):\n    a = int(math.copysign(3, 1)) + int(math.degrees(math.pi)) + int(math.radians(360)) + int(math.exp(2)) + round(math.sin(0) + math.cos(0) + math.tan(0) + math.atan(0) + math.atan2(0, 1) + math.tanh(0) + math.erf(0))",
]


@pytest.mark.parametrize("lines", STATEMENTS)
def test_plain_statements_do_what_python_does(lines):
    assert channels(lines) == after(lines) > 0


# lines of `__init__` → the refusal's words and the code that it points at
REFUSED = [
    ("len(3)", "object of type 'int' has no len()", "len(3)"),
    ("len(torch.tensor(3))", "TypeError: len() of a tensor without axes", "len(torch.tensor(3))"),
    ("len(nn.ReLU())", "TypeError: a ReLU has no len()", "len(nn.ReLU())"),
    ("range(2.5)", "TypeError: range() takes whole numbers, not 2.5", "range(2.5)"),
    ("int('abc')", "ValueError: invalid literal for int() with base 10: 'abc'", "int('abc')"),
    ("int('12', 2)", "ValueError: invalid literal for int() with base 2: '12'", "int('12', 2)"),
    ("int(12, 2)", "TypeError: int() takes a text and its base", "int(12, 2)"),
    ("int([1])", "TypeError: a list is not a number", "int([1])"),
    ("int('1' * 50)", "TypeError: a str is not a number", "int('1' * 50)"),
    ("int(float('inf'))", "OverflowError: cannot convert float infinity to integer", "int(float('inf'))"),
    ("next([1])", "TypeError: a list is not an iterator", "next([1])"),
    ("next(iter([]))", "StopIteration", "next(iter([]))"),
    ("max([])", "ValueError: the largest or smallest of nothing", "max([])"),
    ("max([1, 'a'])", "TypeError: a str and 1 are not compared", "max([1, 'a'])"),
    ("round(2.5, 'a')", "TypeError: digits are a whole number", "round(2.5, 'a')"),
    ("round(2.5, 99)", "round to 99 digits", "round(2.5, 99)"),
    ("getattr(self, 3)", "TypeError: an attribute's name is a string", "getattr(self, 3)"),
    ("setattr(self, 3, 4)", "TypeError: an attribute's name is a string", "setattr(self, 3, 4)"),
    ("getattr(self, 'odd')", "AttributeError: a Net has no 'odd'", "getattr(self, 'odd')"),
    ("dict([1])", "TypeError: 1 cannot be iterated over", "dict([1])"),
    ("list(map(3, [1]))", "TypeError: 3 is called", "list(map(3, [1]))"),
    ("complex(1)", "complex() is not read here", "complex(1)"),
    ("math.sqrt(-1)", "math domain error", "math.sqrt(-1)"),
    ("math.sqrt('a')", "TypeError: math.sqrt of a str", "math.sqrt('a')"),
    ("math.prod([2], of=3)", "math.prod with of is not read here", "math.prod([2], of=3)"),
    ("functools.reduce(max, [])", "TypeError: reduce() of nothing", "functools.reduce(max, [])"),
    ("itertools.repeat(1)", "itertools.repeat without an end is not read here", "itertools.repeat(1)"),
    ("itertools.product(range(999), repeat=3)", "a product of lists is too long", "itertools.product(range(999), repeat=3)"),
    ("re.match('a', 3)", "TypeError: a pattern and a text are strings", "re.match('a', 3)"),
    ("re.match('(', 'a')", "error: missing ), unterminated subpattern", "re.match('(', 'a')"),
    ("re.match('(a*)*', 'a')", "the pattern '(a*)*' is not read here", "re.match('(a*)*', 'a')"),
    ("re.sub('a', len, 'b')", "re.sub with a function is not read here", "re.sub('a', len, 'b')"),
    ("'{0.a}'.format(1)", "the format '0.a' is not read here", "'{0.a}'.format(1)"),
    ("'{:{}}'.format(1, 2)", "a format inside a format is not read here", "'{:{}}'.format(1, 2)"),
    ("'%d' % 'a'", "TypeError: %d format: a real number is required, not str", "'%d' % 'a'"),
    ("'%(a)s' % {}", "KeyError: 'a'", "'%(a)s' % {}"),
    ("'a'.ljust(5000)", "ljust of 5,000 characters", "'a'.ljust(5000)"),
    ("'a'.odd", "AttributeError: a str has no 'odd' here", "'a'.odd"),
    ("'-'.join(['a'] * 150_000 + ['b' * 60_000])", "a string grows too long", "'-'.join("),
    ("('a' * 9_000).replace('a', 'b' * 9_000)", "a string grows too long", "('a' * 9_000).replace("),
    ("[].pop()", "IndexError: there is no item -1 to take out", "[].pop()"),
    ("[1].index(2)", "ValueError: 2 is not in it", "[1].index(2)"),
    ("{}.pop('a')", "KeyError: 'a'", "{}.pop('a')"),
    ("{}.popitem()", "KeyError: an empty dict has no item", "{}.popitem()"),
    ("{1}.remove(2)", "KeyError: 2", "{1}.remove(2)"),
    ("(1, 2)[2]", "IndexError: 2 of 2 items", "(1, 2)[2]"),
    ("[1]['a']", "TypeError: an index is a whole number, not a str", "[1]['a']"),
    ("a, b = 1, 2, 3", "ValueError: 3 values are unpacked into 2 names", "a, b = 1, 2, 3"),
    ("a, *b, c = [1]", "ValueError: 1 values are too few to unpack", "a, *b, c = [1]"),
    ("a = [1]\na[5] = 2", "IndexError: list assignment index out of range", "a[5] = 2"),
    ("a = [1]\na['x'] = 2", "TypeError: list indices must be integers or slices, not str", "a['x'] = 2"),
    ("a = (1,)\na[0] = 2", "TypeError: a tuple takes no items", "a[0] = 2"),
    ("a = [1]\na[torch.odd] = 2", "torch.odd, which is not known here", "a[torch.odd] = 2"),
    ("a = [1] * 150_000\na += a", "a list grows beyond 200,000 items", "a += a"),
    ("for a in 3: pass", "TypeError: 3 cannot be iterated over", "for a in 3: pass"),
    ("assert 0, 'odd'", "AssertionError: odd", "assert 0, 'odd'"),
    ("assert len([])", "AssertionError: 'len([])'", "assert len([])"),
    ("raise ValueError('odd')", "ValueError: odd", "raise ValueError('odd')"),
    ("raise ValueError", "ValueError", "raise ValueError"),
    ("raise", "RuntimeError: there is no exception to raise again", "raise"),
    ("try:\n    raise ValueError('odd')\nexcept KeyError: pass", "ValueError: odd", "raise ValueError('odd')"),
    ("a = [1]\ndel a[5]", "KeyError: there is no such item to delete", "del a[5]"),
    ("del self.odd", "AttributeError: there is no 'odd' to delete", "del self.odd"),
    ("a = (1,)\ndel a[0]", "'del a[0]' is not read here", "del a[0]"),
    ("a = 1\ndel (a,)", "'del (a,)' is not read here", "del (a,)"),
    ("match 3:\n    case int(): pass", "the pattern 'int()' is not read here", "match 3:"),
    ("match torch.odd:\n    case 3: pass", "torch.odd, which is not known here", "match torch.odd:"),
    ("class A: pass\nA()[0] = 1", "TypeError: a A takes no items", "A()[0] = 1"),
    ("class A: pass\nA()()", "TypeError: a A is called", "A()()"),
    ("class A: pass\nA(3)", "TypeError: A() takes no values", "A(3)"),
    ("def f(p, /): return p\nf(p=1)", "TypeError: f() takes no 'p'", "f(p=1)"),
    ("from enum import Enum\nclass E(Enum):\n    P = 3\nE(4)", "ValueError: no E has this value", "E(4)"),
    ("from dataclasses import dataclass\n@dataclass\nclass D:\n    p: int\nD()", "D() needs 'p'", "D()"),
    ("nn.Sequential(3)", "TypeError: 3 is not a Module subclass", "nn.Sequential(3)"),
    ("nn.Sequential(torch.odd)", "torch.odd, which is not known here", "nn.Sequential(torch.odd)"),
    ("nn.Sequential(nn.ReLU())[1]", "IndexError: 1 of 1 modules", "nn.Sequential(nn.ReLU())[1]"),
    ("nn.ModuleDict({'a': nn.ReLU()})['b']", "KeyError: 'b'", "nn.ModuleDict({'a': nn.ReLU()})['b']"),
    ("m = nn.ModuleList([nn.ReLU()])\nm[1] = nn.ReLU()", "IndexError: 1 of 1 modules", "m[1] = nn.ReLU()"),
    ("nn.ModuleList().append(3)", "TypeError: 3 is not a Module subclass", "nn.ModuleList().append(3)"),
    ("self.add_module(3, nn.ReLU())", "TypeError: a module's name is a string", "self.add_module(3, nn.ReLU())"),
    ("self.get_submodule('odd')", "AttributeError: a Net has no 'odd'", "self.get_submodule('odd')"),
    ("torch.zeros(2, -1)", "RuntimeError: a tensor of (2, -1) has an axis below 0", "torch.zeros(2, -1)"),
    ("np.array([1, 2])[5]", "IndexError: 5 of 2 values", "np.array([1, 2])[5]"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "words", "code"), REFUSED)
def test_what_python_would_raise_is_refused_with_its_line(lines, words, code):
    with pytest.raises(SpecError) as refusal:
        read_text(net(f"{lines}\nself.c = nn.Conv2d(3, 4, 1)", "return self.c(x)"))
    first, second, *_ = str(refusal.value).splitlines()
    assert words in first
    place, _, line = second.strip().partition("   ")
    assert line.startswith(code)
    if "…" not in line:
        written = [one.strip() for one in net(lines, "").splitlines()]
        assert place == f"text:{written.index(line) + 1}"


# expressions of a value that is not known: none of them is a number of channels
UNKNOWN = """
max([torch.odd, 3])
max([1, 2], key=torch.odd)
math.ceil(torch.odd)
next(torch.odd)
hasattr(torch.odd, "x") + 1
issubclass(torch.odd, nn.Module) + 1
isinstance(torch.odd, (int, nn.Module)) + 1
bool(torch.odd) + 1
len(str(torch.odd))
len(f"{torch.odd:>9}")
len("{}".format(torch.odd))
len("%s" % torch.odd)
len("-".join(["a", torch.odd]))
len(torch.odd)
len(range(torch.odd))
len(sorted([1, torch.odd]))
len(dict(torch.odd))
len({torch.odd: 1})
len([one for one in torch.odd])
len(re.findall("a", torch.odd))
1 if torch.odd else 2
(not torch.odd) + 1
torch.odd + 1
3 - torch.odd
-torch.odd
(torch.odd == 3) + 1
(3 in torch.odd) + 1
(torch.odd in [3]) + 1
int(torch.odd)
abs(torch.odd)
round(torch.odd)
torch.odd.value
torch.odd[0]
torch.odd(3)
type(torch.odd)
int(np.any(torch.odd))
""".strip().split("\n")  # fmt: skip


@pytest.mark.parametrize("expression", UNKNOWN)
def test_what_is_not_known_is_never_taken_for_a_number(expression):
    with pytest.raises(SpecError) as refusal:
        channels(f"a = {expression}")
    assert "odd" in str(refusal.value).splitlines()[0]
    assert "is not known here" in str(refusal.value)


# questions about tensors and modules whose answer is 1 or True
ASKED = """
type(torch.zeros(2)) is torch.Tensor
type(nn.ReLU()) is nn.ReLU
"weight" not in vars(nn.ReLU())
"relu" in vars(F)
list(inspect.signature(nn.Conv2d).parameters)[:3] == ["in_channels", "out_channels", "kernel_size"]
int(torch.tensor(3.7)) == 3
bool(torch.tensor(1)) and not bool(torch.tensor(0))
len(torch.zeros(3, 2)) == 3
range(torch.tensor(3)) == range(3)
abs(torch.tensor(-3)).item() == 3
round(torch.tensor(2)).item() == 2
math.sqrt(torch.tensor(4)) == 2
torch.tensor([3, 4]).tolist() == [3, 4]
torch.tensor([1, 2, 3, 4]).view(2, 2).tolist() == [[1, 2], [3, 4]]
torch.tensor([1, 2, 3, 4]).view(2, 2).t().flatten().tolist() == [1, 3, 2, 4]
torch.tensor([1, 4, 9]).diff().tolist() == [3, 5]
torch.tensor([3, 4])[1:].tolist() == [4]
torch.stack([torch.tensor(3), torch.tensor(4)]).tolist() == [3, 4]
torch.tensor([1, 2, 3]).split([1, 2])[1].tolist() == [2, 3]
(torch.tensor([1, 2]) * 3 + torch.tensor([0, 1])).tolist() == [3, 7]
(10 - torch.tensor([1, 2])).tolist() == [9, 8]
torch.tensor(3) > torch.tensor(2)
torch.tensor([4., 9.]).sqrt().tolist() == [2, 3]
(-torch.tensor([1, 2])).tolist() == [-1, -2]
nn.ReLU() != None and (torch.zeros(2) == None) is False and torch.zeros(2) != "a"
torch.zeros(2).type() == "torch.FloatTensor"
torch.zeros(2).get_device() == -1 and torch.zeros(2).is_contiguous() and torch.zeros(2).grad is None
not torch.zeros(2).requires_grad and nn.Parameter(torch.zeros(2)).requires_grad
""".strip().split("\n")  # fmt: skip


@pytest.mark.parametrize("expression", ASKED)
def test_numbers_of_short_tensors_are_those_of_pytorch(expression):
    assert channels(f"a = 7 if {expression} else 2") == 7


# lines of `__init__` and of `forward`; the parameters and the output for 5x6x3, counted by hand
MODULES = {
    "children one by one": (
        "self.a, self.b = nn.Conv2d(3, 4, 1), nn.Sequential(nn.Conv2d(4, 2, 1), nn.ReLU())",
        "for m in self.children():\n    x = m(x)\nreturn x", 26, (2, 5, 6),
    ),
    "children by their names": (
        "self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)",
        "for name, m in self.named_children():\n    x = m(x) if name == 'a' else x\nreturn x", 26, (4, 5, 6),
    ),
    "paths of modules": (
        "self.s = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1))\n"
        "assert [n for n, _ in self.named_modules()] == ['', 's', 's.0', 's.1']",
        "return self.get_submodule('s.0')(x)", 26, (4, 5, 6),
    ),
    "parameters and their names": (
        "self.a = nn.Conv2d(3, 4, 1)\nassert sum(p.numel() for p in self.parameters()) == 4 * 3 + 4\n"
        "assert [n for n, _ in self.named_parameters()] == ['a.weight', 'a.bias']",
        "return self.a(x)", 16, (4, 5, 6),
    ),
    "modules and parameters that are registered": (
        "self.register_module('c', nn.Conv2d(3, 4, 1))\nself.register_parameter('b', None)\n"
        "self.register_parameter('w', nn.Parameter(torch.zeros(4, 1, 1)))",
        "return self.c(x) * self.w", 20, (4, 5, 6),
    ),
    "settings and attributes": (
        "setattr(self, 'c', nn.Conv2d(3, 4, 1).eval().to('cpu').apply(print))\n"
        "self.__setattr__('d', nn.Conv2d(4, 2, 1))\nself.load_state_dict(self.state_dict())\n"
        "assert self.c._get_name() == 'Conv2d' and not self.extra_repr()",
        "return getattr(self, 'd')(self.__getattr__('c')(x))", 26, (2, 5, 6),
    ),
    "a list that grows": (
        "self.m = nn.ModuleList([nn.Conv2d(3, 4, 1)])\nself.m.append(nn.Conv2d(4, 5, 1))\n"
        "self.m.extend([nn.Conv2d(5, 6, 1)])\nself.m.insert(0, nn.Conv2d(3, 3, 1))\nself.m += [nn.ReLU()]",
        "for m in self.m:\n    x = m(x)\nreturn x", 12 + 16 + 25 + 36, (6, 5, 6),
    ),
    "a list of which items go": (
        "m = nn.ModuleList([nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1)])\nself.k = m.pop(1)\n"
        "m[-1] = nn.Conv2d(4, 7, 1)\nself.m = m[:1] + [m[1]]\nassert len(self.m) == 2",
        "return self.k(self.m[1](self.m[0](x)))", 16 + 35, (7, 5, 6),
    ),
    "parts of a sequence": (
        "s = nn.Sequential(collections.OrderedDict(a=nn.Conv2d(3, 4, 1), b=nn.Conv2d(4, 2, 1)))\n"
        "assert s.a is s[0] is s['a']\nself.s, self.t = s[:1], s[1:]\nself.s.append(nn.ReLU())",
        "return self.t(self.s(x))", 26, (2, 5, 6),
    ),
    "a sequence that is changed": (
        "self.s = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1), nn.ReLU())\ndel self.s[1:]\n"
        "self.s.add_module('x', nn.Conv2d(4, 1, 1))\nself.s[0] = nn.Conv2d(3, 4, 1, bias=False)",
        "return self.s(x)", 12 + 5, (1, 5, 6),
    ),
    "a dict of modules": (
        "self.d = nn.ModuleDict({'a': nn.Conv2d(3, 4, 1)})\nself.d['b'] = nn.Conv2d(4, 2, 1)\n"
        "self.d.update(nn.ModuleDict([('e', nn.ReLU())]))\nself.k = self.d.pop('b')\n"
        "assert list(self.d) == self.d.keys() == ['a', 'e'] and 'a' in self.d and not self.d.get('b')",
        "for key, m in self.d.items():\n    x = m(x)\nreturn self.k(x)", 26, (2, 5, 6),
    ),
    "parameters in a list and a dict": (
        "self.p = nn.ParameterList([nn.Parameter(torch.zeros(3, 1, 1)) for _ in range(2)])\n"
        "self.q = nn.ParameterDict({'a': nn.Parameter(torch.zeros(1, 5, 6))})",
        "for p in self.p:\n    x = x * p\nreturn x + self.q['a']", 6 + 30, (3, 5, 6),
    ),
    "what modules and tensors are": (
        "import types\nself.c = nn.Conv2d(3, 2, 1)\nw = self.c.weight\n"
        "assert isinstance(w, torch.Tensor) and isinstance(w, nn.Parameter)\n"
        "assert isinstance(self.c, (int, nn.Module)) and not isinstance(self.c, nn.Sequential)\n"
        "assert callable(self.c) and not callable(w)\n"
        "assert isinstance(math, types.ModuleType) and isinstance(lambda: 0, types.FunctionType)",
        "assert isinstance(x, torch.Tensor) and not isinstance(x, (int, list, nn.Parameter))\n"
        "return self.c(x)", 8, (2, 5, 6),
    ),
    "a function with a context": (
        "class Square(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
        "        ctx.save_for_backward(x)\n        return x * x\n"
        "self.f, self.c = Square.apply, nn.Conv2d(3, 2, 1)",
        "return self.c(self.f(x))", 8, (2, 5, 6),
    ),
    "pairs, sizes and where it runs": (
        "from torch.nn.modules.utils import _ntuple, _pair\nassert _pair((1, 2)) == (1, 2)\n"
        "assert not torch.cuda.is_available() and not torch.is_tensor(3)\n"
        "self.c = nn.Conv2d(3, _pair(4)[1] + len(torch.Size([1, 2])), _ntuple(2)(1))",
        "with torch.no_grad():\n    return self.c(x)", 24, (6, 5, 6),
    ),
    "numbers of numpy": (
        "a = np.prod([1, 2]) + np.sum([1, 2]) + np.mean([2, 4]) + np.cumsum([1, 2])[1] + np.maximum(2, 3)\n"
        "b = np.power(2, 2) + np.any([0, 1]) + np.all(np.array([1, 0])) + len(np.atleast_1d(3))\n"
        "self.c = nn.Conv2d(3, int(a) + int(b) + int(np.max(np.array([1, 5]))), 1)",
        "return self.c(x)", 4 * (2 + 3 + 3 + 3 + 3 + 4 + 1 + 1 + 5), (25, 5, 6),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_modules_hold_and_give_what_those_of_pytorch_do(name):
    init, forward, params, output = MODULES[name]
    summary = summarize(read_text(net(init, forward)).network, (3, 5, 6))
    assert (summary.params, summary.output) == (params, output)


# expressions of a tensor x of 1x4x6x8 → the shape that einops and PyTorch give, by their rules
SHAPES = {
    "rearrange(x, 'b c h w -> b h w c')": (1, 6, 8, 4),
    "rearrange(x, 'b c h w -> b (h w) c')": (1, 48, 4),
    "rearrange(x, 'b c (h p) (w q) -> b (p q c) h w', p=2, q=2)": (1, 16, 3, 4),
    "rearrange(x, 'b (g c) h w -> (b g) c h w', g=2)": (2, 2, 6, 8),
    "rearrange(x, 'b ... -> b (...)')": (1, 192),
    "rearrange(x, 'b c ... -> b ... c')": (1, 6, 8, 4),
    "rearrange(x, 'b c h w -> b c h w ()')": (1, 4, 6, 8, 1),
    "rearrange(x, '1 c h w -> c h w')": (4, 6, 8),
    "rearrange(x, 'b (1 c) h w -> (b 1) c h w')": (1, 4, 6, 8),
    "rearrange([x, x], 'n b c h w -> b (n c) h w')": (1, 8, 6, 8),
    "reduce(x, 'b c h w -> b c', 'mean')": (1, 4),
    "reduce(x, 'b c h w -> b c 1 1', 'max')": (1, 4, 1, 1),
    "reduce(x, 'b c (h 2) (w 4) -> b c h w', 'max')": (1, 4, 3, 2),
    "reduce(x, 'b c (h p) (w q) -> b c h w', 'sum', p=3, q=4)": (1, 4, 2, 2),
    "reduce(x, 'b c ... -> c', reduction='min')": (4,),
    "reduce(x, 'b c 6 w -> b c w', 'prod')": (1, 4, 8),
    "repeat(x, 'b c h w -> b (r c) h w', r=3)": (1, 12, 6, 8),
    "repeat(x, 'b c h w -> b c (h 2) (w 2)')": (1, 4, 12, 16),
    "repeat(x, 'b c h w -> b c h w n', n=5)": (1, 4, 6, 8, 5),
    "pack([x, x[:, 0]], 'b * h w')[0]": (1, 5, 6, 8),
    "unpack(x, [[1], [3]], 'b * h w')[1]": (1, 3, 6, 8),
    "unpack(x, [[2, 2]], 'b * h w')[0]": (1, 2, 2, 6, 8),
    "unpack(x, [[], [-1]], 'b * h w')[1]": (1, 3, 6, 8),
    "unpack(*pack([x, x[:, 0]], 'b * h w'), 'b * h w')[1]": (1, 6, 8),
    "einsum(x, x, 'b c h w, b d h w -> b c d')": (1, 4, 4),
    "einsum(x, '... one two -> ... two one')": (1, 4, 8, 6),
    "Rearrange('b c (h p) (w q) -> b h w (p q c)', p=2, q=4)(x)": (1, 3, 2, 32),
    "Reduce('b c (h p) w -> b c h w', reduction='mean', p=2)(x)": (1, 4, 3, 8),
    "Reduce('b c h w -> b c', 'max')(x)": (1, 4),
    "torch.einsum('bchw,bdhw->bcd', [x, x])": (1, 4, 4),
    "torch.einsum('bchw', x)": (1, 4, 6, 8),
    "torch.einsum('wchb', x)": (8, 4, 6, 1),
    "torch.einsum('...hw,...hv', x, x)": (1, 4, 8, 8),
    "torch.matmul(x, x.transpose(2, 3))": (1, 4, 6, 6),
    "torch.matmul(x, torch.zeros(8))": (1, 4, 6),
    "torch.matmul(torch.zeros(6), x)": (1, 4, 8),
    "torch.bmm(x[0], x[0].transpose(1, 2))": (4, 6, 6),
    "torch.addmm(x[0, 0], x[0, 0, :, :2], x[0, 0, :2])": (6, 8),
    "torch.outer(x[0, 0, 0], x[0, 0, :, 0])": (8, 6),
    "torch.cdist(x, x[:, :1, :3])": (1, 4, 6, 3),
    "torch.cdist(x[0, 0], x[0, 0, :3])": (6, 3),
    "F.scaled_dot_product_attention(x, x[:, :, :3], x[:, :, :3, :5])": (1, 4, 6, 5),
    "F.glu(x, 1)": (1, 2, 6, 8),
    "torch.diff(x, 2, 1)": (1, 2, 6, 8),
    "torch.diff(torch.arange(8)) + x[..., :7]": (1, 4, 6, 7),
    "torch.diff(torch.arange(9), 2) + x[..., :7]": (1, 4, 6, 7),
    "F.one_hot(x.long(), 5)": (1, 4, 6, 8, 5),
    "F.normalize(x, dim=1)": (1, 4, 6, 8),
    "torch.view_as_real(torch.fft.rfft(x))": (1, 4, 6, 5, 2),
    "torch.fft.irfft(x[..., :5])": (1, 4, 6, 8),
    "torch.view_as_complex(x.view(1, 4, 6, 4, 2))": (1, 4, 6, 4),
    "torch.where(x > 0, x, x[:, :1])": (1, 4, 6, 8),
    "x.masked_fill(x[:, :1] > 0, 0.)": (1, 4, 6, 8),
    "F.leaky_relu(x, 0.1) + F.rrelu(x) + abs(x) + ~x + (-x)": (1, 4, 6, 8),
    "torch.tensor([1., 4.]).sqrt()[1] * x + torch.tensor([3.7]).int()": (1, 4, 6, 8),
    "torch.tensor([1, 2, 3, 4]).view(4, 1, 1) + x": (1, 4, 6, 8),
    "x[:, int(torch.tensor([1, 2]).add(torch.tensor([0, 1]))[1])]": (1, 6, 8),
    "x.flatten(0, 1)": (4, 6, 8),
    "x.flatten()": (192,),
    "x.flatten(2, 1)": (1, 4, 6, 8),
    "x.unflatten(1, (2, -1))": (1, 2, 2, 6, 8),
    "x.permute(dims=(0, 2, 3, 1))": (1, 6, 8, 4),
    "x.movedim((1, 2), (2, 1))": (1, 6, 4, 8),
    "torch.movedim(x, 1, -1)": (1, 6, 8, 4),
    "x[:, :1].squeeze(1)": (1, 6, 8),
    "x.squeeze((0, 1))": (4, 6, 8),
    "torch.atleast_2d(x[0, 0, 0])": (1, 8),
    "torch.atleast_3d(x[0, 0, 0])": (1, 8, 1),
    "torch.atleast_3d(x[0, 0])": (6, 8, 1),
    "torch.hstack([x[0, 0, 0], x[0, 0, 0]])": (16,),
    "torch.vstack([x[0, 0, 0], x[0, 0, 0]])": (2, 8),
    "torch.dstack([x[0, 0], x[0, 0]])": (6, 8, 2),
    "x[:, :1].expand_as(x)": (1, 4, 6, 8),
    "x.repeat(2, 1, 1, 1, 1)": (2, 1, 4, 6, 8),
    "x.repeat_interleave(2)": (384,),
    "x.repeat_interleave(2, 1)": (1, 8, 6, 8),
    "x.view(-1, 8)": (24, 8),
    "x.reshape(shape=(1, 192))": (1, 192),
    "x.view(torch.float16)": (1, 4, 6, 8),
    "x[0, 0].t()": (8, 6),
    "x.mT": (1, 4, 8, 6),
    "torch.cat((x, x), axis=2)": (1, 4, 12, 8),
    "torch.cat([torch.zeros(0), x], 1)": (1, 4, 6, 8),
    "torch.cat([x, x])": (2, 4, 6, 8),
    "torch.stack([x, x], 2)": (1, 4, 2, 6, 8),
    "x.chunk(3, 1)[1]": (1, 2, 6, 8),
    "x.split(3, 1)[1]": (1, 1, 6, 8),
    "x.split(split_size=2, dim=3)[3]": (1, 4, 6, 2),
    "x.select(1, -1)": (1, 6, 8),
    "x.index_select(1, torch.tensor(1))": (1, 1, 6, 8),
    "x.gather(1, x[:, :2].long())": (1, 2, 6, 8),
    "torch.diagonal(x, 3, 2, 3)": (1, 4, 5),
    "torch.diagonal(x, -2, 2, 3)": (1, 4, 4),
    "x.unfold(2, 3, 2)": (1, 4, 2, 8, 3),
    "x.transpose_(1, 2)": (1, 6, 4, 8),
    "x.add_(1).clamp_(0, 1)": (1, 4, 6, 8),
    "F.cosine_similarity(x, x)": (1, 6, 8),
    "x.tensor_split(3, 1)[0]": (1, 2, 6, 8),
    "x.tensor_split(3, 1)[2]": (1, 1, 6, 8),
    "torch.tensor_split(x, [2, 5, -1], dim=3)[1]": (1, 4, 6, 3),
    "torch.tensor_split(x, [2, 5, -1], dim=3)[2]": (1, 4, 6, 2),
    "torch.hsplit(x, 2)[1]": (1, 2, 6, 8),
    "torch.dsplit(x, (1, 3))[1]": (1, 4, 2, 8),
    "x.split_with_sizes([1, 3], 1)[1]": (1, 3, 6, 8),
    "torch.tensordot(x, torch.randn(8, 5), dims=([3], [0]))": (1, 4, 6, 5),
    "torch.tensordot(x, torch.randn(6, 8, 5))": (1, 4, 5),
    "torch.tensordot(x, torch.randn(3, 4), [[1], [1]])": (1, 6, 8, 3),
    "torch.inner(x, torch.randn(5, 8))": (1, 4, 6, 5),
    "torch.linalg.multi_dot([x[0, 0], torch.randn(8, 3), torch.randn(3, 2)])": (6, 2),
    "torch.kron(x[0, 0], torch.ones(2, 3, 2))": (2, 18, 16),
    "torch.linalg.vector_norm(x, dim=1)": (1, 6, 8),
    "x.kthvalue(2, 1).values": (1, 6, 8),
    "x.mode(1, True)[0]": (1, 1, 6, 8),
    "x.cummax(1).indices": (1, 4, 6, 8),
    "x.quantile(0.5, dim=1)": (1, 6, 8),
    "torch.quantile(x, torch.tensor([0.1, 0.9]), 1, keepdim=True)": (2, 1, 1, 6, 8),
    "torch.special.expit(x).hypot(x).fmax(x[:, :1])": (1, 4, 6, 8),
    "torch.nansum(x, 1).nanmean(-1)": (1, 6),
    "F.rms_norm(x, (6, 8))": (1, 4, 6, 8),
    "torch.jit.is_scripting() and 3 or x": (1, 4, 6, 8),
    "x.is_contiguous() and x": (1, 4, 6, 8),
    "x[:, :x.new_zeros(2, 3).shape[1]]": (1, 3, 6, 8),
    "x[:, :x.dim() + x.size(0) - x.ndim]": (1, 1, 6, 8),
}  # fmt: skip


@pytest.mark.parametrize(("expression", "shape"), SHAPES.items())
def test_tensors_have_the_shapes_of_einops_and_pytorch(expression, shape):
    forward = f"x = F.relu(x)\ny = {expression}\nassert y.shape == {shape}, y.shape\nreturn x, y"
    network = read_text(net("pass", forward)).network.at((4, 6, 8))
    assert network.stopped is None


# expressions of the same tensor that einops and PyTorch refuse → what is said here
MISFITS = {
    "rearrange(x, 'b c h w -> b c h')": "w occurs only on the left side of the pattern",
    "rearrange(x, 'b c h w -> b c h w d', d=3)": "d occurs only on the right side of the pattern",
    "rearrange(x, 'b c h w -> b c h w h')": "h occurs twice on one side of the pattern",
    "rearrange(x, 'b c c w -> b c w')": "c occurs twice on one side of the pattern",
    "rearrange(x, 'b c h w -> b c h w', p=2)": "a length is given for p, which is not in the pattern",
    "rearrange(x, 'b c h w -> (b c h w')": "'(b c h w' is not a side of a pattern of einops",
    "rearrange(x, 'b c h w -> b -> c')": "'b -> c' is not a side of a pattern of einops",
    "rearrange(x, 'b c h w -> b ... c h w')": "... occurs only on the right side of the pattern",
    "rearrange(x, 'b ... w -> b w')": "... occurs only on the left side of the pattern",
    "rearrange(x, 'b c (h 2) w -> b c h w 2')": "2 occurs only on the left side of the pattern",
    "rearrange(x, 'b c h w')": "'b c h w' is not a pattern of einops",
    "rearrange(x, 'b c h -> b h c')": "a pattern of 3 axes meets (1, 4, 6, 8)",
    "rearrange(x, 'b c (h p) w -> b c h (p w)', p=4)": "an axis of 6 is not (h p) of 4",
    "rearrange(x, 'b c (h p) w -> b c h p w')": "the lengths of h, p are not known",
    "rearrange(x, 'b c h w -> b h w c', c=5)": "an axis of 4 is not (c) of 5",
    "rearrange(3, 'b c -> c b')": "3 is given where a tensor belongs",
    "reduce(x, 'b c h w -> b c', 'median')": "reduce takes min, max, sum, mean, prod, any, all, not 'median'",
    "reduce(x, 'b c h w -> b c')": "missing a required argument: 'reduction'",
    "reduce(x, 'b c h w -> b c d', 'mean', d=3)": "d occurs only on the right side of the pattern",
    "reduce(x, 'b c 5 w -> b c w', 'mean')": "an axis of 6 is not (5) of 5",
    "repeat(x, 'b c h w -> b c h')": "w occurs only on the left side of the pattern",
    "repeat(x, 'b c h w -> b c h w n')": "the length of n is not known",
    "pack([x], 'b h w')": "'b h w' has not one * in it",
    "unpack(x, [[1], [2]], 'b * h w')": "split into [1, 2] of 4",
    "einsum(x, 'b c h w -> b z')": "e is in none of its tensors",
    "torch.einsum('bch->bc', x)": "einsum 'bch->bc' of (1, 4, 6, 8)",
    "torch.einsum('bchh->bc', x)": "h is 6 and 8",
    "torch.einsum('bchw,bchw->b', x)": "of 1 tensors",
    "torch.einsum('bchw->bbc', x)": "b is twice in what it gives",
    "torch.matmul(x, x)": "8 meets 6",
    "torch.bmm(x, x.transpose(2, 3))": "bmm takes a tensor of 3 axes, not (1, 4, 6, 8)",
    "torch.outer(x, x)": "outer takes two vectors",
    "torch.cdist(x, x[..., :3])": "cdist of rows of (1, 4, 6, 8) and (1, 4, 6, 3)",
    "F.scaled_dot_product_attention(x, x[..., :3], x)": "a query meets keys as long",
    "F.glu(x[:, :3], 1)": "glu halves an axis, which is of 3",
    "F.one_hot(x.long())": "depends on the values of a tensor",
    "torch.view_as_complex(x)": "whose last axis is not of 2",
    "torch.tensor(3).atan2(torch.tensor(2))": "atan2 of single values is not read here",
    "x + [1]": "a list and a tensor do not add",
    "x + torch.odd": "torch.odd, which is not known here",
    "x.view(-1, -1)": "a view of [-1, -1]",
    "x.view(torch_odd.size)": "'torch_odd' is not defined",
    "x.permute(0, 1, 2)": "permute(0, 1, 2) of 4 axes",
    "x.movedim((1, 2), (1,))": "movedim of 2 axes to 1 places",
    "x.flatten(5)": "axis 5 of a tensor of 4 axes",
    "x.expand(1, 5, 6, 8)": "expand of (1, 4, 6, 8) to (1, 5, 6, 8)",
    "x.t()": "t() takes a tensor of 2 axes at most",
    "torch.cat([x, x[0]], 1)": "cat of (1, 4, 6, 8) and (4, 6, 8) along 1",
    "torch.cat([], 1)": "cat of no tensors",
    "torch.stack([])": "stack of no tensors",
    "torch.stack([x, x[:, 1:]])": "stack of tensors of different shapes",
    "x.chunk(0, 1)": "chunk into 0 pieces",
    "x.split(-1, 1)": "split into pieces of -1",
    "x.split([1, 2], 1)": "split into [1, 2] of 4",
    "x[:, 4]": "index 4 of an axis of 4",
    "x[:, 0, 0, 0, 0]": "5 indices of a tensor of 4 axes",
    "x[:, ::-1]": "a step of a tensor is above 0, not -1",
    "x[torch.odd]": "torch.odd, which is not known here",
    "x.gather(1, x[0].long())": "gather from (1, 4, 6, 8) by an index of (4, 6, 8)",
    "x.gather(1, torch.zeros(4, 1, 6, 8).long())": "gather from (1, 4, 6, 8) by an index of (4, 1, 6, 8)",
    "torch.where(x > 0)": "where of a condition alone depends on the values of a tensor",
    "x.tensor_split(0, 1)": "tensor_split into 0 pieces",
    "torch.hsplit(x, 3)": "an axis of 4 in 3 equal pieces",
    "torch.tensordot(x, x, 2)": "tensordot of (1, 4, 6, 8) and (1, 4, 6, 8) over 2",
    "F.rms_norm(x, (6,))": "rms_norm of the last axes (6,) meets (1, 4, 6, 8)",
    "x.unfold(2, 9, 1)": "windows of 9 every 1 along an axis of 6",
    "x.unfold(2, 3, 0)": "windows of 3 every 0 along an axis of 6",
    "x.odd": "a tensor's 'odd' is not known here",
    "[row for row in torch.zeros(5_000, 2)]": "a tensor's 5,000 items are walked one by one",
    "torch.zeros(20_000).split(1)": "a split into 20,000 pieces",
    "nn.Sequential()(x, x)": "Sequential takes one value, not 2",
}  # fmt: skip


@pytest.mark.parametrize(("expression", "words"), MISFITS.items())
def test_what_einops_and_pytorch_refuse_is_refused_with_the_expression(expression, words):
    network = read_text(net("pass", f"x = F.relu(x)\nreturn {expression}")).network.at((4, 6, 8))
    assert network.stopped is not None
    assert words in network.stopped.text()
    assert expression in network.stopped.text()
