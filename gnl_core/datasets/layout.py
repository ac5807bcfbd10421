"""Functions that data sets on disk share: the data root, required folders, and images as items."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gnl_core.datasets.base import UNLABELLED, Item
from gnl_core.datasets.images import read_image, read_masks_of
from gnl_core.datasets.listing import check_inside, list_folders, list_images
from gnl_core.datasets.names import (
    FOLDER_NAMES,
    NORMAL,
    find_all,
    find_spelled,
    format_accepted,
    format_folders,
    is_named,
    list_label_folders,
    plain_name,
)

UNLABELLED_CATEGORY = "unlabelled"
MASK_ENDING = "_mask"  # optional suffix of a mask's name after the image's name


def require_root(root: Path | None) -> Path:
    """Return the data root.

    Raises:
        ValueError: If none is set, or it is not a folder.
    """
    if root is None:
        raise ValueError("no data folder is set; set GNL_DATA to it, or pass --data-root")
    if not root.is_dir():
        raise ValueError(f"no data folder at {root}; set GNL_DATA to an existing one, or pass --data-root")
    return root


def require_folder(root: Path, choices: Sequence[str], *, expected: str) -> Path:
    """Find the first existing folder of several choices; other spellings are accepted if no exact name exists.

    Args:
        root: The data root.
        choices: Possible paths relative to the root, the usual one first.
        expected: The layout, for the message.

    Raises:
        ValueError: If none exists, several exist in other spellings, or a symlink leads out of the root.
    """
    exact = [root / choice for choice in choices if (root / choice).is_dir()]
    for folder in exact or filter(None, (find_below(root, choice) for choice in choices)):
        check_inside(root, folder)
        return folder
    raise ValueError(f"no folder {root / choices[0]}; expected {expected}")


def find_below(root: Path, path: str) -> Path | None:
    """Find a folder by its path in any spelling; None if there is none.

    Raises:
        ValueError: If there are several.
    """
    folder: Path | None = root
    for name in PurePosixPath(path).parts:
        folder = folder and find_spelled(folder, [name])
    return folder


def require_images(folder: Path, *, root: Path) -> list[Path]:
    """List the images of a folder, which must not be empty.

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
    """Make an item of an image file, named by its path below a base folder."""
    return Item(
        path=path.relative_to(base).as_posix(),
        read=partial(read_image, path),
        label=label,
        domain=domain,
        category=category,
        file=path,
    )


def add_masks(item: Item, masks: Sequence[Path]) -> Item:
    """Give an item of an image file its masks, which together mark its anomalous pixels."""
    assert item.file is not None
    return item._replace(mask=partial(read_masks_of, item.file, tuple(masks)), mask_files=tuple(masks))


def match_items(items: Iterable[Item], masks: Mapping[Path, Path]) -> list[Item]:
    """Give the items of image files that have a mask this mask.

    Args:
        items: The items.
        masks: Image files to their mask.
    """
    found = ((item, None if item.file is None else masks.get(item.file)) for item in items)
    return [item if mask is None else add_masks(item, [mask]) for item, mask in found]


def require_anomalies(items: list[Item], *, place: Path, normal_class: str) -> list[Item]:
    """Return the same items after checking that they include an anomaly.

    Raises:
        ValueError: If they include none.
    """
    if all(item.label == 0 for item in items):
        raise ValueError(f"no anomalies in {place}; expected images of something other than {normal_class!r} too")
    return items


class Kind(NamedTuple):
    """A folder of images of one label; a defect's kind is the folder's name."""

    folder: Path
    label: int  # 0 normal, 1 anomalous, -1 unlabelled

    @property
    def category(self) -> str:
        """The category of its images."""
        return {0: NORMAL, UNLABELLED: UNLABELLED_CATEGORY}.get(self.label, self.folder.name)


def find_kinds(folder: Path, *, remedy: str = "rename it") -> list[Kind]:
    """Find the image folders of a test folder: normal by their accepted names, all others except masks as defects.

    Raises:
        ValueError: If none is normal; the message ends in the remedy.
    """
    folders = list_label_folders(folder)
    kinds = [Kind(path, int(not is_named(path, "normal"))) for path in folders]
    if all(kind.label for kind in kinds):
        raise ValueError(
            f"no folder of normal images in {folder}, which has {format_folders(folders)}; expected a folder called "
            f"{format_accepted('normal')}; {remedy}"
        )
    return kinds


def find_training(folder: Path, *, root: Path) -> list[Path]:
    """Find the folders of normal images in a training folder by their accepted names, or the folder itself.

    Raises:
        ValueError: If it has folders and no images, and none of the folders is normal.
    """
    normal, loose = find_all(folder, "normal"), list_images(folder, root=root)
    if normal and loose:
        raise ValueError(f"{folder} has images next to {format_folders(normal)}; expected all of them in such a folder")
    folders = list_folders(folder)
    if folders and not normal and not loose:
        raise ValueError(
            f"no normal images to train on in {folder}, which has {format_folders(folders)}; expected images in it, or "
            f"in a folder called {format_accepted('normal')}"
        )
    return normal or [folder]


def list_kinds(kinds: Sequence[Kind], masks: Path | None, *, root: Path, base: Path, domain: str) -> list[Item]:
    """List test images, one folder per kind.

    Args:
        kinds: Folders with their labels.
        masks: Folder of masks, in one folder per defect or directly; masks may be missing.
        root: The folder that symlinks must not lead out of.
        base: Folder to which the items' names are relative.
        domain: The items' domain.

    Returns:
        The items, kind by kind; a mask only where its file exists.

    Raises:
        ValueError: If a folder has no image, there is no defect, or masks and images do not match.
    """
    images = {kind: require_images(kind.folder, root=root) for kind in kinds}
    items = [
        image_item(path, base=base, label=kind.label, domain=domain, category=kind.category)
        for kind, paths in images.items()
        for path in refuse_masks(paths)
    ]
    require_anomalies(items, place=kinds[0].folder.parent, normal_class=NORMAL)
    return items if masks is None else match_items(items, match_masks(images, masks, root=root))


def refuse_masks(images: Sequence[Path]) -> Sequence[Path]:
    """Return the same images after checking that none is the mask of another: it would count as an anomalous image.

    Raises:
        ValueError: If an image is such a mask.
    """
    stems = {path.stem for path in images}
    for path in images:
        if own_stem(path) != path.stem and own_stem(path) in stems:
            raise ValueError(
                f"{path} has the name of a mask of an image in the same folder; expected masks in a separate folder, "
                f"such as {FOLDER_NAMES['masks'][0]}"
            )
    return images


def own_stem(mask: Path) -> str:
    """Return the stem of a mask's image, without "_mask"."""
    marked = mask.stem.lower().endswith(MASK_ENDING)
    return mask.stem[: -len(MASK_ENDING)] if marked else mask.stem


def match_masks(images: Mapping[Kind, Sequence[Path]], masks: Path, *, root: Path) -> dict[Path, Path]:
    """Map the anomalous images that have a mask to their mask.

    Masks in subfolders belong to the defect of that name, others to any; masks of normal images mark nothing
    and are skipped.

    Args:
        images: The images of each kind.
        masks: The folder of masks.
        root: The folder that symlinks must not lead out of.

    Raises:
        ValueError: If a mask has no image or several, an image has several masks, or a folder of masks has no images.
    """
    defects = {kind: paths for kind, paths in images.items() if kind.label}
    normal_stems = {path.stem for kind, paths in images.items() if not kind.label for path in paths}
    pairs = match_files(list_images(masks, root=root), list(chain(*defects.values())), ignored=normal_stems)
    for folder in list_folders(masks):
        if is_named(folder, "normal"):
            continue
        kind = find_kind(folder, list(defects), place=next(iter(images)).folder.parent)
        pairs += match_files(list_images(folder, root=root), defects[kind])
    return unique(pairs)


def find_kind(masks: Path, defects: Sequence[Kind], *, place: Path) -> Kind:
    """Find the kind of defect of a folder of masks, by its name in any spelling.

    Raises:
        ValueError: If there is none, or several.
    """
    exact = [kind for kind in defects if kind.folder.name == masks.name]
    kinds = exact or [kind for kind in defects if plain_name(kind.folder.name) == plain_name(masks.name)]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        raise ValueError(f"the masks in {masks} could be of {format_paths(kind.folder for kind in kinds)}; rename one")
    raise ValueError(f"the masks in {masks} have no images; expected images in {place / masks.name}")


def match_files(
    masks: Iterable[Path], images: Sequence[Path], *, ignored: Container[str] = ()
) -> list[tuple[Path, Path]]:
    """Pair images with their masks by name: <image>_mask or <image>, with any image suffix.

    Raises:
        ValueError: If a mask has no image, or several.
    """
    pairs = []
    for mask in masks:
        owners = [path for path in images if path.stem in (mask.stem, own_stem(mask))]
        if len(owners) > 1:
            raise ValueError(f"the mask {mask} could be of {format_paths(owners)}; rename one of them and its mask")
        if owners:
            pairs.append((owners[0], mask))
        elif own_stem(mask) not in ignored:
            raise ValueError(f"the mask {mask} has no image; expected masks named like <image>_mask.png or <image>.png")
    return pairs


def unique(pairs: Iterable[tuple[Path, Path]]) -> dict[Path, Path]:
    """Map images to masks.

    Raises:
        ValueError: If an image has several masks.
    """
    masks: dict[Path, Path] = {}
    for image, mask in pairs:
        if image in masks:
            raise ValueError(f"{image} has two masks, {masks[image]} and {mask}; remove one of them")
        masks[image] = mask
    return masks


def format_paths(paths: Iterable[Path]) -> str:
    """Format several paths for a message."""
    return " or ".join(str(path) for path in paths)
