"""How the suite is run: folders on all cores, single files in one process, which starts sooner."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")


def pytest_configure(config):
    """The files of tests lie in memory where there is room: disks take milliseconds a folder.

    What runs convcli as a process does not compile it anew each time, and is interrupted as on a
    terminal, also where a shell started the suite in the background, which ignores interrupts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 * 2**30:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


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
