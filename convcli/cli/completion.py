"""`convcli completion`: the script by which a shell completes commands, options and names."""

import click

from convcli.cli.help import page
from convcli.output import line

SHELLS = ("bash", "zsh", "fish")


@page("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion_command(shell: str) -> None:
    """Print the script that lets a shell complete words.

    \b
    eval "$(convcli completion bash)"                                in ~/.bashrc
    eval "$(convcli completion zsh)"                                 in ~/.zshrc
    convcli completion fish > ~/.config/fish/completions/convcli.fish

    The shell completes commands, options and their values, names of kernels, networks and layers,
    and files. The script asks convcli itself, so its answers match the installed version.
    """
    from click.shell_completion import get_completion_class

    from convcli.cli.main import root

    script = get_completion_class(shell)
    assert script is not None  # all three come with click
    line(script(root, {}, "convcli", "_CONVCLI_COMPLETE").source().rstrip())
