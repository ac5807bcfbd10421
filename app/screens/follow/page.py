"""Follow: a run on a drifting line, with its fixed threshold beside one that follows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app import query_keys as keys
from app.checkpoints import BUNDLED, Checkpoint, list_checkpoints
from app.controls.checkpoint import describe_checkpoint
from app.controls.unavailable import check_asked
from app.lines import EXAMPLE, EXAMPLE_TASK, Line, kept_lines, line_in, line_key, saved_example
from app.local_data import check_folder, typed_path
from app.progress import forget_cancelled
from app.screens.follow.line import show_line
from app.screens.follow.truth import show_design
from app.sources import source_of
from app.words import FOLDER_HELP, counted, plain
from gnl_core.datasets.base import Item
from gnl_core.datasets.ordering import Order
from gnl_core.datasets.parts.line import line_items
from gnl_core.names import DATASET_NAMES, DETECTOR_NAMES, name_of

REQUESTED = "requested_lines"  # session key of the lines that this visitor has asked to be scored
ORDER_NAMES: dict[Order, str] = {
    "name": "file name",
    "date": "date in the name or the photograph",
    "modified": "last change of the file",
}
COLUMNS = (3, 4, 2)
FIRST_RUN = str(BUNDLED / "parts-nut-rd4ad")  # follows the example
HOW = (
    "For a line of your own, paste the path of a folder whose images were taken one after the other, such as those of "
    "one camera over some days, and choose a run that was trained on normal images of the same object."
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
    try:
        if folder is None:
            follow_example(checkpoint)
        else:
            follow_folder(checkpoint, folder, order)
    except (ValueError, OSError) as error:
        st.error(f"This line cannot be followed: {plain(error)}")


def choose_line(checkpoints: list[Checkpoint]) -> tuple[Checkpoint, Path | None, Order]:
    """Choose the run, the folder, which is None until a path is entered, and what decides the order of its images."""
    first, second, third = st.columns(COLUMNS, vertical_alignment="bottom")
    runs = {str(checkpoint.folder.path): checkpoint for checkpoint in checkpoints}
    run = first.selectbox(
        "Run",
        list(runs),
        index=list(runs).index(FIRST_RUN) if FIRST_RUN in runs else 0,
        format_func=lambda key: describe(runs[key]),
        key=keys.LINE_RUN,
        bind="query-params",
    )
    check_asked(keys.LINE_RUN, "Run", runs[run], checkpoints, format_func=describe)
    text = second.text_input(
        "Folder of the line",
        key=keys.LINE,
        bind="query-params",
        placeholder="/path/to/images; while empty, an example",
        help=FOLDER_HELP,
    )
    folder = typed_path(text)
    if folder is None:
        return runs[run], None, EXAMPLE.order
    order = third.selectbox(
        "Order of time",
        list(ORDER_NAMES),
        format_func=lambda key: ORDER_NAMES[key],
        key=keys.LINE_ORDER,
        bind="query-params",
    )
    return runs[run], folder, order


def describe(checkpoint: Checkpoint) -> str:
    """Describe a run in the list."""
    method = name_of(DETECTOR_NAMES, checkpoint.config.detector)
    return f"{method}, {describe_task(*checkpoint.task)}: {describe_checkpoint(checkpoint)}"


def describe_task(dataset: str, normal_class: str) -> str:
    """Describe the data set and the class that a run was trained on."""
    return f"{name_of(DATASET_NAMES, dataset)}, {normal_class}"


def follow_example(checkpoint: Checkpoint) -> None:
    """Draw the example line, whose truth is known, if the run was trained on nuts.

    Raises:
        ValueError: If the run cannot be used; the message says why.
    """
    if checkpoint.task != EXAMPLE_TASK:
        st.info(
            f"The example shows rendered nuts, but this run was trained on {plain(describe_task(*checkpoint.task))}; "
            f"to see it, choose a run of {describe_task(*EXAMPLE_TASK)}. {HOW}"
        )
        return
    show_design()
    follow_images(checkpoint, EXAMPLE, line_items())


def follow_folder(checkpoint: Checkpoint, folder: Path, order: Order) -> None:
    """Draw the line in a folder.

    Raises:
        ValueError: If the folder, its images or the run cannot be used; the message says why.
    """
    check_folder(folder)
    from app.followed_line import listed_line  # noqa: PLC0415 (PyTorch takes seconds to import)

    line = line_in(folder, order)
    with st.spinner("Reading the images", show_time=True):
        items, problems = listed_line(line)
    if problems:
        count, verb = len(items) + len(problems), "is" if len(problems) == 1 else "are"
        first = plain(problems[0])
        st.warning(f"{len(problems)} of {count} images cannot be read, and {verb} left out. The first: {first}.")
    follow_images(checkpoint, line, items)


def follow_images(checkpoint: Checkpoint, line: Line, items: Sequence[Item]) -> None:
    """Draw a line if its scores are known; if not, offer to score it.

    Raises:
        ValueError: If the run cannot be used; the message says why.
    """
    source = source_of(checkpoint)
    key = line_key(source, line)
    requested = st.session_state.setdefault(REQUESTED, set())
    scored = kept_lines().get(key) or (saved_example(checkpoint) if line == EXAMPLE else None)
    if scored is None and key not in requested:
        st.button(
            f"Score {counted(len(items), 'image')}", key="score_line", type="primary", on_click=request, args=(key,)
        )
        return
    if scored is None:
        from app.followed_line import score_line  # noqa: PLC0415 (PyTorch takes seconds to import)

        scored = score_line(source, line, items)
    show_line(scored, checkpoint, items, line)


def request(key: tuple[str, ...]) -> None:
    """Ask for a line to be scored."""
    st.session_state[REQUESTED].add(key)
    forget_cancelled()
