"""The options of a command as one record: each name, type and default is declared once.

A plain class adds nothing to the start of `convcli shape`; a dataclass of this size adds 0.9 ms.
"""

import os
from collections.abc import Mapping
from typing import Self, dataclass_transform


def is_unset(value: object) -> bool:
    """Whether a value stands for an option that was not given: None, no flag, no words.

    >>> is_unset(None), is_unset(False), is_unset(()), is_unset(0)
    (True, True, True, False)
    """
    return value is None or value is False or value == ()


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Options:
    """A frozen record of keyword arguments; what is not given has the default of its class.

    >>> class Blur(Options):
    ...     width: int = 3
    ...     gray: bool = False
    >>> options = Blur(gray=True)
    >>> options.width, options.gray, options.given("width", "gray")
    (3, True, ['gray'])

    Raises TypeError for a name that is not declared, AttributeError for an assignment.
    """

    def __init__(self, **values: object) -> None:
        for name in values:
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no option {name}")
        vars(self).update(values)

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Self:
        """The record of values by name, which nobody has checked yet."""
        return cls(**values)

    def changed(self, **values: object) -> Self:
        """The record with other values of these options."""
        return type(self)(**{**vars(self), **values})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def given(self, *names: str) -> list[str]:
        """Those of these options that were given, in this order; None and False count as unset."""
        return [name for name in names if not is_unset(vars(self).get(name))]


class OutputOptions(Options):
    """How a result is printed."""

    format_: str | None = None
    """One of the formats of `tables`; None: a table on a terminal, TSV in a pipe."""
    quiet: bool = False
    """Print the one value a script wants."""

    @property
    def shows_text(self) -> bool:
        """Whether a result that has lines of text is printed as these."""
        return not self.quiet and self.format_ in (None, "text")


def is_template(output: str) -> bool:
    """Whether -o names more than one file: a folder, or a name with fields.

    >>> is_template("out/"), is_template("{stem}.png"), is_template("cat.png")
    (True, True, False)
    """
    return output != "-" and (
        output.endswith(("/", os.sep)) or os.path.isdir(output) or "{" in output
    )
