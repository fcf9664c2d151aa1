"""A batch on the workers of a running Dask cluster.

No wait is endless: every request to the cluster has a timeout, after which the run ends with one
line.
"""

import logging
import os
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pkgutil import resolve_name
from threading import Thread
from time import monotonic
from typing import Any, Protocol, TypeAlias, TypeVar

from convcli.batch.jobs import AnyJob, FilterJob, Outcome, make_folder, shipped, unreadable, worker
from convcli.batch.output_names import Task
from convcli.batch.runner import in_order
from convcli.errors import Refusal, SpecError
from convcli.images.io.atomic import write_file
from convcli.images.io.source import file_state
from convcli.text import safe


class Future(Protocol):
    """Dask's future of a task, whose result is a plain tuple."""

    def result(self, timeout: float) -> tuple[Any, ...]: ...


class Client(Protocol):
    """The part of `distributed.Client` that is used."""

    def submit(
        self, function: Callable[..., object], *args: object, pure: bool, retries: int
    ) -> Future: ...
    @property
    def status(self) -> str: ...
    def nthreads(self) -> Mapping[str, int]: ...
    def run(
        self, function: Callable[..., object], *args: object, on_error: str
    ) -> Mapping[str, object]: ...
    def close(self, timeout: int) -> object: ...


Pending: TypeAlias = Future | Outcome
"""A task in progress, or the outcome of one that could not be sent."""

CONNECTING = 5
"""Seconds that a scheduler has to answer."""

ASKING = 30
"""Seconds that workers, which may be at work, have to say which convcli they have."""

LOOKING = 5
"""Seconds of waiting for a task before a check that workers are left."""

DESERTED = 60
"""Seconds without workers before the run ends."""

ADDRESS = re.compile(
    r"(?:(?P<protocol>tcp|tls|wss?|ucxx?)://)?\[?(?P<host>[^\s/\[\]]+?)\]?:(?P<port>[0-9]{1,5})/?"
)

MAX_GREETING = 2**24
"""Bytes of the first message of a scheduler, whose length comes first."""

AHEAD = 4
"""Tasks in progress per thread of the workers."""

MAX_AHEAD = 512

_workers: dict[str, Callable[[Task], Outcome]] = {}
"""On a worker: the function of the job that it has, made once."""


def done_there(job: AnyJob, task: Task) -> Outcome:
    """On a worker: do a task, with paths that it can reach too."""
    key = repr(job)
    if key not in _workers:
        _workers.clear()
        _workers[key] = worker(job)
    return _workers[key](task)


def on_cluster(tasks: Sequence[Task], job: AnyJob, address: str, ship: str) -> Iterator[Outcome]:
    """The outcomes of tasks, in their order; those of a worker that dies are done by another.

    A task may therefore run twice: files appear complete under their names, and the second replaces
    the first. Raises Refusal where no scheduler answers.
    """
    try:
        import distributed
        from dask import config
    except ImportError:
        raise SpecError(
            "--scheduler takes Dask, which is not installed: pip install 'convcli[dask]'"
        ) from None
    _check_scheduler(address)
    timeouts = {"connect": f"{CONNECTING}s", "tcp": "20s"}
    config.set({f"distributed.comm.timeouts.{name}": time for name, time in timeouts.items()})
    logging.disable(logging.CRITICAL)  # our own line says it

    def connect() -> Any:
        client: Any = object.__new__(distributed.Client)
        try:
            client.__init__(address, timeout=CONNECTING, set_as_default=False)
        except BaseException:
            client.status = "closed"  # else Dask closes what never was, for 10 seconds
            raise
        return client

    try:
        client: Client = _within(2 * CONNECTING, connect)
    except Exception as error:  # whatever Dask, its protocols and TLS raise then
        raise Refusal(f"no Dask scheduler answers at {safe(address)}: {safe(error)}") from None
    try:
        yield from _in_order(tasks, job, Cluster(client, address), ship)
    finally:
        with suppress(TimeoutError):
            _within(CONNECTING, lambda: client.close(timeout=2))
        logging.disable(logging.NOTSET)


T = TypeVar("T")


def _within(seconds: float, request: Callable[[], T]) -> T:
    """The answer to a request. Raises TimeoutError if it does not come in time."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(request())
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"there was no answer in {seconds:g} seconds")
    return answers[0]


def _check_scheduler(address: str) -> None:
    """Refuse an address of no scheduler, before Dask waits for one.

    A scheduler greets each connection: its first eight bytes are the length of a message. Raises
    SpecError for text that is not an address, Refusal where no scheduler answers.
    """
    match = ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65_535:
        raise SpecError(f"{safe(address)!r:.80} is not an address of a scheduler: tcp://HOST:8786")
    nobody = f"no Dask scheduler answers at {safe(address)}"
    try:
        host, port = match["host"], int(match["port"])
        with socket.create_connection((host, port), timeout=CONNECTING) as probe:
            if match["protocol"] not in (None, "tcp"):
                return
            start = probe.recv(8, socket.MSG_WAITALL)
    except TimeoutError:
        raise Refusal(f"{nobody} within {CONNECTING} seconds") from None
    except (OSError, UnicodeError) as error:
        raise Refusal(f"{nobody}: {safe(error)}") from None
    if not 0 < int.from_bytes(start, "little") <= MAX_GREETING:
        raise Refusal(f"{nobody}: another program listens there")


class Cluster:
    """A client of a cluster, whose requests have timeouts."""

    def __init__(self, client: Client, address: str) -> None:
        self.client, self.name = client, f"the scheduler at {safe(address)}"

    def threads(self) -> int:
        """Threads of all workers. Raises Refusal where the scheduler is gone."""
        with suppress(Exception):  # whatever Dask raises then
            if self.client.status == "running":
                return sum(_within(CONNECTING, self.client.nthreads).values())
        raise self.gone()

    def gone(self) -> Refusal:
        return Refusal(f"{self.name} is gone; finished results are kept")

    def check_workers(self) -> None:
        """Raise Refusal unless all workers have this version of convcli."""
        name = "convcli:__version__"
        own = resolve_name(name)
        try:
            versions = _within(
                ASKING, lambda: self.client.run(resolve_name, name, on_error="return")
            )
        except TimeoutError:
            raise Refusal(
                f"workers of {self.name} did not report their version of convcli within {ASKING} "
                "seconds"
            ) from None
        for address, version in versions.items():
            if version != own:
                has = f"convcli {safe(version)}" if isinstance(version, str) else "no convcli"
                raise Refusal(
                    f"the worker {safe(address)} has {has}, this is {own}: install the same "
                    "version on all machines"
                )

    def result(self, future: Future) -> tuple[Any, ...]:
        """The result of a task. Raises its error, and Refusal where no worker is left to run it."""
        began: float | None = None
        while True:
            with suppress(TimeoutError):
                return future.result(timeout=LOOKING)
            if self.threads():
                began = None
            else:
                began = began or monotonic()
                if monotonic() - began > DESERTED:
                    raise Refusal(f"{self.name} has had no workers for {DESERTED} seconds")


def _in_order(tasks: Sequence[Task], job: AnyJob, cluster: Cluster, ship: str) -> Iterator[Outcome]:
    client, threads = cluster.client, cluster.threads()
    if not threads:
        raise Refusal(f"{cluster.name} has no workers; start a dask worker")
    cluster.check_workers()
    ahead = min(MAX_AHEAD, AHEAD * threads)
    own = replace(job, threads=job.threads or 1)
    send = _send_bytes if ship == "bytes" else _send_paths

    def submit(task: Task) -> Pending:
        try:
            return send(client, own, task)
        except Exception:
            if client.status == "running":
                raise
            raise cluster.gone() from None

    if ship == "bytes" and isinstance(job, FilterJob) and job.resume:
        # `_send_bytes` looks at what is replaced
        tasks = [task._replace(force=True) for task in tasks]
    for task, pending in in_order(deque(tasks), submit, ahead):
        yield pending if isinstance(pending, Outcome) else _outcome(task, pending, cluster, ship)


def _send_paths(client: Client, job: AnyJob, task: Task) -> Pending:
    # a vector has no file of its own; a resumed task looks at what is there before it replaces it
    target = os.path.abspath(task.target) if task.target else ""
    source = os.path.abspath(task.source)
    there = Task(source, target, True, file_state(source) if task.in_place else None)
    return client.submit(done_there, job, there, pure=False, retries=1)


def _send_bytes(client: Client, job: AnyJob, task: Task) -> Pending:
    try:
        if isinstance(job, FilterJob) and job.resume and os.path.lexists(task.target):
            from convcli.batch.resume import finished_before

            finished = finished_before(task.target, task.source, job.record)
            if finished is not None:
                return Outcome(task.source, task.target, "skipped", notes=finished.notes)
        with open(task.source, "rb") as stream:
            data = stream.read()
    except OSError as error:
        return unreadable(task, safe(error.strerror), type(error).__name__)
    except Refusal as refusal:
        return unreadable(task, str(refusal), type(refusal).__name__)
    suffix = os.path.splitext(task.target)[1]
    return client.submit(shipped, job, task.source, suffix, data, pure=False, retries=1)


def _outcome(task: Task, future: Future, cluster: Cluster, ship: str) -> Outcome:
    from distributed import CancelledError, KilledWorker

    try:
        result = cluster.result(future)
    except KilledWorker:
        return unreadable(task, "the workers that tried it died", "WorkerDied")
    except CancelledError:
        raise cluster.gone() from None
    except ImportError as error:  # of a worker that came later
        return unreadable(task, f"its worker lacks convcli: {safe(error)}", "ImportError")
    except OSError as error:
        return unreadable(task, safe(error), type(error).__name__)
    fields, data = result if ship == "bytes" else (result, b"")
    outcome = Outcome(*fields)
    if outcome.status == "done" and data:
        try:
            make_folder(task.target)
            write_file(task.target, lambda stream: stream.write(data), task.force)
        except (Refusal, OSError) as error:
            return unreadable(task, safe(error), type(error).__name__)
    text = outcome.error.replace(safe(os.path.abspath(task.source)), safe(task.source))
    return outcome._replace(source=task.source, target=task.target, error=text)
