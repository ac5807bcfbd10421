"""MVTec AD (Bergmann et al., 2019): fifteen kinds of objects and textures with defects, each with a mask."""

from __future__ import annotations

from pathlib import Path

from gnl_core.datasets.base import INDUSTRIAL_OPERATIONS, DatasetSpec, Item
from gnl_core.datasets.layout import (
    find_below,
    find_kinds,
    image_item,
    list_kinds,
    require_folder,
    require_images,
    require_root,
)
from gnl_core.datasets.names import NORMAL

DOMAIN = "mvtec"
LAYOUT = "mvtec/<category>/train/good, test/<type> and ground_truth/<type> under the data root, as MVTec AD unpacks"
CLASSES = (
    "bottle",
    "cable",
    "capsule",
    "carpet",
    "grid",
    "hazelnut",
    "leather",
    "metal_nut",
    "pill",
    "screw",
    "tile",
    "toothbrush",
    "transistor",
    "wood",
    "zipper",
)
PARTS = ("train", "test", "ground_truth")
FOLDERS = ("mvtec", "mvtec_anomaly_detection", "mvtec_ad", "MVTec")


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List the category's images in train/good.

    Raises:
        ValueError: If the folder is missing or empty.
    """
    folder = find_category(root, normal_class)
    place = require_folder(folder, [f"train/{NORMAL}"], expected=LAYOUT)
    paths = require_images(place, root=require_root(root))
    items = [image_item(path, base=folder.parent, label=0, domain=DOMAIN, category=NORMAL) for path in paths]
    return [named(item) for item in items]


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the images in test, defects with their mask if there is one; an item's category is the type of defect.

    Raises:
        ValueError: If the folder is missing, a type has no images, or a mask has none.
    """
    folder = find_category(root, normal_class)
    kinds = find_kinds(require_folder(folder, ["test"], expected=LAYOUT))
    masks = find_below(folder, "ground_truth")
    items = list_kinds(kinds, masks, root=require_root(root), base=folder.parent, domain=domain)
    return [named(item) for item in items]


def find_category(root: Path | None, name: str) -> Path:
    """Find the folder of a category."""
    root = require_root(root)
    return require_folder(root, [f"{folder}/{name}" for folder in FOLDERS], expected=LAYOUT)


def named(item: Item) -> Item:
    """Prefix an item's name with "mvtec", independent of its folder's name."""
    return item._replace(path=f"mvtec/{item.path}")


MVTEC = DatasetSpec(
    summary="Fifteen kinds of industrial objects and textures with masked defects (MVTec AD)",
    classes=CLASSES,
    domains=(DOMAIN,),
    folders=tuple(f"{folder}/{name}/{part}" for folder in FOLDERS for name in CLASSES for part in PARTS),
    train_items=train_items,
    test_items=test_items,
    augmix_operations=INDUSTRIAL_OPERATIONS,
    anomalies="defects",
    how_to_get=(
        "Download MVTec AD from www.mvtec.com/company/research/datasets/mvtec-ad (CC BY-NC-SA 4.0) and unpack it as "
        "mvtec/<category>/{train,test,ground_truth} under the data root."
    ),
)
