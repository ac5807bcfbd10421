"""Accepted names of image folders, in any case and with hyphens or spaces instead of underscores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gnl_core.datasets.listing import list_folders
from gnl_core.messages import shorten

SHOWN_NAMES = 5  # of those that are accepted, in a message
MOST_FOLDERS = 8  # of those that exist, in a message
NORMAL = "good"  # as in MVTec AD: class and category of every normal image, independent of its folder's name

FOLDER_NAMES: dict[str, tuple[str, ...]] = {  # docs/datasets.md has the same table
    "normal": (
        *(NORMAL, "ok", "okay", "normal", "nominal", "pass", "passed", "io"),
        *("defect_free", "no_defect", "non_defective", "anomaly_free"),
    ),
    "anomalous": (
        *("bad", "ng", "no_good", "not_good", "nok", "not_ok", "ko", "nio", "fail", "failed", "damaged"),
        *("defect", "defects", "defective", "anomaly", "anomalies", "anomalous", "abnormal", "fault", "faults"),
        "faulty",
    ),
    "training": ("train", "training"),
    "test": ("test", "testing", "images"),
    "masks": ("ground_truth", "groundtruth", "gt", "masks", "mask"),
}
IN_DISTRIBUTION_NAMES = ("in_distribution", "original", "source")  # a test domain of such a name comes first


def plain_name(name: str) -> str:
    """Spell a name as in the tables: in lower case, with underscores for hyphens and spaces."""
    return name.casefold().replace("-", "_").replace(" ", "_")


def is_named(path: Path, meaning: str) -> bool:
    """Return whether a folder's name is accepted for a meaning, a key of FOLDER_NAMES."""
    return plain_name(path.name) in FOLDER_NAMES[meaning]


def find_all(folder: Path, meaning: str) -> list[Path]:
    """List the subfolders whose names are accepted for a meaning, sorted by name."""
    return [path for path in list_folders(folder) if is_named(path, meaning)]


def list_label_folders(folder: Path) -> list[Path]:
    """List the subfolders that are named after labels, normal or a kind of defect: all but those of masks."""
    return [path for path in list_folders(folder) if not is_named(path, "masks")]


def find_only(folder: Path, meaning: str) -> Path | None:
    """Find the only subfolder whose name is accepted for a meaning; None if there is none.

    Raises:
        ValueError: If there are several.
    """
    return only(find_all(folder, meaning))


def find_spelled(folder: Path, names: Sequence[str]) -> Path | None:
    """Find the only subfolder with one of the given names in any spelling; None if there is none.

    Raises:
        ValueError: If there are several.
    """
    accepted = {plain_name(name) for name in names}
    return (
        only([path for path in list_folders(folder) if plain_name(path.name) in accepted]) if folder.is_dir() else None
    )


def only(paths: Sequence[Path]) -> Path | None:
    """Return the only path, or None if there is none.

    Raises:
        ValueError: If there are several.
    """
    if len(paths) > 1:
        names = " and ".join(str(path) for path in paths[:2])
        raise ValueError(
            f"{names} have names of the same meaning; expected only one of them: rename or remove the others"
        )
    return paths[0] if paths else None


def format_accepted(meaning: str) -> str:
    """Format the usual names that are accepted for a meaning, for a message."""
    return f"{', '.join(FOLDER_NAMES[meaning][:SHOWN_NAMES])} or another name in docs/datasets.md"


def format_folders(folders: Iterable[Path]) -> str:
    """Format the names of existing folders, for a message, of many the first."""
    names = [shorten(path.name) for path in folders]
    more = len(names) - MOST_FOLDERS
    shown = [*names[:MOST_FOLDERS], *([f"{more} more"] if more > 0 else [])]
    return ", ".join(shown) or "no folders"
