"""Painting on Inspect and Learn, without a browser: what the page makes of what the painter sends."""

import base64
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from tests.app.conftest import texts
from tests.app.test_painting import png
from tests.app.test_strokes import SENT

SCRATCH = {"left": 2, "top": 8, "png": png(np.full((5, 20, 3), 255, np.uint8))}


@pytest.fixture
def open_painter(open_screen, monkeypatch):
    """A function that opens a page whose painter has sent something."""

    def open_at(screen: str, *, painting: object = None, search: object = None, **query: object):
        sent = SimpleNamespace(painting=painting, search=search)
        monkeypatch.setattr("app.display.painter.draw_painter", lambda _: sent)
        return open_screen(screen, paint="true", **query)

    return open_at


@pytest.fixture
def open_inspect(open_painter):
    return partial(open_painter, "inspect", side="In-distribution", image="14", methods=["RD4AD"])


def notes(page) -> list[str]:
    """What stands beside the scores: the change, and whether there is an alarm."""
    return [text for text in texts(page) if "unpainted;" in text]


def test_the_painter_shows_the_threshold_before_anything_is_painted(open_inspect):
    page = open_inspect()
    assert not page.exception
    assert "**Image 14 of 719**" in texts(page)
    assert len(notes(page)) == 2
    assert all("+0.000 from" in note and "no alarm, not above" in note for note in notes(page))


def test_a_painted_image_takes_the_place_of_the_image_beside_its_unpainted_score(open_inspect):
    before = [float(note.split(" from ")[1].split()[0]) for note in notes(open_inspect())]
    page = open_inspect(painting=SCRATCH)
    assert not page.exception
    assert "**Image 14 of 719, painted**" in texts(page)
    for note, unpainted in zip(notes(page), before, strict=True):
        score = float(note.split("**")[1])
        change = float(note.split("[")[1].split()[0].replace("−", "-"))
        assert f"from {unpainted:.3f} unpainted" in note
        assert score == pytest.approx(unpainted + change, abs=2e-3)
        threshold = float(note.rstrip("]").split()[-1])
        assert ("**alarm**, above" in note) == (score > threshold)
    assert abs(change) > 0.01
    stages = next(text for text in texts(page) if text.startswith("**Stages**"))
    assert float(stages.split("= ")[1]) == score  # the reasons are those of the painted image
    assert not page.code  # no command scores it again
    assert "Download the painted image" in [button.label for button in page.get("download_button")]


@pytest.mark.parametrize(
    "painting", ["garbage", SCRATCH | {"left": 20}, SCRATCH | {"png": "AAAA"}, {"left": 0, "top": 0}]
)
def test_a_painting_that_cannot_be_used_is_one_sentence_and_the_image_stays(open_inspect, painting):
    page = open_inspect(painting=painting)
    assert not page.exception
    (error,) = page.error
    assert error.value.startswith("The painting ")
    assert "**Image 14 of 719**" in texts(page)


def test_an_image_that_is_too_large_to_paint_on_is_shown_as_usual(open_inspect, monkeypatch):
    monkeypatch.setattr("app.painting.MOST_PIXELS", 1)
    page = open_inspect()
    assert not page.exception
    assert "to paint on it, make it smaller" in page.error[0].value
    assert notes(page) == []
    assert "**Image 14 of 719**" in texts(page)


def test_the_smallest_stroke_is_shown_with_what_was_tried(open_inspect):
    page = open_inspect(search=SENT | {"colour": "#ffffff"})
    assert not page.exception
    assert "**Smallest dot that raises an alarm**" in texts(page)
    found = [text for text in texts(page) if "scored." in text]
    assert len(found) == 2
    assert all(" px scores " in text or "no alarm with any size tried" in text for text in found)
    assert any("need not grow with the size" in text for text in texts(page))


def test_a_stroke_outside_the_image_is_refused_in_one_sentence(open_inspect):
    page = open_inspect(search=SENT | {"column": 500})
    assert not page.exception
    assert "choose another place or width" in page.error[0].value


def test_an_image_of_their_own_can_be_painted_on(open_inspect):
    page = open_inspect(painting=SCRATCH)
    page.segmented_control(key="from").set_value("Your image").run()
    content = base64.b64decode(png(np.full((40, 40, 3), 128, np.uint8)))
    page.file_uploader(key="dropped").set_value([("mine.png", content, "image/png")]).run()
    assert not page.exception
    assert "**Your image, painted**" in texts(page)


def test_a_painting_counts_as_a_computation(open_inspect, monkeypatch):
    open_inspect()
    counted = []
    monkeypatch.setattr("app.server.rules.count_computation", lambda images=1, **_: counted.append(images))
    open_inspect(painting={"left": 0, "top": 0, "png": png(np.full((3, 3, 3), 201, np.uint8))})
    assert counted == [1]  # RD4AD without and with matching, in one pass
    open_inspect(search=SENT)
    assert counted == [1, 1, 1]  # a search with each


def test_a_method_that_fails_on_the_painted_image_alone_is_one_sentence(open_inspect, monkeypatch):
    open_inspect()

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("more than 30 computations were started within a minute")

    monkeypatch.setattr("app.server.rules.count_computation", refuse)
    page = open_inspect(painting={"left": 0, "top": 0, "png": png(np.full((3, 3, 3), 202, np.uint8))})
    assert not page.exception
    assert [error.value for error in page.error] == [
        "RD4AD is left out: more than 30 computations were started within a minute"
    ]


def test_learn_shows_the_map_of_the_painted_image(open_painter):
    page = open_painter("learn", painting=SCRATCH, step=1, lesson="digits")
    assert not page.exception
    assert not page.error
    (note,) = notes(page)
    assert "alarm" in note
    assert abs(float(note.split("[")[1].split()[0].replace("−", "-"))) > 0.01
