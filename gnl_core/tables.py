"""Tables as text: aligned columns, and cells of CSV and Markdown files."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from gnl_core.messages import escape_hidden

GAP = "  "
MARKUP = re.compile(r"[\\`*\[\]<>$~|&]|(?<![^\W_])_|_(?![^\W_])|^[#+=-]")  # what Markdown or GitHub give a meaning
FIRST_NUMBER = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")  # of a list
LINKED = re.compile(r"(?<=:)(?=//|[\w+/-]+:)|(?<=@)|(?<=www)(?=\.)", re.IGNORECASE)  # places within what it links
WORD_JOINER = "\u2060"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # OWASP, "CSV injection"


def align_columns(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """Format rows of equal length as lines, each column as wide as its longest text, with hidden characters escaped.

    Args:
        rows: The texts, the header among them.
        right: Positions of the columns that are aligned to the right; the others are aligned to the left.

    Returns:
        One line per row, without spaces at its end.
    """
    cells = [[escape_hidden(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        GAP.join(
            text.rjust(width) if position in right else text.ljust(width)
            for position, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def csv_cell(value: object) -> object:
    """Return the value to write to a CSV file, which spreadsheets do not read as a formula.

    Args:
        value: A number or any other value, which stays as it is, or a text, such as a file's name.

    Returns:
        A text that begins like a formula, with an apostrophe before it; any other value unchanged.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def escape_markdown(text: str) -> str:
    """Escape a text, such as a file's name, for Markdown, also as a cell of a table.

    GitHub and Streamlit turn web and e-mail addresses and `:names:` of icons into links and pictures even where they
    are escaped; an invisible word joiner (U+2060) within them prevents this.

    Args:
        text: Any text.

    Returns:
        Markdown on one line that shows the text as it is.
    """
    line = " ".join(text.encode("utf-8", "backslashreplace").decode().splitlines()).strip()
    joined = LINKED.sub(WORD_JOINER, line)
    return FIRST_NUMBER.sub(r"\1\\", MARKUP.sub(r"\\\g<0>", joined))
