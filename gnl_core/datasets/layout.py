"""What the data sets on disk share: the data root, folders that must be there, and images as items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from gnl_core.datasets.base import Item
from gnl_core.datasets.images import read_image, read_mask_of
from gnl_core.datasets.listing import check_inside, list_folders, list_images

NORMAL = "good"  # MVTec AD's name for it, in folders and categories


def require_root(root: Path | None) -> Path:
    """The data root.

    Raises:
        ValueError: If none is set, or it is no folder.
    """
    if root is None:
        raise ValueError("no data folder is set; set GNL_DATA to it, or pass --data-root")
    if not root.is_dir():
        raise ValueError(f"no data folder at {root}; set GNL_DATA to an existing one, or pass --data-root")
    return root


def require_folder(root: Path, choices: Sequence[str], *, expected: str) -> Path:
    """The first of some folders that is there.

    Args:
        root: The data root.
        choices: Where the folder may lie, relative to the root, the usual place first.
        expected: The layout, for the message.

    Raises:
        ValueError: If none is there, or a symlink leads out of the root.
    """
    for choice in choices:
        if (root / choice).is_dir():
            check_inside(root, root / choice)
            return root / choice
    raise ValueError(f"no folder {root / choices[0]}; expected {expected}")


def require_images(folder: Path, *, root: Path) -> list[Path]:
    """The images of a folder that may not be empty.

    Raises:
        ValueError: If the folder is missing or has no image.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}; expected images in it")
    images = list_images(folder, root=root)
    if not images:
        raise ValueError(f"no images in {folder}; expected PNG, JPEG, BMP, TIFF or WebP files")
    return images


def image_item(path: Path, *, base: Path, label: int, domain: str, category: str) -> Item:
    """An image file as an item, named by its path below a base folder."""
    return Item(
        path=path.relative_to(base).as_posix(),
        read=partial(read_image, path),
        label=label,
        domain=domain,
        category=category,
        file=path,
    )


def require_anomalies(items: list[Item], *, place: Path, normal_class: str) -> list[Item]:
    """The same items, among which there must be an anomaly.

    Raises:
        ValueError: If there is none.
    """
    if all(item.label == 0 for item in items):
        raise ValueError(f"no anomalies in {place}; expected images of something other than {normal_class!r} too")
    return items


def list_defects(folder: Path, masks: Path, *, root: Path, base: Path, domain: str) -> list[Item]:
    """Test images in MVTec AD's layout: a folder "good" and one a defect type.

    Args:
        folder: Holds a folder of images for each type.
        masks: Holds a folder of `<stem>_mask.png` for each defect type; may be missing, as a whole or in part.
        root: The folder that no symlink may lead out of.
        base: What the items' names are relative to.
        domain: The items' domain.

    Returns:
        The items, types sorted by name; a mask only where its file is there.

    Raises:
        ValueError: If a type has no image, there is no defect, or a mask has no image.
    """
    items = []
    for kind in list_folders(folder):
        paths = require_images(kind, root=root)
        found = {} if kind.name == NORMAL else find_masks(masks / kind.name, paths, root=root)
        for path in paths:
            item = image_item(path, base=base, label=int(kind.name != NORMAL), domain=domain, category=kind.name)
            mask = found.get(path)
            items.append(item._replace(mask=partial(read_mask_of, path, mask), mask_file=mask) if mask else item)
    require_anomalies(items, place=folder, normal_class=NORMAL)
    require_folders_of(masks, [item.category for item in items], place=folder)
    return items


def require_folders_of(masks: Path, names: Sequence[str], *, place: Path) -> None:
    """Refuse masks of what is not there; those of normal images mark nothing and are passed over.

    Raises:
        ValueError: If there is a folder of masks without a folder of images of that name.
    """
    for kind in list_folders(masks) if masks.is_dir() else []:
        if kind.name not in (*names, NORMAL):
            raise ValueError(f"the masks in {kind} have no images; expected images in {place / kind.name}")


def find_masks(folder: Path, images: Iterable[Path], *, root: Path) -> dict[Path, Path]:
    """Image to its mask, for the images that have one.

    Raises:
        ValueError: If a mask has no image.
    """
    if not folder.is_dir():
        return {}
    by_name = {f"{path.stem}_mask.png": path for path in images}
    masks = list_images(folder, root=root)
    for mask in masks:
        if mask.name not in by_name:
            raise ValueError(f"the mask {mask} has no image; expected masks to be named like <image>_mask.png")
    return {by_name[mask.name]: mask for mask in masks}
