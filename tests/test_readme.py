"""Every convcli line of the README runs as printed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.S | re.M)
LINES = [line for block in BLOCKS for line in block.splitlines() if re.search(r"\bconvcli ", line)]


@pytest.mark.parametrize("line", [line for line in LINES if "venv" not in line])
def test_a_line_of_the_readme_runs(line, tmp_path):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    convcli = f"{shlex.quote(sys.executable)} -m convcli "
    line = re.sub(r"\bconvcli ", lambda _: convcli, line.partition("  #")[0])
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-ec", line],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_the_readme_shows_commands():
    assert len(LINES) >= 5
