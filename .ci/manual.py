"""Puts the pages of the manual into the wheel, where `man convcli-filter` finds them."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Manual(BuildHookInterface):
    """Writes what `convcli man` prints, for every command, beside the build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from convcli.cli.man import manual

        self.folder = TemporaryDirectory()  # until the wheel is written
        for name, text in manual():
            page = Path(self.folder.name, f"{name}.1")
            page.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(page)] = f"share/man/man1/{name}.1"
