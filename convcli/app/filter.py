"""`convcli filter`: pictures under kernels, one or a batch of them."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Literal

from convcli.batch.options import BATCH, BatchOptions
from convcli.errors import OutputError, SpecError
from convcli.images.filters.options import FilterOptions
from convcli.options import OutputOptions, is_template
from convcli.output import line, note, path, planned
from convcli.tables import Listing, Record, json
from convcli.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convcli.batch.jobs import Outcome
    from convcli.batch.output_names import Task
    from convcli.batch.progress import Progress
    from convcli.images.filters.spec import FilterSpec
    from convcli.images.image import Picture
    from convcli.images.io.formats import SaveOptions
    from convcli.images.io.source import Prefetch

ALONE = ("explain", "preview")
"""Options that are of one picture."""


class FilterRun(FilterOptions, BatchOptions, OutputOptions):
    """Pictures, what is done to each, where results go, and what is printed of them."""

    pictures: tuple[str, ...] = ()
    output: str | None = None
    to: str | None = None
    force: bool = False
    in_place: bool = False
    lossy_in_place: bool = False
    quality: int | None = None
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] | None = None
    lossless: bool = False
    fail_on_clip: bool = False
    mask: str | None = None
    preview: bool = False
    explain: bool = False
    dry_run: bool = False
    resume: bool = False
    threads: int | None = None

    def save_options(self) -> SaveOptions:
        """How results are saved. Raises SpecError for a format that there is not."""
        from convcli.images.io.formats import SaveOptions, format_named

        form = None if self.to is None else format_named(self.to)
        return SaveOptions(form, self.quality, self.subsampling, self.lossless)

    @property
    def replaces(self) -> bool:
        """Whether results take the places of their inputs."""
        return self.in_place or self.lossy_in_place

    def is_batch(self) -> bool:
        """Whether more than one plain picture and one plain file is asked for."""
        if (
            self.given(*BATCH, "ship", "resume", "in_place", "lossy_in_place")
            or len(self.pictures) != 1
        ):
            return True
        (word,) = self.pictures
        if os.path.isdir(word) or (self.output is not None and is_template(self.output)):
            return True
        if not any(sign in word for sign in "*?["):
            return False
        from convcli.batch.inputs import is_glob

        return is_glob(word)


def filter_pictures(options: FilterRun) -> None:
    """Filter one picture, or a batch, and print where results are. Raises a Refusal."""
    if not options.pictures and options.files_from is None:
        raise SpecError("name a picture, a folder, or --files-from a list; - is stdin")
    # bands have threads of their own, and NumPy starts faster without BLAS's
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if options.is_batch():
        _filter_batch(options)
    else:
        _filter_picture(options.pictures[0], options)


def _filter_picture(source: str, options: FilterRun) -> None:
    from convcli.images.image import Limits
    from convcli.images.io.source import Prefetch

    # decoded while NumPy is imported
    limits = Limits(options.max_pixels, options.max_memory)
    with closing(Prefetch(source, background=True, limits=limits)) as prefetch:
        from convcli.images.filters.apply import filter_opened, open_planned, refuse_clipping
        from convcli.images.filters.spec import remarks, replayed, spec_of
        from convcli.images.io.atomic import check_free, files_named
        from convcli.images.io.formats import Target
        from convcli.images.io.write import check_stdout

        wanted = replayed(options)
        spec, target = spec_of(wanted).masked(options.mask, limits), None
        hints, title = remarks(spec, wanted), safe(spec.title)
        masks = [options.mask] if options.mask is not None else []
        if options.output is not None or not options.preview:
            name = _output_name(source, spec, options, prefetch)
            target = Target(name, options.force, options.save_options())
            check_free([name], options.force, prefetch.file, *masks, *files_named(options.kernels))
            form = target.format()
            if form is not None:
                target.options.check(form)
            if name == "-":
                check_stdout()
        elif not sys.stdout.isatty():
            raise OutputError("--preview shows the picture on a terminal, which stdout is not")
        for hint in hints:
            note(hint)
        opened = open_planned(source, spec, target, prefetch=prefetch)
    if target is not None and opened.plan.format is not None:
        target.options.check(opened.plan.format)
    for remark in opened.losses:
        note(f"{safe(source)}: {remark}")
    for text in opened.plan.text() if options.explain else ():
        note(text)
    if options.dry_run:
        if target is not None:
            _print_plan(source, target.path, "planned", options)
        return
    if options.preview and opened.picture:
        _preview(opened.picture, spec)
    if target is None:
        return
    if options.fail_on_clip:
        refuse_clipping(opened, options.threads)
    statistics = filter_opened(opened, options.threads)
    if options.format_ == "json":
        from convcli.batch.jobs import IN_BANDS

        notes = list(opened.losses) if opened.picture else [IN_BANDS]
        values: Record = {
            "input": source,
            "output": target.path,
            "status": "done",
            "values": statistics.record(),
            **({"notes": notes} if notes else {}),
        }
        _print_json({**opened.plan.record(), **values}, to_stderr=target.path == "-")
        return
    if not options.quiet:
        bands = "" if opened.picture else ", in bands"
        note(f"{title}{bands}: {statistics.described(opened.plan.faint)}")
        if target.path != "-":
            path(target.path)


def _output_name(source: str, spec: FilterSpec, options: FilterRun, prefetch: Prefetch) -> str:
    """Where a result goes: the name given, else NAME.KERNEL.EXT in this folder, "-" for stdin.

    Raises OutputError where a picture's name does not tell a format.
    """
    from convcli.images.io.formats import FLOAT_SUFFIXES, SUFFIXES, result_suffix
    from convcli.images.io.read import open_picture

    file, form = prefetch.source, options.save_options().format
    if options.output is not None or file.file == "-":
        return "-" if options.output is None else options.output
    own = result_suffix(file.suffix)
    if form is None and own.lower() not in {*SUFFIXES, *FLOAT_SUFFIXES}:
        open_picture(source, every_kind=True, prefetch=prefetch)  # says what is wrong with it
        raise OutputError(
            f"{safe(source)} does not end in a picture's suffix; name the result with -o, or its "
            f"format with --to"
        )
    return f"{file.stem}.{spec.label}{own if form is None else form.suffixes[0]}"


def _preview(picture: Picture, spec: FilterSpec) -> None:
    """Input and result side by side, as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table as Grid

    from convcli.drawing.kernel_gallery import fitted_tile
    from convcli.drawing.terminal import half_blocks
    from convcli.images.filters.apply import filter_picture

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        note("--preview shows pictures on a terminal, which stdout is not")
        return
    half = max(4, (console.width - 3) // 2)
    result = filter_picture(picture._replace(frames=()), spec).picture
    grid = Grid.grid(padding=(0, 1))
    grid.add_row(
        *(
            half_blocks(fitted_tile(one, 2 * half), half, console.encoding)
            for one in (picture, result)
        )
    )
    console.print(grid)


def _print_json(record: Record, to_stderr: bool) -> None:
    if to_stderr:
        from json import dumps

        note(dumps(record))
    else:
        json(Listing("", ((), (), ()), record))


def _filter_batch(options: FilterRun) -> None:
    """Filter all the pictures that words and lists name."""
    from convcli.batch.inputs import gathered
    from convcli.batch.jobs import FilterJob
    from convcli.batch.output_names import in_place, output_root, read_template, tasks_of
    from convcli.batch.runner import run
    from convcli.images.filters.spec import remarks, replayed, spec_of
    from convcli.images.io.atomic import check_free

    _refuse_clashes(options)
    wanted = replayed(options)
    spec, form = spec_of(wanted).masked(options.mask), options.save_options().format
    root = None if options.output is None else output_root(read_template(options.output, 1))
    inputs = gathered(options.pictures, options.recursive, options.files_from, options.null, root)
    if options.replaces:
        tasks = in_place(inputs)
    else:
        template = read_template(options.output, len(inputs))
        suffix = None if form is None else form.suffixes[0]
        tasks = tasks_of(inputs, template, spec.label, suffix, options.force, options.resume)
    if options.report is not None:
        check_free([options.report], options.force or options.resume)
        _refuse_report(options.report, tasks)
    for remark in remarks(spec, wanted):
        note(remark)
    if options.dry_run:
        return _plan_batch(tasks, spec.options.record(), options)
    job = FilterJob(
        record=spec.options.record(),
        format=None if form is None else form.name,
        quality=options.quality,
        subsampling=options.subsampling,
        lossless=options.lossless,
        lossy_in_place=options.lossy_in_place,
        threads=options.threads,
        fail_on_clip=options.fail_on_clip,
        mask=options.mask and os.path.abspath(options.mask),
        max_pixels=options.max_pixels,
        max_memory=options.max_memory,
        resume=options.resume,
        describes=options.format_ == "json",
    )
    report = _report_json if options.format_ == "json" else _report_path(options.quiet)
    run(tasks, job, options, report, options.quiet, resumable=not options.in_place)
    return None


def _plan_batch(tasks: Sequence[Task], record: str, options: FilterRun) -> None:
    """Print what would be done with each picture; of those that are finished, that."""
    from convcli.batch.inputs import check_there
    from convcli.batch.resume import finished_before

    for task in tasks:
        is_finished = options.resume and os.path.lexists(task.target)
        done = finished_before(task.target, task.source, record) if is_finished else None
        _print_plan(task.source, task.target, done.status if done else "planned", options)
    check_there([task.source for task in tasks])


def _print_plan(source: str, target: str, status: str, options: FilterRun) -> None:
    if options.format_ == "json":
        from json import dumps

        line(dumps({"schema": 1, "input": source, "output": target, "status": status}))
    elif status == "planned":
        planned(source, target)
    else:
        note(f"{safe(source)}: {safe(target)} is finished")


def _refuse_clashes(options: FilterRun) -> None:
    for name in options.given(*ALONE):
        raise SpecError(f"--{name} is for one picture, not for a batch")
    if options.replaces and options.output is not None:
        raise SpecError("--in-place puts results where inputs are; leave -o out")
    if options.replaces and options.resume:
        raise SpecError(
            "--resume cannot tell which inputs --in-place has filtered; write with -o instead"
        )
    if options.replaces and options.to is not None:
        raise SpecError("--in-place keeps the format of each input; leave --to out")
    if "-" in options.pictures and (options.replaces or len(options.pictures) == 1):
        raise SpecError("stdin (-) is one picture, with a file as -o, and not one of a batch")
    if options.output == "-":
        raise SpecError("-o - is one picture on stdout; name a folder, such as -o out/")
    if options.mask is not None and options.scheduler is not None:
        raise SpecError("--mask goes without --scheduler: other machines do not have the mask")
    if options.given("ship") and options.scheduler is None:
        raise SpecError("--ship goes with --scheduler")
    options.check()


def _refuse_report(report: str, tasks: Sequence[Task]) -> None:
    own = os.path.realpath(report)
    names = [name for task in tasks for name in task[:2]]
    if any(os.path.basename(name) == os.path.basename(report) for name in names) and any(
        os.path.realpath(name) == own for name in names
    ):
        raise OutputError(f"{safe(report)} is the report of failures and a picture too")


def _report_path(quiet: bool) -> Callable[[Progress, Outcome], None]:
    """Paths of results on stdout, what is remarkable on stderr."""
    from convcli.batch.jobs import IN_BANDS

    def report(progress: Progress, outcome: Outcome) -> None:
        # of many that are skipped, the summary says how many have no recipe
        for text in outcome.notes if outcome.status != "skipped" or progress.total == 1 else ():
            if not quiet or text != IN_BANDS:  # what is lost is said in any case
                progress.note(f"{safe(outcome.source)}: {text}")
        if not quiet and progress.total == 1 and isinstance(outcome.value, dict):
            progress.note(f"{safe(outcome.target)}: {outcome.value['text']}")
        if outcome.status != "failed" and not quiet:
            progress.path(outcome.target)

    return report


def _report_json(progress: Progress, outcome: Outcome) -> None:
    """One JSON object per picture, each on a line."""
    from json import dumps

    done = outcome.value if isinstance(outcome.value, dict) else {}
    record: dict[str, object] = {"schema": 1, **done.get("plan", {})}
    record |= {"input": outcome.source, "output": outcome.target, "status": outcome.status}
    values = done.get("values")
    fields = {"values": values, "notes": list(outcome.notes), "error": outcome.error}
    line(dumps({**record, **{name: value for name, value in fields.items() if value}}))
