"""Write the example line of rendered nuts as image files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import PIL.Image

from gnl_core.datasets.parts.line import Shot, read_shot
from gnl_core.downloads.arranging import new_folder
from gnl_core.files import real_path


def write_nut_line(shots: Iterable[Shot], output: Path) -> None:
    """Render photographs of nuts into a new folder as PNG files, or write nothing if anything fails.

    Args:
        shots: The photographs.
        output: The folder to create; it may exist and be empty.

    Raises:
        OSError: If the folder cannot be written, or is not empty.
    """
    with new_folder(real_path(output)) as folder:
        for shot in shots:
            PIL.Image.fromarray(read_shot(shot)).save(folder / shot.name)
