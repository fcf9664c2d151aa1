"""`convcli why`: what a shape error means, and what to write."""

import click

from convcli.app.why import STYLES, WhyOptions, why
from convcli.cli.help import group, page, takes
from convcli.cli.params import FILE, quiet_option, text_format_option
from convcli.tables import show_text


@page("why")
@click.argument("log", type=FILE, metavar="LOG|-")
@group(
    "Output",
    more=[
        text_format_option,
        quiet_option(help="Print only the first remedy."),
    ],
)
@takes(WhyOptions)
def why_command(options: WhyOptions) -> None:
    """Explain a shape error of PyTorch, Keras or TensorFlow.

    \b
    convcli why train.log
    convcli why - < train.log
    convcli why train.log --format json

    python train.py 2>&1 | convcli why - explains a run at once. The command explains the last
    known error in the log: which numbers clash, what they are, and what to write. Where a class
    of the traceback lies under the working folder, it is read (never run), the input that gives
    both numbers is searched, and the line is shown. No other file is opened. Exit code 0:
    explained; 1: not.
    """
    show_text(why(options), STYLES, options)
