"""`convcli schema`: what the JSON of a command looks like, for programs that read it."""

import click

from convcli.cli.help import page
from convcli.cli.params import one_of


@page("schema")
@click.argument("command", type=one_of("app.schemas:FORMS", "COMMAND"))
def schema_command(command: str) -> None:
    """Print the JSON Schema of what a command prints as JSON.

    \b
    convcli schema shape
    convcli schema solve > solve.schema.json

    The schema (draft 2020-12) describes --format json: one form for each thing that the command
    prints. While `schema` keeps its value, fields may be added; none is removed or changes its
    meaning.
    """
    from json import dumps

    from convcli.app.schemas import json_schema
    from convcli.output import line

    line(dumps(json_schema(command), indent=2))
