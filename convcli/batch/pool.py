"""Worker processes, one per slot, each known by the task it does.

A process pool of the standard library that loses a worker fails all its tasks and does not know
which one was to blame. Here one thread per slot talks to its own process: if that dies, the task
is tried once more in a new one, and only that task fails.
"""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from glob import escape, glob
from math import inf
from threading import Lock, Timer, local
from time import perf_counter

from convcli.batch.jobs import AnyJob, Outcome, unreadable
from convcli.batch.output_names import Task
from convcli.images.io.source import file_state

TRIES = 2
"""Attempts at a task whose worker dies."""

PATIENCE = 5.0
"""Seconds that a worker is given to end after SIGTERM."""


class Pool:
    """Worker processes, each started with its first task."""

    def __init__(self, job: AnyJob, count: int, timeout: int | None = None) -> None:
        self._timeout = timeout
        self._job = json.dumps(job.fields()).encode() + b"\n"
        self._threads = ThreadPoolExecutor(count, "batch")
        self._own = local()
        self._lock = Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def submit(self, task: Task) -> "Future[Outcome]":
        return self._threads.submit(self._do, task)

    def _do(self, task: Task) -> Outcome:
        started, ended = perf_counter(), ""
        before = file_state(task.source) if task.in_place else None
        for attempt in range(TRIES):
            child = self._child()
            if child is None:
                break
            timer = Timer(self._timeout or 0, child.kill)
            try:
                assert child.stdin is not None
                assert child.stdout is not None
                # a first attempt may have published its file before it died
                again = task._replace(force=True, before=before) if attempt else task
                child.stdin.write(json.dumps(again).encode() + b"\n")
                child.stdin.flush()
                if self._timeout:
                    timer.start()
                line = child.stdout.readline()
            except (BrokenPipeError, ValueError):
                line = b""
            finally:
                timer.cancel()
            if line.endswith(b"\n"):
                outcome = Outcome(*json.loads(line))
                return outcome._replace(notes=tuple(outcome.notes))
            ended = self._lost(child, task)
            if timer.finished.is_set() and perf_counter() - started >= (self._timeout or inf):
                took = f"it took more than {self._timeout} seconds, the --timeout"
                return unreadable(task, took, "TimedOut", perf_counter() - started)
        return unreadable(task, ended or "interrupted", "WorkerDied", perf_counter() - started)

    def _child(self) -> "subprocess.Popen[bytes] | None":
        """The process of this thread."""
        child: subprocess.Popen[bytes] | None = getattr(self._own, "child", None)
        if child is not None and child.poll() is None:
            return child
        with self._lock:
            if self._closed:
                return None
            child = subprocess.Popen(
                [sys.executable, "-m", "convcli.batch.worker_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                process_group=0,  # the terminal's Ctrl-C is for the parent, which ends them
            )
            self._running.add(child)
        self._own.child = child
        assert child.stdin is not None
        with suppress(BrokenPipeError):
            child.stdin.write(self._job)
            child.stdin.flush()
            assert child.stdout is not None
            child.stdout.readline()  # that it is ready
        return child

    def _lost(self, child: "subprocess.Popen[bytes]", task: Task) -> str:
        """Remove what a worker that died had begun to write, and say how it ended."""
        with suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
        if child.poll() is None:
            child.kill()
            child.wait()
        self._forget(child)
        begun = os.path.join(escape(os.path.dirname(task.target)), f".convcli-{child.pid}-*")
        for path in glob(begun, include_hidden=True):
            with suppress(OSError):
                os.unlink(path)
        code = child.returncode
        if code < 0:
            with suppress(ValueError):
                return f"its worker was ended by {signal.Signals(-code).name}, {TRIES} times"
        return f"its worker ended with {code}, {TRIES} times"

    def _forget(self, child: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            self._running.discard(child)
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def close(self, at_once: bool) -> None:
        """End all workers: when they have done what they do, or now."""
        self._threads.shutdown(wait=not at_once, cancel_futures=True)
        with self._lock:
            self._closed = True
            children = list(self._running)
        for child in children:
            if at_once:
                child.terminate()
            else:
                assert child.stdin is not None
                with suppress(BrokenPipeError):
                    child.stdin.close()
        for child in children:
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._threads.shutdown(wait=True)
        for child in children:
            self._forget(child)
