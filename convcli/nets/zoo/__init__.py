"""Published networks in this tool's own notation, a `.net` file each.

The first comment lines of a file say what it is and where its figures are from.
"""

import os

from convcli.callsyntax import shown
from convcli.errors import SpecError
from convcli.tables import Listing
from convcli.text import like

FOLDER = os.path.dirname(__file__)  # pathlib would cost a seventh of a start

NAMES = tuple(sorted(name[:-4] for name in os.listdir(FOLDER) if name.endswith(".net")))
"""The names of the networks."""


def _letters(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


SPELLINGS = {_letters(name): name for name in NAMES}
"""The networks by the letters and digits of their names."""


def zoo_name(word: str) -> str | None:
    """The network of the zoo that a word names in any spelling; a file of that name comes first.

    >>> zoo_name("ResNet-50"), zoo_name("resnet50_v1"), zoo_name("relu")
    ('resnet50', 'resnet50-v1', None)
    """
    if word in NAMES:
        return word
    name = SPELLINGS.get(_letters(word))
    return None if name is None or os.path.isfile(word) else name


def zoo_text(name: str) -> str:
    """The text of a network of the zoo. Raises SpecError for a name that is not in it."""
    if name not in NAMES:
        names = ", ".join(NAMES)
        raise SpecError(f"no network is called {shown(name)}; there are {names}{like(name, NAMES)}")
    with open(os.path.join(FOLDER, f"{name}.net"), encoding="utf-8") as file:
        return file.read()


def about(name: str) -> str:
    """What the first comment line of a network says."""
    return zoo_text(name).partition("\n")[0].lstrip("# ")


def listing() -> Listing:
    """The networks of the zoo, as a result to print."""
    from convcli.nets.analysis.summary import SCHEMA

    rows = [(name, about(name)) for name in NAMES]
    return Listing(
        "\n".join(NAMES),
        (("name", "network"), rows, ()),
        {"schema": SCHEMA, "networks": [{"name": name, "about": text} for name, text in rows]},
        "convcli zoo NAME prints one; convcli shape NAME reads it",
    )
