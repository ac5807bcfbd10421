"""Check where outputs go before the work: not among images, which are read as data, and where they can be written."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gnl_core.datasets import DATASETS, OWN, default_root, find_dataset
from gnl_core.datasets.names import plain_name
from gnl_core.files import name_kind, real_path
from gnl_core.messages import quote


def path_to_share(path: Path) -> str:
    """Return a path for a file that others may read: as from the working folder, or of any other only the last part."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else real_path(path).name


def check_output(path: Path, root: Path | None, *, what: str) -> None:
    """Check that an output does not lie in a folder from which a data set reads images.

    Args:
        path: The file or folder to write.
        root: The data root in use; $GNL_DATA is checked as well.
        what: Name of the output in the message, such as "--csv" or "the run".

    Raises:
        ValueError: If it lies in such a folder.
    """
    target = real_path(path)
    for known in dict.fromkeys(real_path(one) for one in (root, default_root()) if one is not None):
        for folder in image_folders(known):
            if target.is_relative_to(real_path(folder)) or is_below_by_name(target, folder):
                raise ValueError(
                    f"{what} would be written to {path}, but every image in {folder} is read as data; choose a path "
                    f"outside that folder, such as {known.parent / 'output'}"
                )


def check_output_file(path: Path, root: Path | None, *, what: str) -> None:
    """Check that a file can be written, also by creating a temporary one in its folder or the nearest one above it.

    Args:
        path: The file to write.
        root: As for `check_output`.
        what: Likewise.

    Raises:
        ValueError: As for `check_output`; if there is a folder, pipe or device of this name; or if it cannot be
            written.
    """
    check_output(path, root, what=what)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ValueError(f"{what} {path} is {name_kind(mode)}; choose the path of a file")
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise ValueError(f"{what} {path} cannot be written: {error.strerror}; choose another path") from None
    check_folder_writable(path.parent, what=f"{what} {path}")


def check_folder_writable(folder: Path, *, what: str) -> None:
    """Check that a folder, or the nearest one above it, takes a new file; raise ValueError if not."""
    try:
        with tempfile.TemporaryFile(dir=nearest_above(folder)):
            pass
    except OSError as error:
        raise ValueError(f"{what} cannot be written: {error.strerror}; choose another path") from None


def nearest_above(folder: Path) -> Path:
    """Return the folder itself if there is anything of its name, else the nearest one above it that exists."""
    for place in (folder, *folder.parents):
        try:
            place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        return place
    return Path(folder.anchor or ".")


def check_comparison_folder(folder: Path) -> None:
    """Check that a folder for a comparison is new or empty, or holds a comparison or runs; hidden files do not count.

    Raises:
        ValueError: If it holds only files of something else, is a file, or cannot be written.
    """
    check_folder_writable(folder, what=f"--output {folder}")
    if not folder.exists():
        return
    entries = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    is_ours = (folder / "comparison.json").exists() or any(folder.glob("*/config.json"))
    if entries and not is_ours:
        raise ValueError(
            f"--output {folder} holds files of something else, such as {quote(entries[0])}; choose a new or an empty "
            "folder, or that of a comparison"
        )


def check_new_folder(folder: Path, *, source: Path | None = None, what: str) -> None:
    """Check that a folder can be created, or is empty, and does not lie in the folder that it is made from.

    Args:
        folder: The folder to create.
        source: The folder that is read; None if there is none.
        what: Name of the output in the message.

    Raises:
        ValueError: If it lies in the source, holds anything, is a file, or cannot be written.
    """
    if source is not None and real_path(folder).is_relative_to(real_path(source)):
        raise ValueError(f"{what} {folder} lies in {source}, which is read; choose a folder outside of it")
    if folder.is_dir() and (entries := sorted(entry.name for entry in folder.iterdir())):
        raise ValueError(f"{what} {folder} holds files, such as {quote(entries[0])}; choose a new or an empty folder")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{what} {folder} is a file; choose the path of a folder")
    check_folder_writable(real_path(folder).parent, what=f"{what} {folder}")


def is_below_by_name(path: Path, folder: Path) -> bool:
    """Return whether a path lies in a folder, comparing names as data sets do, such as ignoring case."""
    plain = [plain_name(part) for part in folder.parts]
    return [plain_name(part) for part in path.parts[: len(plain)]] == plain


def image_folders(root: Path) -> Iterator[Path]:
    """List the folders in a data root from which any data set reads images, existing or not."""
    for spec in DATASETS.values():
        yield from (root / folder for folder in spec.folders)
    for name in OWN:
        try:
            own = find_dataset(name, root)
        except ValueError:  # the root is not a folder of the user's own images
            continue
        yield from (root / folder for folder in own.folders)
