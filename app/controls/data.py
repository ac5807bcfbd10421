"""The choice of images: a class of a known data set or the user's own folder, and how to get missing data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import query_keys as keys
from app.checkpoints import Checkpoint
from app.controls.unavailable import check_asked
from app.local_data import (
    check_folder,
    classes_here,
    is_bundled,
    is_labelled,
    known_folders,
    offered_datasets,
    open_own,
    typed_path,
)
from app.server import rules
from app.sources import own_folder
from app.words import FOLDER_HELP, FOLDER_LAYOUT, ROOT_HELP, TABLE_LAYOUT, plain
from gnl_core.config.data import USUAL_SPLIT, Split
from gnl_core.datasets import CSV, DATASETS, OWN, default_root
from gnl_core.datasets.base import DatasetSpec
from gnl_core.datasets.reading import format_reading
from gnl_core.files import real_path
from gnl_core.names import DATASET_NAMES, name_of
from gnl_core.runs.domains import TRAIN


class Data(NamedTuple):
    """A class of an available data set.

    Attributes:
        spec: The data set, its in-distribution domain first.
        normal_class: The class that is normal.
        root: The folder given on the page; None for the default one.
    """

    spec: DatasetSpec
    normal_class: str
    root: Path | None


def choose_data(
    checkpoints: list[Checkpoint], *, places: Sequence[DeltaGenerator], below: DeltaGenerator
) -> tuple[str, Data | None]:
    """Choose a data set and its class, or the user's own folder; no data if it is missing, which the page explains.

    Args:
        checkpoints: All runs.
        places: Containers for the choice of the data set and of its class or folder.
        below: Container for messages about missing data.
    """
    first, second = places
    offered, name = offered_datasets(), partial(name_of, DATASET_NAMES)
    dataset = first.selectbox("Data set", offered, format_func=name, key=keys.DATA, bind="query-params")
    check_asked(keys.DATA, "Data set", dataset, offered, format_func=name)
    if dataset in OWN:
        return dataset, choose_folder(dataset, checkpoints, place=second, below=below)
    return dataset, choose_known(dataset, checkpoints, place=second, below=below)


def choose_known(
    dataset: str, checkpoints: list[Checkpoint], *, place: DeltaGenerator, below: DeltaGenerator
) -> Data | None:
    """Choose a class of a known data set; None if no images of it are available.

    Args:
        dataset: A name in DATASETS.
        checkpoints: All runs; a run may have been trained on images in another folder.
        place: Container for the choice of the class.
        below: Container for messages about missing data.
    """
    spec = DATASETS[dataset]
    places = dict.fromkeys(spec.classes) if is_bundled(dataset) else find_classes(dataset, checkpoints, below=below)
    if not places:
        place.selectbox("Normal", [], disabled=True, placeholder="none available")
        below.info(
            f"**{name_of(DATASET_NAMES, dataset)} is not on this machine yet.** {spec.how_to_get}\n\n{ROOT_HELP}"
        )
        return None
    classes = [known for known in spec.classes if known in places]
    chosen = place.selectbox(
        "Normal",
        classes,
        index=classes.index(first_class(dataset, classes, checkpoints)),
        key=keys.NORMAL,
        bind="query-params",
        help=None
        if len(classes) == len(spec.classes)
        else f"Only classes available on this machine are listed. {spec.how_to_get}",
    )
    check_asked(keys.NORMAL, "Normal", chosen, classes)
    return Data(spec, chosen, places[chosen])


def first_class(dataset: str, classes: list[str], checkpoints: list[Checkpoint]) -> str:
    """Return the initial class: the first one with a checkpoint, bundled checkpoints first."""
    trained = (c.config.normal_class for c in checkpoints if c.config.dataset == dataset)
    return next((name for name in trained if name in classes), classes[0])


def find_classes(dataset: str, checkpoints: list[Checkpoint], *, below: DeltaGenerator) -> dict[str, Path | None]:
    """Map each available class to the folder of its images: None for the default one, or a run's data root."""
    root = choose_root(dataset, below)
    here: dict[str, Path | None] = dict.fromkeys(classes_here(dataset, root or default_root()), root)
    for checkpoint in checkpoints if root is None else ():
        config = checkpoint.config
        if config.dataset == dataset and config.normal_class in classes_here(dataset, config.data_root):
            here.setdefault(config.normal_class, config.data_root)
    return here


def choose_root(dataset: str, below: DeltaGenerator) -> Path | None:
    """Choose the folder of the data sets; shown only if $GNL_DATA lacks this data set or a folder was given before."""
    if not rules.may_type_paths():
        return None
    given_before = st.session_state.get(keys.ROOT) or st.query_params.get(keys.ROOT)
    if not given_before and classes_here(dataset, default_root()):
        return None
    text = below.text_input(
        "Data folder",
        key=keys.ROOT,
        bind="query-params",
        placeholder="path of the folder that holds mnist/, pacs/, mvtec/ and others",
        help=FOLDER_HELP,
    )
    root = typed_path(text)
    if root is None:
        return None
    try:
        check_folder(root)
        return rules.open_path(root)
    except ValueError as error:
        below.error(f"This folder cannot be used: {plain(error)}.")
        return None


def choose_folder(
    dataset: str, checkpoints: list[Checkpoint], *, place: DeltaGenerator, below: DeltaGenerator
) -> Data | None:
    """Choose the user's own folder; None if none is chosen yet or it cannot be used.

    If the images are not labelled, the normal training images replace the in-distribution domain, because there is
    nothing else to compare with.

    Args:
        dataset: A name in OWN.
        checkpoints: All runs.
        place: Container for the choice.
        below: Container for messages.
    """
    explanation = TABLE_LAYOUT if dataset == CSV else FOLDER_LAYOUT
    offered = [str(folder) for folder in known_folders(dataset, checkpoints)]
    named = default_root()
    first = 0 if named is not None and offered[:1] == [str(real_path(named))] else None
    text = place.selectbox(
        "Folder",
        offered,
        index=first,
        accept_new_options=rules.may_type_paths(),
        placeholder="Choose, or paste a path" if rules.may_type_paths() else "Choose",
        key=keys.FOLDER,
        bind="query-params",
        help=FOLDER_HELP,
    )
    path = typed_path(text)
    if path is None:
        below.info(explanation)
        return None
    try:
        root = rules.open_path(path)
        spec = open_own(dataset, root)
        labelled = is_labelled(dataset, root, spec.in_distribution)
        below.text("\n".join(format_reading(root, split_of(root, checkpoints), dataset=dataset)))
    except (ValueError, OSError) as error:
        below.error(f"This folder cannot be used: {plain(error)}.")
        below.info(explanation)
        return None
    if not labelled:
        spec = spec._replace(domains=(TRAIN, spec.in_distribution))
    return Data(spec, spec.classes[0], root)


def split_of(root: Path, checkpoints: Sequence[Checkpoint]) -> Split:
    """Return how the runs trained on the user's folder split it; the default split if there is no such run."""
    return next((run.config.split for run in checkpoints if own_folder(run) == root), USUAL_SPLIT)
