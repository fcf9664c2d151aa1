"""What is done to one picture of a batch, wherever that is: here, in a child, on another machine.

A job is plain data, so that it can be sent anywhere; `worker` turns it into a function from a task
to its outcome, which is plain data too. A refusal is an outcome: the others go on.
"""

import os
import traceback
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple

from convcli.batch.output_names import Task
from convcli.errors import OutputError, Refusal
from convcli.text import safe

Job = Mapping[str, Any]
"""`kind`, and what that kind of work needs to know, as JSON holds it."""


class Outcome(NamedTuple):
    """What became of a task: done, skipped or failed.

    `kind` is the name of the refusal, or of another error, whose traceback is `trace`. `value` is
    what the work gives besides its file: JSON.
    """

    source: str
    target: str
    status: str
    error: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()
    value: Any = None
    trace: str = ""
    seconds: float = 0.0

    def report(self) -> dict[str, Any]:
        """A line of the report of failures."""
        return {
            "path": self.source,
            "output": self.target,
            "error": self.error,
            "kind": self.kind,
            "seconds": round(self.seconds, 3),
        }


Work = Callable[[Task], Outcome]
Does = Callable[[Task], tuple[str, tuple[str, ...], Any]]
"""A task → done or skipped, notes and a value; raises what it likes."""


def worker(job: Job) -> Work:
    """The function that does a job's tasks; what it needs for all of them is made once."""
    does = KINDS[job["kind"]](job)

    def work(task: Task) -> Outcome:
        started = perf_counter()

        def failed(error: BaseException, text: object, trace: str = "") -> Outcome:
            said = str(text)
            if not any(name and safe(name) in said for name in task[:2]):
                said = f"{safe(task.source)}: {said}"
            took = perf_counter() - started
            kind = type(error).__name__
            return Outcome(task.source, task.target, "failed", said, kind, (), None, trace, took)

        try:
            status, notes, value = does(task)
        except Refusal as refusal:
            return failed(refusal, refusal)
        except OSError as error:
            return failed(error, safe(error.strerror or error))
        except MemoryError as error:
            return failed(error, "there is not enough memory for it")
        except Exception as error:  # a bug: told with its traceback, while the others go on
            name = type(error).__name__
            return failed(error, f"{name}: {safe(error)}", traceback.format_exc())
        took = perf_counter() - started
        return Outcome(task.source, task.target, status, "", "", notes, value, "", took)

    return work


def filter_job(record: str, options: tuple[Any, ...], **limits: Any) -> dict[str, Any]:
    """The job of filtering: the record of the recipe, how results are saved, and limits."""
    return {"kind": "filter", "record": record, "options": list(options), **limits}


def _filter(job: Job) -> Does:
    from convcli.batch.resume import is_finished
    from convcli.images.filters.options import DEFAULTS, read_record, recipe_of
    from convcli.images.filters.write import Target, filter_to, needed_by, refuse_clipping
    from convcli.images.io.formats import SaveOptions
    from convcli.images.io.memory_limits import Limits, TooLargeError
    from convcli.images.io.read import open_picture

    asked = read_record(job["record"], "the job")
    recipe = recipe_of(asked._replace(words={**DEFAULTS, **asked.words}))
    limits = Limits(job.get("max_pixels"), job.get("max_memory"), job.get("beside", 1))
    options = SaveOptions(*job["options"])

    def does(task: Task) -> tuple[str, tuple[str, ...], Any]:
        replaces = task.force
        if job.get("resume") and os.path.lexists(task.target):
            if is_finished(task.target, task.source, job["record"]):
                return "skipped", (), None
            replaces = True
        target = Target(task.target, replaces, options)
        needs = needed_by(recipe, bool(target.floats))
        try:
            picture = open_picture(task.source, every_kind=True, limits=limits, needs=needs)
        except TooLargeError as error:
            from convcli.images.filters.out_of_core import filter_large, reads_in_bands

            if not reads_in_bands(task.source, error):
                raise
            make_folder(task.target)
            statistics = filter_large(task.source, error, recipe, target)
            return "done", ("filtered in bands",), _values(statistics)
        picture = picture._replace(metadata={**picture.metadata, "record": job["record"]})
        if job.get("fail_on_clip") and not target.floats:
            refuse_clipping(picture, recipe, job.get("threads"))
        make_folder(task.target)
        try:
            statistics = filter_to(picture, recipe, target, job.get("threads"))
        except OutputError:
            # a worker of a batch that was killed a moment ago may have come first
            if not job.get("resume") or not is_finished(task.target, task.source, job["record"]):
                raise
            return "skipped", (), None
        return "done", picture.notes, _values(statistics)

    return does


def _values(statistics: Any) -> dict[str, Any]:
    names = ("least", "most", "clipped", "samples")
    values = {name: getattr(statistics, name) for name in names}
    return {"said": statistics.text, "values": values}


def make_folder(target: str) -> None:
    """Make the folder of a result. Raises OutputError where that cannot be."""
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise OutputError(f"{safe(folder)} cannot be made: {error.strerror}") from None


def _vector(job: Job) -> Does:
    from convcli.features.config_json import setup_of
    from convcli.features.extractor import Extractor
    from convcli.images.io.memory_limits import Limits

    limits = Limits(job.get("max_pixels"), job.get("max_memory"), job.get("beside", 1))
    extractor = Extractor(setup_of(job["settings"], "the job"), limits)

    def does(task: Task) -> tuple[str, tuple[str, ...], Any]:
        return "done", (), extractor.features(task.source, keeps=False).plain()

    return does


KINDS: dict[str, Callable[[Job], Does]] = {"filter": _filter, "vector": _vector}
"""The kinds of work."""


def unreadable(task: Task, error: str, kind: str, seconds: float = 0.0) -> Outcome:
    """The outcome of a task that could not be tried, or whose worker ended."""
    text = f"{safe(task.source)}: {error}"
    return Outcome(task.source, task.target, "failed", text, kind, seconds=seconds)


def shipped(job: Job, name: str, suffix: str, data: bytes) -> tuple[Outcome, bytes]:
    """On a worker: do a task whose picture comes as bytes; gives its result as bytes too."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="convcli-") as folder:
        source = os.path.join(folder, "in" + os.path.splitext(name)[1])
        target = os.path.join(folder, "out" + suffix)
        with open(source, "wb") as stream:
            stream.write(data)
        outcome = worker(job)(Task(source, target, True))
        made = b""
        if os.path.exists(target):
            with open(target, "rb") as stream:
                made = stream.read()
        error = outcome.error.replace(source, safe(name)).replace(target, "the result")
        return outcome._replace(error=error), made
