"""Write the files of a comparison, next to its run folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gnl_core.comparison.data import comparison_csv, comparison_json
from gnl_core.comparison.figures import Picture
from gnl_core.comparison.page import comparison_page
from gnl_core.comparison.records import Comparison
from gnl_core.comparison.text import markdown_page
from gnl_core.files.writing import write_atomically

NAME = "comparison"


def write_comparison(comparison: Comparison, pictures: Sequence[Picture], output: Path) -> list[Path]:
    """Write the tables in all formats, and the figures; existing files are replaced.

    Returns:
        Paths of the written files.
    """
    contents = {
        f"{NAME}.md": markdown_page(comparison).encode(),
        f"{NAME}.csv": comparison_csv(comparison).encode(),
        f"{NAME}.json": comparison_json(comparison).encode(),
        f"{NAME}.html": comparison_page(comparison, {picture.caption: picture.svg for picture in pictures}).encode(),
    }
    for picture in pictures:
        stem = file_stem(picture.caption)
        contents |= {f"{stem}.svg": picture.svg, f"{stem}.png": picture.png}
    for name, content in contents.items():
        write_atomically(output / name, content)
    return [output / name for name in contents]


def file_stem(caption: str) -> str:
    """Convert a caption to a file name that is valid on all systems."""
    return re.sub(r"[^\w.]+", "-", caption)
