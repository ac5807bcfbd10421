"""The contract of all data sets on disk, on those in GNL_DATA; both the originals and parts of them pass."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from gnl_core.datasets import find_dataset, list_items, list_train_items
from gnl_core.datasets.aebad import AEBAD
from gnl_core.datasets.base import UNLABELLED, DatasetSpec, Item
from gnl_core.datasets.bsdata import BSDATA
from gnl_core.datasets.btad import BTAD
from gnl_core.datasets.checking import check_items
from gnl_core.datasets.cifar10 import CIFAR10
from gnl_core.datasets.ksdd2 import KSDD2
from gnl_core.datasets.mnist import MNIST
from gnl_core.datasets.mpdd import MPDD
from gnl_core.datasets.mvtec import MVTEC
from gnl_core.datasets.mvtec2 import MVTEC2
from gnl_core.datasets.mvtec_loco import MVTEC_LOCO
from gnl_core.datasets.pacs import PACS
from gnl_core.datasets.presence import available_classes
from gnl_core.datasets.shifts import base_domains
from gnl_core.datasets.visa import VISA
from tests.gnl_core.datasets.trees import TREES

SPECS = {
    "mnist": MNIST,
    "pacs": PACS,
    "mvtec": MVTEC,
    "cifar10": CIFAR10,
    "bsdata": BSDATA,
    "btad": BTAD,
    "mpdd": MPDD,
    "visa": VISA,
    "mvtec_loco": MVTEC_LOCO,
    "mvtec2": MVTEC2,
    "aebad": AEBAD,
    "ksdd2": KSDD2,
}
SAMPLE = 12  # images read of each list

data_root = os.environ.get("GNL_DATA")
with_data = pytest.mark.skipif(data_root is None, reason="GNL_DATA names no folder of real images")


@cache
def present_classes(name: str) -> list[str]:
    """The first and the last class with training images: copies hold some or all."""
    found = []
    for normal_class in SPECS[name].classes:
        try:
            SPECS[name].train_items(Path(data_root or ""), normal_class)
        except ValueError as error:
            assert str(error).startswith("no "), error
        else:
            found.append(normal_class)
    if not found:
        pytest.skip(f"GNL_DATA has no {name}")
    return sorted({found[0], found[-1]})


def sample(items: list[Item]) -> list[Item]:
    return [items[position] for position in np.linspace(0, len(items) - 1, SAMPLE).astype(int)]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_without_a_data_root_the_setting_is_named(spec: DatasetSpec, tmp_path: Path):
    for root, words in ((None, "no data folder is set"), (tmp_path / "none", "no data folder at .*none")):
        with pytest.raises(ValueError, match=f"{words}; set GNL_DATA .*or pass --data-root"):
            spec.train_items(root, spec.classes[0])
        for domain in spec.domains:
            with pytest.raises(ValueError, match=words):
                spec.test_items(root, spec.classes[0], domain)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_data_set_on_disk_says_how_to_get_it(spec: DatasetSpec):
    assert "under the data root" in spec.how_to_get


@pytest.mark.parametrize("name", TREES)
def test_in_a_tree_of_the_layout_no_image_is_trained_on_and_tested_and_every_name_is_relative(
    tmp_path: Path, name: str
):
    TREES[name](tmp_path)
    (normal_class,) = available_classes(name, tmp_path)
    spec = find_dataset(name, tmp_path)
    trained = list_train_items(name, normal_class=normal_class, root=tmp_path)
    domains = base_domains(spec)
    tested = [
        item for domain in domains for item in list_items(name, normal_class=normal_class, domain=domain, root=tmp_path)
    ]
    assert {(item.label, item.domain, item.mask) for item in trained} == {(0, spec.in_distribution, None)}
    assert {item.domain for item in tested} == set(domains)
    paths = [item.path for item in [*trained, *tested]]
    assert len(set(paths)) == len(paths)
    assert not any(PurePosixPath(path).is_absolute() or ".." in path for path in paths)
    assert check_items([*trained, *tested]) == []
    assert all(np.array_equal(pickle.loads(pickle.dumps(item)).read(), item.read()) for item in tested)


def test_listing_loads_nothing_heavy():
    modules = ", ".join(f"gnl_core.datasets.{name}" for name in (*SPECS, "folder", "csv_file", "checking"))
    heavy = {"torch", "torchvision", "sklearn", "scipy", "pandas"}
    code = f"import sys, {modules}; print(*{heavy} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.split() == []


@with_data
@pytest.mark.parametrize("name", SPECS)
def test_training_images_are_normal_and_of_the_in_distribution_domain(name: str):
    spec = SPECS[name]
    for normal_class in present_classes(name):
        items = spec.train_items(Path(data_root), normal_class)
        assert {(item.label, item.domain, item.mask) for item in items} == {(0, spec.in_distribution, None)}
        assert len({item.path for item in items}) == len(items)
        assert check_items(sample(items)) == []


@with_data
@pytest.mark.parametrize("name", SPECS)
def test_every_domain_has_normal_and_anomalous_images_or_no_labels_and_can_be_read(name: str):
    spec = SPECS[name]
    normal_class = present_classes(name)[-1]
    for domain in spec.domains:
        items = spec.test_items(Path(data_root), normal_class, domain)
        assert {item.label for item in items} in ({0, 1}, {UNLABELLED})
        assert {item.domain for item in items} == {domain}
        assert check_items(sample(items)) == []


@with_data
@pytest.mark.parametrize("name", SPECS)
def test_no_image_is_trained_on_and_tested(name: str):
    spec, root = SPECS[name], Path(data_root)
    for normal_class in present_classes(name):
        trained = {item.path for item in spec.train_items(root, normal_class)}
        tested = [item.path for domain in spec.domains for item in spec.test_items(root, normal_class, domain)]
        assert len(set(tested)) == len(tested)
        assert not trained & set(tested)


@with_data
@pytest.mark.parametrize("name", SPECS)
def test_every_class_can_be_normal_among_the_same_images(name: str):
    spec, root = SPECS[name], Path(data_root)
    if spec.anomalies == "defects":
        pytest.skip("each class has images of its own")
    for domain in spec.domains:
        lists = [spec.test_items(root, normal_class, domain) for normal_class in present_classes(name)]
        assert len({tuple(item.path for item in items) for items in lists}) == 1
        for normal_class, items in zip(present_classes(name), lists, strict=True):
            assert {item.category for item in items if item.label == 0} == {normal_class}
            assert normal_class not in {item.category for item in items if item.label == 1}


@with_data
@pytest.mark.parametrize("name", SPECS)
def test_names_are_relative_and_items_can_be_sent_to_another_process(name: str):
    spec, root = SPECS[name], Path(data_root)
    normal_class = present_classes(name)[0]
    for domain in spec.domains:
        for item in sample(spec.test_items(root, normal_class, domain)):
            path = PurePosixPath(item.path)
            assert not path.is_absolute()
            assert path.parts[0] in (name, domain)
            assert ".." not in path.parts
            np.testing.assert_array_equal(pickle.loads(pickle.dumps(item)).read(), item.read())


@with_data
def test_mvtecs_defects_have_masks_of_their_images_size_that_mark_something():
    for category in present_classes("mvtec"):
        items = MVTEC.test_items(Path(data_root), category, "mvtec")
        defects = [item for item in items if item.label == 1]
        assert all(item.mask is None for item in items if item.label == 0)
        assert all(item.mask is not None for item in defects)
        for item in sample(defects):
            mask = item.mask()
            assert mask.shape == item.read().shape[:2]
            assert 0 < mask.mean() < 0.9


@with_data
def test_mnist_m_is_coloured_and_mnist_is_not():
    present_classes("mnist")
    for domain, coloured in (("mnist", False), ("mnist_m", True)):
        images = [item.read() for item in sample(MNIST.test_items(Path(data_root), "4", domain))]
        assert any(np.ptp(image, axis=2).any() for image in images) == coloured
