from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

from gnl_core.coreset import Candidates, draw_coreset, greedy_centres, project


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def brute_force(points: np.ndarray, *, count: int, first: int) -> list[int]:
    """The greedy choice by brute force: the point farthest from its nearest chosen point."""
    chosen = [first]
    while len(chosen) < count:
        farness = {
            row: min(np.linalg.norm(points[row] - points[other]) for other in chosen)
            for row in range(len(points))
            if row not in chosen
        }
        chosen.append(max(farness, key=farness.__getitem__))
    return chosen


@pytest.mark.parametrize("first", [0, 5, 11])
@pytest.mark.parametrize("count", [1, 4, 12])
def test_the_greedy_choice_is_brute_forces(first: int, count: int):
    points = torch.randn(12, 3)
    assert greedy_centres(points, count=count, first=first).tolist() == brute_force(
        points.numpy(), count=count, first=first
    )


def test_points_on_a_line_are_chosen_by_hand():
    # from 0: the farthest is 10; then 5, five from both; then 2, two from 0, before 9, one from 10
    points = torch.tensor([[0.0], [2.0], [5.0], [9.0], [10.0]])
    assert greedy_centres(points, count=4, first=0).tolist() == [0, 4, 2, 1]


def test_of_equal_points_one_is_chosen():
    assert greedy_centres(torch.ones(6, 2), count=6, first=3).tolist() == [3]


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_a_coreset_has_no_copies(offset: float):
    features = torch.randn(50, 160) + offset
    coreset = draw_coreset(features.repeat(4, 1), percent=100, generator=seeded())
    assert len(coreset) == len(coreset.unique(dim=0)) == 50
    assert len(draw_coreset(features, percent=100, generator=seeded())) == 50


def test_greedy_centres_are_at_most_twice_as_far_as_the_best_ones():
    # Gonzalez' bound, on three far clusters: three centres leave nobody farther than a cluster is wide
    clusters = torch.cat([torch.rand(20, 2) + 100 * offset for offset in torch.eye(3, 2)])
    chosen = clusters[greedy_centres(clusters, count=3, first=0)]
    assert torch.cdist(clusters, chosen).min(dim=1).values.max() <= 2**0.5


def test_a_coreset_holds_its_share_of_the_features_themselves():
    features = torch.randn(200, 5)
    coreset = draw_coreset(features, percent=10, generator=seeded())
    assert coreset.shape == (20, 5)
    assert (coreset[:, None] == features).all(dim=2).any(dim=1).all()
    assert len(coreset.unique(dim=0)) == 20


def test_a_coreset_has_at_least_one_feature():
    assert draw_coreset(torch.randn(3, 5), percent=0.1, generator=seeded()).shape == (1, 5)


def test_a_coreset_of_all_is_all():
    features = torch.randn(9, 4)
    coreset = draw_coreset(features, percent=100, generator=seeded())
    assert torch.equal(coreset[coreset[:, 0].argsort()], features[features[:, 0].argsort()])


def test_the_seed_determines_the_coreset():
    features = torch.randn(100, 200)
    first, again, other = (draw_coreset(features, percent=10, generator=seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_projection_keeps_distances_nearly():
    features = torch.randn(60, 1000)
    ratio = torch.pdist(project(features, generator=seeded())) / torch.pdist(features)
    assert project(features, generator=seeded()).shape == (60, 128)
    assert 0.7 < ratio.min() < ratio.max() < 1.3
    assert ratio.mean().item() == pytest.approx(1, abs=0.05)


def test_few_channels_are_not_projected():
    features = torch.randn(5, 128)
    assert project(features, generator=seeded()) is features


def held(rows: Tensor, *, limit: int, chunk: int, seed: int = 0) -> list[float]:
    candidates = Candidates(limit=limit, generator=seeded(seed))
    for part in rows.split(chunk):
        candidates.add(part)
    return candidates.features()[:, 0].tolist()


NUMBERED = torch.arange(20.0)[:, None]


def test_a_stream_within_the_limit_is_kept_unchanged():
    assert held(NUMBERED, limit=20, chunk=6) == list(range(20))


@pytest.mark.parametrize("chunk", [1, 3, 20])
def test_a_longer_stream_is_thinned_to_the_limit_alike_in_any_pieces(chunk: int):
    found = held(NUMBERED, limit=7, chunk=chunk)
    assert len(set(found)) == 7
    assert found == sorted(found)
    assert found == held(NUMBERED, limit=7, chunk=5)


def test_every_feature_is_as_likely_to_be_held():
    counts = Counter(number for seed in range(300) for number in held(NUMBERED, limit=5, chunk=6, seed=seed))
    assert sum(counts.values()) == 1500
    assert scipy.stats.chisquare([counts[number] for number in range(20)]).pvalue > 0.001


def test_an_empty_stream_is_refused():
    with pytest.raises(ValueError, match="no training image"):
        Candidates(limit=3, generator=seeded()).features()
