from __future__ import annotations

import pytest
import torch

from benchmarks.models import Pair, literal_optimizer, literal_step, make_batch, make_pair

LARGEST_DIFFERENCE = 1e-5


@pytest.fixture
def pair() -> Pair:
    return make_pair("resnet18", 32)


def literal_scores(pair: Pair, images: torch.Tensor) -> torch.Tensor:
    scoring = pair.scoring
    return torch.tensor(
        pair.literal.score(
            images, pair.reference, style_weight=scoring.style_weight, sigma_px=scoring.smoothing_sigma_px
        )
    )


@pytest.mark.parametrize("style_weight", [0.0, 0.5, 1.0])
@torch.no_grad()
def test_the_literal_implementation_gives_the_same_scores(pair: Pair, style_weight: float):
    pair = pair._replace(scoring=pair.scoring.model_copy(update={"style_weight": style_weight}))
    images = torch.rand(3, 3, 32, 32)
    ours = pair.ours(images, pair.scoring).score
    assert (ours - literal_scores(pair, images)).abs().max() <= LARGEST_DIFFERENCE
    assert ours.unique().numel() == 3


def test_a_training_step_on_both_sides_has_the_same_losses_and_leads_to_the_same_scores(pair: Pair):
    batch, images = make_batch(4, 32), torch.rand(3, 3, 32, 32)
    before = literal_scores(pair, images)
    pair.ours.prepare([batch])
    pair.ours.references.keep(pair.ours.network.teacher, pair.reference)
    optimizers, optimizer = pair.ours.optimizers(0.005), literal_optimizer(pair.literal)
    pair.ours.train()
    losses = pair.ours.training_step(batch, optimizers, progress=0)
    assert sum(losses.values()) == pytest.approx(literal_step(pair, batch, optimizer), abs=LARGEST_DIFFERENCE)
    with torch.no_grad():
        ours = pair.ours.eval()(images, pair.scoring).score
    after = literal_scores(pair, images)
    assert (after - before).abs().max() > 100 * LARGEST_DIFFERENCE
    assert (ours - after).abs().max() < 0.01 * (after - before).abs().max()  # Adam's first step enlarges roundings
