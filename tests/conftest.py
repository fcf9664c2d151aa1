"""How the suite is run: folders on all cores, single files in one process, which starts sooner."""

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    return 0 if all(".py" in word for word in config.args) else None


def pytest_collection_modifyitems(config, items):
    """Slow tests prove values on lines that quick ones reach: the tracer of coverage, which makes
    them take three times as long, pauses."""
    if config.pluginmanager.has_plugin("_cov"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker("no_cover")
