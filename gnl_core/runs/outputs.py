"""Outputs stay out of the folders that images are read from: the next training or scoring would take them for data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gnl_core.datasets import DATASETS, FOLDER, default_root, find_dataset
from gnl_core.datasets.names import plain_name


def check_output(path: Path, root: Path | None, *, what: str) -> None:
    """Refuse to write into a folder that a data set's images are read from.

    Args:
        path: The file or folder to write.
        root: The data root in use; $GNL_DATA counts as well.
        what: What is to be written, for the message: "--csv", "the run".

    Raises:
        ValueError: If it lies in such a folder.
    """
    target = path.resolve()
    for known in dict.fromkeys(one.resolve() for one in (root, default_root()) if one is not None):
        for folder in image_folders(known):
            if target.is_relative_to(folder.resolve()) or is_spelled_below(target, folder):
                raise ValueError(
                    f"{what} would be written to {path}, but every image in {folder} is read as data; choose a place "
                    f"outside of that folder, such as {known.parent / 'output'}"
                )


def is_spelled_below(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder once both are spelled as data sets read names: in any case, for example."""
    plain = [plain_name(part) for part in folder.parts]
    return [plain_name(part) for part in path.parts[: len(plain)]] == plain


def image_folders(root: Path) -> Iterator[Path]:
    """Every folder below a data root whose images any data set takes, or would if it were there."""
    for spec in DATASETS.values():
        yield from (root / folder for folder in spec.folders)
    try:
        own = find_dataset(FOLDER, root)
    except ValueError:  # the root is no folder of one's own images, so its folders may have any name
        return
    yield from (root / folder for folder in own.folders)
