"""The user's own images: a folder of normal images to train on, and others to score, with or without labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from gnl_core.config.data import USUAL_SPLIT, Split
from gnl_core.datasets.base import INDUSTRIAL_OPERATIONS, UNLABELLED, DatasetSpec, Item
from gnl_core.datasets.layout import (
    Kind,
    find_below,
    find_kinds,
    find_training,
    image_item,
    list_kinds,
    require_images,
    require_root,
)
from gnl_core.datasets.listing import list_folders, list_images
from gnl_core.datasets.names import (
    FOLDER_NAMES,
    IN_DISTRIBUTION_NAMES,
    NORMAL,
    find_all,
    find_only,
    find_spelled,
    format_accepted,
    format_folders,
    is_named,
    list_label_folders,
    only,
    plain_name,
)
from gnl_core.datasets.splitting import divide

PLAIN_DOMAIN = "test"
RESERVED = ("train", "held_out")  # names of the domains of a run's own training images
MARK = "+"  # comes before a corruption
WITHOUT_NORMAL = "rename yours, or let gnl data import keep a share of the training images for testing"
DIVIDED_PLACES = ("", "Images", "Data/Images")  # parents of normal and anomalous folders: ours, VisA's
HOW_TO_GET = (
    "Pass a folder of your own with --data-root: train/good and test/<domain>/good, test/<domain>/<defect> (masks, if "
    "any, as ground_truth/<domain>/<defect>/<image>_mask.png), or a folder like one of MVTec AD's categories. Without "
    "labels, normal images in train/ and those to score in test/ are enough; so are good/ and bad/ alone, whose normal "
    "images are then divided."
)


class Layout(NamedTuple):
    """The roles of the folders in the user's folder.

    Attributes:
        training: Folders of normal images to train on.
        domains: Folders of images to score, by domain, the in-distribution one first.
        masks: The folder of masks, by domain; None without masks.
        divided: Whether the normal images to score are a part of those in `training`.
    """

    training: tuple[Path, ...]
    domains: dict[str, tuple[Kind, ...]]
    masks: dict[str, Path | None]
    divided: bool = False


def open_folder(root: Path | None, split: Split = USUAL_SPLIT) -> DatasetSpec:
    """Open a folder of images as a data set; docs/datasets.md lists the layouts.

    Args:
        root: The folder.
        split: How its normal images are divided, if it has no training folder.

    Raises:
        ValueError: If it is missing, or has an unknown layout.
    """
    folder = require_root(root)
    layout = find_layout(folder)
    return DatasetSpec(
        summary=f"Your own images in {folder.name}",
        classes=(NORMAL,),
        domains=tuple(layout.domains),
        train_items=partial(list_train, folder, split),
        test_items=partial(list_test, folder, split),
        augmix_operations=INDUSTRIAL_OPERATIONS,
        licence="yours",
        anomalies="defects",
        how_to_get=HOW_TO_GET,
        folders=top_folders(folder, layout),
    )


def top_folders(folder: Path, layout: Layout) -> tuple[str, ...]:
    """List the folders directly below the user's folder that contain images or masks, or would by their names."""
    kinds = chain(*layout.domains.values())
    used = [*layout.training, *(kind.folder for kind in kinds), *(path for path in layout.masks.values() if path)]
    return tuple(dict.fromkeys([*(path.relative_to(folder).parts[0] for path in used), *chain(*FOLDER_NAMES.values())]))


def list_train(folder: Path, split: Split, root: Path | None, normal_class: str) -> list[Item]:
    """List the normal images; the data root is not needed, since the folder is known."""
    layout = find_layout(folder)
    domain = next(iter(layout.domains))
    items = [
        image_item(path, base=folder, label=0, domain=domain, category=NORMAL)
        for place in layout.training
        for path in require_images(place, root=folder)
    ]
    return divide(items, split)[0] if layout.divided else items


def list_test(folder: Path, split: Split, root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List the images of one domain, with masks if available; unlabelled images have label -1."""
    layout = find_layout(folder)
    items = list_kinds(layout.domains[domain], layout.masks[domain], root=folder, base=folder, domain=domain)
    if not layout.divided:
        return items
    tested = set(divide([item for item in items if item.label == 0], split)[1])
    return [item for item in items if item.label or item in tested]


def find_layout(folder: Path) -> Layout:
    """Determine the roles of the folders below a folder by their names.

    Raises:
        ValueError: If the layout is unknown or ambiguous.
    """
    train, test = find_only(folder, "training"), find_test(folder)
    normal, anomalous = find_all(folder, "normal"), find_all(folder, "anomalous")
    if train is None and (not normal or (anomalous and test is None)):
        return divided_layout(folder)
    if test is None:
        raise ValueError(
            f"no folder {folder / 'test'}; {folder} has {format_folders(list_folders(folder))}; expected images to "
            f"score there or in a folder called {format_accepted('anomalous')}"
        )
    if train is None and anomalous:
        raise ValueError(f"{test} and {anomalous[0]} could both contain the images to score; keep one of them")
    training = normal if train is None else find_training(train, root=folder)
    domains = find_domains(test)
    return Layout(tuple(training), domains, find_masks(folder, test, list(domains)))


def find_test(folder: Path) -> Path | None:
    """Find the folder of images to score, "test" before "images"; None if there is none."""
    first, *others = FOLDER_NAMES["test"]
    return find_spelled(folder, [first]) or find_spelled(folder, others)


def divided_layout(folder: Path) -> Layout:
    """Determine the layout of normal and anomalous folders next to each other, without a training folder.

    Raises:
        ValueError: If there are no such folders, or others with images next to them.
    """
    places = [place for place in (find_below(folder, name) for name in DIVIDED_PLACES) if place]
    place = next((place for place in places if find_all(place, "normal") and find_all(place, "anomalous")), None)
    if place is None:
        raise ValueError(
            f"no folder {folder / 'train' / NORMAL}; {folder} has {format_folders(list_folders(folder))}; expected "
            f"normal images there or in a folder called {format_accepted('normal')}, next to {folder / 'test'} or a "
            f"folder called {format_accepted('anomalous')}"
        )
    normal, anomalous = find_all(place, "normal"), find_all(place, "anomalous")
    for other in list_folders(place):
        if other not in (*normal, *anomalous) and not is_named(other, "masks") and list_images(other, root=folder):
            raise ValueError(
                f"{other} is neither normal nor anomalous by its name; move it below {anomalous[0].parent / 'test'}, "
                f"where folders not named as normal are defects, or rename it: {format_accepted('anomalous')}"
            )
    kinds = sorted([*(Kind(path, 0) for path in normal), *(Kind(path, 1) for path in anomalous)])
    masks = find_masks(folder, place, [PLAIN_DOMAIN])
    return Layout(tuple(normal), {PLAIN_DOMAIN: tuple(kinds)}, masks, divided=True)


def find_domains(test: Path) -> dict[str, tuple[Kind, ...]]:
    """Find the test domains and the folders of each, the in-distribution domain first.

    Raises:
        ValueError: If a name is reserved, a domain has no folder of normal images, or the layout is unknown.
    """
    if not list_label_folders(test):
        return {PLAIN_DOMAIN: (Kind(test, UNLABELLED),)}
    return {domain: tuple(find_kinds(place, remedy=WITHOUT_NORMAL)) for domain, place in find_places(test).items()}


def find_places(test: Path) -> dict[str, Path]:
    """Find the labelled test domains and the folder with the folders of labels of each, the in-distribution one first.

    Raises:
        ValueError: If a name is reserved, or the layout is unknown.
    """
    folders = list_label_folders(test)
    if is_plain(test, folders):
        return {PLAIN_DOMAIN: test}
    for path in folders:
        if path.name in RESERVED or MARK in path.name:
            names = " and ".join(map(repr, (*RESERVED, MARK)))
            raise ValueError(f"{path} cannot be a domain, since {names} are reserved; rename it")
    first_by_name = sorted(folders, key=lambda path: (plain_name(path.name) not in IN_DISTRIBUTION_NAMES, path.name))
    return {path.name: path for path in first_by_name}


def is_plain(test: Path, folders: Sequence[Path]) -> bool:
    """Return whether the folders in a test folder are "good" and kinds of defects rather than domains.

    Raises:
        ValueError: If only some are, or if there are images next to the folders.
    """
    named = [path for path in folders if is_named(path, "normal") or is_named(path, "anomalous")]
    kinds = [path for path in folders if path in named or not list_folders(path)]
    if list_images(test, root=test.parent) or 0 < len(kinds) < len(folders):
        raise ValueError(
            f"{test} mixes layouts; expected test/<domain>/<good or defect> or test/<good or defect> throughout, or "
            "unlabelled images without any folder"
        )
    return bool(kinds)


def find_masks(folder: Path, images: Path, domains: Sequence[str]) -> dict[str, Path | None]:
    """Find the folder of masks of each domain; None if there is none.

    Args:
        folder: The user's folder.
        images: The folder of images to score.
        domains: Its domains.

    Raises:
        ValueError: If there are several folders of masks, or masks of no domain.
    """
    places = dict.fromkeys([folder, *(place for place in (images.parent, images) if place.is_relative_to(folder))])
    masks = only([path for place in places for path in find_all(place, "masks")])
    if masks is None or list(domains) == [PLAIN_DOMAIN]:
        return dict.fromkeys(domains, masks)
    owners = {path: find_domain(path, domains, place=images) for path in list_folders(masks)}
    if loose := list_images(masks, root=folder):
        raise ValueError(f"the mask {loose[0]} is of no domain; expected masks in {masks}/<domain>")
    return {domain: only([path for path, owner in owners.items() if owner == domain]) for domain in domains}


def find_domain(masks: Path, domains: Sequence[str], *, place: Path) -> str:
    """Find the domain of a folder of masks, by its name in any spelling.

    Raises:
        ValueError: If there is none.
    """
    spelled = [domain for domain in domains if plain_name(domain) == plain_name(masks.name)]
    if not spelled:
        raise ValueError(f"the masks in {masks} have no images; expected images in {place / masks.name}")
    return masks.name if masks.name in spelled else spelled[0]
