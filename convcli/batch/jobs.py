"""The work on one picture of a batch: in this process, in a child, or on another machine.

A job is plain data, so that it can be sent anywhere; `worker` turns it into a function from a task
to its outcome, which is plain data too. A refusal is an outcome: the others go on.
"""

import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from convcli.batch.output_names import Task
from convcli.errors import OutputError, PictureError, Refusal
from convcli.records import NamedTuple
from convcli.text import safe

if TYPE_CHECKING:
    from convcli.features.extractor import PlainFeatures
    from convcli.images.filters.apply import Opened
    from convcli.images.image import Limits

    Value: TypeAlias = Mapping[str, object] | PlainFeatures
    """The result of work beside its file, as JSON: an object for filters, or features."""

Status: TypeAlias = Literal["done", "skipped", "failed"]


class Outcome(NamedTuple):
    """The outcome of a task.

    `kind` is the name of the refusal, or of another error, whose traceback is `trace`.
    """

    source: str
    target: str
    status: Status
    error: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()
    value: "Value | None" = None
    trace: str = ""
    seconds: float = 0.0

    def report(self) -> dict[str, object]:
        """A line of the report of failures."""
        return {
            "path": self.source,
            "output": self.target,
            "error": self.error,
            "kind": self.kind,
            "seconds": round(self.seconds, 3),
        }


class Done(NamedTuple):
    """What work gives where it is not refused."""

    status: Status = "done"
    notes: tuple[str, ...] = ()
    value: "Value | None" = None


Work: TypeAlias = Callable[[Task], Done]
"""Does a task; may raise any error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all kinds of work need to know, as JSON holds it; `beside` workers share the memory."""

    kind: ClassVar[str]
    threads: int | None = None
    max_pixels: int | None = None
    max_memory: int | None = None
    beside: int = 1

    @property
    def limits(self) -> "Limits":
        from convcli.images.image import Limits

        return Limits(self.max_pixels, self.max_memory, self.beside)

    def fields(self) -> dict[str, object]:
        """The job as a JSON object, which `job_of` reads."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterJob(Job):
    """Filter as a record says, and save the results."""

    kind: ClassVar[str] = "filter"
    record: str
    format: str | None = None
    quality: int | None = None
    subsampling: str | None = None
    lossless: bool = False
    fail_on_clip: bool = False
    resume: bool = False
    lossy_in_place: bool = False
    mask: str | None = None
    describes: bool = False
    """Whether outcomes hold the plan too, as JSON wants it."""

    def work(self) -> Work:
        """The function that does the tasks; what it needs for all of them is made once."""
        from convcli.batch.resume import finished_before
        from convcli.images.filters.apply import filter_opened, open_planned, refuse_clipping
        from convcli.images.filters.options import read_record
        from convcli.images.filters.spec import spec_of
        from convcli.images.io.formats import SaveOptions, Target, format_named
        from convcli.images.io.source import file_state

        spec = spec_of(read_record(self.record, "the job")).masked(self.mask, self.limits)
        form = None if self.format is None else format_named(self.format)
        options = SaveOptions(form, self.quality, self.subsampling, self.lossless)

        def work(task: Task) -> Done:
            replaces = task.force
            if self.resume and os.path.lexists(task.target):
                finished = finished_before(task.target, task.source, self.record)
                if finished is not None:
                    return finished
                replaces = True
            target = Target(task.target, replaces, options)
            opened = open_planned(task.source, spec, target, self.limits)
            # after it was opened: what changes from here on is not what was read
            if task.before is not None and file_state(task.source) != task.before:
                return Done(notes=_done_before(opened, self.record))
            replaces_all = task.in_place and not self.lossy_in_place
            for text in opened.losses if replaces_all and opened.picture is not None else ():
                raise PictureError(
                    f"{safe(task.source)}: {text}; --in-place would lose it for good; give -o "
                    "instead, or --lossy-in-place"
                )
            if self.fail_on_clip:
                refuse_clipping(opened, self.threads)
            make_folder(task.target)
            try:
                statistics = filter_opened(opened, self.threads)
            except OutputError:
                # a worker of a batch that was killed a moment ago may have come first
                if self.resume:
                    finished = finished_before(task.target, task.source, self.record)
                    if finished is not None:
                        return finished
                raise
            notes = opened.losses if opened.picture else (IN_BANDS,)
            text, values = statistics.described(opened.plan.faint), statistics.record()
            plan = opened.plan.record() if self.describes else {}
            return Done("done", notes, {"text": text, "values": values, "plan": plan})

        return work


IN_BANDS = "filtered in bands"
"""The note that speaks of no loss."""


def _done_before(opened: "Opened", record: str) -> tuple[str, ...]:
    """The note on a picture that was replaced since its task first began.

    The first worker died, or was cut off, between its rename and its answer: the picture is not
    filtered twice. Raises PictureError where its record says that somebody else replaced it.
    """
    from convcli.images.io.formats import FORMATS
    from convcli.images.io.read import record_in

    # results in bands hold no record
    form = opened.picture and FORMATS.get(opened.picture.format)
    if not form or not form.record:
        return ("it was replaced before its worker answered, and is not filtered again",)
    if record_in(opened.source) != record:
        raise PictureError(f"{safe(opened.source)} changed while the batch ran; it is not filtered")
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorJob(Job):
    """Make vectors as settings say."""

    kind: ClassVar[str] = "vector"
    settings: str

    def work(self) -> Work:
        """The function that does the tasks; what it needs for all of them is made once."""
        from convcli.features.config_json import read_settings, setup_of
        from convcli.features.extractor import Extractor

        settings = read_settings(self.settings, "the job")
        extractor = Extractor(setup_of(settings, "the job"), self.limits)
        return lambda task: Done(value=extractor.features(task.source, keeps=False).plain())


AnyJob: TypeAlias = FilterJob | VectorJob

KINDS: dict[str, type[AnyJob]] = {kind.kind: kind for kind in (FilterJob, VectorJob)}
"""The kinds of work."""


def job_of(fields: Mapping[str, object]) -> AnyJob:
    """The job that a JSON object holds.

    >>> job_of(FilterJob(record="{}", threads=2).fields()).threads
    2
    """
    values = dict(fields)
    make: Callable[..., AnyJob] = KINDS[str(values.pop("kind"))]
    return make(**values)


def worker(job: AnyJob) -> Callable[[Task], Outcome]:
    """The function that does a job's tasks, and turns every error into an outcome."""
    work = job.work()

    def do(task: Task) -> Outcome:
        started = perf_counter()

        def failed(error: BaseException, reason: object, trace: str = "") -> Outcome:
            text = str(reason)
            if not any(name and safe(name) in text for name in task[:2]):
                text = f"{safe(task.source)}: {text}"
            took, kind = perf_counter() - started, type(error).__name__
            return Outcome(task.source, task.target, "failed", text, kind, (), None, trace, took)

        try:
            done = work(task)
        except Refusal as refusal:
            return failed(refusal, refusal)
        except OSError as error:
            return failed(error, safe(error.strerror or error))
        except MemoryError as error:
            return failed(error, "there is not enough memory for it")
        except Exception as error:  # a bug: reported with its traceback, while the others go on
            name = type(error).__name__
            return failed(error, f"{name}: {safe(error)}", traceback.format_exc())
        took = perf_counter() - started
        status, notes, value = done
        return Outcome(task.source, task.target, status, "", "", notes, value, "", took)

    return do


def make_folder(target: str) -> None:
    """Make the folder of a result. Raises OutputError where that cannot be."""
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise OutputError(f"{safe(folder)} cannot be made: {error.strerror}") from None


def unreadable(task: Task, error: str, kind: str, seconds: float = 0.0) -> Outcome:
    """The outcome of a task that could not be tried, or whose worker ended."""
    text = f"{safe(task.source)}: {error}"
    return Outcome(task.source, task.target, "failed", text, kind, seconds=seconds)


def shipped(job: AnyJob, name: str, suffix: str, data: bytes) -> tuple[Outcome, bytes]:
    """On a worker: do a task whose picture comes as bytes; gives its result as bytes too."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="convcli-") as folder:
        source = os.path.join(folder, "in" + os.path.splitext(name)[1])
        target = os.path.join(folder, "out" + suffix)
        with open(source, "wb") as stream:
            stream.write(data)
        outcome = worker(job)(Task(source, target, True))
        result = b""
        if os.path.exists(target):
            with open(target, "rb") as stream:
                result = stream.read()
        error = outcome.error.replace(source, safe(name)).replace(target, "the result")
        return outcome._replace(error=error), result
