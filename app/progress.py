"""Progress bars for long work. Nothing here imports PyTorch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.words import duration, plain

if TYPE_CHECKING:
    from gnl_core.datasets.loading import Batches
    from gnl_core.records import Batch

UNSEEN_SECONDS = 0.4  # shorter work needs no bar
CANCELLED = "cancelled_work"  # session key of the work that this visitor cancelled last


class Work(NamedTuple):
    """The images processed before and after a part of the work, so that one bar can show all of it.

    Attributes:
        before: Number of images done before this part.
        after: Number of images left after this part.
    """

    before: int
    after: int


ALONE = Work(0, 0)


def track_progress(
    batches: Batches, *, title: str, work: Work = ALONE, key: tuple[str, ...] | None = None
) -> Iterator[Batch]:
    """Yield the batches while a bar shows the progress and the remaining time of all work.

    Args:
        batches: The batches to process.
        title: The title of the bar.
        work: The work before and after the batches.
        key: Identifies the work for a button that cancels it; None for no button.
    """
    total, done = len(batches.items), 0
    place, bar, started = st.empty(), None, time.perf_counter()
    for batch in batches:
        yield batch
        done += len(batch.paths)
        elapsed = time.perf_counter() - started
        if elapsed > UNSEEN_SECONDS:
            bar = bar or draw_bar(place, key)
            left = elapsed / done * (total - done + work.after)
            share = (work.before + done) / (work.before + total + work.after)
            bar.progress(share, text=f"{plain(title)}: {done:,} of {total:,} images, {duration(left)} left")
    place.empty()


def draw_bar(place: DeltaGenerator, key: tuple[str, ...] | None) -> DeltaGenerator:
    """Draw a bar beside the button that cancels its work; the click ends the work because it reruns the page."""
    row = place.container(horizontal=True, vertical_alignment="bottom")
    bar = row.empty()
    if key is not None:
        row.button("Cancel", key=f"cancel {' '.join(key)}", on_click=st.session_state.update, args=({CANCELLED: key},))
    return bar


def forget_cancelled() -> None:
    """Allow cancelled work again."""
    st.session_state.pop(CANCELLED, None)


def stop_if_cancelled(key: tuple[str, ...], *, title: str) -> None:
    """Stop the page here if the visitor has cancelled this work, with a button that restarts it.

    Args:
        key: Identifies the work.
        title: The title of the work.
    """
    if st.session_state.get(CANCELLED) != key:
        return
    with st.empty().container():  # the progress bar later replaces this message
        st.info(f"{plain(title)}: cancelled. Choose something else at the top, or score these images now.")
        st.button("Score these images", type="primary", on_click=forget_cancelled)
    st.stop()
