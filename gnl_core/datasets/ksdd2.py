"""KolektorSDD2 (Božič et al., 2021): a production surface, whose defects are known by their masks alone.

Every image has a mask, and is normal if it marks nothing. Listing the images therefore decodes their masks, once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from gnl_core.datasets.base import Item, Publication, make_defects_spec
from gnl_core.datasets.images import read_mask
from gnl_core.datasets.layout import (
    add_masks,
    image_item,
    require_anomalies,
    require_folder,
    require_images,
    require_root,
)
from gnl_core.datasets.names import NORMAL
from gnl_core.files import Version, version_of

NAME, CLASS, DEFECT = "ksdd2", "surface", "defect"
FOLDERS = ("KSDD2", "KolektorSDD2")
LAYOUT = f"{FOLDERS[0]}/train and {FOLDERS[0]}/test under the data root, with 10000.png and its mask 10000_GT.png"
NAME_OF_IMAGE = re.compile(r"\d+")
MASK_ENDING = "_GT"
KEPT_LABELS = 2**13  # KolektorSDD2 has 3,335 images


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List the normal images in train; the anomalous ones there are left out.

    Raises:
        ValueError: If files are missing, or a mask cannot be read.
    """
    items = [item for item in list_part(root, "train") if item.label == 0]
    if not items:
        raise ValueError(f"no normal images in {find_part(root, 'train')}; expected {LAYOUT}")
    return items


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the images in test, anomalous ones with their mask.

    Raises:
        ValueError: If files are missing, or a mask cannot be read.
    """
    return require_anomalies(list_part(root, "test"), place=find_part(root, "test"), normal_class=normal_class)


def list_part(root: Path | None, part: str) -> list[Item]:
    """List the images in train or test."""
    place = find_part(root, part)
    paths = require_images(place, root=require_root(root))
    masks = {path.stem.removesuffix(MASK_ENDING): path for path in paths if path.stem.endswith(MASK_ENDING)}
    return [make_item(path, masks.get(path.stem)) for path in paths if NAME_OF_IMAGE.fullmatch(path.stem)]


def make_item(path: Path, mask: Path | None) -> Item:
    """Make the item of an image, labelled by its mask.

    Raises:
        ValueError: If it has no mask, or the mask cannot be read.
    """
    if mask is None:
        raise ValueError(
            f"no mask {path.stem}{MASK_ENDING}.png beside {path}; restore it, since it is the image's label"
        )
    anomalous = marks_something(mask, version_of(mask))
    category = DEFECT if anomalous else NORMAL
    item = image_item(path, base=path.parents[1], label=int(anomalous), domain=NAME, category=category)
    named = item._replace(path=f"{NAME}/{item.path}")
    return add_masks(named, [mask]) if anomalous else named._replace(mask_files=(mask,))


@lru_cache(maxsize=KEPT_LABELS)
def marks_something(mask: Path, version: Version | None) -> bool:
    """Return whether a version of a mask marks any pixel."""
    return bool(read_mask(mask).any())


def find_part(root: Path | None, part: str) -> Path:
    """Find the folder train or test."""
    return require_folder(require_root(root), [f"{folder}/{part}" for folder in FOLDERS], expected=LAYOUT)


KSDD2 = make_defects_spec(
    Publication("KolektorSDD2", "CC BY-NC-SA 4.0", "www.vicos.si/resources/kolektorsdd2"),
    summary="A production surface with masked defects",
    place="KSDD2/train and KSDD2/test",
    classes=(CLASS,),
    domains=(NAME,),
    folders=tuple(f"{folder}/{part}" for folder in FOLDERS for part in ("train", "test")),
    train_items=train_items,
    test_items=test_items,
)
