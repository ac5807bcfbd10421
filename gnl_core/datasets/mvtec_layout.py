"""MVTec AD's layout, in which other data sets come as well: categories with normal images and kinds of defects."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

from gnl_core.datasets.base import DatasetSpec, Item, Publication, make_defects_spec
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


class Layout(NamedTuple):
    """The folders of a data set.

    Attributes:
        name: The data set's name in commands, and the first part of its items' names.
        title: Its name for readers.
        folders: Folders below the data root that may contain those of the categories, the usual one first.
        training: Folder of a category's normal images to train on.
        test: Folder of its images to score, in one folder of normal images and one for each kind of defect.
        masks: Folder of its masks, in one folder for each kind of defect.
    """

    name: str
    title: str
    folders: tuple[str, ...]
    training: str = f"train/{NORMAL}"
    test: str = "test"
    masks: str = "ground_truth"

    @property
    def expected(self) -> str:
        """The layout, for a message."""
        return (
            f"{self.folders[0]}/<category>/{self.training}, {self.test}/<type> and {self.masks}/<type> under the data "
            "root, as it unpacks"
        )


def make_spec(layout: Layout, *, summary: str, classes: tuple[str, ...], licence: str, page: str) -> DatasetSpec:
    """Make the row of a data set in this layout, with one domain of the data set's name.

    Args:
        layout: Its folders.
        summary: Its contents.
        classes: Its categories.
        licence: As in DatasetSpec.
        page: Likewise.
    """
    return make_defects_spec(
        Publication(layout.title, licence, page),
        summary=summary,
        place=f"{layout.folders[0]}/<category>",
        classes=classes,
        domains=(layout.name,),
        folders=list_folders_of(layout, classes),
        train_items=partial(train_items, layout),
        test_items=partial(test_items, layout),
    )


def list_folders_of(layout: Layout, classes: tuple[str, ...]) -> tuple[str, ...]:
    """List the folders below the data root from which images are read."""
    parts = dict.fromkeys(path.partition("/")[0] for path in (layout.training, layout.test, layout.masks))
    return tuple(f"{folder}/{name}/{part}" for folder in layout.folders for name in classes for part in parts)


def train_items(layout: Layout, root: Path | None, normal_class: str) -> list[Item]:
    """List a category's images to train on.

    Raises:
        ValueError: If the folder is missing or empty.
    """
    folder = find_category(layout, root, normal_class)
    place = require_folder(folder, [layout.training], expected=layout.expected)
    paths = require_images(place, root=require_root(root))
    items = [image_item(path, base=folder.parent, label=0, domain=layout.name, category=NORMAL) for path in paths]
    return name_items(items, layout)


def test_items(layout: Layout, root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List a category's images to score, defects with their mask if there is one; an item's category is its defect.

    Raises:
        ValueError: If the folder is missing, a kind of defect has no images, or a mask has none.
    """
    folder = find_category(layout, root, normal_class)
    kinds = find_kinds(require_folder(folder, [layout.test], expected=layout.expected))
    masks = find_below(folder, layout.masks)
    return name_items(list_kinds(kinds, masks, root=require_root(root), base=folder.parent, domain=domain), layout)


def find_category(layout: Layout, root: Path | None, name: str) -> Path:
    """Find the folder of a category."""
    choices = [f"{folder}/{name}" for folder in layout.folders]
    return require_folder(require_root(root), choices, expected=layout.expected)


def name_items(items: list[Item], layout: Layout) -> list[Item]:
    """Prefix the items' names with the data set's, independent of its folder's name."""
    return [item._replace(path=f"{layout.name}/{item.path}") for item in items]
