"""A result in every format, on streams that have few signs or none, and notes that cannot be read."""

import io
import os
import sys

import pytest
from terminal import on_terminal

from convcli import output, tables


class Result:
    """Two columns, one row that every format has to mind, and totals."""

    value = "3"
    warnings = ("odd → even",)
    caption = "a < b"
    footer = ("total", 1_300)

    def table(self):
        return ("the name", "MACs"), [('a|b & "c" <d>_1', 1_234), ("{~^\\}", 66)], self.footer

    def record(self):
        return {"schema": 1, "rows": [{"n": 1}, {"n": 2}], "none": [], "few": [3]}


class Bare(Result):
    caption = ""
    warnings = ()
    footer = ()


FORMATS = {
    "tsv": 'the_name\tMACs\na|b & "c" <d>_1\t1234\n{~^\\}\t66\n',
    "csv": 'the_name,MACs\n"a|b & ""c"" <d>_1",1234\n{~^\\},66\n',
    "jsonl": '{"n": 1}\n{"n": 2}\n',
    "json": '{\n  "schema": 1,\n  "rows": [\n    {"n": 1},\n    {"n": 2}\n  ],\n  "none": [],\n  "few": [\n    3\n  ]\n}\n',
    "markdown": '| the name | MACs |\n|---|--:|\n| a\\|b & "c" &lt;d>_1 | 1,234 |\n| {~^\\} | 66 |\n| total | 1,300 |\n',
    "latex": "\\begin{tabular}{lr}\n\\toprule\nthe name & MACs \\\\\n\\midrule\n"
    'a|b \\& "c" <d>\\_1 & 1,234 \\\\\n'
    "\\{\\textasciitilde{}\\textasciicircum{}\\textbackslash{}\\} & 66 \\\\\n"
    "\\midrule\ntotal & 1,300 \\\\\n\\bottomrule\n\\end{tabular}\n",
    "html": '<table>\n<thead><tr><th>the name</th><th style="text-align: right">MACs</th></tr></thead>\n<tbody>\n'
    '<tr><td>a|b &amp; &quot;c&quot; &lt;d&gt;_1</td><td style="text-align: right">1,234</td></tr>\n'
    '<tr><td>{~^\\}</td><td style="text-align: right">66</td></tr>\n</tbody>\n'
    '<tfoot><tr><th>total</th><th style="text-align: right">1,300</th></tr></tfoot>\n'
    '<caption style="caption-side: bottom">a &lt; b</caption>\n</table>\n',
}  # fmt: skip


@pytest.mark.parametrize(("form", "text"), FORMATS.items())
def test_every_format_escapes_what_it_has_signs_for(capfd, form, text):
    tables.show(Result(), form)
    out, err = capfd.readouterr()
    assert out == text
    assert err == ("" if form == "json" else "odd → even\n")


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_a_table_without_totals_or_caption_has_no_place_for_them(capfd, form):
    tables.show(Bare(), form)
    out, err = capfd.readouterr()
    assert ("total" in out, "foot" in out, "caption" in out, err) == (False, False, False, "")
    assert out.count("midrule") == (form == "latex")


def test_quiet_is_the_one_value(capfd):
    tables.show(Result(), "tsv", quiet=True)
    assert capfd.readouterr() == ("3\n", "")


def test_a_drawn_table_has_its_numbers_at_the_right_and_its_caption_below():
    lines = [line.rstrip() for line in tables.table_text(Result()).splitlines()]
    (row,) = (line for line in lines if "1,234" in line)
    (total,) = (line for line in lines if "total" in line)
    assert row.endswith("1,234")
    assert total.endswith("1,300")
    assert len(row) == len(total)
    assert lines[-1] == "a < b"


def stream(encoding):
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")


SIGNS = [
    ("ascii", "3×3 → σ²", b"3x3 -> sigma^2\n"),
    ("latin-1", "3×3 ²", b"3\xd73 \xb2\n"),
    ("latin-1", "σ", b"sigma\n"),
    ("ascii", "日", b"\\u65e5\n"),
    ("utf-8", "σ", b"\xcf\x83\n"),
]


@pytest.mark.parametrize(("encoding", "text", "data"), SIGNS)
def test_what_an_encoding_has_no_sign_for_is_written_in_those_it_has(
    monkeypatch, encoding, text, data
):
    out = stream(encoding)
    monkeypatch.setattr(sys, "stdout", out)
    output.line(text)
    out.flush()
    assert out.buffer.getvalue() == data


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_a_path_is_its_own_bytes_in_a_pipe_and_safe_on_a_terminal(monkeypatch):
    name = os.fsdecode(b"a\x1b\xff.png")
    out = stream("utf-8")
    monkeypatch.setattr(sys, "stdout", out)
    output.path(name)
    tables.csv_line(name)
    tables.csv_line("\ud800\x1b")  # stands for no byte
    out.flush()
    first, second, third = out.buffer.getvalue().splitlines()
    assert first == second == b"a\x1b\xff.png"
    assert b"\x1b" not in third
    shown = Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    output.path(name)
    tables.csv_line(name)
    assert "\x1b" not in shown.getvalue()
    assert shown.getvalue().count(".png\n") == 2


def test_lines_of_spans_are_coloured_on_a_terminal_alone(monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    lines, styles = [[("a\x1b", "odd"), ("b  ", "")]], {"odd": "bold red"}
    plain = stream("utf-8")
    monkeypatch.setattr(sys, "stdout", plain)
    output.show_lines(lines, styles)
    assert plain.buffer.getvalue().endswith(b"b\n")
    assert b"\x1b" not in plain.buffer.getvalue()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    shown = stream("utf-8")
    monkeypatch.setattr(sys, "stdout", shown)
    output.show_lines(lines, styles)
    shown.flush()
    assert b"\x1b[1;31m" in shown.buffer.getvalue()


def test_a_note_without_a_reader_is_dropped(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    output.note("odd")


@pytest.mark.parametrize(
    ("pager", "line", "is_paged"),
    [
        ("sed s/^/P:/", "convcli shape vgg16", True),
        ("sed s/^/P:/", "convcli shape lenet5", False),  # which the screen holds
        ("sed s/^/P:/", "convcli explain --input 5x5 --kernel 3", True),
        ("sed s/^/P:/", "convcli shape vgg16 < /dev/null", False),  # where nobody sits
        ("", "convcli shape vgg16", False),
        ("no-such-pager", "convcli shape vgg16", False),
    ],
)
def test_a_pager_shows_what_is_longer_than_the_screen(tmp_path, monkeypatch, pager, line, is_paged):
    monkeypatch.setenv("PAGER", pager)
    code, shown = on_terminal(line, tmp_path, reader=True)
    rows = shown.splitlines()
    assert (code, all(row.startswith("P:") for row in rows)) == (0, is_paged)
    assert len(rows) > 20
