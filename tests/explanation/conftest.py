"""What the tests of lessons share."""

import pytest

from convcli.cli.main import run


@pytest.fixture
def told(capfd):
    """Runs a line, and words that hold spaces; gives the exit code, stdout and stderr."""

    def call(line, *words):
        code = run([*line.split(), *words])
        return code, *capfd.readouterr()

    return call
