"""What MkDocs adds to the files of docs/: the front page and its neighbors, and the reference.

The reference is generated from the help of the commands and from the docstrings of public names.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import convcli
import convcli.conv
from convcli.cli.help import groups_of, pages, parts_of, record_of
from convcli.cli.main import root

ROOT = Path(__file__).resolve().parents[1]
NEIGHBORS = {
    "index.md": "README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "CHANGELOG.md": "CHANGELOG.md",
}
"""Page of the site → file of the project."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    texts = {
        page: (ROOT / name).read_text("utf-8").replace("](docs/", "](")
        for page, name in NEIGHBORS.items()
    }
    texts["reference/commands.md"] = "\n\n".join(commands())
    texts["reference/python.md"] = "\n\n".join(public_names())
    for page, text in texts.items():
        files.append(File.generated(config, page, content=text))
    return files


def commands() -> Iterator[str]:
    """Every command with its examples and options, as Markdown."""
    yield "# Commands"
    ctx = click.Context(root, info_name="convcli")
    for inner, command in pages(root, ctx):
        parts = parts_of(command)
        usage = " ".join(command.collect_usage_pieces(inner))
        yield f"## convcli {inner.info_name}"
        yield parts.summary
        yield f"```text\n{inner.command_path} {usage}\n```"
        yield "```sh\n" + "\n".join(parts.examples) + "\n```"
        yield from parts.paragraphs
        for title, everyday, more in groups_of(command, inner):
            records = [record_of(option, inner) for option in (*everyday, *more)]
            yield f"**{title}**"
            yield "| option | meaning |\n|---|---|\n" + "\n".join(
                f"| `{cell(spec)}` | {cell(text)} |" for spec, text in records
            )


def cell(text: str) -> str:
    """Text of a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def public_names() -> Iterator[str]:
    """Every public name with its signature and docstring, as Markdown."""
    yield "# Python"
    for package in (convcli, convcli.conv):
        yield f"## {package.__name__}"
        for name in dir(package):
            value = getattr(package, name)
            if callable(value):
                yield f"### {package.__name__}.{name}"
                yield f"```python\n{name}{signature(value)}\n```"
                yield f"```text\n{inspect.getdoc(value)}\n```"


def signature(value: object) -> str:
    """The signature of a function, or nothing for a class."""
    return "" if inspect.isclass(value) else str(inspect.signature(value))
