"""AeBAD-S (Zhang et al., 2023): blades of aero-engines, tested on other backgrounds, in other light and views."""

from __future__ import annotations

from pathlib import Path

from gnl_core.datasets.base import Item, Publication, make_defects_spec
from gnl_core.datasets.layout import (
    find_below,
    image_item,
    match_files,
    match_items,
    require_anomalies,
    require_folder,
    require_images,
    require_root,
    unique,
)
from gnl_core.datasets.listing import list_folders, list_images
from gnl_core.datasets.names import NORMAL

NAME, CLASS = "aebad", "blade"
FOLDERS = ("AeBAD/AeBAD_S", "AeBAD_S", "AeBAD")
PARTS = ("train", "test", "ground_truth")
CONDITIONS = {  # domain to the folder of its images below each kind of defect
    NAME: "same",
    f"{NAME}_background": "background",
    f"{NAME}_illumination": "illumination",
    f"{NAME}_view": "view",
}
LAYOUT = (
    f"{FOLDERS[0]}/train/good/<condition>, test/<good or defect>/<condition> and ground_truth/<defect>/<condition> "
    "under the data root, as AeBAD unpacks"
)


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List the images in all folders of train/good, whose conditions are not those of the test images.

    Raises:
        ValueError: If a folder is missing or empty.
    """
    folder = find_aebad(root)
    places = list_folders(require_folder(folder, [f"train/{NORMAL}"], expected=LAYOUT))
    if not places:
        raise ValueError(f"no folders in {folder / 'train' / NORMAL}; expected {LAYOUT}")
    return [
        name_item(path, folder, label=0, domain=NAME, category=NORMAL)
        for place in places
        for path in require_images(place, root=require_root(root))
    ]


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the images of one condition, defects with their mask if there is one; an item's category is its defect.

    Raises:
        ValueError: If there are none, or no normal or no anomalous ones, or a mask has no image.
    """
    root, folder = require_root(root), find_aebad(root)
    test = require_folder(folder, ["test"], expected=LAYOUT)
    places = [place for kind in list_folders(test) if (place := kind / CONDITIONS[domain]).is_dir()]
    items = [item for place in places for item in list_condition(place, folder, domain=domain, root=root)]
    if all(item.label for item in items):
        raise ValueError(f"no images in {test / NORMAL / CONDITIONS[domain]}; expected {LAYOUT}")
    return require_anomalies(items, place=test, normal_class=NORMAL)


def list_condition(place: Path, folder: Path, *, domain: str, root: Path) -> list[Item]:
    """List the images of one kind in one condition."""
    kind, paths = place.parent.name, require_images(place, root=root)
    items = [name_item(path, folder, label=int(kind != NORMAL), domain=domain, category=kind) for path in paths]
    masks = None if kind == NORMAL else find_below(folder, f"ground_truth/{kind}/{place.name}")
    return items if masks is None else match_items(items, unique(match_files(list_images(masks, root=root), paths)))


def name_item(path: Path, folder: Path, *, label: int, domain: str, category: str) -> Item:
    """Make the item of an image, named by its path below the data set's folder."""
    item = image_item(path, base=folder, label=label, domain=domain, category=category)
    return item._replace(path=f"{NAME}/{item.path}")


def find_aebad(root: Path | None) -> Path:
    """Find the folder of AeBAD-S."""
    return require_folder(require_root(root), [f"{folder}/train" for folder in FOLDERS], expected=LAYOUT).parent


AEBAD = make_defects_spec(
    Publication("AeBAD-S", "CC BY 4.0", "github.com/zhangzilongc/MMR"),
    summary="Blades of aero-engines on other backgrounds, in other light and from other views",
    place=f"{FOLDERS[0]}/{{train,test,ground_truth}}",
    classes=(CLASS,),
    domains=tuple(CONDITIONS),
    folders=tuple(f"{folder}/{part}" for folder in FOLDERS for part in PARTS),
    train_items=train_items,
    test_items=test_items,
)
