"""One file per command: a signature, one import, one call, one print."""

import os
import signal
import threading

INTERRUPTED = 130
"""The exit code behind Ctrl-C."""


def interruptible(yes: bool) -> None:
    """Whether Ctrl-C raises KeyboardInterrupt, or ends the process at once, as before any work."""
    if threading.current_thread() is threading.main_thread():
        ends = signal.default_int_handler if yes else lambda *_: os._exit(INTERRUPTED)
        signal.signal(signal.SIGINT, ends)


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    interruptible(False)  # until `convcli.cli.main` is imported, which nothing can be caught in
