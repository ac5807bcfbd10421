"""Explore on data sets on disk."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from app.checkpoints import Checkpoint
from app.controls.data import first_class
from gnl_core.config import RunConfig
from gnl_core.datasets import OWN
from gnl_core.names import DATASET_NAMES
from gnl_core.runs.folder import RunFolder
from tests.app.conftest import finding
from tests.gnl_core.datasets.trees import write_csv

MVTEC = {"data": "MVTec AD"}


@pytest.fixture
def data_root(tmp_path):
    """A data root with one category of MVTec AD, a defect in it, and nothing else."""
    root = tmp_path / "data"
    for kind in ("train/good", "test/good", "test/crack"):
        folder = root / "mvtec" / "tile" / kind
        folder.mkdir(parents=True)
        for index in range(3):
            PIL.Image.fromarray(np.full((32, 32, 3), 40 * index, dtype=np.uint8)).save(folder / f"{index}.png")
    return root


@pytest.mark.parametrize("name", ["MNIST", "PACS", "MVTec AD", "CIFAR-10", "MVTec AD 2", "VisA"])
def test_how_to_get_a_missing_data_set_is_shown(open_page, name):
    page = open_page(data=name)
    assert not page.exception
    assert f"**{name} is not on this machine yet.**" in page.info[0].value
    assert "under the data root" in page.info[0].value
    assert not page.button


def test_data_sets_without_a_folder_are_listed_last(open_page, data_root, monkeypatch):
    monkeypatch.setenv("GNL_DATA", str(data_root))
    offered = open_page(**MVTEC).selectbox(key="data").options
    assert offered[:5] == [
        "Digits",
        "Parts (rendered)",
        "MVTec AD",
        "Your own images",
        "Your own CSV file",
    ]
    assert set(offered[5:]) == {
        name for key, name in DATASET_NAMES.items() if key not in ("digits", "parts", "mvtec", *OWN)
    }


def test_images_that_a_table_names_are_shown_by_domain_also_without_labels(open_page, tmp_path, train):
    write_csv(tmp_path)
    train(dataset="csv", normal_class="good", data_root=tmp_path, detector="rd4ad", holdout_percent=0)
    page = open_page(data=DATASET_NAMES["csv"], folder=str(tmp_path), methods="RD4AD")
    assert not page.exception
    assert not page.error
    assert f"read {tmp_path / 'images.csv'}: lamp: 4 training; lamp: 1 normal" in page.text[0].value
    assert page.selectbox(key="shift").options[:2] == ["in “dusk”", "in “window”"]
    assert any("not labelled" in caption.value for caption in page.caption)
    page.selectbox(key="shift").set_value("window").run()
    assert not any("not labelled" in caption.value for caption in page.caption)
    assert not page.exception


def test_a_table_that_cannot_be_used_is_reported_with_its_row(open_page, tmp_path):
    write_csv(tmp_path)
    (tmp_path / "photos/b1.png").unlink()
    page = open_page(data=DATASET_NAMES["csv"], folder=str(tmp_path))
    assert not page.exception
    assert "row 8 of" in page.error[0].value
    assert "path,split,label,domain,mask" in page.info[0].value


def test_only_classes_on_disk_are_offered(open_page, data_root, monkeypatch):
    monkeypatch.setenv("GNL_DATA", str(data_root))
    page = open_page(**MVTEC)
    assert not page.exception
    assert page.selectbox(key="normal").options == ["tile"]
    assert "Download MVTec AD" in page.selectbox(key="normal").proto.help


def test_a_data_folder_can_be_typed(open_page, data_root):
    page = open_page(**MVTEC)
    page.text_input(key="root").set_value(str(data_root)).run()
    assert not page.exception
    assert page.selectbox(key="normal").options == ["tile"]
    assert "no checkpoint with tile as the normal class yet" in page.info[0].value


def test_a_missing_data_folder_is_reported_in_one_sentence(open_page):
    page = open_page(root="/no/such/folder", **MVTEC)
    assert page.error[0].value == (
        "This folder cannot be used: there is no folder /no/such/folder on this machine; check the path."
    )


def test_the_data_folder_of_a_run_is_used(open_page, data_root, train):
    train(dataset="mvtec", normal_class="tile", data_root=data_root, detector="rd4ad", holdout_percent=0)
    page = open_page(methods="RD4AD", **MVTEC)
    assert not page.exception
    assert not page.error
    assert page.selectbox(key="normal").options == ["tile"]


def checkpoint(dataset, normal_class):
    return Checkpoint(RunFolder(Path("runs/x")), RunConfig(dataset=dataset, normal_class=normal_class), None)


def test_a_data_set_opens_on_the_first_class_that_has_a_checkpoint():
    checkpoints = [checkpoint("digits", "4"), checkpoint("parts", "gone"), checkpoint("parts", "weave")]
    assert first_class("parts", ["nut", "weave"], checkpoints) == "weave"
    assert first_class("parts", ["nut", "weave"], checkpoints[:2]) == "nut"


def test_a_users_run_does_not_replace_a_bundled_run(open_page, train):
    train(normal_class="2", detector="knn")
    assert open_page().selectbox(key="normal").value == "4"


def test_choosing_the_parts_opens_on_their_bundled_checkpoints(open_page):
    page = open_page()
    page.selectbox(key="data").set_value("parts").run()
    assert not page.exception
    assert not page.info
    assert page.selectbox(key="normal").value == "nut"
    assert "RD4AD separates good nut images from defective ones" in finding(page)
