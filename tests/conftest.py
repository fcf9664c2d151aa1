"""How the suite is run: folders on all cores, single files in one process, which starts sooner."""

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    return 0 if all(".py" in word for word in config.args) else None
