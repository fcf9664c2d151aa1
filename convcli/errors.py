"""The tree of refusals: what convcli will not do, and the exit code each one ends with.

    Refusal               1   the request was understood and cannot be met
    ├── SpecError         2   text that cannot be understood: a size, a kernel, a layer
    ├── UnfitError        1   layers, arrays or windows that do not fit each other
    ├── PictureError      1   a file that is not a picture we can read
    └── OutputError       1   a result that cannot be written where it was asked for

A refusal is for the person who asked: its text says what, where, which values clash and what
would work. Anything else that is raised is a bug and keeps its traceback.
"""


class Refusal(Exception):
    """The request was understood and cannot be met."""

    exit_code = 1


class SpecError(Refusal, ValueError):
    """Text that cannot be understood: a size, a kernel, a layer."""

    exit_code = 2


class UnfitError(Refusal, ValueError):
    """Layers, arrays or windows that do not fit each other."""


class PictureError(Refusal):
    """A file that is not a picture we can read."""


class OutputError(Refusal):
    """A result that cannot be written where it was asked for."""
