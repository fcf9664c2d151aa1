"""A batch on the workers of a Dask cluster that is already there."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from convcli.batch.jobs import Job, Outcome, make_folder, shipped, unreadable, worker
from convcli.batch.output_names import Task
from convcli.errors import Refusal, SpecError
from convcli.images.io.atomic import write_file
from convcli.text import safe

CONNECTING = 5
"""Seconds that a scheduler has to answer."""

AHEAD = 4
"""Tasks under way for each thread of the workers."""

MOST_AHEAD = 512

_works: dict[str, Any] = {}
"""On a worker: the function of each job that it has met, made once."""


def done_there(job: Job, key: str, task: Task) -> Outcome:
    """On a worker: do a task, with paths that it can reach too."""
    if key not in _works:
        _works.clear()
        _works[key] = worker(job)
    outcome: Outcome = _works[key](task)
    return outcome


def on_cluster(tasks: Sequence[Task], job: Job, address: str, ship: str) -> Iterator[Outcome]:
    """The outcomes of tasks, in their order; those of a worker that dies are done by another.

    A task may so run twice: files appear whole under their names, and the second replaces the
    first. Raises Refusal where no scheduler answers.
    """
    try:
        from dask import config
        from distributed import Client  # type: ignore[attr-defined,unused-ignore]
    except ImportError:
        raise SpecError(
            "--scheduler takes Dask, which is not installed: pip install 'convcli[dask]'"
        ) from None
    config.set({"distributed.comm.timeouts.connect": f"{CONNECTING}s"})
    try:
        connect: Any = Client
        client = connect(address, timeout=CONNECTING, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise Refusal(f"no Dask scheduler answers at {safe(address)}: {safe(error)}") from None
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise Refusal(f"the scheduler at {safe(address)} has no workers; start a dask worker")
        yield from _in_order(tasks, job, client, ship, min(MOST_AHEAD, AHEAD * threads))
    finally:
        client.close(timeout=2)


def _in_order(
    tasks: Sequence[Task], job: Job, client: Any, ship: str, ahead: int
) -> Iterator[Outcome]:
    own = {**job, "threads": job.get("threads") or 1}
    key = repr(sorted(own.items()))
    submit = partial(_ship if ship == "bytes" else _send, client, own, key)
    left, waiting = deque(tasks), deque[tuple[Task, Any]]()
    try:
        while left or waiting:
            while left and len(waiting) < ahead:
                task = left.popleft()
                if ship == "bytes" and job.get("resume"):  # looked at before it is replaced
                    task = task._replace(force=True)
                waiting.append((task, submit(task)))
            task, future = waiting.popleft()
            yield _received(task, future, ship)
    finally:
        client.cancel([future for _, future in waiting if not isinstance(future, Outcome)])


def _send(client: Any, job: Job, key: str, task: Task) -> Any:
    # a vector has no file of its own; a resumed task looks at what is there before it replaces it
    target = os.path.abspath(task.target) if task.target else ""
    there = Task(os.path.abspath(task.source), target, True)
    return client.submit(done_there, job, key, there, pure=False, retries=1)


def _ship(client: Any, job: Job, key: str, task: Task) -> Any:
    try:
        if job.get("resume") and os.path.lexists(task.target):
            from convcli.batch.resume import is_finished

            if is_finished(task.target, task.source, job["record"]):
                return Outcome(task.source, task.target, "skipped")
        with open(task.source, "rb") as stream:
            data = stream.read()
    except OSError as error:
        return unreadable(task, safe(error.strerror), type(error).__name__)
    except Refusal as refusal:
        return unreadable(task, str(refusal), type(refusal).__name__)
    suffix = os.path.splitext(task.target)[1]
    return client.submit(shipped, job, task.source, suffix, data, pure=False, retries=1)


def _received(task: Task, future: Any, ship: str) -> Outcome:
    from distributed import CancelledError, KilledWorker

    if isinstance(future, Outcome):
        return future
    try:
        found = future.result()
    except KilledWorker:
        return unreadable(task, "the workers that tried it died", "WorkerDied")
    except CancelledError:
        return unreadable(task, "the scheduler is gone", "SchedulerGone")
    except OSError as error:
        return unreadable(task, safe(error), type(error).__name__)
    if ship != "bytes":
        outcome = Outcome(*found)
    else:
        told, data = found
        outcome = Outcome(*told)
        if outcome.status == "done" and data:
            try:
                make_folder(task.target)
                write_file(task.target, lambda stream: stream.write(data), task.force)
            except (Refusal, OSError) as error:
                return unreadable(task, safe(error), type(error).__name__)
    text = outcome.error.replace(safe(os.path.abspath(task.source)), safe(task.source))
    return outcome._replace(source=task.source, target=task.target, error=text)
