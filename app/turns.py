"""Turns of the sessions: they compute the same result once, and only a few of them compute at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.server import rules
from app.words import plain

POLL_SECONDS = 0.25
LOCK = threading.Lock()
RUNNING: set[tuple[str, ...]] = set()  # the subjects of all computations that run


@contextmanager
def take_turn(subject: tuple[str, ...], *, title: str) -> Iterator[None]:
    """Wait until no session computes for the same subject, and fewer than the limit compute at all.

    A session that has waited looks first whether its result is there. A note on the page says what it waits for; the
    wait ends as well when the visitor chooses something else. Turns must not be nested.

    Args:
        subject: What is computed from, such as a checkpoint and a domain.
        title: The title of the computation.
    """
    place = st.empty()
    while not start(subject):
        place.caption(f"{plain(title)}: waiting for the computations of other visitors")
        time.sleep(POLL_SECONDS)
    try:
        place.empty()
        yield
    finally:
        with LOCK:
            RUNNING.discard(subject)


def start(subject: tuple[str, ...]) -> bool:
    """Note a computation as running, if it may begin; return whether it may."""
    with LOCK:
        if subject in RUNNING or len(RUNNING) >= rules.limits().computations_at_once:
            return False
        RUNNING.add(subject)
        return True
