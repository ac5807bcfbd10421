"""Texts that no page and no command expects, drawn from a seed: for addresses, flags and names of files."""

from __future__ import annotations

import random
from urllib.parse import quote

NUMBERS = (
    "nan",
    "NaN",
    "-nan",
    "inf",
    "-inf",
    "Infinity",
    "1e999",
    "-1e999",
    "1e308",
    "1e-400",
    "-0",
    "-1",
    "0",
    "1",
    "2.5",
    "1.5e3",
    "0x10",
    "1_000",
    "1,5",
    "½",
    "٣",
    "９９",
    "9007199254740993",
    "99999999999999999999999999",
    "-99999999999999999999999999",
    "9" * 4301,  # Python refuses to read whole numbers of more than 4300 digits
    "1" + "0" * 30_000,
)
CONTROL = ("\0", "a\0b", "\x1b[31mred", "\x07", "a\nb", "a\r\nb", "\t", "\x7f", "\x85", "\u2028", "\u2029")
SURROGATES = ("\ud800", "a\udfffb", "\udcff", "\udc80.png")
SCRIPTS = (
    "ä" * 300,
    "数字",
    "цифры",
    "אותיות",
    "حروف",
    "अंक",
    "ตัวเลข",
    "🔬" * 50,
    "e\u0301",
    "\u200b",
    "\ufeff4",
    "\u202egnp.exe",
    "\u2066a\u2069",
    "Z" + "\u0300" * 500,
    "ﷺ",
    "İ",
    "ß",
)
MARKUP = (
    "![p](http://127.0.0.1:1/x.png)",
    "[Sign in again](https://example.org)",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<a href='https://example.org'>b</a>",
    '"><svg onload=alert(1)>',
    "</td></tr></table><h1>x",
    "]]><x/>",
    "&lt;b&gt;&#x3c;i&#x3e;",
    "www.example.org",
    ":smile: :red[x] :material/home:",
    "$x$ $$\\int$$",
    "`c` ```d```",
    "# h",
    "| a | b |",
    "{{ 7 * 7 }}",
    "{% include 'x' %}",
    "%s%n%x",
    "${HOME}",
    "javascript:alert(1)",
)
ACTIVE = MARKUP[:13]  # what Markdown or HTML draws as something else, wherever it stands
FORMULAS = ("=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("http://x")')
PATHS = (
    "..",
    "../..",
    "../../../../../../etc/passwd",
    "/etc/passwd",
    "/proc/self/environ",
    "/proc/self/mem",
    "/dev/zero",
    "/dev/stdin",
    "/dev/null",
    "/dev/full",
    "/",
    "//",
    ".",
    "./",
    "~",
    "~root/.ssh",
    "~nobody-here/x",
    "..%2f..%2fetc",
    "%2e%2e/%2e%2e",
    "%00",
    "\\\\host\\share",
    "C:\\Windows",
    "file:///etc/passwd",
    "http://127.0.0.1:1/x",
    "hf_hub:a/b",
    "con",
    "a" * 300,
    "a/" * 3000,
)
EMPTY = ("", " ", "   ", "-", "--", "'", '"', "\\", ",", ":", "=", "[]", "{}", "null", "None", "True")
LONG = ("x" * 4096, "x" * 4097, "9" * 5000, "x " * 10_000, "[" * 10_000, "é" * 20_000)
KINDS = (NUMBERS, CONTROL, SURROGATES, SCRIPTS, MARKUP, FORMULAS, PATHS, EMPTY, LONG)
EVERY = tuple(value for kind in KINDS for value in kind)


def draw(generator: random.Random) -> str:
    """A hostile text: one of the tables', or one that is made of several."""
    text = generator.choice(generator.choice(KINDS))
    chance = generator.random()
    if chance < 0.6:
        return text
    if chance < 0.7:
        return text + generator.choice(generator.choice(KINDS))
    if chance < 0.8:
        return quote(text, errors="replace")
    if chance < 0.9:
        return "".join(chr(generator.randrange(0x110000)) for _ in range(generator.randrange(1, 20)))
    place = generator.randrange(len(text) + 1)
    return text[:place] + chr(generator.randrange(0x300)) + text[place:]
