"""The form of a training: a method, its settings, and how long it will take; and its start."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.checkpoints import Checkpoint, runs_root
from app.controls.settings import setting_inputs
from app.methods import DETECTOR_NAMES, EXTRA_SETTINGS, YARDSTICKS
from app.words import duration, name_of
from gnl_core.config import RunConfig, parse_config
from gnl_core.datasets import FOLDER
from gnl_core.runs.folder import RunFolder, read_records

SIZES_PX = (28, 32, 64, 128, 256)
USUAL_SIZES_PX = {"digits": 64, "mnist": 32, "cifar10": 32}
LARGE_IMAGES_PX = 128
LONGEST_EPOCHS = 50
SIZE_OF = "train_size_of"  # the data set that the size was last chosen for
FIRST_VALUES = {"train_detector": "gnl", "train_size": LARGE_IMAGES_PX, "train_epochs": 10, "train_seed": 0}
SETTINGS = ("limit", "holdout_percent", "teacher", "batch_size", "learning_rate", "stored_references")


class TrainingTask(NamedTuple):
    """What to train on.

    Attributes:
        dataset: A name in DATASETS, or "folder".
        normal_class: The class that is normal.
        root: The folder that was named on the page; None: the usual one.
    """

    dataset: str
    normal_class: str
    root: Path | None


def training_form(task: TrainingTask, checkpoints: list[Checkpoint]) -> tuple[str, dict[str, Any] | None]:
    """Which method to train and with which settings; no settings until the button is pressed.

    Args:
        task: What to train on.
        checkpoints: All runs: they tell how long a training takes.
    """
    images = "your normal images" if task.dataset == FOLDER else f"normal images of {task.normal_class}"
    st.markdown(f"**Train on {images}**")
    row = st.columns(2)
    begin_with(FIRST_VALUES)
    detector = row[0].selectbox(
        "Method to train",
        list(DETECTOR_NAMES),
        format_func=lambda key: name_of(DETECTOR_NAMES, key),
        key="train_detector",
    )
    chosen = task_settings(task) | {"detector": detector} | size_and_length(task, detector, row)
    with st.expander("More settings"):
        chosen |= setting_inputs((*SETTINGS, *EXTRA_SETTINGS.get(detector, ())), prefix="train_")
        chosen["keep_epochs"] = st.checkbox(
            "Keep each epoch", key="train_keep_epochs", help=RunConfig.model_fields["keep_epochs"].description
        )
    label = button_label(checkpoints, task.dataset, detector, chosen["image_size"], chosen["epochs"])
    return detector, chosen if st.button(label, type="primary") else None


def task_settings(task: TrainingTask) -> dict[str, Any]:
    """What to train on, as settings."""
    return {"dataset": task.dataset, "normal_class": task.normal_class, "data_root": task.root}


def size_and_length(task: TrainingTask, detector: str, row: Sequence[DeltaGenerator]) -> dict[str, Any]:
    """The images' size, the epochs and the seed, in the two columns beside and below the method."""
    if st.session_state.get(SIZE_OF) != task.dataset:
        st.session_state["train_size"] = USUAL_SIZES_PX.get(task.dataset, LARGE_IMAGES_PX)
        st.session_state[SIZE_OF] = task.dataset
    size = row[1].selectbox("Image size", SIZES_PX, format_func=lambda px: f"{px} px", key="train_size")
    epochs = row[0].number_input("Epochs", 1, LONGEST_EPOCHS, key="train_epochs", disabled=detector in YARDSTICKS)
    seed = row[1].number_input("Seed", 0, 2**31 - 1, key="train_seed")
    return {"image_size": size, "epochs": epochs, "seed": seed}


def begin_with(values: Mapping[str, Any]) -> None:
    """Give widgets that are not there yet their first values; not by their own defaults, which a preset replaces."""
    for key, value in values.items():
        st.session_state.setdefault(key, value)


def button_label(checkpoints: list[Checkpoint], dataset: str, detector: str, size: int, epochs: int) -> str:
    """What will happen, and how long it will take by the newest run of that kind, if there is one."""
    if detector in YARDSTICKS:
        return f"Build {name_of(DETECTOR_NAMES, detector)} from the normal images"
    wanted = (dataset, detector, (size, size))
    for folder, config, _ in sorted(checkpoints, key=lambda c: c.folder.weights.stat().st_mtime, reverse=True):
        records = read_records(folder)
        if records and (config.dataset, config.detector, config.image_size) == wanted:
            seconds = records[-1].elapsed_seconds / len(records) * epochs
            return f"Train for {epochs} epochs, about {duration(max(1, seconds))}"
    return f"Train for {epochs} epochs"


def start_training(settings: dict[str, Any]) -> RunFolder | None:
    """Start a training beside the app; it waits until those before it have ended. None where it cannot start: told."""
    from gnl_core.jobs.start import start  # noqa: PLC0415 (PyTorch takes seconds to import)

    try:
        config = parse_config(settings)
        return start(config, runs_root() / run_name(config))
    except (ValueError, OSError) as error:
        st.error(f"The training was not started: {error}")
        return None


def run_name(config: RunConfig) -> str:
    """A name for a run that says what it is and when it was asked for."""
    return f"{config.dataset}-{config.normal_class}-{config.detector}-{time.strftime('%Y%m%d-%H%M%S')}"
