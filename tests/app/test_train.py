"""The page Train, without a browser; trainings are real processes of a second or two."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from gnl_core.runs.folder import RunFolder
from gnl_core.runs.jobs import list_jobs, read_job, start, stop
from tests.app.conftest import SLOW_SECONDS

ENDED = ("finished", "failed", "stopped", "stale")


@pytest.fixture
def open_train(own_runs):
    def open_page():
        source = "from app.screens.train import page\n\npage()\n"
        return AppTest.from_string(source, default_timeout=SLOW_SECONDS).run()

    return open_page


def wait_for(folder: RunFolder, *states: str) -> str:
    deadline = time.monotonic() + SLOW_SECONDS
    while (state := read_job(folder).state) not in states:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return state


def button(page, key: str):
    return next(one for one in page.button if one.key and one.key.startswith(key))


def test_without_a_training_the_page_says_what_to_do(open_train):
    page = open_train()
    assert not page.exception
    assert "No training yet" in page.info[0].value


@pytest.mark.slow
def test_a_training_started_on_the_page_is_a_process_that_ends_in_a_run(open_train, own_runs):
    page = open_train()
    page.selectbox(key="train_detector").set_value("rd4ad")
    page.selectbox(key="train_size").set_value(32)
    page.number_input(key="train_epochs").set_value(1).run()
    next(one for one in page.button if one.label.startswith("Train")).click().run()
    assert not page.exception
    assert not page.error
    (job,) = list_jobs(own_runs)
    assert wait_for(job.folder, *ENDED) == "finished"
    page.run()
    assert any("finished" in text.value for text in page.markdown)
    button(page, "delete_").click().run()
    assert not page.exception
    assert list_jobs(own_runs) == []


@pytest.mark.slow
def test_a_stopped_training_is_listed_and_resumed(open_train, own_runs, tiny_config):
    folder = start(tiny_config(detector="rd4ad", epochs=40), own_runs / "long")
    wait_for(folder, "running")
    page = open_train()
    button(page, "stop_").click().run()
    assert not page.exception
    assert wait_for(folder, *ENDED) == "stopped"
    page.run()
    button(page, "resume_").click().run()
    assert not page.exception
    assert not page.error
    wait_for(folder, "running")
    stop(folder.path)


def test_what_cannot_be_done_is_told_in_a_sentence(open_train, train, own_runs):
    folder = train(detector="rd4ad", epochs=1)
    page = open_train()
    folder.config.rename(folder.path / "gone.json")
    button(page, "delete_").click().run()
    assert not page.exception
    assert page.error[0].value.startswith("This cannot be done")
