"""Explore on the user's own folder."""

import os
import shutil

import pytest

from tests.app.conftest import finding, panel_texts, panels, tiles

OWN = "Your own images"


def test_without_a_folder_the_page_shows_the_layout(open_page):
    page = open_page(data=OWN)
    assert not page.exception
    assert "train/good/" in page.info[0].value
    assert not page.button


@pytest.mark.parametrize(
    ("path", "told"), [("/no/such/folder", "there is no folder /no/such/folder"), ("{runs}", "train/good")]
)
def test_an_unusable_folder_is_reported_in_one_sentence(open_page, own_runs, path, told):
    page = open_page(data=OWN, folder=path.format(runs=own_runs))
    assert not page.exception
    assert page.error[0].value.startswith("This folder cannot be used: ")
    assert told in page.error[0].value


def test_a_pasted_path_may_have_quotes(open_page, own_images):
    page = open_page(data=OWN, folder=f'"{own_images(labelled=True)}"')
    assert not page.error
    assert page.selectbox(key="shift").options[0] == "in “window”"


@pytest.mark.usefixtures("trained_at_once")
def test_own_images_can_be_trained_on(open_page, own_images, own_runs, monkeypatch):
    monkeypatch.setenv("GNL_DATA", str(own_images(labelled=True)))
    page = open_page(data=OWN, methods="RD4AD")
    page.selectbox(key="train_detector").set_value("rd4ad")
    page.selectbox(key="train_size").set_value(32)
    page.number_input(key="train_epochs").set_value(1).run()
    page.button[0].click().run()
    assert not page.exception
    assert not page.error
    assert len(list(own_runs.glob("folder-good-rd4ad-*/weights.safetensors"))) == 1
    assert finding(page).startswith("##### In “window”, RD4AD separates good images from defective ones with AUROC")


def test_a_run_of_the_command_line_offers_its_folder(open_page, own_images, train):
    root = own_images(labelled=True)
    train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad")
    page = open_page(data=OWN)
    assert page.selectbox(key="folder").options == [str(root)]
    page.selectbox(key="folder").set_value(str(root)).run()
    assert not page.exception
    assert "In “window”, RD4AD separates good images" in finding(page)
    assert sorted(tile["shown"] for tile in tiles(page)) == ["good"] * 4 + ["hole"] * 4


def test_the_data_folder_of_the_environment_is_open_at_once(open_page, own_images, monkeypatch):
    root = own_images(labelled=True)
    monkeypatch.setenv("GNL_DATA", str(root))
    page = open_page(data=OWN)
    assert page.selectbox(key="folder").value == str(root)
    assert "these images" in page.info[0].value


def test_unlabelled_images_have_counts_instead_of_an_auroc(open_page, own_images, train):
    root = own_images(labelled=False)
    train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad")
    page = open_page(data=OWN, folder=str(root), methods="RD4AD")
    assert not page.exception
    assert "Not labelled, so there is no AUROC" in finding(page)
    assert "of 16 images score above the threshold of RD4AD" in finding(page)
    drawn = [[any(shares) for shares in panel["shares"]] for panel in panels(page)]
    assert drawn == [[True, False, False], [False, False, True]]  # normal ones, and others not labelled
    assert panel_texts(page)[1].startswith("not labelled: no AUROC")
    assert "hole" in tiles(page)[0]["shown"]  # its file's name: there is no category to tell


def test_an_image_that_is_added_is_scored_too(open_page, own_images, train, monkeypatch):
    monkeypatch.setattr("app.sources.WATCHED_SECONDS", 0)
    root = own_images(labelled=False)
    train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad")
    address = {"data": OWN, "folder": str(root), "methods": "RD4AD"}
    assert "of 16 images" in finding(open_page(**address))
    images = sorted((root / "test").iterdir())
    os.link(images[0], root / "test" / "zz.png")
    from app.sources import fingerprint

    fingerprint.clear()
    assert "of 17 images" in finding(open_page(**address))


def test_a_broken_image_is_named_in_one_sentence(open_page, own_images, train):
    root = own_images(labelled=False)
    train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad")
    (root / "test" / "torn.png").write_bytes(b"no image")
    page = open_page(data=OWN, folder=str(root), methods="RD4AD")
    assert not page.exception
    assert "torn.png" in page.error[0].value
    assert page.button[0].label.startswith("Train")


def test_the_page_reports_how_each_folder_is_interpreted(open_page, own_images):
    root = own_images(labelled=True)
    (root / "test" / "lamp" / "good").rename(root / "test" / "lamp" / "OK")
    (text,) = open_page(data=OWN, folder=str(root)).text
    assert "train/good: 8 training; " in text.value
    assert "test/lamp/OK: 4 normal" in text.value
    assert "test/lamp/hole: 4 anomalous (4 with a mask)" in text.value


def test_folders_good_and_bad_alone_can_be_shown(open_page, own_images, train):
    root = own_images(labelled=True)
    (root / "train" / "good").rename(root / "good")
    (root / "test" / "lamp" / "hole").rename(root / "bad")
    for folder in ("train", "test", "ground_truth"):
        shutil.rmtree(root / folder)
    train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad", split_seed=2, test_percent=40.0)
    page = open_page(data=OWN, folder=str(root), methods="RD4AD", shift="fog")
    assert not page.exception
    assert not page.error
    assert "about 40 % of the normal images are kept for testing" in page.text[0].value
    assert "split seed 2" in page.text[0].value


def test_test_images_that_equal_training_images_are_counted_above_the_charts(open_page, own_images, train):
    folder = own_images(labelled=True)
    learnt = sorted((folder / "train").rglob("*.png"))
    for number in (0, 1):
        shutil.copy(learnt[number], next((folder / "test").rglob("good")) / f"copy{number}.png")
    train(dataset="folder", normal_class="good", data_root=folder, detector="rd4ad")
    page = open_page(data=OWN, folder=folder)
    assert not page.exception
    assert [warning.value for warning in page.warning] == [
        "2 of these test images equal a training image, so the metrics are too good. "
        "`gnl data check --dataset folder` lists them."
    ]
