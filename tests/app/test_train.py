"""The page Train, without a browser; trainings are real processes of a second or two."""

from __future__ import annotations

import base64
import shutil
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.screens.train.epochs import spread
from gnl_core.jobs.listing import list_jobs, read_job
from gnl_core.jobs.start import start
from gnl_core.jobs.stop import stop
from gnl_core.runs.folder import RunFolder, read_config
from tests.app.conftest import SLOW_SECONDS, charts, notes

ENDED = ("finished", "failed", "stopped", "stale")


@pytest.fixture
def open_train(own_runs):
    def open_page():
        source = "from app.screens.train.page import page\n\npage()\n"
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
    assert "No trainings yet" in page.info[0].value


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


def test_a_failed_action_is_reported_in_a_sentence(open_train, train, own_runs):
    folder = train(detector="rd4ad", epochs=1)
    page = open_train()
    folder.config.rename(folder.path / "gone.json")
    button(page, "delete_").click().run()
    assert not page.exception
    assert page.error[0].value.startswith("Could not ")


def test_a_preset_fills_in_the_form(open_train):
    page = open_train()
    page.selectbox(key="train_preset").set_value("Demonstration").run()
    assert not page.exception
    assert (page.selectbox(key="train_size").value, page.number_input(key="train_epochs").value) == (32, 6)
    assert page.checkbox(key="train_keep_epochs").value
    page.selectbox(key="train_preset").set_value("Paper, MNIST").run()
    assert not page.exception
    assert page.selectbox(key="data").value == "mnist"
    assert "MNIST is not on this machine yet" in page.info[0].value


def test_kept_epochs_are_scored_on_request(open_train, train):
    train(detector="rd4ad", epochs=2, keep_epochs=True)
    page = open_train()
    assert not charts(page)[1:]  # the losses alone
    button(page, "score_epochs").click().run()
    assert not page.exception
    histograms, curves = charts(page)[1:]
    assert [frame["name"] for frame in histograms["frames"]] == ["1", "2"]
    shown = [notes(histograms)[1].split("<b>")[1].split("</b>")[0], f"{list_values(curves['data'][1]['y'])[-1]:.3f}"]
    assert shown[0] == shown[1]  # the histograms stand at the last epoch
    assert not any(one.key == "score_epochs" for one in page.button)


def test_an_epoch_whose_file_is_damaged_is_reported_in_a_sentence(open_train, train):
    folder = train(detector="rd4ad", epochs=2, keep_epochs=True)
    folder.epoch(1).weights.write_bytes(b"none of ours")
    page = open_train()
    button(page, "score_epochs").click().run()
    assert not page.exception
    assert "is damaged or not a checkpoint" in page.error[0].value


def test_of_many_epochs_some_are_scored_including_the_first_and_the_last():
    assert spread([1, 2, 3], most=8) == [1, 2, 3]
    assert spread(list(range(1, 51)), most=8) == [1, 8, 15, 22, 29, 36, 43, 50]


def test_a_checkpoint_of_ours_is_imported(open_train, train, own_runs):
    folder = train(detector="rd4ad", epochs=1)
    moved = own_runs.parent / "elsewhere" / "weights.safetensors"
    moved.parent.mkdir()
    shutil.copy(folder.weights, moved)
    page = open_train()
    page.text_input(key="import_file").set_value(str(moved)).run()
    next(one for one in page.button if one.label == "Import").click().run()
    assert not page.exception
    assert page.success[0].value.startswith("Imported as elsewhere-imported")
    assert read_config(RunFolder(own_runs / "elsewhere-imported")) == read_config(folder)


def test_a_file_that_cannot_be_imported_is_reported_in_a_sentence(open_train, own_runs):
    for name in ("none.safetensors", "none.pth"):
        page = open_train()
        page.text_input(key="import_file").set_value(str(own_runs / name)).run()
        next(one for one in page.button if one.label == "Import").click().run()
        assert not page.exception
        assert page.error[0].value.startswith("This file was not imported: ")
    assert list(own_runs.iterdir()) == []


def list_values(encoded) -> list[float]:
    """A trace's values, which Plotly sends as they are or as base64."""
    if isinstance(encoded, list):
        return encoded
    return np.frombuffer(base64.b64decode(encoded["bdata"]), dtype=encoded["dtype"]).tolist()
