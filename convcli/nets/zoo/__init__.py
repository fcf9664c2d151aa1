"""Published networks: `.net` files in this tool's own notation, and those of torchvision.

The first comment lines of a text say what it is and where its figures are from.
"""

import os

from convcli.callsyntax import brief
from convcli.errors import SpecError
from convcli.nets.zoo.backbones import BACKBONES, backbone_text
from convcli.tables import Listing
from convcli.text import like

FOLDER = os.path.dirname(__file__)  # importing pathlib would take a seventh of the start-up time

FILES = tuple(sorted(name[:-4] for name in os.listdir(FOLDER) if name.endswith(".net")))
"""The networks that have a file."""

NAMES = tuple(sorted((*FILES, *BACKBONES)))
"""The names of the networks."""

ALIASES = {
    "mobilenet": "mobilenet_v1", "mobilenet_v3": "mobilenet_v3_large",
    "densenet": "densenet121", "squeezenet": "squeezenet1_0", "inception_v1": "googlenet",
    "resnext50": "resnext50_32x4d", "resnext101": "resnext101_32x8d",
    "wide_resnet50": "wide_resnet50_2", "wide_resnet101": "wide_resnet101_2",
    "shufflenet_v2": "shufflenet_v2_x1_0", "mnasnet": "mnasnet1_0",
    "efficientnet": "efficientnet_b0", "efficientnetv2": "efficientnet_v2_s",
    "regnet": "regnet_y_400mf", "convnext": "convnext_tiny", "vit": "vit_b_16", "swin": "swin_t",
}  # fmt: skip
"""Short names of families, and the networks that they mean."""


def _letters(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


SPELLINGS = {_letters(name): name for name in NAMES}
SPELLINGS |= {_letters(name): meant for name, meant in ALIASES.items()}
"""The networks by the letters and digits of their names."""


def zoo_name(word: str) -> str | None:
    """The zoo network that a word names in any spelling; a file of that name takes precedence.

    >>> zoo_name("ResNet-50"), zoo_name("resnet50_v1"), zoo_name("relu")
    ('resnet50', 'resnet50-v1', None)
    """
    if word in NAMES:
        return word
    name = SPELLINGS.get(_letters(word))
    return None if name is None or os.path.isfile(word) else name


def zoo_text(word: str) -> str:
    """The text of a network of the zoo, in any spelling. Raises SpecError where there is none."""
    name = word if word in NAMES else SPELLINGS.get(_letters(word))
    if name is None:
        hint = like(word, NAMES) or like(word, ALIASES)
        raise SpecError(f"no network is called {brief(word)}; convcli zoo lists {len(NAMES)}{hint}")
    if name in BACKBONES:
        return backbone_text(name)
    with open(os.path.join(FOLDER, f"{name}.net"), encoding="utf-8") as file:
        return file.read()


def about(name: str) -> str:
    """The text of a network's first comment line."""
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
