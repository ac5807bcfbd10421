from __future__ import annotations

import pytest

from gnl_core.datasets import DATASETS
from gnl_core.published import PUBLISHED_NAMES, published_auroc, published_numbers

DIGITS = tuple("0123456789")


@pytest.mark.parametrize(
    ("detector", "domain", "percent"),
    [  # the means that the supplement's tables have
        ("gnl", "mnist", 96.91),
        ("gnl", "mnist_m", 70.87),
        ("rd4ad", "mnist", 98.89),
        ("rd4ad", "mnist_m", 58.09),
        ("deep_svdd", "mnist_m", 49.92),
        ("f_anogan", "mnist", 97.52),
        ("kdad", "mnist", 98.87),
        ("rd4ad_augmix", "mnist", 98.26),
        ("rd4ad_mixstyle", "mnist_m", 57.22),
        ("rd4ad_efdm", "mnist", 98.62),
        ("rd4ad_jigsaw", "mnist_m", 58.51),
    ],
)
def test_the_means_over_ten_digits_are_the_supplements(detector: str, domain: str, percent: float):
    assert published_auroc("mnist", detector, domain, classes=DIGITS) == pytest.approx(percent / 100, abs=6e-5)


def test_one_class_has_its_own_number():
    assert published_auroc("mnist", "deep_svdd", "mnist", classes=("0",)) == pytest.approx(0.9924)


@pytest.mark.parametrize(
    ("dataset", "detector", "domain", "classes"),
    [
        ("digits", "gnl", "digits", ("4",)),
        ("mnist", "patchcore", "mnist", ("4",)),
        ("mnist", "gnl", "mnist+contrast:3", ("4",)),
        ("mnist", "gnl", "mnist", ("4", "ten")),
        ("mnist", "gnl", "mnist", ()),
    ],
)
def test_unpublished_results_have_no_number(dataset: str, detector: str, domain: str, classes: tuple[str, ...]):
    assert published_auroc(dataset, detector, domain, classes=classes) is None


def test_every_published_number_belongs_to_a_known_class_and_domain():
    assert len(published_numbers()) == 9 * (10 * 2 + 7 * 4)
    for dataset, method, normal_class, domain in published_numbers():
        assert method in PUBLISHED_NAMES.values()
        assert normal_class in DATASETS[dataset].classes
        assert domain in DATASETS[dataset].domains
