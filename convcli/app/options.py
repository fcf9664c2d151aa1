"""The options of commands whose work starts NumPy, which their help and completion do without."""

from typing import Literal

from convcli.batch.options import BatchOptions
from convcli.features.options import FeatureOptions
from convcli.options import OutputOptions


class ExtractOptions(FeatureOptions, BatchOptions, OutputOptions):
    """Pictures and layers, how they are run, and what is made of the feature maps."""

    words: tuple[str, ...] = ()
    """Pictures, then layers or a network."""
    output: str | None = None
    force: bool = False
    save: str | None = None
    filters: str | None = None
    signed: bool = False
    preview: bool = False
    nearest: int | None = None
    among: str | None = None
    distances: str | None = None
    top: int | None = None
    labels: str | None = None
    verbose: bool = False
    dry_run: bool = False

    @property
    def memory(self) -> bool | None:
        """Whether memory is reported in any case, near the limit, or (None) not at all."""
        return None if self.quiet else self.verbose


class FitOptions(OutputOptions):
    """A pair of pictures, what is fitted to it, and where it is saved."""

    before: str = ""
    after: str = ""
    size: tuple[int, int] | Literal["auto"] | None = None
    net: str | None = None
    watch: bool = False
    steps: int | None = None
    seed: int | None = None
    output: str | None = None
    force: bool = False


class KernelsOptions(OutputOptions):
    """A kernel, or a picture for the gallery."""

    name: str | None = None
    gallery: str | None = None
    output: str | None = None
    force: bool = False
