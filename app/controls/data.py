"""Which images Explore looks at: a known data set's class, or a folder of one's own; and how to get what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.checkpoints import Checkpoint
from app.local_data import check_folder, classes_here, is_bundled, is_labelled, known_folders, open_own, typed_path
from app.sources import own_folder
from app.words import DATASET_NAMES, FOLDER_HELP, FOLDER_LAYOUT, ROOT_HELP, name_of
from gnl_core.config import USUAL_SPLIT, Split
from gnl_core.datasets import DATASETS, FOLDER, TRAIN, default_root
from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.reading import tell_reading


class Data(NamedTuple):
    """A class of a data set that is there.

    Attributes:
        spec: The data set, its in-distribution domain first.
        normal_class: The class that is normal.
        root: The folder that was named on the page; None: the usual one.
    """

    spec: DatasetSpec
    normal_class: str
    root: Path | None


def choose_data(
    checkpoints: list[Checkpoint], *, places: Sequence[DeltaGenerator], below: DeltaGenerator
) -> tuple[str, Data | None]:
    """A data set and a class of it, or a folder of one's own; no data where it is not there, and the page says why.

    Args:
        checkpoints: All runs.
        places: Where the data set is chosen, and where its class or folder is.
        below: Where the page says what is missing.
    """
    first, second = places
    dataset = first.selectbox(
        "Data set",
        [*DATASETS, FOLDER],
        format_func=lambda key: name_of(DATASET_NAMES, key),
        key="data",
        bind="query-params",
    )
    if dataset == FOLDER:
        return dataset, choose_folder(checkpoints, place=second, below=below)
    return dataset, choose_known(dataset, checkpoints, place=second, below=below)


def choose_known(
    dataset: str, checkpoints: list[Checkpoint], *, place: DeltaGenerator, below: DeltaGenerator
) -> Data | None:
    """A class of a data set in the table; None where nothing of it is there.

    Args:
        dataset: A name in DATASETS.
        checkpoints: All runs; a run may know another place where the images lie.
        place: Where the class is chosen.
        below: Where the page says what is missing.
    """
    spec = DATASETS[dataset]
    places = dict.fromkeys(spec.classes) if is_bundled(dataset) else find_classes(dataset, checkpoints, below=below)
    if not places:
        place.selectbox("Normal", [], disabled=True, placeholder="none found")
        below.info(
            f"**{name_of(DATASET_NAMES, dataset)} is not on this machine yet.** {spec.how_to_get}\n\n{ROOT_HELP}"
        )
        return None
    classes = [known for known in spec.classes if known in places]
    chosen = place.selectbox(
        "Normal",
        classes,
        index=classes.index(first_class(dataset, classes, checkpoints)),
        key="normal",
        bind="query-params",
        help=None if len(classes) == len(spec.classes) else f"The classes found on this machine. {spec.how_to_get}",
    )
    return Data(spec, chosen, places[chosen])


def first_class(dataset: str, classes: list[str], checkpoints: list[Checkpoint]) -> str:
    """The class to begin with: one that there is a checkpoint for, a bundled one before one's own."""
    trained = (c.config.normal_class for c in checkpoints if c.config.dataset == dataset)
    return next((name for name in trained if name in classes), classes[0])


def find_classes(dataset: str, checkpoints: list[Checkpoint], *, below: DeltaGenerator) -> dict[str, Path | None]:
    """The classes whose images are there, each with the folder to name: the usual one, or where a run found them."""
    root = choose_root(dataset, below)
    here: dict[str, Path | None] = dict.fromkeys(classes_here(dataset, root or default_root()), root)
    for checkpoint in checkpoints if root is None else ():
        config = checkpoint.config
        if config.dataset == dataset and config.normal_class in classes_here(dataset, config.data_root):
            here.setdefault(config.normal_class, config.data_root)
    return here


def choose_root(dataset: str, below: DeltaGenerator) -> Path | None:
    """Where the data sets on disk lie; asked only where $GNL_DATA does not say, or where it was said before."""
    said_before = st.session_state.get("root") or st.query_params.get("root")
    if not said_before and classes_here(dataset, default_root()):
        return None
    text = below.text_input(
        "Data folder",
        key="root",
        bind="query-params",
        placeholder="path of the folder that holds mnist/, pacs/, mvtec/ or cifar10/",
        help=FOLDER_HELP,
    )
    root = typed_path(text)
    if root is None:
        return None
    try:
        check_folder(root)
    except ValueError as error:
        below.error(f"This folder cannot be used: {error}.")
        return None
    return root.resolve()


def choose_folder(checkpoints: list[Checkpoint], *, place: DeltaGenerator, below: DeltaGenerator) -> Data | None:
    """A folder of one's own; None where it is not chosen yet, or cannot be used.

    Where nobody has labelled the images, the normal ones that were learnt from take the place of the
    in-distribution domain: there is nothing else to compare with.
    """
    offered = [str(folder) for folder in known_folders(checkpoints)]
    named = default_root()
    first = 0 if named is not None and offered[:1] == [str(named.resolve())] else None
    text = place.selectbox(
        "Folder",
        offered,
        index=first,
        accept_new_options=True,
        placeholder="Choose, or paste a path",
        key="folder",
        bind="query-params",
        help=FOLDER_HELP,
    )
    path = typed_path(text)
    if path is None:
        below.info(FOLDER_LAYOUT)
        return None
    try:
        root = path.resolve()
        spec = open_own(root)
        labelled = is_labelled(root, spec.in_distribution)
        below.text("\n".join(tell_reading(root, split_of(root, checkpoints))))
    except (ValueError, OSError) as error:
        below.error(f"This folder cannot be used: {error}.")
        below.info(FOLDER_LAYOUT)
        return None
    if not labelled:
        spec = spec._replace(domains=(TRAIN, spec.in_distribution))
    return Data(spec, spec.classes[0], root)


def split_of(root: Path, checkpoints: Sequence[Checkpoint]) -> Split:
    """How the runs that are shown for a folder of one's own divide it; as usual where there is none."""
    return next((run.config.split for run in checkpoints if own_folder(run) == root), USUAL_SPLIT)
