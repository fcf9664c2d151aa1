"""`convcli samples`: the pictures and the network that examples name, and a notebook."""

from functools import partial
from pathlib import Path
from shutil import copyfileobj

from convcli.images.io.atomic import check_free, write_file
from convcli.output import path

NAMES = ("cat.jpg", "chart.png", "leaf.png", "net.py", "convcli.ipynb")


def samples_folder() -> Path:
    """Where the samples lie: in an installed package beside the code, in a checkout beside it all.

    >>> sorted(set(NAMES) - {file.name for file in samples_folder().iterdir()})
    []
    """
    package = Path(__file__).parents[1]
    installed = package / "samples"
    return installed if installed.is_dir() else package.parent / "samples"


def samples(folder: str, force: bool) -> None:
    """Write the samples into a folder, which is made, and print their paths. Raises OutputError."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files = {str(target / name): samples_folder() / name for name in NAMES}
    check_free(files, force)
    for name, source in files.items():
        with source.open("rb") as sample:
            write_file(name, partial(copyfileobj, sample), force)
        path(name)
