from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from gnl_core.datasets.region import counted_pixels, decode_region, encode_region, settle_region
from gnl_core.datasets.rle import decode_runs, encode_runs


def save_mask(path: Path, mask: np.ndarray) -> str:
    PIL.Image.fromarray((255 * mask).astype(np.uint8)).save(path)
    return str(path)


def middle(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), dtype=bool)
    mask[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = True
    return mask


def test_a_region_is_written_column_by_column():
    assert encode_region(np.array([[0, 1, 1], [0, 1, 1]], dtype=bool)) == "2x3:2,4"
    assert encode_region(np.array([[1, 0], [1, 1]], dtype=bool)) == "2x2:0,2,1,1"


def test_runs_are_drawn_as_they_were_encoded():
    for seed in range(20):
        mask = np.random.default_rng(seed).random((7, 11)) < seed / 19
        assert np.array_equal(decode_runs(encode_runs(mask), height=7, width=11), mask)


def test_a_mask_file_becomes_a_text_that_needs_no_file(tmp_path: Path):
    text = settle_region(save_mask(tmp_path / "mask.png", middle(64, 64)), (64, 64), "stretch")
    assert settle_region(text, (64, 64), "stretch") == text
    assert np.array_equal(decode_region(text, (64, 64))[0, 0].numpy(), middle(64, 64))


def test_a_mask_is_fitted_as_the_images_are(tmp_path: Path):
    file = save_mask(tmp_path / "mask.png", np.ones((50, 100), dtype=bool))
    counted = decode_region(settle_region(file, (64, 64), "letterbox"), (64, 64))[0, 0]
    assert counted[16:48].all()
    assert counted.sum() == 32 * 64


def test_all_counts_every_pixel():
    assert settle_region("all", (64, 64), "stretch") == "all"
    assert counted_pixels("all", (64, 64)) is None


def test_a_border_within_a_region_does_not_count():
    content = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    content[0, :, 1:3], content[1] = True, True
    counted = counted_pixels("4x4:8,8", (4, 4), content)
    assert counted.sum(dim=(1, 2, 3)).tolist() == [4, 8]


def test_a_region_beside_an_image_is_refused():
    content = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    content[..., :2] = True
    with pytest.raises(ValueError, match="the region of interest lies outside of an image"):
        counted_pixels("4x4:8,8", (4, 4), content)


def test_a_mask_without_a_white_pixel_is_refused(tmp_path: Path):
    file = save_mask(tmp_path / "mask.png", np.zeros((64, 64), dtype=bool))
    with pytest.raises(ValueError, match="marks no pixel of images of 64x64 pixels; paint white what counts"):
        settle_region(file, (64, 64), "stretch")


def test_a_mask_of_noise_is_refused(tmp_path: Path):
    noise = np.random.default_rng(0).random((512, 512)) < 0.5
    with pytest.raises(ValueError, match="has too many edges"):
        settle_region(save_mask(tmp_path / "mask.png", noise), (512, 512), "stretch")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("missing.png", "no image file at missing.png"),
        ("32x32:512,512", "has 32x32 pixels, and the run's images have 64x64"),
        ("64x64:5,5", "adds? up|run-length code"),
        ("64x64:4096", "marks no pixel"),
    ],
)
def test_a_region_that_cannot_be_used_is_refused(value: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        settle_region(value, (64, 64), "stretch")


def test_a_path_in_a_checkpoint_is_never_opened(tmp_path: Path):
    file = save_mask(tmp_path / "mask.png", middle(64, 64))
    with pytest.raises(ValueError, match="is no region of interest"):
        counted_pixels(file, (64, 64))
