"""What `convcli filter` does, once the shell's words are read."""

import os
import sys
from typing import Any

from convcli.errors import OutputError, SpecError
from convcli.output import note, path
from convcli.tables import json
from convcli.text import safe

MANY = frozenset(
    {"recursive", "files_from", "null", "jobs", "scheduler", "ship", "report", "fail_fast"}
    | {"resume", "in_place"}
)
"""Options that only a batch has."""


def wants_batch(words: tuple[str, ...], output: str | None, given: set[str]) -> bool:
    """Whether words and options ask for more than one plain picture and one plain file."""
    if not words and "files_from" not in given:
        raise SpecError("name a picture, a folder, or --files-from a list; - is stdin")
    return (
        len(words) != 1
        or bool(MANY & given)
        or (output is not None and ("{" in output or output.endswith("/") or os.path.isdir(output)))
        or os.path.isdir(words[0])
        or (any(sign in words[0] for sign in "*?[") and _is_batch(words))
    )


def _is_batch(words: tuple[str, ...]) -> bool:
    from convcli.batch.inputs import is_batch

    return is_batch(words)


def run(
    source: str, specs: tuple[str, ...], output: str | None, asked: dict[str, Any], given: set[str]
) -> None:
    """Filter one picture. `asked` are all options, `given` those that were said."""
    # bands have threads of their own, and NumPy starts faster without BLAS's
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from convcli.images.io.memory_limits import Limits, TooLargeError
    from convcli.images.io.prefetch import Early

    early = Early(source, background=True, limits=Limits(asked["max_pixels"], asked["max_memory"]))
    from convcli.images.engines.row_bands import thread_count
    from convcli.images.filters.options import DEFAULTS, recipe_of, remarks, replayed
    from convcli.images.filters.write import (
        Target,
        check_options,
        check_target,
        filter_to,
        needed_by,
        refuse_clipping,
    )
    from convcli.images.io.formats import SUFFIXES, SaveOptions, format_of
    from convcli.images.io.read import check_free, files_named, open_picture
    from convcli.images.io.write import check_stdout, output_name

    words = {key: value for key, value in asked.items() if key in DEFAULTS}
    ready = replayed(specs, words, given)
    recipe = recipe_of(ready)
    form = format_asked(asked["form"])
    options = SaveOptions(form, asked["quality"], asked["subsampling"])
    suffix = suffix_of(form, SUFFIXES)
    label = recipe.label
    written = output is not None or not asked["preview"]
    own = os.path.splitext(source)[1].lower()
    if written and output is None and suffix is None and source != "-" and own not in SUFFIXES:
        open_picture(source, every_kind=True, early=early)  # says what is wrong with it
        raise OutputError(
            f"{safe(source)} does not end as a picture does; name the result with -o, or its "
            "format with --to"
        )
    target = Target(
        output_name(source, label, suffix) if output is None else output, asked["force"], options
    )
    if written:
        check_free([target.path], asked["force"], source, *files_named(specs))
        check_target(target)
        if target.path != "-" or form:
            check_options(target, form or target.floats or format_of(target.path))
        if target.path == "-":
            check_stdout()
    elif not sys.stdout.isatty():
        raise OutputError("--preview shows the picture on a terminal, which stdout is not")
    for line in remarks(recipe, ready):
        note(line)
    needs = needed_by(recipe, bool(target.floats))
    try:
        picture = open_picture(source, every_kind=True, early=early, needs=needs)
    except TooLargeError as error:
        _in_bands(source, error, recipe, target, asked["quiet"])
        return
    if written:
        check_options(target, target.floats or target.form(picture))
    for line in picture.notes:
        note(f"{safe(source)}: {line}")
    metadata = {**picture.metadata, "record": ready.record}
    picture = picture._replace(metadata=metadata)
    threads = thread_count(picture.pixels.size) if asked["threads"] is None else asked["threads"]
    record: dict[str, Any] = {}
    if asked["explain"] or asked["format_"] == "json":
        from convcli.images.filters.plan import plan_record, plan_text, statistics_record

        record = plan_record(recipe, picture, words)
        if asked["explain"]:
            for line in plan_text(recipe, picture, record):
                note(line)
    if asked["preview"]:
        _preview(picture, recipe)
    if not written:
        return
    if asked["fail_on_clip"] and not target.floats:  # floats are never clipped
        refuse_clipping(picture, recipe, threads)
    statistics = filter_to(picture, recipe, target, threads)
    if asked["format_"] == "json":
        record |= {"output": target.path, "values": statistics_record(statistics)}
        _print_json(record, target.path)
    else:
        if not asked["quiet"]:
            note(f"{safe(recipe.title)}: {statistics.text}")
        if target.path != "-":
            path(target.path)


def _in_bands(source: str, error: Any, recipe: Any, target: Any, quiet: bool) -> None:
    """Filter a picture that does not fit, where it can be read in bands; else say why not."""
    from convcli.images.filters.out_of_core import filter_large, reads_in_bands

    if not reads_in_bands(source, error):
        raise error
    statistics = filter_large(source, error, recipe, target)
    if not quiet:
        note(f"{safe(recipe.title)}, in bands: {statistics.text}")
    path(target.path)


def format_asked(text: str | None) -> str | None:
    if text is None:
        return None
    from convcli.images.io.formats import FORMATS

    name = {"jpg": "jpeg", "tif": "tiff", "pgm": "ppm", "apng": "png"}.get(
        text.lower(), text.lower()
    )
    if name in ("npy", "npz", "pfm", "tif32"):
        return name
    if name.upper() not in FORMATS:
        known = ", ".join((*FORMATS, "npy", "npz", "pfm", "tif32")).lower()
        raise SpecError(f"--to {text!r:.60} is no format: {known}")
    return name.upper()


def suffix_of(form: str | None, suffixes: dict[str, str]) -> str | None:
    if form is None:
        return None
    if form in ("npy", "npz", "pfm", "tif32"):
        return ".tif" if form == "tif32" else f".{form}"
    preferred = {"PPM": ".ppm", "PNG": ".png"}
    return preferred.get(form) or next(key for key, value in suffixes.items() if value == form)


def _preview(picture: Any, recipe: Any) -> None:
    """Input and result side by side, as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table

    from convcli.draw.kernel_gallery import shown
    from convcli.draw.terminal import half_blocks
    from convcli.images.filters.apply import filter_picture

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        note("--preview shows pictures on a terminal, which stdout is not")
        return
    half = max(4, (console.width - 3) // 2)
    result = filter_picture(picture._replace(frames=()), recipe).picture
    table = Table.grid(padding=(0, 1))
    table.add_row(*(half_blocks(shown(one, 2 * half), half) for one in (picture, result)))
    console.print(table)


def _print_json(record: dict[str, Any], target: str) -> None:
    class Plan:
        value, warnings, caption = "", (), ""

        def table(self) -> Any:
            return (), (), ()

        def record(self) -> dict[str, Any]:
            return record

    if target == "-":
        from json import dumps

        note(dumps(record))
    else:
        json(Plan())
