"""List image files and folders, sorted by name; symlinks must not lead out of the data root."""

from __future__ import annotations

from pathlib import Path

from gnl_core.files import real_path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp"})  # in any case


def inside(root: Path, path: Path) -> bool:
    """Return whether a path is in a folder after all symlinks are resolved."""
    return real_path(path).is_relative_to(real_path(root))


def list_images(folder: Path, *, root: Path) -> list[Path]:
    """List the image files of a folder, by their suffix, sorted by name, without hidden files and subfolders.

    Args:
        folder: The folder to list.
        root: The folder that symlinks must not lead out of.

    Raises:
        ValueError: If a symlink leads out of the root, or a name is not valid text.
    """
    check_inside(root, folder)
    paths = [path for path in list_folder(folder) if path.suffix.lower() in SUFFIXES and not path.is_dir()]
    for path in paths:
        check_name(path)
        if path.is_symlink():
            check_inside(root, path)
    return paths


def list_folders(folder: Path) -> list[Path]:
    """List the visible folders directly below a folder, sorted by name.

    Raises:
        ValueError: If it cannot be listed, or a name is not valid text.
    """
    folders = [path for path in list_folder(folder) if path.is_dir()]
    for path in folders:
        check_name(path)
    return folders


def list_folder(folder: Path) -> list[Path]:
    """List the contents of a folder, sorted by name, without hidden files.

    Raises:
        ValueError: If it cannot be listed.
    """
    try:
        return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)
    except OSError as error:
        raise ValueError(f"cannot list the folder {folder}: {error.strerror}; check its path") from None


def check_inside(root: Path, path: Path) -> None:
    """Check that symlinks do not lead a path out of the root."""
    if not inside(root, path):
        raise ValueError(f"{path} leads out of {root} through a symlink; copy its target into that folder")


def check_name(path: Path) -> None:
    """Check that a name is valid text, without which it cannot be written to a run's scores."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the name {str(path)!r} is not valid UTF-8; rename it") from None
