"""The training of Explore: a short run on the page, with its losses as they fall."""

from __future__ import annotations

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.cache import Checkpoint, runs_root
from app.words import DETECTOR_NAMES, name_of
from gnl_core.config import RunConfig, parse_config
from gnl_core.plots.losses import loss_curves
from gnl_core.records import EpochRecord
from gnl_core.runs.folder import create_run, read_records

SIZES_PX = (32, 64, 128, 256)
USUAL_SIZES_PX = {"digits": 64, "mnist": 32, "cifar10": 32}
LARGE_IMAGES_PX = 128
LONGEST_EPOCHS = 50


def training(dataset: str, normal_class: str, checkpoints: list[Checkpoint]) -> None:
    """The form, and the run that it starts; until then the losses of the method's first checkpoint."""
    st.divider()
    left, right = st.columns([1, 2], gap="large")
    with left:
        detector, config = training_form(dataset, normal_class, checkpoints)
    with right:
        if config is not None:
            train_on_page(config)
        else:
            show_past_losses(checkpoints, task=(dataset, normal_class, detector))


def show_past_losses(checkpoints: list[Checkpoint], *, task: tuple[str, str, str]) -> None:
    """The losses of the first checkpoint for a data set, class and method, if there is one."""
    for folder, config, _ in checkpoints:
        records = read_records(folder)
        if records and (config.dataset, config.normal_class, config.detector) == task:
            st.caption(f"Losses of {folder.path.name}")
            draw_losses(st.empty(), records, epochs=config.epochs)
            return


def training_form(dataset: str, normal_class: str, checkpoints: list[Checkpoint]) -> tuple[str, RunConfig | None]:
    """Which method to train and with which settings; no settings until the button is pressed."""
    st.markdown(f"**Train on normal images of {normal_class}**")
    usual = USUAL_SIZES_PX.get(dataset, LARGE_IMAGES_PX)
    row = st.columns(2)
    detector = row[0].selectbox(
        "Method to train", ("gnl", "rd4ad"), format_func=lambda key: name_of(DETECTOR_NAMES, key), key="train_detector"
    )
    size = row[1].selectbox(
        "Image size", SIZES_PX, index=SIZES_PX.index(usual), format_func=lambda px: f"{px} px", key="train_size"
    )
    epochs = row[0].number_input("Epochs", 1, LONGEST_EPOCHS, value=10, key="train_epochs")
    seed = row[1].number_input("Seed", 0, 2**31 - 1, value=0, key="train_seed")
    if not st.button(f"Train for {epochs} epochs{expected_time(checkpoints, detector, size, epochs)}", type="primary"):
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


def expected_time(checkpoints: list[Checkpoint], detector: str, size: int, epochs: int) -> str:
    """How long it will take, by the newest run of that method and size; nothing if there is none."""
    newest_first = sorted(checkpoints, key=lambda c: c.folder.weights.stat().st_mtime, reverse=True)
    for folder, config, _ in newest_first:
        records = read_records(folder)
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
        records: list[EpochRecord] = []
        for record in train_run(config, folder):
            left = record.elapsed_seconds / record.epoch * (config.epochs - record.epoch)
            bar.progress(
                record.epoch / config.epochs, text=f"Epoch {record.epoch} of {config.epochs}, {left:.0f} s left"
            )
            records.append(record)
            draw_losses(chart, records, epochs=config.epochs)
    except ValueError as error:
        st.error(f"The training stopped: {error}")
        return
    st.session_state[f"run_{config.detector}"] = name
    st.rerun()


def draw_losses(chart: DeltaGenerator, records: list[EpochRecord], *, epochs: int) -> None:
    """The losses so far, in a place of their own."""
    terms = ", ".join(f"{name} {value:.4f}" for name, value in records[-1].losses.items())
    chart.plotly_chart(
        loss_curves(records, epochs=epochs),
        key=f"losses_{len(records)}",
        config={"displayModeBar": False},
        alt=f"Losses after epoch {records[-1].epoch}: {terms}",
    )
