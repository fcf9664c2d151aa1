"""The options of a run of random filters, by the names that `convcli extract` gives them."""

from typing import Literal

from convcli.options import Options


class FeatureOptions(Options):
    """A network and its weights, how pictures are prepared, which layers make which vector.

    None stands for the recipe's value, or else the default of `convcli extract`.
    """

    net: str | None = None
    recipe: str | None = None
    like: str | None = None
    init: str | None = None
    zero_mean: bool = False
    unit_norm: bool = False
    seed: int | None = None
    weights: str | None = None
    resize: tuple[int, ...] | Literal["keep"] | None = None
    crop: tuple[int, int] | None = None
    gray: bool = False
    normalize: str | None = None
    until: str | None = None
    layers: str | None = None
    vector: str | None = None
