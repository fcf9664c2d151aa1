"""Text for people: escaped for terminals, nearest names, plurals, records of CSV."""

import os
from collections.abc import Collection, Iterable


def safe(text: object, keep: str = "") -> str:
    r"""Untrusted text made safe for a terminal: control characters become visible escapes.

    Control characters (C0, C1, DEL), lone surrogates, bidirectional and other invisible format
    characters are escaped, except those in `keep`; all visible characters stay.

    >>> safe("cat\x1b[31m\n.jpg"), safe("cat\n\t", keep="\n")
    ('cat\\x1b[31m\\n.jpg', 'cat\n\\t')
    """
    text = str(text)
    if text.isprintable():  # as nearly all text is, and much faster to see
        return text
    from unicodedata import category  # few runs print anything else

    return "".join(
        # Cc controls, Cf invisible formatting (bidi overrides among them), Cs surrogates,
        # Zl and Zp line and paragraph separators
        character.encode("unicode_escape").decode()
        if character not in keep and category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        else character
        for character in text
    )


def like(name: str, known: Iterable[str]) -> str:
    """A hint at the most similar of the known names, if one is similar.

    >>> like("soble", ["sobel", "blur"]), like("x", ["sobel", "blur"])
    ('; did you mean sobel?', '')
    """
    from difflib import get_close_matches  # a mistake may take its time

    close = get_close_matches(name[:60], known, n=1)
    # a known name was refused for another reason
    return f"; did you mean {close[0]}?" if close and close[0] != name else ""


def like_file(path: str, suffixes: Collection[str]) -> str:
    """A hint at the file with one of the suffixes that a wrong path may mean, if there is one.

    >>> like_file("no-such-folder/cat.png", (".jpg",))
    ''
    """
    folder, name = os.path.split(path)
    try:
        entries = sorted(os.listdir(folder or "."))[:MAX_NAMES]
    except OSError:
        return ""
    names = [entry for entry in entries if os.path.splitext(entry)[1].lower() in suffixes]
    stem = os.path.splitext(name)[0]
    same = [entry for entry in names if os.path.splitext(entry)[0] == stem]
    if same:
        return f"; did you mean {safe(os.path.join(folder, same[0]))}?"
    return like(path, [safe(os.path.join(folder, entry)) for entry in names])


MAX_NAMES = 10_000
"""Names of a folder in which a similar one is looked for."""


def power_text(number: int) -> str:
    """An integer in full, or one that fills a line as a power of ten, however long it is.

    >>> power_text(1234567), power_text(2**200), power_text(10**30)
    ('1,234,567', '10^60', '10^30')
    """
    if abs(number) < 10**18:
        return f"{number:,}"
    # 1233 / 4096 is log10(2) to five digits; Python prints no more than 4,300 of them
    return f"{'-' if number < 0 else ''}10^{number.bit_length() * 1233 >> 12}"


def decimal(dividend: int, divisor: int) -> str:
    """A quotient behind the sign of equality, cut after the second digit that says something.

    >>> decimal(217, 4), decimal(163, 3), decimal(10, 5), decimal(2001, 1000)
    ('= 54.25', '≈ 54.33', '= 2', '= 2.001')
    """
    scale = 100
    while dividend % divisor and dividend * scale // divisor % scale == 0:
        scale *= 10
    integer, digits = divmod(dividend * scale // divisor, scale)
    sign = "≈" if dividend * scale % divisor else "="
    return f"{sign} {integer:,}.{digits:0{len(str(scale)) - 1}}".rstrip("0").rstrip(".")


def counted(count: int, noun: str) -> str:
    """A number and its noun, in the plural where it is one.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def bytes_text(count: int, short: bool = False) -> str:
    """Bytes for people, in powers of 1024; `short` with one decimal, and none where it is exact.

    >>> bytes_text(60950432), bytes_text(42_257_216, short=True), bytes_text(2**20, short=True)
    ('58.13 MiB', '40.3 MiB', '1 MiB')
    """
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    if not power:
        return f"{count} bytes"
    form = ",.0f" if count % 1024**power == 0 else ",.1f"
    if not short:
        form = ",.2f" if power == 4 else ".2f"
    return f"{count / 1024**power:{form}} {' KMGT'[power]}iB"


def csv_row(values: Iterable[object]) -> str:
    r"""One record of CSV as RFC 4180 has it, line breaks within quotes, without its own end.

    >>> csv_row(["a\nb.png", 'say "x", y', 3])
    '"a\nb.png","say ""x"", y",3'
    """
    from csv import writer
    from io import StringIO

    text = StringIO(newline="")
    writer(text, lineterminator="\r\n").writerow(values)  # which quotes \r and \n alike
    return text.getvalue()[:-2]
