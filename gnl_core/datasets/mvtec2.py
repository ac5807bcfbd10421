"""MVTec AD 2 (Heckler-Kram et al., 2025): eight kinds of objects, each scene photographed in several lights.

Runs train on the usual light. The public part of the test images tells the light of each by its name, and has labels
and masks. The two private parts have none: their scores and maps are for the authors' evaluation server.
"""

from __future__ import annotations

import re
from pathlib import Path

from gnl_core.datasets import mvtec_layout
from gnl_core.datasets.base import UNLABELLED, DatasetSpec, Item
from gnl_core.datasets.layout import (
    UNLABELLED_CATEGORY,
    image_item,
    require_anomalies,
    require_folder,
    require_images,
    require_root,
)
from gnl_core.datasets.mvtec_layout import Layout, find_category, make_spec, name_items

NAME = "mvtec2"
LAYOUT = Layout(
    NAME,
    "MVTec AD 2",
    folders=("mvtec_ad_2", "mvtec2"),
    test="test_public",
    masks="test_public/ground_truth",
)
LIGHTS = {  # light in the names of images to domain
    "regular": NAME,
    "overexposed": f"{NAME}_overexposed",
    "underexposed": f"{NAME}_underexposed",
    "shift": f"{NAME}_shift",
}
PRIVATE = {f"{NAME}_private": "test_private", f"{NAME}_private_mixed": "test_private_mixed"}  # domain to folder
NAME_OF_IMAGE = re.compile(rf"\d+_(?P<light>{'|'.join(LIGHTS)})(_\d+)?")  # such as 004_shift_1


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the images in one light with labels and masks, or those of a private part without.

    Raises:
        ValueError: If a folder is missing or has no such images, or a mask has no image.
    """
    if domain in PRIVATE:
        return private_items(root, normal_class, domain)
    everything = mvtec_layout.test_items(LAYOUT, root, normal_class, domain)
    items = [item for item in everything if domain_of(item) == domain]
    place = find_category(LAYOUT, root, normal_class) / LAYOUT.test
    if not items:
        light = next(light for light, known in LIGHTS.items() if known == domain)
        raise ValueError(f"no images in {place} in the light of {domain}; expected names such as 000_{light}.png")
    return require_anomalies(items, place=place, normal_class=normal_class)


def domain_of(item: Item) -> str | None:
    """Return the domain of an image by its name; None for another name."""
    assert item.file is not None
    match = NAME_OF_IMAGE.fullmatch(item.file.stem)
    return LIGHTS[match["light"]] if match else None


def private_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the images of a private part."""
    folder = find_category(LAYOUT, root, normal_class)
    place = require_folder(folder, [PRIVATE[domain]], expected=f"{PRIVATE[domain]}/*.png of MVTec AD 2 in it")
    items = [
        image_item(path, base=folder.parent, label=UNLABELLED, domain=domain, category=UNLABELLED_CATEGORY)
        for path in require_images(place, root=require_root(root))
    ]
    return name_items(items, LAYOUT)


SPEC = make_spec(
    LAYOUT,
    summary="Eight kinds of objects, each photographed in several lights, with masked defects",
    classes=("can", "fabric", "fruit_jelly", "rice", "sheet_metal", "vial", "wallplugs", "walnuts"),
    licence="CC BY-NC-SA 4.0",
    page="www.mvtec.com/company/research/datasets/mvtec-ad-2",
)
MVTEC2: DatasetSpec = SPEC._replace(
    domains=(*LIGHTS.values(), *PRIVATE),
    test_items=test_items,
    folders=(
        *SPEC.folders,
        *(f"{folder}/{name}/{part}" for folder in LAYOUT.folders for name in SPEC.classes for part in PRIVATE.values()),
    ),
)
