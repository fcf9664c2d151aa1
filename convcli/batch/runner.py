"""How a batch runs: where each task runs, and in which order outcomes are reported."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from time import perf_counter
from typing import TypeVar

from convcli.batch.jobs import AnyJob, Outcome, worker
from convcli.batch.options import BatchOptions
from convcli.batch.output_names import Task
from convcli.batch.progress import Progress
from convcli.errors import Refusal
from convcli.output import note
from convcli.text import counted

Pending = TypeVar("Pending")

TRIAL = 0.3
"""Seconds of work before the choice whether to start worker processes."""

WORTH = 1.0
"""Seconds of work left that pay for starting them, which takes about 0.3 s of a core each."""

AHEAD = 8
"""Tasks in flight for each worker: what bounds the memory of those that wait for their turn."""


def cores() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


JOBS_PER_CORE = 4
"""Worker processes at most: they may wait for disks, but each takes memory."""


def max_workers(job: AnyJob) -> int:
    """The most worker processes that cores and memory allow, at least one."""
    from convcli.images.image import PROCESS_BYTES, available

    memory = available() if job.max_memory is None else job.max_memory
    return max(1, min(JOBS_PER_CORE * cores(), memory // PROCESS_BYTES))


def outcomes(
    tasks: Sequence[Task], job: AnyJob, options: BatchOptions
) -> Generator[Outcome, None, None]:
    """The outcome of each task, in the order of the tasks."""
    if options.scheduler is not None:
        from convcli.batch.dask import on_cluster

        yield from on_cluster(tasks, job, options.scheduler, options.ship)
    else:
        yield from on_this_machine(tasks, job, options.jobs, options.timeout)


def on_this_machine(
    tasks: Sequence[Task], job: AnyJob, jobs: int | None, timeout: int | None = None
) -> Iterator[Outcome]:
    """Outcomes from this process, and from workers where these are faster.

    Unless `jobs` asks for workers, the first tasks are done here, and time them all. A `timeout`
    in seconds takes workers, which can be ended.
    """
    left = deque(tasks)
    count = min(jobs or cores(), len(tasks), max_workers(job))
    if jobs is not None and count < min(jobs, len(tasks)):
        limit = f"at most {JOBS_PER_CORE} per core, as memory allows"
        note(f"--jobs {jobs} is reduced to {count}: {limit}")
    if timeout is None and (jobs is None or count < 2):
        do, started, begun = worker(job), perf_counter(), len(left)
        while left:
            spent = perf_counter() - started
            done = begun - len(left)
            if count > 1 and spent > TRIAL and len(left) * spent / done > WORTH:
                break
            yield do(left.popleft())
    if not left:
        return
    from convcli.batch.pool import Pool

    # a worker has one core, and its share of the memory
    pool = Pool(replace(job, threads=job.threads or 1, beside=count), count, timeout)
    at_once = True
    try:
        for _, future in in_order(left, pool.submit, count * AHEAD):
            yield future.result()
        at_once = False
    finally:
        pool.close(at_once)


def in_order(
    tasks: deque[Task], submit: Callable[[Task], Pending], ahead: int
) -> Iterator[tuple[Task, Pending]]:
    """Each task with what stands for its result, in order, with no more than `ahead` under way."""
    waiting: deque[tuple[Task, Pending]] = deque()
    while tasks or waiting:
        while tasks and len(waiting) < ahead:
            task = tasks.popleft()
            waiting.append((task, submit(task)))
        yield waiting.popleft()


def run(
    tasks: Sequence[Task],
    job: AnyJob,
    options: BatchOptions,
    report: Callable[[Progress, Outcome], None],
    quiet: bool = False,
    resumable: bool = False,
) -> None:
    """Do all tasks, and report each in their order. Raises Refusal where any failed.

    Interrupted, by SIGINT or SIGTERM, workers are ended and what is finished stays; a `resumable`
    run says that --resume continues it.
    """
    progress = Progress(len(tasks), quiet)
    try:
        with stopping(), progress, closing(outcomes(tasks, job, options)) as stream:
            for outcome in stream:
                progress.count(outcome)
                report(progress, outcome)
                if options.fail_fast and outcome.status == "failed":
                    break
    except BrokenPipeError:
        progress.quiet = True  # the reader has closed the pipe: a normal end
        raise
    finally:
        progress.finish(options.report, listed=len(tasks) > 1, resumable=resumable)
    failed = len(progress.failed)
    if failed and len(tasks) == 1:
        raise Refusal(progress.failed[0].error)
    if failed:
        left = len(tasks) - progress.done
        rest = f", {left:,} not tried" if left else ""
        raise Refusal(f"{failed:,} of {counted(len(tasks), 'picture')} failed{rest}")


@contextmanager
def stopping() -> Iterator[None]:
    """SIGTERM ends a batch as SIGINT does: in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
