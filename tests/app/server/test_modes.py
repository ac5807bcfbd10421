"""The pages of a public server, of a shared one, and of one that must not answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit import config

from app import checkpoints
from app.controls import training
from app.display import jobs
from app.screens.train import imports
from app.server import gate, people, rules, trainings
from gnl_core.config import RunConfig
from gnl_core.jobs import start as start_module
from gnl_core.runs.folder import RunFolder, create_run

BUNDLED = Path(__file__).parents[3] / "assets" / "checkpoints" / "digits-4-gnl"
ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNL_MODE", "public")


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared server that Ann has signed in to."""
    monkeypatch.setenv("GNL_MODE", "shared")
    monkeypatch.setattr(people, "person", lambda: ANN)
    monkeypatch.setattr(people, "is_signed_in", lambda: True)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The runs whose process would have been started."""
    folders: list[Path] = []

    def launch(folder: RunFolder, **_: object) -> None:
        folders.append(folder.path)

    monkeypatch.setattr(start_module, "launch", launch)
    return folders


def test_a_public_server_draws_a_sentence_instead_of_training(public, open_screen, own_runs):
    create_run(own_runs / "mine", RunConfig())
    page = open_screen("train")
    assert not page.exception
    assert [text.value for text in page.info] == [rules.READ_ONLY]
    assert not (page.button or page.selectbox or page.text_input or page.expander)


def test_a_public_server_draws_explore_without_a_form(public, open_page):
    page = open_page()
    assert not page.exception
    assert rules.READ_ONLY in [text.value for text in page.info]
    assert not [box for box in page.selectbox if box.key and box.key.startswith("train_")]


def test_the_functions_behind_the_controls_refuse_on_a_public_server(public, own_runs, tmp_path, launched, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(imports.st, "error", shown.append)
    folder = create_run(own_runs / "mine", RunConfig())
    with pytest.raises(ValueError, match="read only"):
        trainings.start_training(RunConfig(), "new")
    for action in trainings.ACTIONS:
        with pytest.raises(ValueError, match="read only"):
            trainings.act_on(action, folder.path)
    assert training.start_training({}) is None
    imports.import_checkpoint(tmp_path / "weights.safetensors", {})
    jobs.run_action("delete", folder.path)
    assert all(rules.READ_ONLY in text for text in shown)
    assert len(shown) == 2
    assert [path.name for path in own_runs.iterdir()] == ["mine"]
    assert folder.config.exists()
    assert launched == []


def test_a_public_server_lists_bundled_and_named_runs_alone(public, own_runs, monkeypatch):
    for name in ("shown", "hidden"):
        shutil.copytree(BUNDLED, own_runs / name)
    monkeypatch.setenv("GNL_LISTED_RUNS", "shown")
    listed, problems = checkpoints.list_checkpoints()
    assert problems == []
    assert [run.folder.path.name for run in listed if not run.bundled] == ["shown"]


def test_a_shared_server_trains_with_its_own_teachers_alone(shared, launched, monkeypatch):
    config = RunConfig(teacher="vit_giant_patch14_dinov2")
    with pytest.raises(ValueError, match="this server trains with its own teachers alone; choose one of: efficientnet"):
        trainings.start_training(config, "run")
    assert launched == []
    monkeypatch.setenv("GNL_MODE", "personal")
    rules.check_teacher(config)


def test_each_person_has_a_folder_of_their_own(shared, own_runs, launched, monkeypatch):
    trainings.start_training(RunConfig(), "run")
    monkeypatch.setattr(people, "person", lambda: BOB)
    trainings.start_training(RunConfig(), "run")
    assert launched == [own_runs / "people" / name / "run" for name in (ANN, BOB)]
    with pytest.raises(ValueError, match="run is not one of your runs"):
        trainings.act_on("delete", launched[0])
    assert (launched[0] / "config.json").exists()


def test_a_run_that_names_a_foreign_path_is_left_out(shared, own_runs, tmp_path, monkeypatch):
    run = own_runs / "people" / ANN / "run"
    shutil.copytree(BUNDLED, run)
    settings = (run / "config.json").read_text(encoding="utf-8")
    named = RunConfig.model_validate_json(settings).model_copy(update={"data_root": tmp_path / "secret"})
    (run / "config.json").write_text(named.model_dump_json(), encoding="utf-8")
    listed, problems = checkpoints.list_checkpoints()
    assert all(checkpoint.bundled for checkpoint in listed)
    assert problems == ["run names a path that this server does not open; ask its operator to add its folder"]


def test_a_training_that_cannot_start_leaves_no_folder(own_runs, launched):
    with pytest.raises(ValueError, match="unknown class 'none'"):
        trainings.start_training(RunConfig(normal_class="none"), "run")
    assert not (own_runs / "run").exists()


def test_two_trainings_of_one_name_start_in_two_folders(own_runs, launched):
    for _ in range(2):
        trainings.start_training(RunConfig(), "run")
    assert launched == [own_runs / "run", own_runs / "run-2"]


def test_a_full_disk_allowance_refuses_a_training(own_runs, launched, monkeypatch):
    monkeypatch.setattr(rules, "size_of_folder", lambda _: 10**15)
    with pytest.raises(ValueError, match="the runs take all of the 10000 GB"):
        trainings.start_training(RunConfig(), "run")
    assert launched == []


def test_limits_of_computations_refuse_in_a_sentence(monkeypatch):
    monkeypatch.setenv("GNL_COMPUTATIONS_PER_MINUTE", "2")
    monkeypatch.setattr(rules, "COMPUTATIONS", rules.RateLimit(seconds=60))
    monkeypatch.setattr(people, "visitor", lambda *, signed_in: "ann")
    rules.count_computation()
    rules.count_computation()
    with pytest.raises(ValueError, match="more than 2 computations were started within a minute; wait 60 s"):
        rules.count_computation()


def test_a_computation_over_too_many_images_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setenv("GNL_IMAGES_PER_REQUEST", "10")
    rules.count_computation(10)
    with pytest.raises(ValueError, match="these are 11 images, and this server computes at most 10"):
        rules.count_computation(11)


@pytest.mark.parametrize("address", ["0.0.0.0", None])
def test_nothing_but_a_sentence_is_drawn_on_a_reachable_address(open_page, monkeypatch, address):
    config.set_option("server.address", address)
    monkeypatch.setattr(gate, "request_headers", lambda: {"Host": "localhost:8501"})
    page = open_page()
    assert not page.exception
    assert [text.value[:18] for text in page.error] == ["GNL does not start"]
    assert len(page.main) == 1


@pytest.mark.parametrize(("host", "drawn"), [("localhost:8501", True), ("gnl.example.org", False)])
def test_a_browser_that_asks_for_another_name_sees_nothing_but_a_sentence(open_page, monkeypatch, host, drawn):
    config.set_option("server.address", "127.0.0.1")
    monkeypatch.setattr(gate, "request_headers", lambda: {"Host": host})
    page = open_page()
    assert [text.value[:18] for text in page.error] == ([] if drawn else ["GNL runs for one p"])


def test_without_a_browser_the_page_is_drawn(open_page):
    config.set_option("server.address", None)
    page = open_page()
    assert not page.error
    assert page.selectbox


def test_settings_that_cannot_be_read_close_the_server(open_page, monkeypatch):
    monkeypatch.setenv("GNL_MODE", "open")
    page = open_page()
    assert not page.exception
    assert page.error[0].value.startswith("GNL does not start: the server has invalid settings: mode = 'open'")


def test_a_shared_server_shows_nothing_before_signing_in(open_page, monkeypatch):
    monkeypatch.setenv("GNL_MODE", "shared")
    page = open_page()
    assert "[auth]" in page.error[0].value
    monkeypatch.setattr(people, "can_sign_in", lambda: True)
    page = open_page()
    assert not page.exception
    assert [text.value for text in page.info] == [gate.ABOUT]
    assert [button.label for button in page.button] == ["Sign in"]
    assert not page.selectbox


def test_a_person_who_signed_in_sees_the_pages(shared, open_page, monkeypatch):
    monkeypatch.setattr(people, "can_sign_in", lambda: True)
    page = open_page()
    assert not page.exception
    assert page.selectbox(key="data").value == "digits"
    assert [button.label for button in page.sidebar.button] == ["Sign out"]
