"""A lesson's data → one HTML file: style and scripts inside, nothing is ever fetched.

The page has a Content-Security-Policy of `default-src 'none'`: its own script and style are allowed
by their hashes, pictures only as data. The scripts are the files beside this one, joined in order.
"""

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

from convcli.tables import Record

SCRIPTS = (
    "arithmetic.js",
    "elements.js",
    "convolution.js",
    "picture.js",
    "network.js",
    "main.js",
)

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="convcli">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<main id="lesson"><noscript>This page computes what it shows: it needs JavaScript.</noscript></main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def document(title: str, data: Record) -> bytes:
    """The page of a lesson, in UTF-8; the same data give the same bytes.

    >>> document("1 < 2", {"kind": "convolution"}).count(b"1 &lt; 2")
    2
    """
    style = _asset("style.css")
    script = '"use strict";\n(() => {\n' + "\n".join(map(_asset, SCRIPTS)) + "})();\n"
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:"
    )
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    # no text in it can end the element that it stands in
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return PAGE.format(
        policy=policy, title=escape(title), style=style, data=text, script=script
    ).encode()


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """The source of a Content-Security-Policy that allows an inline element with this text."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
