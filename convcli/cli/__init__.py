"""One file per command: a signature, one import, one call, one print."""

import os

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def end(*_: object) -> None:
    """End the process at once, as Ctrl-C does before and after any work."""
    os._exit(INTERRUPTED)


try:  # imports take most of the first 0.1 s, in which nobody would catch KeyboardInterrupt
    import signal
    import threading

    def interruptible(yes: bool) -> None:
        """Whether Ctrl-C raises KeyboardInterrupt, or ends the process at once.

        Handlers that are neither, of a program that imports this, stay.
        """
        handlers = end, signal.default_int_handler
        if (
            signal.getsignal(signal.SIGINT) is handlers[not yes]
            and threading.current_thread() is threading.main_thread()
        ):
            signal.signal(signal.SIGINT, handlers[yes])

    interruptible(False)  # until `run` catches it
except KeyboardInterrupt:
    end()
