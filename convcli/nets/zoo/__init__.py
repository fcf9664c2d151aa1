"""Published networks in this tool's own notation, a `.net` file each.

The first comment lines of a file say what it is and where its figures are from.
"""

from pathlib import Path
from typing import Any

from convcli.errors import SpecError

FOLDER = Path(__file__).parent

NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.net")))
"""The names of the networks."""


def zoo_text(name: str) -> str:
    """The text of a network of the zoo. Raises SpecError for a name that is not in it."""
    if name not in NAMES:
        raise SpecError(f"no network is called {name!r:.60}; there are {', '.join(NAMES)}")
    return (FOLDER / f"{name}.net").read_text("utf-8")


def about(name: str) -> str:
    """What the first comment line of a network says."""
    return zoo_text(name).partition("\n")[0].lstrip("# ")


class Listing:
    """The networks of the zoo, as something to show."""

    warnings: tuple[str, ...] = ()
    caption = "convcli zoo NAME prints one; convcli shape NAME reads it"

    @property
    def value(self) -> str:
        return "\n".join(NAMES)

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]], tuple[str, ...]]:
        return ("name", "network"), [(name, about(name)) for name in NAMES], ()

    def record(self) -> dict[str, Any]:
        return {"schema": 1, "networks": [{"name": n, "about": about(n)} for n in NAMES]}
