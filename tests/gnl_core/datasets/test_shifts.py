from __future__ import annotations

import pickle

import numpy as np
import pytest

from gnl_core.datasets import list_items
from gnl_core.datasets.corruptions import corrupt
from gnl_core.datasets.shifts import shifted_domain, split_domain


def listed(domain: str):
    return list_items("digits", normal_class="4", domain=domain)


def test_any_domain_can_be_corrupted_and_keeps_its_images_and_labels():
    for domain in ("digits", "digits_m"):
        clean, noisy = listed(domain), listed(f"{domain}+gaussian_noise:3")
        assert [item[0:1] + item[2:3] for item in noisy] == [item[0:1] + item[2:3] for item in clean]
        assert {item.domain for item in noisy} == {f"{domain}+gaussian_noise:3"}


def test_a_corrupted_item_is_the_items_image_corrupted():
    clean, inverted = listed("digits")[5], listed("digits+contrast:2")[5]
    np.testing.assert_array_equal(inverted.read(), corrupt(clean.read(), "contrast", severity=2, seed=0))


def test_noise_differs_between_images_and_is_the_same_each_time():
    first, second = listed("digits+gaussian_noise:3")[:2]
    clean_first, clean_second = listed("digits")[:2]
    np.testing.assert_array_equal(first.read(), first.read())
    noise = [item.read().astype(int) - clean.read() for item, clean in ((first, clean_first), (second, clean_second))]
    assert not np.array_equal(*noise)


def test_a_corrupted_item_can_be_sent_to_another_process():
    item = listed("digits+jpeg:1")[0]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(item)).read(), item.read())


def test_names_are_put_together_and_taken_apart():
    assert shifted_domain("mvtec", "fog:4") == "mvtec+fog:4"
    assert split_domain("mvtec+fog:4") == ("mvtec", "fog:4")
    assert split_domain("mvtec") == ("mvtec", "")


@pytest.mark.parametrize("domain", ["digits+fogg:3", "digits+fog:6", "digits+fog", "night+fog:1"])
def test_an_unknown_shift_is_refused_in_one_sentence(domain: str):
    with pytest.raises(ValueError, match=r"choose one of|expected") as refusal:
        listed(domain)
    assert "\n" not in str(refusal.value)
