"""What commands say of themselves: help on a screen, all of it, man pages, completion, hints."""

import os
import re
import shutil
import subprocess
from io import TextIOWrapper
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from PIL import Image
from terminal import Terminal, shell, shell_line

from convcli.cli.help import groups_of, parts_of, record_of
from convcli.cli.main import COMMANDS, root, run
from convcli.cli.man import manual
from convcli.cli.params import Reads
from convcli.nets.analysis.mac_rules import RULES
from convcli.nets.analysis.summary import DTYPES

SAMPLES = Path(__file__).parents[1] / "samples"

CONTEXT = click.Context(root, info_name="convcli")


def command_of(name):
    return root.get_command(CONTEXT, name)


def context_of(name):
    return click.Context(command_of(name), info_name=name, parent=CONTEXT)


@pytest.fixture
def said(capfd, monkeypatch):
    """Runs convcli; gives what it prints on stdout and on stderr."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*words):
        run(words)
        return capfd.readouterr()

    return call


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_fits_a_terminal_with_a_prompt_below_it(said, words):
    lines = said(*words).out.splitlines()
    assert 5 < len(lines) < 24
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(("name", "sentence"), COMMANDS.items())
def test_the_list_of_commands_says_what_a_command_says_of_itself(name, sentence):
    assert parts_of(command_of(name)).summary == sentence


@pytest.mark.parametrize("name", COMMANDS)
def test_help_begins_with_examples_and_names_every_option_once(said, name):
    shown = said(name, "--help").out
    words = shown.replace(",", " ").split()
    examples = parts_of(command_of(name)).examples
    assert examples
    assert shown.index(examples[-1]) < shown.index("--help-all")
    for group in groups_of(command_of(name), context_of(name)):
        for option in (*group.everyday, *group.more):
            long = max(option.opts, key=len)
            assert (
                words.count(long) - " ".join(examples).split().count(long) == 1
                or group.title == "Help"
            )


@pytest.mark.parametrize("name", COMMANDS)
def test_all_of_the_help_explains_every_option(said, name):
    shown = said(name, "--help-all").out
    for group in groups_of(command_of(name), context_of(name)):
        assert f"{group.title}:" in shown
        for option in (*group.everyday, *group.more):
            spec, text = record_of(option, context_of(name))
            assert spec in shown
            assert len(text.split("  [")[0]) > 7, f"{spec} is not explained"


def test_help_names_every_rule_dtype_and_column(said):
    shown = said("shape", "--help-all").out
    for name in (*RULES, *DTYPES):
        assert name in shown


DOCUMENTS = "".join(
    path.read_text("utf-8").replace("samples/", "")
    for path in (SAMPLES.parent / "README.md", *SAMPLES.parent.glob("docs/*.md"))
)


def in_documents(example):
    """Whether a line of the documents, which are all run, is this one."""
    return re.search(rf"^{re.escape(example)}( -o \S+)? *(  #.*)?$", DOCUMENTS, re.M)


EXAMPLES = [
    example
    for name in COMMANDS
    if name != "completion"  # whose lines are for three shells, and tested in them
    for example in (text.split("  ")[0].rstrip() for text in parts_of(command_of(name)).examples)
    if not in_documents(example)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the examples name: pictures, a folder of them, a network, vectors, a fitted kernel."""
    place = tmp_path_factory.mktemp("examples")
    for name in ("cat.jpg", "new.jpg"):
        shutil.copy(SAMPLES / "cat.jpg", place / name)
    with Image.open(SAMPLES / "cat.jpg") as cat:
        cat.crop((220, 120, 244, 144)).save(place / "before.png")
    shutil.copy(SAMPLES / "net.py", place / "net.py")
    (place / "train.log").write_text(
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x1296 and 400x120)"
    )
    (place / "photos").mkdir()
    shutil.copy(SAMPLES / "leaf.png", place / "photos")
    for line in (
        "filter before.png -k blur -o after.png",
        "fit before.png after.png -o kernel.txt",
        "extract cat.jpg photos/leaf.png --recipe texture --vector mean,std -o features.npz",
    ):
        shell(f"convcli {line}", place)
    (place / "kernel.txt").rename(place / "kept.txt")
    return place


@pytest.mark.slow
@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_of_the_help_runs_and_fits_a_terminal(folder, tmp_path, line, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    for name in folder.iterdir():
        (tmp_path / name.name).symlink_to(name)
    if "@kernel.txt" in line:
        (tmp_path / "kernel.txt").symlink_to(folder / "kept.txt")
    line = line.replace("--nearest 5", "--nearest 1")  # there are two
    line = re.sub("samples$", "samples new/", line)  # they are there
    line = re.sub("^convcli fit .* --net.*", r"\g<0> --steps 50", line)  # instead of 2000
    # the manual would open, the others are texts with line lengths of their own
    tables = not re.search("man|zoo resnet50|--format json", line)
    stream = Terminal if tables else TextIOWrapper
    printed = shell(line, tmp_path, stream)
    if tables:
        assert max(map(len, printed.splitlines()), default=0) <= 80


def test_the_manual_has_a_page_for_every_command_with_every_option():
    pages = dict(manual())
    assert list(pages) == ["convcli", *(f"convcli-{name}" for name in [*COMMANDS, "conventions"])]
    for name in COMMANDS:
        for group in groups_of(command_of(name), context_of(name)):
            for option in (*group.everyday, *group.more):
                assert max(option.opts, key=len).replace("-", "\\-") in pages[f"convcli-{name}"]


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_manual_is_read_without_a_warning():
    for name, page in manual():
        ended = subprocess.run(
            ["groff", "-k", "-man", "-Tutf8", "-ww"],
            input=page.encode(),
            capture_output=True,
            check=True,
        )
        assert ended.stderr == b"", name
        assert len(ended.stdout.splitlines()) > 20


COMPLETED = {
    "convcli fil": {"filter"},
    "convcli filter cat.jpg --kernel sob": {"sobel", "sobel-x", "sobel-y"},
    "convcli kernels gauss": {"gaussian"},
    "convcli shape vgg1": {"vgg11", "vgg13", "vgg16", "vgg19"},
    "convcli shape maxpool3": {"maxpool3d"},
    "convcli extract cat.jpg --net resnet1": {"resnet18", "resnet101", "resnet152"},
    "convcli extract cat.jpg --init g": {"glorot", "gabor"},
    "convcli shape resnet50 --columns layer,MA": {"layer,MACs", "layer,MACs_share"},
    "convcli filter cat.jpg --border ref": {"reflect"},
    "convcli explain --activation leak": {"leaky_relu"},
    "convcli solve --wh": {"--why"},
    "convcli completion fi": {"fish"},
    "convcli man ext": {"extract"},
    "convcli shape resnet50 --columns rec": {"receptive_field"},
    "convcli shape pict": {"pictures/"},
}
"""What stands on the command line → what the last word may become."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_table_of_names_that_a_shell_completes_is_there(name):
    context = context_of(name)
    for parameter in command_of(name).params:
        if isinstance(parameter.type, Reads):
            parameter.type.shell_complete(context, parameter, "")


@pytest.mark.parametrize("line", COMPLETED)
def test_words_are_completed(line):
    *before, last = line.split()[1:]
    items = ShellComplete(root, {}, "convcli", "").get_completions(before, last)
    if COMPLETED[line] == {"pictures/"}:  # the shell knows its files
        assert [(item.value, item.type) for item in items] == [(last, "file")]
    else:
        assert {item.value for item in items} == COMPLETED[line]


@pytest.fixture
def binaries(tmp_path):
    """A PATH on which `convcli` is that of the Python that runs this."""
    place = tmp_path / "bin"
    place.mkdir()
    (place / "convcli").write_text(f'#!/bin/sh\n{shell_line("convcli ")} "$@"\n')
    (place / "convcli").chmod(0o755)
    (tmp_path / "pictures").mkdir()
    return f"{place}:{os.environ['PATH']}"


BASH = """
eval "$(convcli completion bash)"
while IFS= read -r line; do
  read -ra COMP_WORDS <<< "$line"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
  compopt() { [[ $2 != default ]] || COMPREPLY=($(compgen -f -S / "${COMP_WORDS[-1]}")); }
  _convcli_completion convcli; echo "${COMPREPLY[@]}"
done
"""
FISH = """
convcli completion fish | source
while read -l line; complete --do-complete "$line" | cut -f1 | tr '\\n' ' '; echo; end
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell_name", "script", "step"),
    [("bash", BASH, 7), ("fish", FISH, 7)],  # a command, an item of a list, a folder
)
def test_a_shell_completes_commands_options_and_names(binaries, tmp_path, shell_name, script, step):
    if not shutil.which(shell_name):
        pytest.skip(f"{shell_name} is not installed")
    lines = dict(list(COMPLETED.items())[::step])
    ended = subprocess.run(
        [shell_name, "-c", script],
        input="\n".join(lines) + "\n",
        cwd=tmp_path,
        env={"PATH": binaries, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [set(line.split()) for line in ended.stdout.splitlines()]
    for line, answer, words in zip(lines, found, lines.values(), strict=True):
        if shell_name == "bash" or "," not in line:  # fish takes no commas from click
            assert answer == words, line


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_takes_the_script_and_is_answered(binaries, tmp_path):
    script = """
    autoload -U compinit && compinit -u
    eval "$(convcli completion zsh)"
    print ${_comps[convcli]}
    COMP_WORDS="convcli filter cat.jpg -k sobel-" COMP_CWORD=4 \\
      _CONVCLI_COMPLETE=zsh_complete convcli
    """
    ended = subprocess.run(
        ["zsh", "-f", "-c", script],
        env={"PATH": binaries, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == [
        "_convcli_completion",
        "plain",
        "sobel-x",
        "_",
        "plain",
        "sobel-y",
        "_",
    ]


HINTS = {
    "shpe": "did you mean shape?",
    "resnet50": "did you mean convcli shape resnet50?",
    "net.py": "did you mean convcli shape net.py?",
    "man fliter": "did you mean filter?",
    "filter cat.jpg --kernel soble": "did you mean sobel?",
    "filter cat.jpg -k sobel --bordr wrap": "--border",
    "shape --input 9 cnv:3,3": "did you mean conv?",
    "shape --input 9 nn.Conv2(3,3,3)": "did you mean Conv2d?",
    "shape resnet5": "did you mean resnet50?",
    "zoo resnet5": "did you mean resnet50?",
    "shape lenet5 --columns param": "did you mean params?",
    "shape lenet5 --mac-rule torchinf": "did you mean torchinfo?",
    "shape lenet5 --dtype float31": "did you mean float32?",
    "extract cat.jpg --recipe texure": "did you mean texture?",
    "extract cat.jpg --init orthogonl": "did you mean orthogonal?",
    "extract cat.jpg --vector men": "did you mean mean?",
    "extract cat.jpg --until convo1": "there are conv1",
    "filter cat.jpg -k sobel --border mirrored": "edge, reflect",
    "filter cat.jpg -k sobel --border refect": "did you mean reflect?",
    "filter cat.jpg -k sobel --range strech": "did you mean stretch?",
    "explain --input 3x3 --activation rleu": "did you mean relu?",
    'explain --signal "1 2" --kernel "1 1" --mode cros-correlation': "did you mean cross-correlation?",
}
"""A mistake → the hint at what was meant."""


@pytest.mark.parametrize(("line", "hint"), HINTS.items())
def test_a_mistake_is_told_what_was_meant(said, tmp_path, monkeypatch, line, hint):
    from shlex import split

    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLES / "cat.jpg", "cat.jpg")
    assert hint in said(*split(line)).err
