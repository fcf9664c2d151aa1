"""What `convcli filter` does, once the shell's words are read."""

import os
import sys
from typing import Any

from convcli.errors import OutputError, SpecError, UnfitError, safe
from convcli.report import json, note, path

CONTROL = ("fail_on_clip", "threads", "explain", "preview", "format_", "quiet", "force", "form")


def run(
    source: str, specs: tuple[str, ...], output: str | None, asked: dict[str, Any], given: set[str]
) -> None:
    """Filter one picture. `asked` are all options, `given` those that were said."""
    # bands have threads of their own, and NumPy starts faster without BLAS's
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from convcli.pictures.early import Early

    early = Early(source, background=True)
    from convcli.pictures.bands import thread_count
    from convcli.pictures.files import (
        SUFFIXES,
        SaveOptions,
        check_free,
        check_stdout,
        files_named,
        format_of,
        open_picture,
        output_name,
    )
    from convcli.pictures.process import Target, check_options, check_target, filter_to
    from convcli.pictures.recipes import DEFAULTS, recipe_of, remarks, replayed

    words = {key: value for key, value in asked.items() if key in DEFAULTS}
    ready = replayed(specs, words, given)
    recipe = recipe_of(ready)
    form = _format(asked["form"])
    options = SaveOptions(form, asked["quality"], asked["subsampling"])
    suffix = _suffix(form, SUFFIXES)
    label = "+".join(dict.fromkeys(one.name for one in recipe.kernels))
    written = output is not None or not asked["preview"]
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
    picture = open_picture(source, every_kind=True, early=early)
    if written:
        check_options(target, target.floats or target.form(picture))
    for line in picture.notes:
        note(f"{safe(source)}: {line}")
    metadata = {**picture.metadata, "record": ready.record}
    picture = picture._replace(metadata=metadata)
    threads = thread_count(picture.pixels.size) if asked["threads"] is None else asked["threads"]
    record: dict[str, Any] = {}
    if asked["explain"] or asked["format_"] == "json":
        from convcli.pictures.explaining import plan_record, plan_text, statistics_record

        record = plan_record(recipe, picture, words)
        if asked["explain"]:
            for line in plan_text(recipe, picture, record):
                note(line)
    if asked["preview"]:
        _preview(picture, recipe)
    if not written:
        return
    if asked["fail_on_clip"] and not target.floats:  # floats are never clipped
        _fail_on_clip(picture, recipe, threads)
    statistics = filter_to(picture, recipe, target, threads)
    if asked["format_"] == "json":
        record |= {"output": target.path, "values": statistics_record(statistics)}
        _print_json(record, target.path)
    else:
        if not asked["quiet"]:
            note(f"{safe(label)}: {statistics.text}")
        if target.path != "-":
            path(target.path)


def _format(text: str | None) -> str | None:
    if text is None:
        return None
    from convcli.pictures.early import FORMATS

    name = {"jpg": "jpeg", "tif": "tiff", "pgm": "ppm", "apng": "png"}.get(
        text.lower(), text.lower()
    )
    if name in ("npy", "npz", "pfm", "tif32"):
        return name
    if name.upper() not in FORMATS:
        known = ", ".join((*FORMATS, "npy", "npz", "pfm", "tif32")).lower()
        raise SpecError(f"--to {text!r:.60} is no format: {known}")
    return name.upper()


def _suffix(form: str | None, suffixes: dict[str, str]) -> str | None:
    if form is None:
        return None
    if form in ("npy", "npz", "pfm", "tif32"):
        return ".tif" if form == "tif32" else f".{form}"
    preferred = {"PPM": ".ppm", "PNG": ".png"}
    return preferred.get(form) or next(key for key, value in suffixes.items() if value == form)


def _fail_on_clip(picture: Any, recipe: Any, threads: int) -> None:
    from convcli.pictures.filtering import filter_picture

    for pixels in (picture.pixels, *picture.frames):
        found = filter_picture(picture._replace(pixels=pixels, frames=()), recipe, threads)
        if found.statistics.clipped:
            raise UnfitError(
                f"{found.statistics.text}; --range stretch, signed or pct:1,99 keeps more of them"
            )


def _preview(picture: Any, recipe: Any) -> None:
    """Input and result side by side, as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table

    from convcli.pictures.filtering import filter_picture
    from convcli.pictures.gallery import shown
    from convcli.pictures.preview import half_blocks

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
