"""A worker process: tasks as lines of JSON on stdin, outcomes as lines of JSON on stdout.

The first line is the job. The process ends when its stdin does, and soon after its parent did,
even if a named pipe blocks it: no worker outlives its parent.
"""

import json
import os
import signal
import sys
from threading import Thread
from time import sleep

from convcli.batch.jobs import job_of, worker
from convcli.batch.output_names import Task
from convcli.images.io.source import FileState

GRACE = 3.0
"""Seconds to clear up in, once the parent is gone."""

READY = b"ready\n"
"""The first line of answers: what follows is the time of pictures."""


def watch(parent: int) -> None:
    """End this process when its parent has ended."""
    while os.getppid() == parent:
        sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(GRACE)
    os._exit(1)


def serve() -> None:
    """Do tasks until stdin ends."""
    # the parent, which the terminal interrupts too, says when to stop: with SIGTERM, which
    # unwinds, so that a file that is half written goes away
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    Thread(target=watch, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(1), "wb")
    # what codecs print by themselves is no answer, and nothing that anybody can act on
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    lines = sys.stdin.buffer
    try:
        do = worker(job_of(json.loads(lines.readline())))
        answers.write(READY)
        answers.flush()
        while line := lines.readline():
            source, target, force, before = json.loads(line)
            outcome = do(Task(source, target, force, before and FileState(*before)))
            answers.write(json.dumps(outcome).encode() + b"\n")
            answers.flush()
    except BrokenPipeError:  # the parent is gone
        os._exit(1)


if __name__ == "__main__":
    serve()
