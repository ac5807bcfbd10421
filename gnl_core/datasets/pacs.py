"""PACS (Li et al., 2017): seven classes as photos, art paintings, cartoons and sketches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from gnl_core.datasets.base import ALL_OPERATIONS, NOT_STATED, DatasetSpec, Item
from gnl_core.datasets.layout import image_item, require_anomalies, require_folder, require_images, require_root
from gnl_core.datasets.listing import check_inside, list_folder, list_folders
from gnl_core.datasets.names import find_spelled, plain_name
from gnl_core.files import UnreadableFileError, read_text
from gnl_core.messages import quote

CLASSES = ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")
PAGE = "sketchx.eecs.qmul.ac.uk/downloads"
PHOTO = "photo"
DOMAIN_NAMES = {  # accepted folder names of a domain, in any spelling
    PHOTO: (PHOTO,),
    "art_painting": ("art_painting", "artpainting", "art"),
    "cartoon": ("cartoon",),
    "sketch": ("sketch",),
}
LAYOUT = "pacs/<domain>/<class>/*.jpg under the data root"
PLACES = ("", "/kfold", "/images", "/Raw images/kfold", "/pacs_data", "/pacs_data/pacs_data")
FOLDERS = tuple(f"{top}{place}" for top in ("pacs", "PACS", "pacs/PACS") for place in PLACES)
LIST_FOLDERS = (
    ".",
    "splits",
    "pacs_label",
    "correct_txt_lists",
    "txt_lists",
    "image_list",
    "pacs_split",
    "Train val splits and h5py files pre-read",
)
LIST_DEPTH = 3  # depth of the search for lists below PACS's own folder, in folders of any name
# The third list, photo_test_kfold.txt, repeats both others, for tests on a whole domain.
TRAIN_LIST, TEST_LIST = "photo_train_kfold.txt", "photo_crossval_kfold.txt"
LIST_ENDING = "_kfold.txt"
TRAIN_PERCENT = 80  # without lists
OFFICIAL, BY_NAME = "official lists", f"first {TRAIN_PERCENT} % by name"

Splits = tuple[list[Path], list[Path]]  # photos for training, and for testing


def train_items(root: Path | None, normal_class: str) -> list[Item]:
    """List the normal class's photos on the train list; without lists, the first 80 % by name.

    Raises:
        ValueError: If a folder, a list, or the class is missing or damaged.
    """
    root = require_root(root)
    folder = find_pacs(root)
    paths = [path for path in split_photos(folder, root=root)[0] if plain_name(path.parent.name) == normal_class]
    if not paths:
        raise ValueError(f"no photos of {normal_class!r} to train on in {folder / PHOTO}; expected {LAYOUT}")
    return [make_item(path, folder, normal_class) for path in paths]


def test_items(root: Path | None, normal_class: str, domain: str) -> list[Item]:
    """List photos of all classes on the crossval list, or all images of another domain; other classes are anomalies.

    Raises:
        ValueError: If a folder, a list, or every anomaly is missing or damaged.
    """
    root = require_root(root)
    folder = find_pacs(root)
    place = domain_folder(folder, domain)
    paths = split_photos(folder, root=root)[1] if domain == PHOTO else list_domain(place, root=root)
    items = [make_item(path, folder, normal_class) for path in paths]
    return require_anomalies(items, place=place, normal_class=normal_class)


def find_pacs(root: Path) -> Path:
    """Find the folder that contains the domains."""
    choices = [choice for choice in FOLDERS if find_spelled(root / choice, DOMAIN_NAMES[PHOTO])]
    return require_folder(root, choices or FOLDERS[:1], expected=LAYOUT)


def domain_folder(folder: Path, domain: str) -> Path:
    """Find the folder of a domain in any spelling; without any, return the usual path.

    Raises:
        ValueError: If there are several.
    """
    return find_spelled(folder, DOMAIN_NAMES[domain]) or folder / domain


def class_folders(folder: Path) -> dict[str, Path]:
    """Find the folders of the classes in a domain's folder, in any spelling; classes without a folder are left out.

    Raises:
        ValueError: If a class has several.
    """
    folders = {name: find_spelled(folder, [name]) for name in CLASSES}
    return {name: path for name, path in folders.items() if path}


def list_domain(folder: Path, *, root: Path) -> list[Path]:
    """List all images of a domain, class by class; classes without a folder are left out."""
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}; expected {LAYOUT}")
    return [path for kind in class_folders(folder).values() for path in require_images(kind, root=root)]


def describe_split(root: Path | None) -> str:
    """Describe whether photos are split by the official lists or by name.

    Raises:
        ValueError: If the folder is missing, or its lists are incomplete.
    """
    return OFFICIAL if list_files(require_root(root)) else BY_NAME


def list_files(root: Path) -> tuple[Path, ...]:
    """Find the train list and the crossval list; an empty tuple without lists."""
    return find_lists(find_pacs(root), root=root)


def split_photos(folder: Path, *, root: Path) -> Splits:
    """Split the photos into training and test by the lists that come with PACS or, without lists, by name."""
    lists = find_lists(folder, root=root)
    if not lists:
        return split_by_name(domain_folder(folder, PHOTO), root=root)
    train, test = (read_list(path, folder, root=root) for path in lists)
    return train, test


def split_by_name(folder: Path, *, root: Path) -> Splits:
    """Split each class's photos, sorted by name, into the first 80 % and the rest."""
    train, test = [], []
    for kind in class_folders(folder).values():
        paths = require_images(kind, root=root)
        first_test = len(paths) * TRAIN_PERCENT // 100
        train += paths[:first_test]
        test += paths[first_test:]
    return train, test


def find_lists(folder: Path, *, root: Path) -> tuple[Path, ...]:
    """Find the train list and the crossval list in the nearest folder with either; an empty tuple without lists.

    Raises:
        ValueError: If one of the two is missing, or only lists of other domains exist: a split by name would differ
            from theirs.
    """
    places = list(dict.fromkeys(list_places(folder, root=root)))
    for place in places:
        lists = (place / TRAIN_LIST, place / TEST_LIST)
        present = [path for path in lists if path.is_file()]
        if len(present) == 1:
            raise ValueError(f"{present[0]} is one of two lists; expected {TRAIN_LIST} and {TEST_LIST}")
        if present:
            return lists
    others = (path for place in places if place.is_dir() for path in list_folder(place))
    for path in others:
        if path.name.endswith(LIST_ENDING):
            raise ValueError(
                f"{path} is one of PACS's split lists, but those of the photos are missing; put {TRAIN_LIST} and "
                f"{TEST_LIST} next to it, or remove it to split the photos by name"
            )
    return ()


def list_places(folder: Path, *, root: Path) -> Iterator[Path]:
    """Yield possible folders of the lists, the nearest first.

    These are the folder of the domains, each folder above it up to the data root, and their subfolders in which copies
    of PACS keep the lists; then any folder within PACS's own, three levels deep.
    """
    above = [parent for parent in (folder, *folder.parents) if parent.is_relative_to(root)]
    yield from (parent / name for parent in above for name in LIST_FOLDERS)
    yield from folders_below(root / folder.relative_to(root).parts[0], depth=LIST_DEPTH)


def folders_below(folder: Path, *, depth: int) -> Iterator[Path]:
    """Yield the folders below a folder, without those of the images."""
    for inner in list_folders(folder) if depth else []:
        if plain_name(inner.name) not in chain(*DOMAIN_NAMES.values()):
            yield inner
            yield from folders_below(inner, depth=depth - 1)


def read_list(path: Path, folder: Path, *, root: Path) -> list[Path]:
    """Read the image files that a list names, in its order, without checking that they exist.

    Raises:
        ValueError: If a line does not have the form "photo/dog/056_0001.jpg 1", or a symlink leads out of the root.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnreadableFileError):
        raise ValueError(f"{path} cannot be read as text; copy it again from PACS's split lists") from None
    parts = [parse_line(line, f"line {number} of {path}") for number, line in enumerate(lines, 1) if line.strip()]
    photos = domain_folder(folder, PHOTO)
    classes = class_folders(photos)
    images = [classes.get(category, photos / category) / name for category, name in parts]
    links = {image for image in images if image.is_symlink()} | {image.parent for image in images}
    for link in sorted(links):
        check_inside(root, link)
    return images


def parse_line(line: str, place: str) -> tuple[str, str]:
    """Parse class and file name of a line; leading folders and the number of the class are ignored."""
    match line.strip().rpartition(" ")[0].split("/"):
        case [*_, "photo", category, name] if category in CLASSES and name not in ("", ".", ".."):
            return category, name
    raise ValueError(f"{place} is {quote(line)}; expected a line like 'photo/dog/056_0001.jpg 1'")


def make_item(path: Path, folder: Path, normal_class: str) -> Item:
    """Make an item of an image, named "pacs/<domain>/<class>/<file>"."""
    place, category = (plain_name(name) for name in path.parts[-3:-1])
    domain = next(domain for domain, names in DOMAIN_NAMES.items() if place in names)
    item = image_item(path, base=folder, label=int(category != normal_class), domain=domain, category=category)
    return item._replace(path=f"pacs/{item.path}")


PACS = DatasetSpec(
    summary="Seven classes as photos, art paintings, cartoons and sketches (PACS)",
    classes=CLASSES,
    domains=tuple(DOMAIN_NAMES),
    train_items=train_items,
    test_items=test_items,
    augmix_operations=ALL_OPERATIONS,
    licence=NOT_STATED,
    page=PAGE,
    folders=tuple(f"{folder}/{domain}" for folder in FOLDERS for domain in chain(*DOMAIN_NAMES.values())),
    lists=list_files,
    split=describe_split,
    how_to_get=(
        f"Download PACS from the page of its authors ({PAGE}) and unpack it as "
        "pacs/<domain>/<class>/*.jpg under the data root, the split lists (photo_train_kfold.txt, "
        "photo_crossval_kfold.txt) next to the domains if you have them."
    ),
)
