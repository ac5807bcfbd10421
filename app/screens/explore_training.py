"""The training of Explore: a short run on the page, with its losses as they fall."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.cache import Checkpoint, runs_root
from app.methods import DETECTOR_NAMES, EXTRA_SETTINGS, YARDSTICKS
from app.screens.explore_view import View
from app.screens.settings import setting_inputs
from app.words import duration, name_of
from gnl_core.config import RunConfig, parse_config
from gnl_core.plots.losses import loss_curves
from gnl_core.records import EpochRecord
from gnl_core.runs.folder import create_run, read_records

SIZES_PX = (32, 64, 128, 256)
USUAL_SIZES_PX = {"digits": 64, "mnist": 32, "cifar10": 32}
LARGE_IMAGES_PX = 128
LONGEST_EPOCHS = 50
JUST_TRAINED = "just_trained"
SETTINGS = ("limit", "holdout_percent", "teacher", "batch_size", "learning_rate", "stored_references")


def training(view: View, checkpoints: list[Checkpoint], everything: list[Checkpoint]) -> None:
    """The form, and the run that it starts; until then the losses of the method's first checkpoint.

    Args:
        view: What to train on.
        checkpoints: The runs that answer for this view.
        everything: All runs: they tell how long a training takes.
    """
    st.divider()
    left, right = st.columns([1, 2], gap="large")
    with left:
        detector, settings = training_form(view, everything)
    with right:
        if settings is not None:
            train_on_page(settings)
        else:
            show_past_losses([c for c in checkpoints if c.config.detector == detector])


def show_past_losses(checkpoints: list[Checkpoint]) -> None:
    """The losses of the first checkpoint that has some."""
    for folder, config, _ in checkpoints:
        records = read_records(folder)
        if records:
            st.caption(f"Losses of {folder.path.name}")
            draw_losses(st.empty(), records, epochs=config.epochs)
            return


def training_form(view: View, checkpoints: list[Checkpoint]) -> tuple[str, dict[str, Any] | None]:
    """Which method to train and with which settings; no settings until the button is pressed."""
    st.markdown(f"**Train on {'your normal images' if view.own else f'normal images of {view.normal_class}'}**")
    usual = USUAL_SIZES_PX.get(view.dataset, LARGE_IMAGES_PX)
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
    if not st.button(button_label(checkpoints, view.dataset, detector, size, epochs), type="primary"):
        return detector, None
    chosen = {
        "dataset": view.dataset,
        "normal_class": view.normal_class,
        "data_root": view.root,
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


def train_on_page(settings: dict[str, Any]) -> None:
    """Train now and draw each epoch; the run is kept and then shown above."""
    bar = st.progress(0.0, text="Preparing: loading the teacher, encoding the views that never change")
    chart = st.empty()
    from gnl_core.runs.experiment import train_run  # noqa: PLC0415 (PyTorch takes seconds to import)

    try:
        config = parse_config(settings)
        name = f"{config.dataset}-{config.normal_class}-{config.detector}-{time.strftime('%Y%m%d-%H%M%S')}"
        records: list[EpochRecord] = []
        for record in train_run(config, create_run(runs_root() / name, config)):
            records.append(record)
            bar.progress(min(1.0, record.epoch / config.epochs), text=describe_progress(record, config))
            draw_losses(chart, records, epochs=config.epochs)
    except (ValueError, OSError) as error:
        bar.empty()
        st.error(f"The training stopped: {error}")
        return
    st.session_state[JUST_TRAINED] = (config.detector, name)
    st.rerun()


def choose_trained() -> None:
    """Choose the run that was just trained; to be called before the choices are drawn."""
    detector, name = st.session_state.pop(JUST_TRAINED, (None, None))
    if detector is not None:
        st.session_state[f"run_{detector}"] = name
        st.session_state["methods"] = list({*st.session_state.get("methods", ()), detector})


def describe_progress(record: EpochRecord, config: RunConfig) -> str:
    """How far a training is, and how long the rest will take."""
    left = record.elapsed_seconds / record.epoch * (config.epochs - record.epoch)
    return f"Epoch {record.epoch} of {config.epochs}, {duration(left)} left"


def draw_losses(chart: DeltaGenerator, records: list[EpochRecord], *, epochs: int) -> None:
    """The losses so far, in a place of their own; nothing for a method that trains nothing."""
    if not records[-1].losses:
        chart.caption("This method trains nothing, so it has no losses.")
        return
    terms = ", ".join(f"{name} {value:.4f}" for name, value in records[-1].losses.items())
    chart.plotly_chart(
        loss_curves(records, epochs=epochs),
        key=f"losses_{len(records)}",
        config={"displayModeBar": False},
        alt=f"Losses after epoch {records[-1].epoch}: {terms}",
    )
