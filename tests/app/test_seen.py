"""How a detector sees an image, in pictures and in words."""

from __future__ import annotations

import numpy as np

from app.display.maps import REGION_COLOUR, TILE_LINE, draw_tiles, outline_region
from app.seen import describe_input, subject_as_seen
from app.subjects import Subject
from gnl_core.config import RunConfig, parse_config, scoring_settings

RIGHT_HALF = "64x64:2048,2048"


def described(**settings: object) -> tuple[str, RunConfig, object]:
    config = parse_config(settings)
    return config.detector.upper(), config, scoring_settings(config)


def test_a_stretched_image_that_counts_as_a_whole_needs_no_words():
    assert describe_input([described()]) == ""
    assert describe_input([]) == ""


def test_methods_that_see_the_image_alike_share_one_sentence():
    both = [described(resize="crop", detector=detector) for detector in ("rd4ad", "gnl")]
    assert describe_input(both) == "The image is cropped to keep its aspect ratio; what is cut off is not scored."


def test_methods_that_see_the_image_differently_are_named():
    told = describe_input(
        [described(detector="rd4ad", region_of_interest=RIGHT_HALF), described(detector="gnl", tile_size=32)]
    )
    assert told == (
        "RD4AD: Green: the region of interest, outside of which nothing counts. "
        "GNL: The image is scored in overlapping tiles of 32x32 px; a line marks where each begins."
    )


def subject(height: int, width: int) -> Subject:
    mask = np.zeros((height, width), dtype=bool)
    mask[:, : width // 2] = True
    return Subject("", "", np.full((height, width, 3), 255, dtype=np.uint8), mask, 1, "")


def test_a_stretched_image_is_shown_at_its_own_size():
    shown = subject(50, 100)
    assert subject_as_seen(shown, parse_config({})) is shown


def test_a_letterboxed_image_is_shown_with_its_border_and_its_mask_in_place():
    seen = subject_as_seen(subject(50, 100), parse_config({"resize": "letterbox"}))
    assert seen.image.shape == (256, 256, 3)
    assert (seen.image[:64] != 255).all()
    assert (seen.image[64:192] == 255).all()
    assert seen.mask is not None
    assert np.array_equal(np.argwhere(seen.mask).max(axis=0), [191, 127])


def test_a_region_is_outlined_in_green_and_tiles_begin_at_grey_lines():
    config = parse_config({"region_of_interest": RIGHT_HALF, "tile_size": 32, "tile_overlap_percent": 0})
    black = np.zeros((256, 256, 3), dtype=np.uint8)
    region = outline_region(black, config, scoring_settings(config), side_px=256)
    assert (region[100, 128] == REGION_COLOUR).all()
    assert (region[100, :120] == 0).all()
    tiles = draw_tiles(black, config)
    assert np.flatnonzero(tiles[0, :, 0] == TILE_LINE).tolist() == [128]
    assert np.flatnonzero(tiles[:, 0, 0] == TILE_LINE).tolist() == [128]
    assert draw_tiles(black, parse_config({})) is black
