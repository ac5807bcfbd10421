"""The training of Explore: a short run on the page, with its losses as they fall."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.cache import Checkpoint, runs_root
from app.screens.explore_view import View
from app.screens.training_form import Task, run_name, training_form
from app.words import duration
from gnl_core.config import RunConfig, parse_config
from gnl_core.plots.losses import loss_curves
from gnl_core.records import EpochRecord
from gnl_core.runs.folder import create_run, read_records

JUST_TRAINED = "just_trained"


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
        detector, settings = training_form(Task(view.dataset, view.normal_class, view.root), everything)
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


def train_on_page(settings: dict[str, Any]) -> None:
    """Train now and draw each epoch; the run is kept and then shown above."""
    bar = st.progress(0.0, text="Preparing: loading the teacher, encoding the views that never change")
    chart = st.empty()
    from gnl_core.runs.experiment import train_run  # noqa: PLC0415 (PyTorch takes seconds to import)

    try:
        config = parse_config(settings)
        name = run_name(config)
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
