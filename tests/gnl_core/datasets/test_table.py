from __future__ import annotations

import re
from pathlib import Path

import pytest

from gnl_core.datasets import DATASETS, find_dataset, list_items, list_train_items

INDUSTRIAL = ("parts", "mvtec", "bsdata", "btad", "mpdd", "visa", "mvtec_loco", "mvtec2", "aebad", "ksdd2")
BUNDLED = [name for name, spec in DATASETS.items() if not spec.how_to_get]


DOCS = Path(__file__).resolve().parents[3] / "docs" / "datasets.md"


def test_the_page_lists_every_data_set_with_its_licence():
    rows = re.findall(
        r"^\| \[`(\w+)`\]\(#\w+\) \|.*\| ([^|]+) \|$", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert dict(rows) == {**{name: spec.licence for name, spec in DATASETS.items()}, "folder": "yours", "csv": "yours"}


def test_an_unknown_data_set_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="unknown dataset 'letters'; choose one of: digits"):
        list_train_items("letters", normal_class="4")


def test_an_unknown_class_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="unknown class 'ten'; choose one of: 0, 1, 2"):
        list_train_items("digits", normal_class="ten")
    with pytest.raises(ValueError, match="unknown class 'ten'"):
        list_items("digits", normal_class="ten", domain="digits")


def test_an_unknown_domain_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"unknown domain 'night' of digits; choose one of: digits, digits_m$"):
        list_items("digits", normal_class="4", domain="night")


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("domain", ["train", "held_out", "train+fog:3"])
def test_the_domains_of_a_run_are_no_domains_of_its_data_set(name: str, domain: str):
    with pytest.raises(ValueError, match=r"unknown domain '(train|held_out)'"):
        list_items(name, normal_class=DATASETS[name].classes[0], domain=domain)


@pytest.mark.parametrize("name", BUNDLED)
def test_the_training_images_are_normal(name: str):
    spec = DATASETS[name]
    items = list_train_items(name, normal_class=spec.classes[0])
    assert {(item.domain, item.label) for item in items} == {(spec.in_distribution, 0)}


def test_industrial_data_sets_take_the_published_operations_of_mvtec_and_the_others_those_of_pacs(tmp_path: Path):
    on_mvtec = ["autocontrast", "equalize", "posterize", "solarize", "color", "sharpness"]
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
    drawn = {name: find_dataset(name, tmp_path).augmix_operations for name in (*DATASETS, "folder")}
    assert {name: sorted(operations) for name, operations in drawn.items()} == {
        **dict.fromkeys([*INDUSTRIAL, "folder"], sorted(on_mvtec)),
        **dict.fromkeys(["pacs", "digits", "mnist", "cifar10"], sorted([*on_mvtec, "contrast", "brightness"])),
    }


@pytest.mark.parametrize("name", BUNDLED)
def test_every_domain_has_normal_and_anomalous_images(name: str):
    spec = DATASETS[name]
    for domain in spec.domains:
        items = list_items(name, normal_class=spec.classes[0], domain=domain)
        assert {item.label for item in items} == {0, 1}
        assert {item.domain for item in items} == {domain}
