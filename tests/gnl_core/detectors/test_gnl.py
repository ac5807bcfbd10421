from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from gnl_core.config import RunConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.gnl import GNL, GNLSettings
from gnl_core.detectors.rd4ad import RD4AD
from gnl_core.records import Batch, Features

VIEWS = ("original", "augmix", "grayscale")


@pytest.fixture
def batch(stripes: Callable[..., list[Item]]) -> Batch:
    items = stripes(4, label=0)
    return next(Batches(items, image_size=(32, 32), batch_size=4, views=VIEWS).epoch(1))


def vector(*values: float) -> Tensor:
    """A one-pixel feature map."""
    return torch.tensor(values).view(1, -1, 1, 1)


RIGHT, UP, LEFT, DOWN = vector(1.0, 0.0), vector(0.0, 1.0), vector(-1.0, 0.0), vector(0.0, -1.0)
FEATURES = {
    # distillation: 0 + 1 + 2 = 3
    "original": Features(teacher=(RIGHT, RIGHT, RIGHT), embedding=RIGHT, student=(RIGHT, UP, LEFT)),
    # embedding: distance 1; low-level: 2
    "augmix": Features(teacher=(UP, UP, UP), embedding=UP, student=(LEFT, RIGHT, UP)),
    # embedding: distance 2; low-level: 1
    "grayscale": Features(teacher=(UP, LEFT, UP), embedding=LEFT, student=(DOWN, UP, LEFT)),
}


def losses_by_hand(settings: GNLSettings) -> dict[str, float]:
    """GNL's terms of the features above."""
    stand_in = SimpleNamespace(settings=settings, views=VIEWS, reconstruct=lambda batch, view: FEATURES[view])
    return {name: term.item() for name, term in GNL.losses(stand_in, None).items()}  # type: ignore[arg-type]


def test_the_three_terms_are_algorithm_1s_with_the_papers_weights():
    # means over the two views: (1 + 2) / 2 and (2 + 1) / 2
    expected = {"distillation": 0.9 * 3, "bottleneck": 0.1 * 1.5, "low_level": 0.1 * 1.5}
    assert losses_by_hand(GNLSettings()) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["distillation", "bottleneck", "low_level"])
def test_each_weight_scales_its_own_term(name: str):
    weights = {"distillation_weight": 1.0, "bottleneck_weight": 1.0, "low_level_weight": 1.0, f"{name}_weight": 2.0}
    expected = {"distillation": 3.0, "bottleneck": 1.5, "low_level": 1.5}
    expected[name] *= 2
    assert losses_by_hand(GNLSettings(**weights)) == pytest.approx(expected)


def test_each_view_passes_bottleneck_and_student_by_itself(tiny_config: Callable[..., RunConfig], batch: Batch):
    detector = create_detector(tiny_config()).train()
    sizes: dict[str, list[int]] = {"bottleneck": [], "student": []}
    for name, seen in sizes.items():
        module = detector.network.get_submodule(name)
        module.register_forward_pre_hook(
            lambda _, inputs, seen=seen: seen.append(len(inputs[0][0] if isinstance(inputs[0], tuple) else inputs[0]))
        )
    detector.losses(batch)
    assert sizes == {"bottleneck": [4, 4, 4], "student": [4, 4, 4]}
    norms = [m for m in detector.network.bottleneck.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {int(norm.num_batches_tracked) for norm in norms} == {3}


def test_a_views_term_does_not_depend_on_the_other_view(tiny_config: Callable[..., RunConfig], batch: Batch):
    detector = create_detector(tiny_config()).train()
    before = detector.reconstruct(batch, "original").embedding
    other = Batch(
        views=batch.views | {"augmix": 0 * batch.views["augmix"]},
        labels=batch.labels,
        domains=batch.domains,
        categories=batch.categories,
        paths=batch.paths,
    )
    assert torch.equal(detector.reconstruct(other, "original").embedding, before)
    first, second = detector.losses(batch), detector.losses(other)
    assert first["distillation"].item() == second["distillation"].item()
    assert first["bottleneck"].item() != second["bottleneck"].item()


def test_rd4ad_is_gnls_distillation_term_alone(tiny_config: Callable[..., RunConfig], batch: Batch):
    gnl = create_detector(tiny_config(detector="gnl", distillation_weight=1)).train()
    rd4ad = create_detector(tiny_config(detector="rd4ad")).train()
    terms = rd4ad.losses(batch)
    assert list(terms) == ["distillation"]
    assert terms["distillation"].item() == gnl.losses(batch)["distillation"].item()


def test_identical_views_have_no_invariance_loss(tiny_config: Callable[..., RunConfig], batch: Batch):
    detector = create_detector(tiny_config()).train()
    same = Batch(
        views=dict.fromkeys(VIEWS, batch.views["original"]),
        labels=batch.labels,
        domains=batch.domains,
        categories=batch.categories,
        paths=batch.paths,
    )
    terms = detector.losses(same)
    assert terms["bottleneck"].item() == pytest.approx(0, abs=1e-6)
    assert terms["low_level"].item() == pytest.approx(0, abs=1e-6)
    assert terms["distillation"].item() > 0.1


def test_every_learning_weight_has_a_gradient(tiny_config: Callable[..., RunConfig], batch: Batch):
    detector = create_detector(tiny_config()).train()
    torch.stack(list(detector.losses(batch).values())).sum().backward()
    learns = {name: p for name, p in detector.named_parameters() if p.requires_grad}
    assert learns
    assert not [name for name, p in learns.items() if p.grad is None]
    assert not any(name.startswith("network.teacher") for name in learns)


def test_gnl_matches_features_by_half_and_rd4ad_not_at_all():
    assert (GNL.style_weight, RD4AD.style_weight) == (0.5, 0)


def test_the_papers_two_augmentations_are_gnls_views(tiny_config: Callable[..., RunConfig]):
    assert create_detector(tiny_config(detector="gnl")).views == VIEWS
    assert RD4AD.views == ("original",)


@pytest.mark.parametrize("view", ["augmix", "grayscale"])
def test_one_view_alone_can_be_trained_on(tiny_config: Callable[..., RunConfig], batch: Batch, view: str):
    detector = create_detector(tiny_config(detector="gnl", trained_views=view))
    assert detector.views == ("original", view)
    (embedding, augmented) = (detector.reconstruct(batch, name).embedding for name in detector.views)
    expected = 0.1 * (1 - torch.cosine_similarity(embedding.flatten(1), augmented.flatten(1)).mean())
    torch.testing.assert_close(detector.losses(batch)["bottleneck"], expected)
