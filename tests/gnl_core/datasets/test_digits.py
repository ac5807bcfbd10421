from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_digits, load_sample_images

from gnl_core.datasets.digits import DIGITS, list_items, read_blended_digit, read_digit


def test_sixty_percent_train_and_forty_percent_test():
    train, test = list_items("digits", "4", test=False), list_items("digits", "4", test=True)
    assert len(train) + len(test) == 1797
    assert len(train) == 1078
    assert not {item.path for item in train} & {item.path for item in test}


def test_training_images_are_the_normal_digit_alone():
    items = DIGITS.train_items(None, "4")
    assert len(items) == (load_digits().target[:1078] == 4).sum()
    assert {(item.label, item.category) for item in items} == {(0, "4")}


@pytest.mark.parametrize("domain", ["digits", "digits_m"])
def test_label_says_whether_the_digit_is_normal_and_domain_where_it_is_from(domain: str):
    items = DIGITS.test_items(None, "7", domain)
    target = load_digits().target[1078:]
    assert [item.category for item in items] == [str(digit) for digit in target]
    assert [item.label for item in items] == [int(digit != 7) for digit in target]
    assert {item.domain for item in items} == {domain}


def test_every_path_names_one_image():
    items = [item for domain in DIGITS.domains for item in DIGITS.test_items(None, "0", domain)]
    assert len({item.path for item in items}) == 2 * 719


def test_both_domains_hold_the_same_images_in_the_same_order():
    pairs = zip(*(DIGITS.test_items(None, "3", domain) for domain in DIGITS.domains), strict=True)
    assert all(a.category == b.category and a.path[-4:] == b.path[-4:] for a, b in pairs)


def test_the_in_distribution_domain_comes_first():
    assert (DIGITS.in_distribution, DIGITS.shifted) == ("digits", ("digits_m",))


@pytest.mark.parametrize("index", [0, 1078, 1796])
def test_a_digit_is_enlarged_bilinearly_to_28_pixels(index: int):
    values = torch.from_numpy(load_digits().images[index])[None, None] * 255 / 16
    expected = F.interpolate(values, size=(28, 28), mode="bilinear", align_corners=False)[0, 0]
    image = read_digit(index)
    assert image.shape == (28, 28, 3)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image, np.repeat(expected.numpy()[..., None], 3, axis=2), atol=1.5)  # rounded twice


def test_an_item_reads_its_own_image():
    item = DIGITS.test_items(None, "4", "digits")[2]
    np.testing.assert_array_equal(item.read(), read_digit(1080))
    shifted = DIGITS.test_items(None, "4", "digits_m")[2]
    np.testing.assert_array_equal(shifted.read(), read_blended_digit(1080))


def find_crop(index: int) -> tuple[int, int, int]:
    """Photograph, top and left of the one crop whose absolute difference from the digit is the blended image."""
    digit, blended = read_digit(index).astype(int), read_blended_digit(index).astype(int)
    found = []
    for number, photograph in enumerate(load_sample_images().images):
        windows = sliding_window_view(photograph, (28, 28), axis=(0, 1))
        same = np.ones(windows.shape[:2], dtype=bool)
        for row, column in ((0, 0), (0, 27), (27, 0), (27, 27), (14, 14)):
            difference = np.abs(windows[:, :, 0, row, column].astype(int) - digit[row, column, 0])
            same &= difference == blended[row, column, 0]
        for top, left in np.argwhere(same):
            crop = windows[top, left].transpose(1, 2, 0).astype(int)
            if np.array_equal(np.abs(crop - digit), blended):
                found.append((number, int(top), int(left)))
    assert len(found) == 1
    return found[0]


def test_a_blended_digit_is_its_difference_from_a_crop_of_a_photograph():
    crops = [find_crop(index) for index in (0, 1, 2, 3, 1079, 1796)]
    assert len(set(crops)) == 6
    assert {photograph for photograph, _, _ in crops} == {0, 1}


def test_a_digit_is_blended_with_the_same_crop_each_time():
    np.testing.assert_array_equal(read_blended_digit(5), read_blended_digit(5))


def test_two_digits_are_blended_with_different_crops():
    backgrounds = [read_blended_digit(index)[:, 0] for index in range(20)]  # no digit reaches the left edge there
    assert len({background.tobytes() for background in backgrounds}) == 20
