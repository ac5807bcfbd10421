"""The training of Explore: a short run on the page, with its losses as they fall."""

from __future__ import annotations

import time

import streamlit as st

from app.cache import BUNDLED, Checkpoint, runs_root
from app.words import DETECTOR_NAMES, name_of
from gnl_core.config import RunConfig, parse_config
from gnl_core.plots.losses import loss_curves
from gnl_core.runs.folder import RunFolder, create_run, list_runs, read_config, read_records

SIZES_PX = (32, 64)
LONGEST_EPOCHS = 50


def training(dataset: str, normal_class: str, checkpoints: list[Checkpoint]) -> None:
    """The form, and the run that it starts; until then the losses of the method's first checkpoint."""
    st.divider()
    left, right = st.columns([1, 2], gap="large")
    with left:
        detector, config = training_form(dataset, normal_class)
    with right:
        if config is not None:
            train_on_page(config)
            return
        trained = [checkpoint for checkpoint in checkpoints if checkpoint.config.detector == detector]
        if trained:
            draw_losses(st.empty(), trained[0].folder, trained[0].config)


def training_form(dataset: str, normal_class: str) -> tuple[str, RunConfig | None]:
    """Which method to train and with which settings; no settings until the button is pressed."""
    st.markdown(f"**Train on normal images of {normal_class}**")
    row = st.columns(2)
    detector = row[0].selectbox(
        "Method to train", ("gnl", "rd4ad"), format_func=lambda key: name_of(DETECTOR_NAMES, key), key="train_detector"
    )
    size = row[1].selectbox("Image size", SIZES_PX, index=1, format_func=lambda px: f"{px} px", key="train_size")
    epochs = row[0].number_input("Epochs", 1, LONGEST_EPOCHS, value=10, key="train_epochs")
    seed = row[1].number_input("Seed", 0, 2**31 - 1, value=0, key="train_seed")
    if not st.button(f"Train for {epochs} epochs{expected_time(detector, size, epochs)}", type="primary"):
        return detector, None
    return detector, parse_config(
        {
            "dataset": dataset,
            "normal_class": normal_class,
            "detector": detector,
            "image_size": size,
            "epochs": epochs,
            "seed": seed,
        }
    )


def expected_time(detector: str, size: int, epochs: int) -> str:
    """How long it will take, by the last run of that method and size; nothing if there is none."""
    for folder in list_runs(runs_root()) + list_runs(BUNDLED):
        records = read_records(folder)
        config = read_config(folder)
        if records and (config.detector, config.image_size) == (detector, (size, size)):
            return f", about {max(1, round(records[-1].elapsed_seconds / len(records) * epochs))} s"
    return ""


def train_on_page(config: RunConfig) -> None:
    """Train now and draw each epoch; the run is kept and then shown above."""
    name = f"{config.dataset}-{config.normal_class}-{config.detector}-{time.strftime('%Y%m%d-%H%M%S')}"
    bar = st.progress(0.0, text="Preparing: loading the teacher, encoding the views that never change")
    chart = st.empty()
    from gnl_core.runs.experiment import train_run  # noqa: PLC0415 (PyTorch takes seconds to import)

    try:
        folder = create_run(runs_root() / name, config)
        for record in train_run(config, folder):
            left = record.elapsed_seconds / record.epoch * (config.epochs - record.epoch)
            bar.progress(
                record.epoch / config.epochs, text=f"Epoch {record.epoch} of {config.epochs}, {left:.0f} s left"
            )
            draw_losses(chart, folder, config)
    except ValueError as error:
        st.error(f"The training stopped: {error}")
        return
    st.session_state[f"run_{config.detector}"] = name
    st.rerun()


def draw_losses(chart: st.delta_generator.DeltaGenerator, folder: RunFolder, config: RunConfig) -> None:
    """The losses so far."""
    records = read_records(folder)
    terms = ", ".join(f"{name} {value:.4f}" for name, value in records[-1].losses.items())
    chart.plotly_chart(
        loss_curves(records, epochs=config.epochs),
        key=f"losses_{records[-1].epoch}",
        config={"displayModeBar": False},
        alt=f"Losses after epoch {records[-1].epoch}: {terms}",
    )
