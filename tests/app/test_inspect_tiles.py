"""The reasons on Inspect for an image that is scored in tiles."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from app.checkpoints import list_checkpoints
from app.inspection import as_input, cut_out, reasons
from app.screens.inspect.nearest import nearest_training
from app.screens.inspect.tiles import Tile, cut_subject, tile_of_maximum
from app.sources import source_of
from app.subjects import Subject, subject_of
from gnl_core.datasets.tiling import cut, places_of, plan_tiles
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import load_domain, load_run, resolve_scoring
from tests.app.conftest import charts, texts

TILED = {"image_size": 64, "tile_size": 32, "detector": "rd4ad"}
TILES = plan_tiles((64, 64), (32, 32), overlap_percent=25)


@pytest.fixture
def tiled(own_images, train):
    """A run over nine tiles per image, and its images' folder."""
    root = own_images(labelled=True)
    return train(dataset="folder", normal_class="good", data_root=root, **TILED), root


def test_the_reasons_of_each_tile_are_those_of_an_image_of_its_own(tiled):
    folder, _ = tiled
    run = load_run(folder, device="cpu")
    (checkpoint,) = [one for one in list_checkpoints()[0] if one.folder == folder]
    subject = subject_of(list_domain(run.config, "lamp")[-1])
    scoring = resolve_scoring(run, style_weight=1.0)
    batch = next(iter(load_domain(run, "lamp")))
    tiles = torch.cat([*cut(batch.views["original"][-1], TILES)])
    with torch.no_grad():
        expected = run.detector(tiles, scoring)
        unmatched = run.detector(tiles, scoring.model_copy(update={"style_weight": 0.0}))
    for tile in (0, 5):
        found = reasons(source_of(checkpoint), subject, scoring, tile)
        assert found.tile_scores == pytest.approx((float(expected.score[tile]), float(unmatched.score[tile])), rel=1e-4)
        summed = sum(stage.distances for stage in found.stages)
        np.testing.assert_allclose(summed, expected.anomaly_map[tile, 0], rtol=1e-3, atol=1e-4)
        assert len(found.singles) == 16
    nearest = nearest_training(source_of(checkpoint), subject, 5, count=4)
    assert {neighbour.image.shape for neighbour in nearest} == {(32, 32, 3)}
    with pytest.raises(ValueError, match="this run scores images in tiles"):
        as_input(run, subject)
    assert torch.equal(cut_out(batch.views["original"][-1], run, 5), tiles[5])


def test_the_tile_with_the_maximum_is_shown_unless_another_is_chosen(tiled, open_screen):
    _, root = tiled
    open_at = partial(open_screen, "inspect", data="Your own images", folder=root, methods="RD4AD")
    page = open_at(pixels="true")
    assert not page.exception
    assert not page.error
    assert len(charts(page)) >= 2  # sorted values, single references
    assert page.number_input(key="tile").label == "Tile (of 9)"
    assert "**Nearest training tiles**" in texts(page)
    other = open_at(tile=9)
    assert not other.exception
    assert any(
        text.startswith("Rows 33 to 64, columns 33 to 64 of 64\N{MULTIPLICATION SIGN}64 px.") for text in texts(other)
    )
    assert open_at(tile=99).number_input(key="tile").value is None


def test_the_tile_of_the_maximum_contains_it():
    anomaly_map = np.zeros((64, 64), dtype=np.float32)
    places = list(places_of(TILES))
    for row, column, expected in ((0, 0, 0), (63, 63, 8), (31, 0, 3)):
        anomaly_map[:] = 0
        anomaly_map[row, column] = 1
        found = tile_of_maximum(places, anomaly_map)
        assert found == expected
        assert all(side.start <= at < side.stop for side, at in zip(places[found], (row, column), strict=True))


def test_a_tile_is_cut_out_of_an_image_of_another_size():
    image = np.zeros((128, 32, 3), dtype=np.uint8)
    image[64:, 16:] = 255
    shown = Subject("", "", image, None, 0, "")
    tile = Tile(3, (slice(32, 64), slice(32, 64)), (64, 64))
    assert (cut_subject(shown, tile).image == 255).all()
    assert cut_subject(shown, tile).image.shape == (64, 16, 3)
