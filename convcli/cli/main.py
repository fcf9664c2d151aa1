"""The root command, and the one place where a refusal becomes a message and an exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from convcli import __version__
from convcli.cli import INTERRUPTED, interruptible
from convcli.cli.help import write_start
from convcli.errors import Refusal
from convcli.output import note
from convcli.text import like, safe

COMMANDS = {
    "shape": "Output shape, parameters, MACs, receptive field of a NETWORK.",
    "solve": "Find the sizes that give an output, or the rule behind a figure.",
    "why": "Explain a shape error of PyTorch, Keras or TensorFlow.",
    "zoo": "List the networks that come with the tool, or print one.",
    "layers": "List the layers of the notation, or show one with its formulas.",
    "draw": "Draw a NETWORK as a figure for papers and web pages.",
    "filter": "Filter PICTUREs with a kernel and print the result paths.",
    "kernels": "List the named kernels, or show one in full.",
    "extract": "Draw what layers of random filters see, or write vectors.",
    "explain": "Show every product and every sum of a convolution.",
    "fit": "Recover the kernel that turned one picture into another.",
    "samples": "Write the pictures and the network of the examples into a FOLDER.",
    "schema": "Print the JSON Schema of what a command prints as JSON.",
    "completion": "Print the script that lets a shell complete words.",
    "man": "Print the page of the manual for a command, or for convcli.",
}
"""Every command and its sentence, which a test compares with its docstring: with all modules
imported, the help of convcli would take 1.30 times an import of click, instead of 1.22."""

MINOR = {"samples", "schema", "completion", "man"}
"""Commands of which the help of convcli prints the names alone."""


class Root(click.Group):
    """A group whose commands are imported by name, so that one command never pays for another."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"convcli.cli.{cmd_name}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] == "help":  # as git and docker have it
            args = [*args[1:2], "--help"] if args[1:] else ["--help"]
            if args == ["--help"]:
                click.echo(ctx.get_help())
                ctx.exit()
        word = args[0]
        if word not in COMMANDS and not word.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command '{safe(word)}'{_hint(word)}", ctx)
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_start(self, ctx, formatter)
        formatter.write("\nCommands:\n")
        for name, sentence in COMMANDS.items():
            if name not in MINOR:
                formatter.write(f"  {name:10}  {sentence}\n")
        formatter.write(f"  and {' '.join(name for name in COMMANDS if name in MINOR)}\n")
        formatter.write("Options: --version --help; more of a command: convcli COMMAND --help\n")

    def invoke(self, ctx: click.Context) -> object:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        # both before click catches them: it would exit with 1, or print an empty line
        except BrokenPipeError:
            _drop_stdout()
            return None
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        return result


def _hint(word: str) -> str:
    """A hint at what a word that is not a command may mean: a command, or an argument of one."""
    from convcli.nets.zoo import zoo_name

    if zoo_name(word) or word.endswith((".net", ".py", ".onnx")):
        return f"; did you mean convcli shape {safe(word)}?"
    if os.path.isfile(word):
        return f"; did you mean convcli filter {safe(word)}?"
    return like(word, COMMANDS)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__, "-V", "--version", prog_name="convcli", message="%(prog)s %(version)s"
)
def root() -> None:
    """A convolution workbench for the terminal.

    \b
    convcli shape --input 224 --kernel 11 --stride 4     what comes out?
    convcli filter cat.jpg --kernel sobel                what does this kernel do?
    convcli extract cat.jpg                              what do layers see in it?
    convcli explain --input 5x5 --kernel 3               what is summed?
    convcli fit before.png after.png                     which kernel did this?
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run convcli and exit: 0 done, 1 refused, 2 wrong command line, 130 interrupted."""
    # collecting cycles every 700 objects takes a tenth of the time of `shape resnet152`
    gc.set_threshold(100_000)
    try:
        code = run(arguments)
        interruptible(False)  # what is left is Python's own end
        gc.freeze()  # it would look at every object thrice: a fifth of the time of a small filter
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run convcli and return its exit code; what is not a refusal keeps its traceback."""
    _open_descriptors()
    if os.environ.get("CLICOLOR_FORCE", "0") != "0":
        os.environ.setdefault("FORCE_COLOR", "1")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")
    if sys.stdout is None:
        note("Error: standard output is closed, so there is nowhere to put the result")
        return 1
    try:
        interruptible(True)
        result = root.main(arguments, prog_name="convcli", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "convcli"
        message = error.format_message().rstrip(".")
        end = "" if message.endswith(("?", "?)")) else "."
        note(f"Error: {message}{end} See '{where} --help'.")
        return error.exit_code
    except Refusal as refusal:
        note(f"Error: {refusal}")
        return refusal.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except MemoryError:
        note("Error: there is not enough memory for it")
        return 1
    except OSError as error:  # a full disk, a vanished folder: the system's refusal, not a bug
        note(f"Error: {error.filename or 'standard output'}: {error.strerror or error}")
        _drop_stdout()
        return 1


def _open_descriptors() -> None:
    """Open those of stdin, stdout and stderr that are closed: the next files would become them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # the lowest that is free, which worker processes inherit as their own
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _drop_stdout() -> None:
    """Drop what is still buffered, so that Python's own last flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
