"""Follow: a run on a drifting line, with its fixed threshold beside one that follows."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import query_keys as keys
from app.checkpoints import Checkpoint, list_checkpoints
from app.controls.checkpoint import describe_checkpoint
from app.local_data import check_folder, typed_path
from app.progress import forget_cancelled
from app.screens.follow.line import show_line
from app.sources import fingerprint, source_of
from app.words import FOLDER_HELP, counted, plain
from gnl_core.datasets.ordering import Order
from gnl_core.files import real_path
from gnl_core.names import DATASET_NAMES, DETECTOR_NAMES, name_of

REQUESTED = "requested_lines"  # session key of the lines that this visitor has asked to be scored
ORDER_NAMES: dict[Order, str] = {
    "name": "file name",
    "date": "date in the name or the photograph",
    "modified": "last change of the file",
}
COLUMNS = (3, 4, 2)
HOW = (
    "A line is a folder whose images were taken one after the other, such as those of one camera over some days. Paste "
    "its path, and choose a run that was trained on normal images of the same object."
)


def page() -> None:
    """Draw the page from top to bottom."""
    checkpoints, problems = list_checkpoints()
    for problem in problems:
        st.warning(f"A run was left out: {plain(problem)}")
    if not checkpoints:
        st.info("There is no run yet. Train one on the page Train.")
        return
    checkpoint, folder, order = choose_line(checkpoints)
    if folder is None:
        st.info(HOW)
        return
    try:
        follow_folder(checkpoint, folder, order)
    except (ValueError, OSError) as error:
        st.error(f"This line cannot be followed: {plain(error)}")


def choose_line(checkpoints: list[Checkpoint]) -> tuple[Checkpoint, Path | None, Order]:
    """Choose the run, the folder, which is None until a path is entered, and what decides the order of time."""
    first, second, third = st.columns(COLUMNS, vertical_alignment="bottom")
    runs = {checkpoint.folder.path.name: checkpoint for checkpoint in checkpoints}
    run = first.selectbox(
        "Run", list(runs), format_func=lambda key: describe(runs[key]), key=keys.LINE_RUN, bind="query-params"
    )
    text = second.text_input(
        "Folder of the line", key=keys.LINE, bind="query-params", placeholder="/path/to/images", help=FOLDER_HELP
    )
    order = third.selectbox(
        "Order of time",
        list(ORDER_NAMES),
        format_func=lambda key: ORDER_NAMES[key],
        key=keys.LINE_ORDER,
        bind="query-params",
    )
    return runs[run], typed_path(text), order


def describe(checkpoint: Checkpoint) -> str:
    """Describe a run in the list."""
    dataset, normal_class = checkpoint.task
    method = name_of(DETECTOR_NAMES, checkpoint.config.detector)
    return f"{method}, {name_of(DATASET_NAMES, dataset)}, {normal_class}: {describe_checkpoint(checkpoint)}"


def follow_folder(checkpoint: Checkpoint, folder: Path, order: Order) -> None:
    """Draw the line in a folder if it is scored; if not, offer to score it.

    Raises:
        ValueError: If the folder, its images or the run cannot be used; the message says why.
    """
    check_folder(folder)
    from app.followed_line import Line, kept_lines, line_key, listed_line, score_line  # noqa: PLC0415 (PyTorch takes seconds to import)

    line, source = Line(real_path(folder), fingerprint(real_path(folder)), order), source_of(checkpoint)
    with st.spinner("Reading the images", show_time=True):
        items, problems = listed_line(line)
    if problems:
        count, verb = len(items) + len(problems), "is" if len(problems) == 1 else "are"
        first = plain(problems[0])
        st.warning(f"{len(problems)} of {count} images cannot be read, and {verb} left out. The first: {first}.")
    key = line_key(source, line)
    requested = st.session_state.setdefault(REQUESTED, set())
    if key not in kept_lines() and key not in requested:
        st.button(
            f"Score {counted(len(items), 'image')}", key="score_line", type="primary", on_click=request, args=(key,)
        )
        return
    scored = kept_lines().get(key) or score_line(source, line)
    show_line(scored, checkpoint, items, line)


def request(key: tuple[str, ...]) -> None:
    """Ask for a line to be scored."""
    st.session_state[REQUESTED].add(key)
    forget_cancelled()
