"""Sessions wait for each other's computations, and share their results."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from app import turns
from app.turns import RUNNING, take_turn


class Place:
    """A place on a page; the visitor leaves the page after a number of notes."""

    def __init__(self, patience: int) -> None:
        self.notes: list[str] = []
        self.patience = patience

    def caption(self, text: str) -> None:
        """Note a text, or end the script as Streamlit does."""
        if len(self.notes) == self.patience:
            raise InterruptedError
        self.notes.append(text)

    def empty(self) -> None:
        """Nothing to note."""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place(patience=1000)
    monkeypatch.setattr(turns.st, "empty", lambda: place)
    monkeypatch.setattr(turns, "POLL_SECONDS", 0.001)
    yield place
    assert not RUNNING


def hold(*subjects: tuple[str, ...], until: threading.Event) -> list[threading.Thread]:
    """Let other sessions compute until the event."""

    def compute(subject: tuple[str, ...]) -> None:
        with take_turn(subject, title="theirs"):
            until.wait(10)

    threads = [threading.Thread(target=compute, args=(subject,)) for subject in subjects]
    for thread in threads:
        thread.start()
    while len(RUNNING) < len(subjects):
        time.sleep(0.001)
    return threads


@pytest.mark.parametrize("others", [[("a",)], [("b",), ("c",)]], ids=["the same subject", "as many as the limit"])
def test_a_session_waits_while(others, place):
    done, began = threading.Event(), []
    theirs = hold(*others, until=done)
    waiting = threading.Timer(0.05, lambda: (began.append(time.monotonic()), done.set()))
    waiting.start()
    with take_turn(("a",), title="*mine*"):
        assert began and done.is_set()
    assert place.notes[0] == r"\*mine\*: waiting for the computations of other visitors"
    for thread in (*theirs, waiting):
        thread.join()


def test_another_subject_is_computed_at_the_same_time(place):
    done = threading.Event()
    (theirs,) = hold(("a",), until=done)
    with take_turn(("b",), title="mine"):
        assert {("a",), ("b",)} == RUNNING
    assert place.notes == []
    done.set()
    theirs.join()


def test_a_visitor_who_leaves_no_longer_waits(place):
    done, place.patience = threading.Event(), 3
    (theirs,) = hold(("a",), until=done)
    with pytest.raises(InterruptedError), take_turn(("a",), title="mine"):
        pytest.fail("the computation began")
    assert {("a",)} == RUNNING
    done.set()
    theirs.join()


def test_a_computation_that_fails_ends_its_turn(place):
    with pytest.raises(ValueError, match="unreadable"), take_turn(("a",), title="mine"):
        raise ValueError("unreadable")
    assert not RUNNING
