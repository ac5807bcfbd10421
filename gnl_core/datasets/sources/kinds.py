"""Recognise the kind of a label file by its content."""

from __future__ import annotations

import re
from pathlib import Path

from gnl_core.datasets.coco import ANNOTATION_BYTES
from gnl_core.files import read_text

COCO, LABELME, FOLDER, PHOTOGRAPHS = "coco", "labelme", "folder", "photographs"
LISTS = {LABELME: re.compile(r'"shapes"\s*:\s*\['), COCO: re.compile(r'"images"\s*:\s*\[')}


def kind_of_file(path: Path) -> str | None:
    """Name the kind of a JSON file by the lists in it, without parsing it; None for another.

    Raises:
        UnreadableFileError: If it is not text, or is too large.
    """
    text = read_text(path, limit_bytes=ANNOTATION_BYTES)
    return next((kind for kind, pattern in LISTS.items() if pattern.search(text)), None)
