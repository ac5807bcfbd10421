"""Import of checkpoints: of this library, or of the published RD4AD and GNL code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app.checkpoints import runs_root
from app.controls.training import SIZES_PX, TrainingTask, run_name, task_settings
from app.local_data import typed_path
from app.server import rules
from app.words import plain
from gnl_core.config import RunConfig, parse_config
from gnl_core.datasets import list_train_items
from gnl_core.datasets.base import Item
from gnl_core.names import DETECTOR_NAMES, TEACHER_NAMES, name_of

ABOUT = (
    "The path of a file on this machine. A `weights.safetensors` of this app records what it was trained on. A `.pth` "
    "of the published RD4AD or GNL code does not: the data set and class above are assumed. No code in the file is run."
)
METHODS = ("gnl", "rd4ad")
PUBLISHED_SUFFIX = ".pth"
PUBLISHED_PX = 256  # the published code's image size for PACS and MVTec AD
PUBLISHED_TEACHERS = ("wide_resnet50_2", "resnet50", "resnet18")


def import_form(task: TrainingTask) -> None:
    """Draw the form for the file and for what it does not record, in an expander.

    Args:
        task: The data assumed for a published checkpoint.
    """
    with st.expander("Import a checkpoint"):
        path = typed_path(st.text_input("Checkpoint file", key="import_file", help=ABOUT, placeholder="path of a file"))
        settings = task_settings(task)
        if path is not None and path.suffix == PUBLISHED_SUFFIX:
            settings |= ask_published()
        if st.button("Import", disabled=path is None) and path is not None:
            import_checkpoint(path, settings)


def ask_published() -> dict[str, Any]:
    """Ask how a published checkpoint was trained; the published code's settings come first."""
    detector = st.selectbox(
        "Method of the checkpoint", METHODS, format_func=lambda key: name_of(DETECTOR_NAMES, key), key="import_detector"
    )
    teacher = st.selectbox(
        "Teacher of the checkpoint",
        PUBLISHED_TEACHERS,
        format_func=lambda key: name_of(TEACHER_NAMES, key),
        key="import_teacher",
    )
    weights = typed_path(
        st.text_input("Weights of the teacher", key="import_weights", placeholder="downloaded unless you give a file")
    )
    size = st.selectbox(
        "Image size of the checkpoint",
        SIZES_PX,
        index=SIZES_PX.index(PUBLISHED_PX),
        format_func=lambda px: f"{px} px",
        key="import_size",
    )
    return {"detector": detector, "teacher": teacher, "teacher_weights": weights, "image_size": size}


def import_checkpoint(path: Path, settings: dict[str, Any]) -> None:
    """Import a file as a run, and report the run's name or the error.

    Args:
        path: The file.
        settings: What a published checkpoint does not record.
    """
    from gnl_core.runs import imports  # noqa: PLC0415 (PyTorch takes seconds to import)
    from gnl_core.runs.checkpoints import read_checkpoint  # noqa: PLC0415 (as above)

    try:
        rules.check_may_change_runs()
        rules.check_space()
        path = rules.open_path(path)
        with st.spinner("Reading the checkpoint"):
            if path.suffix == PUBLISHED_SUFFIX:
                config = parse_config(dict(imports.PUBLISHED) | settings)
                rules.check_paths(config, name="this import")
                references = imports.first_items(training_items(config), count=config.stored_references, seed=0)
                folder = imports.import_run(path, runs_root() / run_name(config), config, references=references)
            else:
                rules.check_paths(read_checkpoint(path)[0].config, name="this checkpoint")
                folder = imports.import_own(path, runs_root() / f"{path.parent.name}-imported")
    except (ValueError, OSError) as error:
        st.error(f"This file was not imported: {plain(error)}")
        return
    st.success(f"Imported as {plain(folder.path.name)}. The pages now list it like any other run.")


def training_items(config: RunConfig) -> list[Item]:
    """List the training images for the references of matching; none if they are not on this machine."""
    try:
        return list_train_items(
            config.dataset, normal_class=config.normal_class, root=config.data_root, split=config.split
        )
    except ValueError:
        return []
