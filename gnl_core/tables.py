"""Tables as text with aligned columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence

GAP = "  "


def align_columns(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """Format rows of equal length as lines, each column as wide as its longest text.

    Args:
        rows: The texts, the header among them.
        right: Positions of the columns that are aligned to the right; the others are aligned to the left.

    Returns:
        One line per row, without spaces at its end.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(
            text.rjust(width) if position in right else text.ljust(width)
            for position, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
