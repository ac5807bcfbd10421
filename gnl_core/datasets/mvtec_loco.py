"""MVTec LOCO AD (Bergmann et al., 2022): what is damaged, and what is missing, surplus or in the wrong place.

The two kinds are the categories of its anomalies. An anomalous image has a folder of masks, one for each defect in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gnl_core.datasets.base import DatasetSpec, Item
from gnl_core.datasets.layout import (
    add_masks,
    find_below,
    find_kinds,
    list_kinds,
    require_folder,
    require_images,
    require_root,
)
from gnl_core.datasets.listing import list_folders
from gnl_core.datasets.mvtec_layout import Layout, find_category, make_spec, name_items

LAYOUT = Layout("mvtec_loco", "MVTec LOCO AD", folders=("mvtec_loco", "mvtec_loco_anomaly_detection"))


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List a category's images to score; an anomaly's category is its kind, logical_anomalies or structural_anomalies.

    Raises:
        ValueError: If a folder is missing or has no images, or masks have no image.
    """
    root, folder = require_root(root), find_category(LAYOUT, root, normal_class)
    kinds = find_kinds(require_folder(folder, [LAYOUT.test], expected=LAYOUT.expected))
    items = name_items(list_kinds(kinds, None, root=root, base=folder.parent, domain=domain), LAYOUT)
    masks = find_below(folder, LAYOUT.masks)
    return items if masks is None else match_folders(items, masks, root=root)


def match_folders(items: Sequence[Item], masks: Path, *, root: Path) -> list[Item]:
    """Give the anomalous images the masks in the folder of their kind and name.

    Raises:
        ValueError: If a folder has no masks, or there is no image of its name.
    """
    folders = {(kind.name, folder.name): folder for kind in list_folders(masks) for folder in list_folders(kind)}
    pairs = [(item, folders.pop(key_of(item), None) if item.label else None) for item in items]
    if folders:
        (kind, name), place = next(iter(folders.items()))
        raise ValueError(f"the masks in {place} have no image; expected {name}.png in {LAYOUT.test}/{kind}")
    return [item if place is None else add_masks(item, require_images(place, root=root)) for item, place in pairs]


def key_of(item: Item) -> tuple[str, str]:
    """Return what names the folder of an anomalous image's masks: its kind, and its name without ending."""
    assert item.file is not None
    return item.category, item.file.stem


MVTEC_LOCO: DatasetSpec = make_spec(
    LAYOUT,
    summary="Five kinds of packed or assembled goods with masked logical and structural anomalies",
    classes=("breakfast_box", "juice_bottle", "pushpins", "screw_bag", "splicing_connectors"),
    licence="CC BY-NC-SA 4.0",
    page="www.mvtec.com/company/research/datasets/mvtec-loco",
)._replace(test_items=test_items)
