"""Random programs of plain Python: by CPython in a process of its own, and by the interpreter.

    python tests/nets/python_programs.py [PROGRAMS] [SEED]

Each program is one function of snippets that lean on one rule of Python each, with random values
inside. The interpreter gives the same result, or refuses with a line; never another result.
"""

import ast
import json
import random
import subprocess
import sys
import time
from collections import Counter
from typing import NamedTuple

from convcli.errors import Refusal
from convcli.nets.readers.python.interpreter import ModelInterpreter, deep_recursion
from convcli.nets.readers.python.language.objects import MISSING, SourceFile, Unknown
from convcli.nets.readers.python.model_files import SourceFiles

HEADER = """\
import functools
from collections import Counter, OrderedDict, defaultdict, deque
from contextlib import contextmanager
from functools import cached_property, lru_cache, partial, reduce
"""


class Outcome(NamedTuple):
    """What the interpreter made of a program."""

    kind: str
    """equal, refused or different."""
    seconds: float
    text: str = ""


class Writer:
    """Writes programs of a random generator."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0

    def name(self):
        self.names += 1
        return f"v{self.names}"

    def program(self, snippets=6):
        lines = [HEADER, "COUNT = [0]", "WIDTH = 5", "def main():", "    out = []"]
        for _ in range(snippets):
            template = self.random.choice(SNIPPETS)
            for line in self.filled(template).strip("\n").split("\n"):
                lines.append(f"    {line}")
        return "\n".join([*lines, "    return out", "RESULT = main()", ""])

    def filled(self, template):
        """The snippet with fresh names for A…F, and random values for I, L, S, D and B."""
        kinds = {"I": self.number, "L": self.items, "S": self.word, "D": self.table, "B": self.test}
        own = {letter: self.name() for letter in "ABCDEF"}
        text = template
        for letter, name in own.items():
            text = text.replace(f"${letter}", name)
        for kind, make in kinds.items():
            while f"@{kind}" in text:
                text = text.replace(f"@{kind}", make(), 1)
        return text

    def pick(self, *choices):
        return self.random.choice(choices)

    def number(self, depth=0):
        if depth > 2 or self.random.random() < 0.4:
            return str(self.random.randint(-9, 9)) if depth else str(self.random.randint(1, 6))
        a, b = self.number(depth + 1), self.number(depth + 1)
        if not depth:
            return f"(abs({a} {self.pick('+', '-', '*', '^', '|')} {b}) % 7 + 1)"
        return self.pick(
            f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} // 3)", f"({a} % 5)",
            f"({a} if {self.test(depth + 1)} else {b})", f"max({a}, {b})", f"abs({a})",
            f"len({self.items(depth + 1)})", f"sum({self.items(depth + 1)})", f"({a} and {b})",
            f"({a} or {b})", f"-{b}", f"divmod({a}, 4)[{self.pick('0', '1')}]", f"int({a} / 2)",
            f"round({a} / 2)", f"({a} & {b})", f"({a} << 1)", f"~{b}",
        )  # fmt: skip

    def test(self, depth=0):
        a, b = self.number(depth + 1), self.number(depth + 1)
        return self.pick(
            f"{a} < {b}", f"{a} == {b}", f"not {a}", f"{a} < {b} <= 4", f"{a} in {self.items(2)}",
            f"({a} > 1 and {b} < 3)", "True", "False", f"{a} != {b}",
        )  # fmt: skip

    def items(self, depth=0):
        values = ", ".join(
            str(self.random.randint(-4, 9)) for _ in range(self.random.randint(1, 5))
        )
        if depth > 1:
            return f"[{values}]"
        n = self.random.randint(1, 5)
        return self.pick(
            f"[{values}]", f"list(range({n}))", f"[i * {n} for i in range({n})]",
            f"[i for i in [{values}] if i > 1] + [1]", f"sorted([{values}])", f"[{values}][::-1]",
            f"list(reversed([{values}]))", f"[{values}] * 2", f"[*[{values}], {n}]",
            f"[a + b for a, b in zip([{values}], range({n}))] or [0]",
            f"[i + j for i in range(2) for j in range({n})]",
            f"list(map(lambda x: x + {n}, [{values}]))", f"[k for k, v in enumerate([{values}])]",
        )  # fmt: skip

    def word(self):
        n = self.random.randint(0, 30)
        return self.pick(
            '"conv"', f'f"w{n}"', f'f"{{{n}:04d}}"', f'"a,b,{n}".split(",")[-1]', '"Net".lower()',
            f'"-".join(["x", str({n})])', '"layer1.conv".partition(".")[2]', f'f"{{{n} / 8:.2f}}"',
            f'"%d-%s" % ({n}, "y")', '"{}-{b}".format(1, b=2)', '"bn_1".replace("_", "")',
        )  # fmt: skip

    def table(self):
        n = self.random.randint(1, 5)
        return self.pick(
            f'{{"a": {n}, "b": 2}}', f"{{i: i * {n} for i in range(3)}}", f"dict(zip('ab', [{n}, 7]))",
            f'{{**{{"a": 1}}, "c": {n}}}', f"dict(a={n}, d=4)", f'{{"a": 1}} | {{"b": {n}}}',
        )  # fmt: skip


TEMPLATES = """\
out.append(@I)
---
out.append(@L)
---
out.append(@S)
---
out.append(sorted(str(k) for k in @D))
---
$A = @L
$B = $A
$B.append(@I)
out.append($A)
---
$A = @L
$B = $A[:]
$B += [@I]
out.append([$A, $B])
---
$A, *$B = @L
out.append([$A, $B])
---
$A = 0
for $B in @L:
    if $B % 3 == 0:
        continue
    if $B > 6:
        break
    $A += $B
else:
    $A += 100
out.append($A)
---
$A = @I
while $A > 0:
    $A -= 2
    if $A == 3:
        break
else:
    out.append("end")
out.append($A)
---
def $A(x, step=@I, *rest, **more):
    return [x, step, list(rest), sorted(more)]
out.append($A(1))
out.append($A(1, 2, 3, k=@I))
out.append($A(*@L))
---
def $A(x, seen=[]):
    seen.append(x)
    return len(seen)
out.append([$A(@I), $A(2), $A(3, [])])
---
def $A():
    $B = @I
    def $C():
        nonlocal $B
        $B += 1
        return $B
    return [$C(), $C(), $B]
out.append($A())
---
$A = [lambda: i for i in range(3)]
out.append([f() for f in $A])
---
$A = [lambda i=i: i for i in range(3)]
out.append([f() for f in $A])
---
def $A():
    try:
        return @I
    finally:
        out.append("finally")
out.append($A())
---
def $A():
    for i in range(4):
        try:
            if i == 1:
                continue
            if i == 2:
                break
        finally:
            out.append(i)
    return i
out.append($A())
---
def $A():
    try:
        raise KeyError("k")
    finally:
        return @I
out.append($A())
---
try:
    try:
        @L[99]
    finally:
        out.append("inner")
except IndexError:
    out.append("outer")
---
try:
    {"a": 1}["b"]
except (KeyError, ValueError) as error:
    out.append("caught")
else:
    out.append("none")
---
try:
    int(@S)
    out.append("number")
except ValueError:
    out.append("text")
---
class $A(Exception):
    pass
try:
    raise $A("x")
except RuntimeError:
    out.append(1)
except $A:
    out.append(2)
---
try:
    raise ValueError("bad %d" % @I)
except ValueError as error:
    out.append([str(error), f"{error}", str(error).split()])
---
try:
    raise KeyError("bad")
except KeyError as error:
    out.append(str(error))
---
try:
    try:
        raise IndexError("first")
    except IndexError as error:
        raise error
except ValueError:
    out.append(1)
except LookupError as error:
    out.append([2, str(error)])
---
def $A(f):
    @functools.wraps(f)
    def inner(*args):
        return f(*args) + @I
    return inner
@$A
def $B(x):
    "Doc."
    return x
out.append([$B(2), $B.__name__])
---
class $A:
    def __init__(self):
        self.n = @I
    def __iadd__(self, other):
        self.n += other
        return self
    def __bool__(self):
        return self.n > 3
    def __str__(self):
        return "text"
    def __repr__(self):
        return "repr"
$B = $C = $A()
$B += 4
out.append([$C.n, bool($C), str($C), repr([$C])])
---
def $A(n):
    COUNT[0] += 1
    for i in range(n):
        out.append("yield")
        yield i * @I
$B = $A(@I)
out.append(COUNT[0] >= 0)
out.append(next($B))
out.append(list($B))
---
def $A():
    $B = yield_from = [1, 2]
    yield from $B
    yield 3
out.append([x for x in $A()])
---
def $A():
    n = 0
    while True:
        n += @I
        yield n
$B = $A()
out.append([next($B) for _ in range(3)])
---
$A = (x * x for x in iter([1, 2, 3, 4]))
out.append(next($A))
out.append(sum($A))
---
$A = iter(@L)
$B = next((x for x in $A if x > 0), None)
out.append([$B, list($A)])
---
$A = []
out.append(any($A.append(x) or x > 1 for x in [1, 2, 3]))
out.append($A)
---
@contextmanager
def $A(value):
    out.append("in")
    try:
        yield value
    finally:
        out.append("out")
with $A(@I) as $B:
    out.append($B)
---
@contextmanager
def $A():
    try:
        yield
    except ValueError:
        out.append("swallowed")
with $A():
    raise ValueError("x")
---
class $A:
    def __enter__(self):
        out.append("enter")
        return self
    def __exit__(self, *error):
        out.append(error[0] is None)
        return True
with $A():
    raise KeyError("x")
with $A():
    pass
---
class $A:
    width = @I
    def __init__(self, n=2):
        self._n = n
    @property
    def n(self):
        return self._n * 2
    @n.setter
    def n(self, value):
        self._n = value + 1
    @classmethod
    def make(cls, n):
        return cls(n)
    @staticmethod
    def twice(n):
        return n * 2
    def __len__(self):
        return self._n
    def __getitem__(self, i):
        if i > 3:
            raise IndexError
        return i * self.width
    def __call__(self, x):
        return x + self._n
$B = $A.make(@I)
$B.n = @I
$B.width += 1
out.append([$B.n, len($B), $B[2], $B(1), $A.twice(4), $B.width, $A.width, list($B)])
---
class $A:
    def value(self):
        return 1
class $B($A):
    def value(self):
        return super().value() + @I
class $C($A):
    def value(self):
        return super().value() * 10
class $D($B, $C):
    pass
out.append([$D().value(), isinstance($D(), $A), issubclass($D, $C)])
---
class $A:
    n = 0
    @cached_property
    def value(self):
        self.n += 1
        return self.n * @I
$B = $A()
out.append([$B.value, $B.value, $B.n])
---
class $A:
    found = []
    def __init_subclass__(cls, tag="", **options):
        super().__init_subclass__(**options)
        cls.found.append(tag)
class $B($A, tag=@S):
    pass
class $C($A):
    pass
out.append($A.found)
---
class $A:
    def __getattr__(self, name):
        return name * 2
    def __contains__(self, x):
        return x == 3
    def __iter__(self):
        return iter([1, @I])
    def __eq__(self, other):
        return True
$B = $A()
out.append([$B.ab, 3 in $B, list($B), $B == 5, $B != 5])
---
class $A:
    def __getattribute__(self, name):
        return @I
out.append($A().anything)
---
class $A:
    def __get__(self, owner, cls):
        return owner.n + 1
    def __set__(self, owner, value):
        owner.n = value * 2
class $B:
    n = 1
    d = $A()
$C = $B()
$C.d = @I
out.append([$C.d, $C.n])
---
WIDTH = 3
class $A:
    $B = 7
    $C = [$B for _ in range(1)] if False else $B
    $D = [x + @I for x in range($B - 5)]
out.append([$A.$C, $A.$D])
---
@lru_cache(maxsize=None)
def $A(n):
    out.append("called")
    return [n]
out.append([$A(1) is $A(1), $A(2)])
---
$A = {1: 2, 3: @I}
$B = $A.keys()
$C = $A.items()
$A[9] = 9
out.append([len($B), sorted($B), len($C), 9 in $B])
---
$A = @D
$A.setdefault("z", []).append(@I)
$A.update(q=1)
out.append([len($A), $A["z"], $A.pop("q"), $A.get("nothing", @I)])
---
$A = defaultdict(list)
for i, c in enumerate("abca"):
    $A[c].append(i)
out.append([$A["a"], sorted($A), len($A["new"]), len($A)])
---
out.append(sorted(Counter("abracadabra").items()))
---
$A = [3, 1, 2]
$A.sort(key=lambda x: -x)
$B = sorted(["bb", "a", "ccc"], key=len, reverse=True)
out.append([$A, $B, $A.index(1), $A.count(2), $A.pop(), $A])
---
$A = @L
$A[0:1] = [@I, @I]
del $A[-1]
$A.insert(1, 50)
out.append([$A, $A[::2], $A[-1:], $A[5:]])
---
$A = 1
$B = [$A := $A + x for x in @L]
out.append([$A, $B])
---
if ($A := len(@L)) > 2:
    out.append($A)
else:
    out.append(-$A)
---
$A = 0
def $B(x):
    out.append(x)
    return x
out.append($B(1) < $B(@I) < $B(2))
out.append([$B(0) or $B(3), $B(0) and $B(4)])
---
try:
    out.append(list(zip(@L, @L, strict=True)))
except ValueError:
    out.append("lengths differ")
---
match @L:
    case [1]:
        out.append("one")
    case [a, b]:
        out.append([a, b])
    case _:
        out.append("many")
---
$A, $B = @I, @I
$A, $B = $B, $A
($C, [$D, $E]) = (1, [2, @I])
out.append([$A, $B, $C, $D, $E])
---
$A = (1, 2)
$B = $A
$A += (3,)
out.append([list($A), list($B), $A > $B, @I in $A])
---
out.append(reduce(lambda a, b: a * 2 + b, @L, @I))
out.append(partial(max, @I)(3))
---
$A = {1, 2, 3} & {2, 3, @I}
out.append([sorted($A), len($A | {9}), 2 in $A, sorted({1, 2} ^ {2, 3})])
---
out.append([7 // -2, -7 % 3, 2 ** 5, 7 / 2, round(2.5), round(-3.5), int(-1.9), divmod(-7, 2)[0]])
---
out.append([bool([]), bool("0"), not {}, None is None, 1 == 1.0, True + @I, "a" < "b", [1] == [1]])
---
$A = deque([1, 2, 3], maxlen=@I)
$A.append(4)
out.append(list($A))
---
class $A:
    def __init__(self, n):
        self.n = n
    def __eq__(self, other):
        return self.n == other.n
    def __hash__(self):
        return hash(self.n)
out.append(len({$A(1), $A(1), $A(@I)}))
---
$A = [[0] * 2] * 3
$A[0][1] = @I
out.append($A)
---
def $A(n):
    return 1 if n < 2 else n * $A(n - 1)
out.append($A(@I))
---
$A = "layer{i}.{j:>3}|"
out.append([$A.format(i=@I, j=2), f"{@I!r:>4}", f"{'x':^5}", f"{3.14159:.3f}", f"{1234:,}"])
---
for $A in range(2):
    pass
else:
    out.append($A)
out.append([x for x in range(9) if x % 2 if x > @I])
"""

SNIPPETS = TEMPLATES.split("---\n")


def by_cpython(programs):
    """The results of programs, run in a child process; None for one that raises."""
    child = (
        "import json, sys\nfor text in json.load(sys.stdin):\n    names = {}\n    try:\n"
        "        exec(text, names)\n        print(json.dumps(names['RESULT']))\n"
        "    except Exception:\n        print('null')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", child],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def by_interpreter(text):
    """The value of RESULT, and why there is none."""
    file = SourceFile("", "program", text, ast.parse(text))
    interpreter = ModelInterpreter(SourceFiles())
    try:
        with deep_recursion():
            interpreter.open_file(file)
    except Refusal as refusal:
        return MISSING, str(refusal)
    value = file.names.get("RESULT", MISSING)
    if value is MISSING:
        return MISSING, "RESULT is not known"
    unknown = next((one for one in nested(value) if isinstance(one, Unknown)), None)
    return (MISSING, unknown.text) if unknown else (value, "")


def nested(value):
    """A value, and those in its lists and tuples."""
    yield value
    if isinstance(value, list | tuple):
        for one in value:
            yield from nested(one)


def compared(programs):
    """What the interpreter made of each program that CPython runs to its end."""
    outcomes = []
    for text, expected in zip(programs, by_cpython(programs), strict=True):
        if expected is None:
            continue
        started = time.perf_counter()
        value, why = by_interpreter(text)
        seconds = time.perf_counter() - started
        if value is MISSING:
            outcomes.append(Outcome("refused", seconds, why))
        elif json.loads(json.dumps(value, default=str)) == expected:
            outcomes.append(Outcome("equal", seconds))
        else:
            outcomes.append(Outcome("different", seconds, f"{text}\n# {expected}\n# {value}"))
    return outcomes


if __name__ == "__main__":
    count, seed = (int(word) for word in [*sys.argv[1:], "2000", "1"][:2])
    writer = Writer(seed)
    outcomes = compared([writer.program() for _ in range(count)])
    kinds = Counter(one.kind for one in outcomes)
    print(
        f"{len(outcomes):,} programs: {dict(kinds)}; slowest {max(o.seconds for o in outcomes):.2f} s"
    )
    for text, times in Counter(o.text for o in outcomes if o.kind == "refused").most_common(15):
        print(f"{times:5} {text[:150]}")
    for one in [one for one in outcomes if one.kind == "different"][:3]:
        print(one.text)
    sys.exit(1 if kinds["different"] else 0)
