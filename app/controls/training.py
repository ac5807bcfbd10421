"""The training form: method, settings and estimated duration; and the start of a training."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.checkpoints import Checkpoint
from app.controls.settings import setting_inputs
from app.methods import YARDSTICKS
from app.server import trainings
from app.subjects import read_uploaded_mask
from app.words import REGION_HELP, duration, plain
from gnl_core.config import COMMON_SETTINGS, RunConfig, parse_config
from gnl_core.config.values import Resize
from gnl_core.datasets import OWN
from gnl_core.files import UnreadableFileError
from gnl_core.names import DETECTOR_NAMES, name_of
from gnl_core.runs.folder import RunFolder, read_records

SIZES_PX = (28, 32, 64, 128, 224, 256, 384, 448, 512, 1024, 2048, 4096)  # 224 and 448 are multiples of 14 and 16
TILE_SIZES_PX = (64, 128, 256, 512)
USUAL_SIZES_PX = {"digits": 64, "mnist": 32, "cifar10": 32}
LARGE_IMAGES_PX = 128
LONGEST_EPOCHS = 50
SIZE_OF = "train_size_of"  # the data set for which the size was last chosen
FIRST_VALUES = {"train_detector": "gnl", "train_size": LARGE_IMAGES_PX, "train_epochs": 10, "train_seed": 0}
PREFIX = "train_"  # of the keys of settings
SETTINGS = (
    "tile_overlap_percent",
    "resize",
    "limit",
    "holdout_percent",
    "teacher",
    "teacher_weights",
    "batch_size",
    "learning_rate",
    "stored_references",
)


class TrainingTask(NamedTuple):
    """The data to train on.

    Attributes:
        dataset: A name in DATASETS or OWN.
        normal_class: The class that is normal.
        root: The folder given on the page; None for the default one.
    """

    dataset: str
    normal_class: str
    root: Path | None


def training_form(task: TrainingTask, checkpoints: list[Checkpoint]) -> tuple[str, dict[str, Any] | None]:
    """Draw the form; return the method and, once the button is pressed, the settings.

    Args:
        task: The data to train on.
        checkpoints: All runs, used to estimate the duration.
    """
    from gnl_core.detectors import DETECTORS, find_method, method_fields  # noqa: PLC0415 (PyTorch takes seconds to import)

    images = "your normal images" if task.dataset in OWN else f"normal images of {plain(task.normal_class)}"
    st.markdown(f"**Train on {images}**")
    row = st.columns(2)
    set_initial_values(FIRST_VALUES)
    detector = row[0].selectbox(
        "Method to train",
        list(dict.fromkeys([*DETECTOR_NAMES, *DETECTORS])),
        format_func=lambda key: name_of(DETECTOR_NAMES, key),
        key="train_detector",
    )
    chosen = task_settings(task) | {"detector": detector} | size_and_length(task, detector, row)
    with st.expander("More settings"):
        chosen |= choose_tiles()
        fields = {name: COMMON_SETTINGS[name] for name in SETTINGS} | method_fields([detector])
        chosen |= setting_inputs(fields, prefix=PREFIX)
        chosen["keep_epochs"] = st.checkbox(
            "Keep each epoch", key="train_keep_epochs", help=COMMON_SETTINGS["keep_epochs"].description
        )
        if find_method(detector).reduces_map:
            chosen |= upload_region((chosen["image_size"],) * 2, chosen.get("resize", "stretch"))
    timed = [] if "tile_size" in chosen else checkpoints
    label = button_label(timed, task.dataset, detector, chosen["image_size"], chosen["epochs"])
    return detector, chosen if st.button(label, type="primary") else None


def choose_tiles() -> dict[str, Any]:
    """Choose the size of tiles, and return it as a setting; no setting for whole images."""
    size = st.selectbox(
        "Tile size",
        TILE_SIZES_PX,
        index=None,
        format_func=lambda px: f"{px} px",
        placeholder="whole images",
        key=f"{PREFIX}tile_size",
        bind="query-params",
        help=COMMON_SETTINGS["tile_size"].description,
    )
    return {} if size is None else {"tile_size": size}


def upload_region(size: tuple[int, int], resize: Resize) -> dict[str, Any]:
    """Upload the mask of a region of interest, and return it as a setting; without one, return no setting.

    Args:
        size: Height and width of the training images.
        resize: How they are fitted into it.
    """
    from gnl_core.datasets.region import region_of_mask  # noqa: PLC0415 (PyTorch takes seconds to import)

    file = st.file_uploader("Region of interest", type=["png"], key="train_region", help=REGION_HELP)
    if file is None:
        return {}
    try:
        mask = read_uploaded_mask(file.name, file.getvalue())
        return {"region_of_interest": region_of_mask(mask, size, resize, name=file.name)}
    except ValueError as error:
        st.error(f"This mask is not used: {plain(error)}.")
        return {}


def task_settings(task: TrainingTask) -> dict[str, Any]:
    """Return the data to train on as settings."""
    return {"dataset": task.dataset, "normal_class": task.normal_class, "data_root": task.root}


def size_and_length(task: TrainingTask, detector: str, row: Sequence[DeltaGenerator]) -> dict[str, Any]:
    """Choose image size, epochs and seed, in the two columns that also hold the method."""
    if st.session_state.get(SIZE_OF) != task.dataset:
        st.session_state["train_size"] = USUAL_SIZES_PX.get(task.dataset, LARGE_IMAGES_PX)
        st.session_state[SIZE_OF] = task.dataset
    size = row[1].selectbox("Image size", SIZES_PX, format_func=lambda px: f"{px} px", key="train_size")
    epochs = row[0].number_input("Epochs", 1, LONGEST_EPOCHS, key="train_epochs", disabled=detector in YARDSTICKS)
    seed = row[1].number_input("Seed", 0, 2**31 - 1, key="train_seed")
    return {"image_size": size, "epochs": epochs, "seed": seed}


def set_initial_values(values: Mapping[str, Any]) -> None:
    """Set the initial values of new widgets in the session, where a preset can override them."""
    for key, value in values.items():
        st.session_state.setdefault(key, value)


def button_label(checkpoints: list[Checkpoint], dataset: str, detector: str, size: int, epochs: int) -> str:
    """Say what the button does, and for how long, judging by the newest run of that kind, if there is one."""
    if detector in YARDSTICKS:
        return f"Build {name_of(DETECTOR_NAMES, detector)} from the normal images"
    wanted = (dataset, detector, (size, size), None)
    for folder, config, _ in sorted(checkpoints, key=lambda c: c.folder.weights.stat().st_mtime, reverse=True):
        found = (config.dataset, config.detector, config.image_size, config.tile_size)
        seconds = seconds_per_epoch(folder) if found == wanted else None
        if seconds is not None:
            return f"Train for {epochs} epochs, about {duration(max(1, seconds * epochs))}"
    return f"Train for {epochs} epochs"


def seconds_per_epoch(folder: RunFolder) -> float | None:
    """Return the mean duration of a run's epochs; None if it has none, or its progress is damaged."""
    try:
        records = read_records(folder)
    except UnreadableFileError:
        return None
    return records[-1].elapsed_seconds / len(records) if records else None


def start_training(settings: dict[str, Any]) -> RunFolder | None:
    """Queue a training as a process of its own; if it cannot start, show why and return None."""
    try:
        config = parse_config(settings)
        return trainings.start_training(config, run_name(config))
    except (ValueError, OSError) as error:
        st.error(f"The training was not started: {plain(error)}")
        return None


def run_name(config: RunConfig) -> str:
    """Name a run by its data, method and start time."""
    return f"{config.dataset}-{config.normal_class}-{config.detector}-{time.strftime('%Y%m%d-%H%M%S')}"
