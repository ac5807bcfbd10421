"""The form of a training: a method, its settings, and how long it will take."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from app.cache import Checkpoint
from app.methods import DETECTOR_NAMES, EXTRA_SETTINGS, YARDSTICKS
from app.screens.settings import setting_inputs
from app.words import duration, name_of
from gnl_core.config import RunConfig
from gnl_core.datasets import FOLDER
from gnl_core.runs.folder import read_records

SIZES_PX = (32, 64, 128, 256)
USUAL_SIZES_PX = {"digits": 64, "mnist": 32, "cifar10": 32}
LARGE_IMAGES_PX = 128
LONGEST_EPOCHS = 50
SETTINGS = ("limit", "holdout_percent", "teacher", "batch_size", "learning_rate", "stored_references")


class Task(NamedTuple):
    """What to train on.

    Attributes:
        dataset: A name in DATASETS, or "folder".
        normal_class: The class that is normal.
        root: The folder that was named on the page; None: the usual one.
    """

    dataset: str
    normal_class: str
    root: Path | None


def training_form(task: Task, checkpoints: list[Checkpoint]) -> tuple[str, dict[str, Any] | None]:
    """Which method to train and with which settings; no settings until the button is pressed.

    Args:
        task: What to train on.
        checkpoints: All runs: they tell how long a training takes.
    """
    images = "your normal images" if task.dataset == FOLDER else f"normal images of {task.normal_class}"
    st.markdown(f"**Train on {images}**")
    usual = USUAL_SIZES_PX.get(task.dataset, LARGE_IMAGES_PX)
    row = st.columns(2)
    detector = row[0].selectbox(
        "Method to train",
        list(DETECTOR_NAMES),
        index=list(DETECTOR_NAMES).index("gnl"),
        format_func=lambda key: name_of(DETECTOR_NAMES, key),
        key="train_detector",
    )
    size = row[1].selectbox(
        "Image size", SIZES_PX, index=SIZES_PX.index(usual), format_func=lambda px: f"{px} px", key="train_size"
    )
    epochs = row[0].number_input(
        "Epochs", 1, LONGEST_EPOCHS, value=10, key="train_epochs", disabled=detector in YARDSTICKS
    )
    seed = row[1].number_input("Seed", 0, 2**31 - 1, value=0, key="train_seed")
    with st.expander("More settings"):
        more = setting_inputs((*SETTINGS, *EXTRA_SETTINGS.get(detector, ())), prefix="train_")
    if not st.button(button_label(checkpoints, task.dataset, detector, size, epochs), type="primary"):
        return detector, None
    chosen = {
        "dataset": task.dataset,
        "normal_class": task.normal_class,
        "data_root": task.root,
        "detector": detector,
        "image_size": size,
        "epochs": epochs,
        "seed": seed,
    }
    return detector, chosen | more


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


def run_name(config: RunConfig) -> str:
    """A name for a run that says what it is and when it was asked for."""
    return f"{config.dataset}-{config.normal_class}-{config.detector}-{time.strftime('%Y%m%d-%H%M%S')}"
