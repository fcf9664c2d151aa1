"""A batch on the workers of a Dask cluster that is already there."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

from convcli.batch.jobs import (
    AnyJob,
    FilterJob,
    Outcome,
    make_folder,
    shipped,
    unreadable,
    worker,
)
from convcli.batch.output_names import Task
from convcli.errors import Refusal, SpecError
from convcli.images.io.atomic import write_file
from convcli.text import safe


class Future(Protocol):
    """What Dask gives for a task, which it sends back as a plain tuple."""

    def result(self) -> tuple[Any, ...]: ...


class Client(Protocol):
    """What is asked of `distributed.Client`."""

    def submit(
        self, function: Callable[..., object], *args: object, pure: bool, retries: int
    ) -> Future: ...
    def nthreads(self) -> Mapping[str, int]: ...
    def cancel(self, futures: Iterable[Future]) -> object: ...
    def close(self, timeout: int) -> object: ...


Pending: TypeAlias = Future | Outcome
"""A task under way, or what became of one that could not be sent."""

CONNECTING = 5
"""Seconds that a scheduler has to answer."""

AHEAD = 4
"""Tasks under way for each thread of the workers."""

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

    A task may so run twice: files appear whole under their names, and the second replaces the
    first. Raises Refusal where no scheduler answers.
    """
    try:
        import distributed
        from dask import config
    except ImportError:
        raise SpecError(
            "--scheduler takes Dask, which is not installed: pip install 'convcli[dask]'"
        ) from None
    config.set({"distributed.comm.timeouts.connect": f"{CONNECTING}s"})
    try:
        connect: Callable[..., Any] = distributed.Client
        client: Client = connect(address, timeout=CONNECTING, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise Refusal(f"no Dask scheduler answers at {safe(address)}: {safe(error)}") from None
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise Refusal(f"the scheduler at {safe(address)} has no workers; start a dask worker")
        yield from _in_order(tasks, job, client, ship, min(MAX_AHEAD, AHEAD * threads))
    finally:
        client.close(timeout=2)


def _in_order(
    tasks: Sequence[Task], job: AnyJob, client: Client, ship: str, ahead: int
) -> Iterator[Outcome]:
    own = replace(job, threads=job.threads or 1)
    send = _send_bytes if ship == "bytes" else _send_paths
    left, waiting = deque(tasks), deque[tuple[Task, Pending]]()
    try:
        while left or waiting:
            while left and len(waiting) < ahead:
                task = left.popleft()
                if ship == "bytes" and _resumes(job):  # looked at before it is replaced
                    task = task._replace(force=True)
                waiting.append((task, send(client, own, task)))
            task, pending = waiting.popleft()
            yield pending if isinstance(pending, Outcome) else _received(task, pending, ship)
    finally:
        client.cancel([one for _, one in waiting if not isinstance(one, Outcome)])


def _resumes(job: AnyJob) -> bool:
    return isinstance(job, FilterJob) and job.resume


def _send_paths(client: Client, job: AnyJob, task: Task) -> Pending:
    # a vector has no file of its own; a resumed task looks at what is there before it replaces it
    target = os.path.abspath(task.target) if task.target else ""
    there = Task(os.path.abspath(task.source), target, True)
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


def _received(task: Task, future: Future, ship: str) -> Outcome:
    from distributed import CancelledError, KilledWorker

    try:
        result = future.result()
    except KilledWorker:
        return unreadable(task, "the workers that tried it died", "WorkerDied")
    except CancelledError:
        return unreadable(task, "the scheduler is gone", "SchedulerGone")
    except OSError as error:
        return unreadable(task, safe(error), type(error).__name__)
    if ship != "bytes":
        outcome = Outcome(*result)
    else:
        fields, data = result
        outcome = Outcome(*fields)
        if outcome.status == "done" and data:
            try:
                make_folder(task.target)
                write_file(task.target, lambda stream: stream.write(data), task.force)
            except (Refusal, OSError) as error:
                return unreadable(task, safe(error), type(error).__name__)
    text = outcome.error.replace(safe(os.path.abspath(task.source)), safe(task.source))
    return outcome._replace(source=task.source, target=task.target, error=text)
