"""What `convcli filter` does with many pictures."""

import os
from typing import Any

from convcli.app.filter import format_asked, suffix_of
from convcli.errors import OutputError, SpecError
from convcli.output import note
from convcli.text import safe

ALONE = ("explain", "preview")
"""Options that are of one picture."""


def run_many(
    words: tuple[str, ...],
    specs: tuple[str, ...],
    output: str | None,
    asked: dict[str, Any],
    given: set[str],
) -> None:
    """Filter all the pictures that words and lists name. `asked` are all options."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from convcli.batch.inputs import gathered
    from convcli.batch.jobs import filter_job
    from convcli.batch.output_names import in_place, output_root, planned, read_template
    from convcli.batch.runner import run
    from convcli.images.filters.options import DEFAULTS, recipe_of, remarks, replayed
    from convcli.images.io.atomic import check_free
    from convcli.images.io.formats import SUFFIXES

    _refuse_clashes(words, output, asked, given)
    said = {key: value for key, value in asked.items() if key in DEFAULTS}
    ready = replayed(specs, said, given)
    recipe = recipe_of(ready)
    form = format_asked(asked["form"])
    root = None if output is None else output_root(read_template(output, 1))
    inputs = gathered(words, asked["recursive"], asked["files_from"], asked["null"], root)
    if asked["in_place"]:
        tasks = in_place(inputs)
    else:
        template = read_template(output, len(inputs))
        tasks = planned(
            inputs,
            template,
            recipe.label,
            suffix_of(form, SUFFIXES),
            asked["force"],
            asked["resume"],
        )
    if asked["report"] is not None:
        check_free([asked["report"]], asked["force"] or asked["resume"])
        _refuse_report(asked["report"], [name for one in tasks for name in one[:2]])
    for line in remarks(recipe, ready):
        note(line)
    job = filter_job(
        ready.record,
        (form, asked["quality"], asked["subsampling"]),
        threads=asked["threads"],
        fail_on_clip=asked["fail_on_clip"],
        max_pixels=asked["max_pixels"],
        max_memory=asked["max_memory"],
        resume=asked["resume"],
    )
    tell = _as_json if asked["format_"] == "json" else _as_path
    run(tasks, job, _how(asked), tell(asked["quiet"]))


def _how(asked: dict[str, Any]) -> Any:
    from convcli.batch.runner import How

    return How(
        asked["jobs"],
        asked["scheduler"],
        asked["ship"],
        asked["fail_fast"],
        asked["report"],
        asked["quiet"],
    )


def _refuse_lists(asked: dict[str, Any]) -> None:
    if asked["null"] and asked["files_from"] is None:
        raise SpecError("-0 is how --files-from is read; name a list, or - for stdin")
    if asked["jobs"] is not None and asked["scheduler"] is not None:
        raise SpecError("--jobs are worker processes here; a cluster has workers of its own")


def _refuse_clashes(
    words: tuple[str, ...], output: str | None, asked: dict[str, Any], given: set[str]
) -> None:
    for name in ALONE:
        if asked[name]:
            raise SpecError(f"--{name} is for one picture, not for a batch")
    if asked["in_place"] and output is not None:
        raise SpecError("--in-place puts results where inputs are; leave -o out")
    if asked["in_place"] and asked["resume"]:
        raise SpecError(
            "--resume cannot tell which inputs --in-place has filtered; write with -o instead"
        )
    if asked["in_place"] and asked["form"] is not None:
        raise SpecError("--in-place keeps the format of each input; leave --to out")
    if "-" in words and (asked["in_place"] or len(words) == 1):
        raise SpecError("stdin (-) is one picture, with a file as -o, and not one of a batch")
    if output == "-":
        raise SpecError("-o - is one picture on stdout; name a folder, such as -o out/")
    if "ship" in given and asked["scheduler"] is None:
        raise SpecError("--ship goes with --scheduler")
    _refuse_lists(asked)


def _refuse_report(report: str, names: list[str]) -> None:
    own = os.path.realpath(report)
    if any(os.path.basename(name) == os.path.basename(report) for name in names) and any(
        os.path.realpath(name) == own for name in names
    ):
        raise OutputError(f"{safe(report)} is the report of failures and a picture too")


def _as_path(quiet: bool) -> Any:
    """Paths of results on stdout, what was remarkable on stderr."""

    def tell(teller: Any, outcome: Any) -> None:
        if not quiet:
            for text in outcome.notes:
                teller.note(f"{safe(outcome.source)}: {text}")
            if teller.total == 1 and outcome.value:
                teller.note(f"{safe(outcome.target)}: {outcome.value['said']}")
        if outcome.status != "failed":
            teller.path(outcome.target)

    return tell


def _as_json(quiet: bool) -> Any:
    """A JSON object for each picture, on a line of its own."""
    from json import dumps

    from convcli.output import line

    def tell(teller: Any, outcome: Any) -> None:
        record = {"input": outcome.source, "output": outcome.target, "status": outcome.status}
        if outcome.value:
            record["values"] = outcome.value["values"]
        if outcome.notes:
            record["notes"] = list(outcome.notes)
        if outcome.error:
            record["error"] = outcome.error
        line(dumps(record))

    return tell
