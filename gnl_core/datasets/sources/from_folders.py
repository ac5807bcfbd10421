"""Labelled folders: the layouts of the data set "folder", and those of anomalib's Folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from gnl_core.datasets.accounting import find_skipped_files
from gnl_core.datasets.base import UNLABELLED, Item
from gnl_core.datasets.folder import DIVIDED_PLACES, PLAIN_DOMAIN, find_masks, find_places, find_test
from gnl_core.datasets.layout import (
    Kind,
    add_masks,
    find_below,
    find_training,
    image_item,
    list_kinds,
    match_masks,
    refuse_masks,
    require_images,
)
from gnl_core.datasets.listing import list_folders, list_images
from gnl_core.datasets.names import (
    NORMAL,
    find_all,
    find_only,
    format_accepted,
    format_folders,
    list_label_folders,
    plain_name,
)
from gnl_core.datasets.sources.contents import IN_DISTRIBUTION, NO_NORMAL_TEST, Contents, is_normal, list_files

TEST = "test"  # before or after the name of a folder of normal images to score, as in normal_test


def is_labelled(source: Path, normal_labels: Collection[str]) -> bool:
    """Return whether a folder has folders of normal images, or folders for training and test."""
    return has_parts(source) or any(place_kinds(place, normal_labels) for place in list_places(source))


def has_parts(source: Path) -> bool:
    """Return whether a folder has folders for training and test; for training, a folder of normal images will do."""
    test, normal = find_test(source), find_all(source, "normal")
    if test is None or find_only(source, "training"):
        return test is not None
    return bool(normal) and {*list_label_folders(source)} == {test, *normal}


def list_places(source: Path) -> list[Path]:
    """List the existing folders that may contain the folders of labels."""
    return [place for place in (find_below(source, name) for name in DIVIDED_PLACES) if place]


def read_folders(source: Path, normal_labels: Collection[str]) -> Contents:
    """List the images of labelled folders with their masks.

    Raises:
        ValueError: If the layout is unknown, masks and images do not match, or as for `list_files`.
    """
    contents = read_parts(source, normal_labels) if has_parts(source) else read_kinds(source, normal_labels)
    items = [*contents.images, *contents.training]
    return contents._replace(skipped=find_skipped_files(items))


def read_parts(source: Path, normal_labels: Collection[str]) -> Contents:
    """List the images of folders for training and test; a single domain is named IN_DISTRIBUTION.

    If the domain to train on has anomalous test images alone, its normal images are to divide.

    Raises:
        ValueError: As for `read_folders`.
    """
    test = find_test(source)
    assert test is not None  # see has_parts
    kinds = find_test_kinds(test, normal_labels)
    masks = find_masks(source, test, list(kinds))
    names = list(kinds) if len(kinds) > 1 else [IN_DISTRIBUTION]
    images = [
        item
        for domain, name in zip(kinds, names, strict=True)
        for item in list_kinds(kinds[domain], masks[domain], root=source, base=source, domain=name)
    ]
    training = [
        image_item(path, base=source, label=0, domain=names[0], category=NORMAL)
        for folder in find_training_folders(source, normal_labels)
        for path in require_images(folder, root=source)
    ]
    if any(kind.label != 1 for kind in next(iter(kinds.values()))):
        return Contents(images, training, names[0], [], [])
    return Contents([*training, *images], [], names[0], [], [NO_NORMAL_TEST])


def find_test_kinds(test: Path, normal_labels: Collection[str]) -> dict[str, list[Kind]]:
    """Find the test domains and the folders of labels of each, the in-distribution one first."""
    if not list_label_folders(test):
        return {PLAIN_DOMAIN: [Kind(test, UNLABELLED)]}
    return {domain: label_kinds(place, normal_labels) for domain, place in find_places(test).items()}


def find_training_folders(source: Path, normal_labels: Collection[str]) -> list[Path]:
    """Find the folders of images to train on.

    Raises:
        ValueError: If the folder for training has folders, but none of normal images.
    """
    train = find_only(source, "training")
    if train is None:
        return find_all(source, "normal")
    named = [folder for folder in list_folders(train) if is_normal(folder.name, normal_labels)]
    return named if named and not list_images(train, root=source) else find_training(train, root=source)


def read_kinds(source: Path, normal_labels: Collection[str]) -> Contents:
    """List the images of folders next to each other, one per label, at any depth in each.

    Images in a folder such as normal_test are to score, and those in the other normal folders to train on.

    Raises:
        ValueError: If none of the folders is normal, or masks and images do not match.
    """
    place = next((place for place in list_places(source) if place_kinds(place, normal_labels)), None)
    if place is None:
        raise ValueError(
            f"no folder of normal images in {source}, which has {format_folders(list_folders(source))}; expected one "
            f"called {format_accepted('normal')}; name yours with --normal-label, or pass --from photographs for "
            "images without labels"
        )
    kinds = place_kinds(place, normal_labels)
    images = {kind: refuse_masks(list_files(kind.folder).images) for kind in kinds}
    masks = find_masks(source, place, [PLAIN_DOMAIN])[PLAIN_DOMAIN]
    matches = {} if masks is None else match_masks(images, masks, root=source)
    items = {kind: [make_item(path, kind, source, matches) for path in paths] for kind, paths in images.items()}
    to_score = [kind for kind in kinds if kind.label or is_for_test(kind.folder, normal_labels)]
    training = [kind for kind in kinds if kind not in to_score]
    if all(kind.label for kind in to_score) or not training:
        return Contents(flatten(items, kinds), [], IN_DISTRIBUTION, [], [])
    return Contents(flatten(items, to_score), flatten(items, training), IN_DISTRIBUTION, [], [])


def flatten(items: Mapping[Kind, Sequence[Item]], kinds: Sequence[Kind]) -> list[Item]:
    """Return the items of several kinds."""
    return [item for kind in kinds for item in items[kind]]


def place_kinds(place: Path, normal_labels: Collection[str]) -> list[Kind]:
    """List the folders of labels in a folder: normal by their names, all others but masks as defects.

    Returns:
        The folders; none if none of them is normal.
    """
    kinds = label_kinds(place, normal_labels)
    return [] if all(kind.label for kind in kinds) else kinds


def label_kinds(place: Path, normal_labels: Collection[str]) -> list[Kind]:
    """List the folders of labels in a folder, as `place_kinds` does, whether or not one of them is normal."""
    return [Kind(path, int(not is_normal_folder(path, normal_labels))) for path in list_label_folders(place)]


def is_normal_folder(folder: Path, normal_labels: Collection[str]) -> bool:
    """Return whether a folder has normal images by its name, also in test folders such as normal_test."""
    return is_normal(folder.name, normal_labels) or is_for_test(folder, normal_labels)


def is_for_test(folder: Path, normal_labels: Collection[str]) -> bool:
    """Return whether a folder has normal images to score by its name, such as normal_test or test_good."""
    name = plain_name(folder.name)
    labels = (name.removesuffix(f"_{TEST}"), name.removeprefix(f"{TEST}_"))
    return any(label != name and is_normal(label, normal_labels) for label in labels)


def make_item(path: Path, kind: Kind, source: Path, masks: Mapping[Path, Path]) -> Item:
    """Make an item of an image in a folder of a label."""
    item = image_item(path, base=source, label=kind.label, domain=IN_DISTRIBUTION, category=kind.category)
    mask = masks.get(path)
    return add_masks(item, [mask]) if mask else item
