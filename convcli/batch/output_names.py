"""Where the results of a batch go: names from a template, checked before anything is written."""

import os
import re
from collections.abc import Callable, Sequence

from convcli.batch.inputs import Input
from convcli.errors import OutputError, SpecError
from convcli.images.io.atomic import is_inside
from convcli.images.io.formats import result_suffix
from convcli.images.io.source import FileState, source_of
from convcli.options import is_template
from convcli.records import NamedTuple
from convcli.text import counted, safe

FIELD = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

FIELDS: dict[str, Callable[["NameParts"], str]] = {
    "stem": lambda parts: source_of(parts.source.path).stem,
    "suffix": lambda parts: parts.suffix,
    "name": lambda parts: FIELDS["stem"](parts) + parts.suffix,
    "kernel": lambda parts: re.sub(r"[/\\\0]", "_", parts.label),
    "parent": lambda parts: parts.source.parent or os.curdir,
    "number": lambda parts: str(parts.number),
}
"""The fields of a template. Nothing in them is evaluated, as `str.format` would do."""


class NameParts(NamedTuple):
    """The parts of a name."""

    source: Input
    label: str
    suffix: str
    number: int


class Task(NamedTuple):
    """One picture of a batch: where it is, where its result goes, whether that may be replaced."""

    source: str
    target: str
    force: bool = False
    before: FileState | None = None
    """Of a task that may run twice and replaces its source: the state of the source at first."""

    @property
    def in_place(self) -> bool:
        return self.source == self.target


def read_template(output: str | None, count: int) -> str:
    """The template that -o means; one that ends as a folder keeps the names of the inputs.

    >>> read_template("out/", 2), read_template("{kernel}/", 2), read_template("a.png", 1)
    ('out/{parent}/{name}', '{kernel}/{parent}/{name}', 'a.png')

    Raises SpecError where it names one file for many pictures, a folder, or a field that is none.
    """
    if output is None:
        return "{stem}.{kernel}{suffix}"
    if not is_template(output):
        if count > 1:
            raise SpecError(
                f"-o {safe(output)} is one file for {counted(count, 'picture')}; name a folder, "
                "such as -o out/, or a template, such as -o 'out/{stem}.{kernel}{suffix}'"
            )
        return output.replace("{", "{{").replace("}", "}}")
    if "{" not in output:
        return os.path.join(output.replace("}", "}}"), "{parent}", "{name}")
    if output.endswith(("/", os.sep)):
        output = os.path.join(output, "{parent}", "{name}")
    if os.path.basename(output) == "{parent}":
        raise SpecError(
            f"-o {safe(output)} names folders; end it with a file, as {{parent}}/{{name}}"
        )
    for match in FIELD.finditer(output):
        name, _, width = (match[1] or "").partition(":")
        padded = re.fullmatch("0?[1-9]", width) and name == "number"
        if match[0] not in ("{{", "}}") and (name not in FIELDS or (width and not padded)):
            known = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise SpecError(
                f"{safe(match[0])} in -o is not a field: {known}, {{number:04}}; {{{{ is a brace"
            )
    return output


def filled(template: str, parts: NameParts) -> str:
    """The name that a template gives.

    `{parent}` of a picture at the top is not a folder; as a part of a name it is its folder's own.

    >>> filled("out/{stem}.{kernel}{suffix}", NameParts(Input("a/cat.jpg"), "sobel", ".png", 1))
    'out/cat.sobel.png'
    >>> filled("{parent}/{parent}-{name}", NameParts(Input("a/cat.jpg"), "sobel", ".png", 1))
    'a-cat.png'
    """

    def field(match: "re.Match[str]") -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        name, _, width = match[1].partition(":")
        value = FIELDS[name](parts)
        around = template[: match.start()][-1:] + template[match.end() :][:1]
        if value == os.curdir and around.strip("/" + os.sep):  # a part of a name, and no folder
            value = os.path.basename(os.path.dirname(os.path.abspath(parts.source.path)))
        return value.zfill(int(width)) if width else value

    return os.path.normpath(FIELD.sub(field, template))


def output_root(template: str) -> str | None:
    """The folder that all results are in, as far as the template tells; None for this one.

    >>> output_root("out/{parent}/{name}"), output_root("{stem}.png")
    ('out', None)
    """
    fixed = FIELD.split(template)[0].replace("{{", "{")
    return os.path.dirname(fixed) or None


def tasks_of(
    inputs: Sequence[Input],
    template: str,
    label: str,
    suffix: str | None,
    force: bool,
    resume: bool,
) -> list[Task]:
    """A task for each input. Raises OutputError, before anything is written, where

    two inputs have one output, an output is an input, is there already (without `force` or
    `resume`), or lies beyond a link that leads out of the output folder.
    """
    tasks: list[Task] = []
    writers: dict[str, str] = {}
    taken: list[str] = []
    sources = {_identity(source_of(item.path).file) for item in inputs} - {None}
    root = os.path.realpath(output_root(template) or ".")
    folders: dict[str, str] = {}
    for number, source in enumerate(inputs, 1):
        own = result_suffix(source_of(source.path).suffix) if suffix is None else suffix
        target = filled(template, NameParts(source, label, own, number))
        folder, name = os.path.split(target)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder or ".")
            if not is_inside(folders[folder], root):
                raise OutputError(
                    f"{safe(folder)} is a link out of the output folder, to "
                    f"{safe(folders[folder])}; links are not followed out of it"
                )
        key = os.path.normcase(os.path.join(folders[folder], name))
        if key in writers:
            raise OutputError(
                f"{safe(source.path)} and {safe(writers[key])} would both be written to "
                f"{safe(target)}; nothing is written: put {{parent}} or {{number}} into -o"
            )
        writers[key] = source.path
        if _identity(target) in sources:
            raise OutputError(
                f"{safe(target)} is one of the inputs, which are only overwritten with --in-place"
            )
        if os.path.lexists(target):
            taken.append(target)
        tasks.append(Task(source.path, target, force))
    if taken and not force and not resume:
        others = f" and {len(taken) - 1:,} more are" if len(taken) > 1 else " is"
        raise OutputError(
            f"{safe(taken[0])}{others} there already; nothing is written: --resume skips "
            "finished results, --force overwrites them"
        )
    return tasks


def in_place(inputs: Sequence[Input]) -> list[Task]:
    """Tasks that put each result where its input is.

    Raises OutputError for one named twice, and for frames of one.
    """
    paths: dict[tuple[int, int], str] = {}
    for path, _ in inputs:
        if source_of(path).frames:
            raise OutputError(
                f"{safe(path)} is a part of a file; --in-place would replace the whole file "
                "with it; give -o instead"
            )
        identity = _identity(path)
        if identity is None:
            continue  # the work itself says what is wrong with it
        if identity in paths:
            raise OutputError(
                f"{safe(path)} and {safe(paths[identity])} are one file, which --in-place "
                "would filter twice"
            )
        paths[identity] = path
    return [Task(path, path, True) for path, _ in inputs]


def _identity(path: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return None
    return stat.st_dev, stat.st_ino
