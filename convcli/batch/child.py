"""A worker process: tasks as lines of JSON on stdin, outcomes as lines of JSON on stdout.

The first line is the job. The process ends when its stdin does, so that none outlives its parent.
"""

import json
import os
import signal
import sys

from convcli.batch.names import Task
from convcli.batch.work import worker


def serve() -> None:
    """Do tasks until stdin ends."""
    # the parent, which the terminal interrupts too, says when to stop: with SIGTERM, which
    # unwinds, so that a file that is half written goes away
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    answers = os.fdopen(os.dup(1), "wb")
    # what codecs print by themselves is no answer, and nothing that anybody can act on
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    lines = sys.stdin.buffer
    try:
        work = worker(json.loads(lines.readline()))
        while line := lines.readline():
            outcome = work(Task(*json.loads(line)))
            answers.write(json.dumps(outcome).encode() + b"\n")
            answers.flush()
    except BrokenPipeError:  # the parent is gone
        os._exit(1)


if __name__ == "__main__":
    serve()
