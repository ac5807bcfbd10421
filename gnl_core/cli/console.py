"""Print results and messages for the user."""

from __future__ import annotations

import sys

from gnl_core.messages import escape_hidden


def say(message: str) -> None:
    """Print one line that is not a result."""
    print(escape_hidden(message), file=sys.stderr)


def show(lines: str) -> None:
    """Print a result for a reader. Names of files in it do not act on the terminal."""
    print("\n".join(map(escape_hidden, lines.split("\n"))))
