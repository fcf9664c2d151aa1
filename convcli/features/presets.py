"""Recipes: networks of random filters that do well, each with its measured reason.

`tests/benchmarks/features.py recipes` measures them on photographs and digits; its table is in
docs/benchmarks.md.
"""

from convcli.records import NamedTuple
from convcli.runtime.initializers import Init


class Recipe(NamedTuple):
    """A network, how its filters are drawn, how pictures are prepared, and what a vector holds."""

    network: str
    init: Init
    vector: str
    normalize: str = "unit"
    gray: bool = False


RECIPES = {
    # three convolutions of three 3x3 standard-normal filters, leaky ReLU between them
    "default": Recipe(
        network=(
            "conv(3, 3, padding=1, bias=False); leaky_relu(0.1); "
            "conv(3, 3, padding=1, bias=False); leaky_relu(0.1); "
            "conv(3, 3, padding=1, bias=False)"
        ),
        init=Init("normal"),
        vector="mean,std",
    ),
    # where strokes of each kind are: 128 zero-mean 5x5 filters, rectified, on a 4x4 grid
    "digits": Recipe(
        network="conv(128, 5, padding=2, bias=False); abs; adaptivepool(4)",
        init=Init("normal", zero_mean=True, unit_norm=True),
        vector="flatten",
        gray=True,
    ),
    # how much of each pattern there is, anywhere: 32 zero-mean 5x5 filters, rectified
    "texture": Recipe(
        network="conv(32, 5, bias=False); abs",
        init=Init("normal", zero_mean=True, unit_norm=True),
        vector="mean,std",
        normalize="standard",
        gray=True,
    ),
}
"""Recipes by name."""
