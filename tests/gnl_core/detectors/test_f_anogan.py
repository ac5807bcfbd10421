from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gnl_core.config import RunConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import create_detector
from gnl_core.detectors.f_anogan import FAnoGAN
from gnl_core.models.teachers import hash_weights
from gnl_core.records import Batch
from gnl_core.training import fit

Make = Callable[..., RunConfig]
NETWORKS = ("critic", "generator", "encoder")
ADVERSARIAL, ENCODING = {"critic", "gradient_penalty", "generator"}, {"image_residual", "feature_residual"}


@pytest.fixture
def detector(tiny_config: Make) -> FAnoGAN:
    return create_detector(tiny_config(detector="f_anogan")).train()


@pytest.fixture
def batch(stripes: Callable[..., list[Item]]) -> Batch:
    return next(Batches(stripes(4, label=0), image_size=(32, 32), batch_size=4).epoch(1))


def changed_by_a_step(detector: FAnoGAN, batch: Batch, *, progress: float) -> set[str]:
    before = {name: hash_weights(detector.get_submodule(name)) for name in NETWORKS}
    detector.training_step(batch, detector.optimizers(0.001), progress=progress)
    return {name for name in NETWORKS if hash_weights(detector.get_submodule(name)) != before[name]}


@pytest.mark.parametrize("progress", [0.0, 0.49])
def test_the_first_half_trains_critic_and_generator(detector: FAnoGAN, batch: Batch, progress: float):
    assert changed_by_a_step(detector, batch, progress=progress) == {"critic", "generator"}


@pytest.mark.parametrize("progress", [0.5, 0.99])
def test_the_second_half_trains_the_encoder_and_leaves_the_rest_as_it_is(
    detector: FAnoGAN, batch: Batch, progress: float
):
    assert changed_by_a_step(detector, batch, progress=progress) == {"encoder"}


def test_the_critic_takes_five_steps_for_each_of_the_generators(detector: FAnoGAN, batch: Batch):
    critic, generator, encoder = detector.optimizers(0.001)
    steps = []
    for name, optimizer in zip(NETWORKS, (critic, generator, encoder), strict=True):
        optimizer.register_step_post_hook(lambda *_, name=name: steps.append(name))
    detector.training_step(batch, (critic, generator, encoder), progress=0.0)
    assert steps == ["critic"] * 5 + ["generator"]


def test_a_single_epoch_has_both_halves(tiny_config: Make, stripes: Callable[..., list[Item]]):
    detector = create_detector(tiny_config(detector="f_anogan"))
    batches = Batches(stripes(4, label=0), image_size=(32, 32), batch_size=2)
    (record,) = fit(detector, batches, epochs=1, learning_rate=None)
    assert set(record.losses) == ADVERSARIAL | ENCODING


def test_a_halfs_terms_are_in_its_epochs_alone(tiny_config: Make, stripes: Callable[..., list[Item]]):
    detector = create_detector(tiny_config(detector="f_anogan"))
    batches = Batches(stripes(2, label=0), image_size=(32, 32), batch_size=2)
    records = list(fit(detector, batches, epochs=2, learning_rate=None))
    assert [set(record.losses) for record in records] == [ADVERSARIAL, ENCODING]


def test_score_and_map_are_the_residuals(tiny_config: Make):
    config = tiny_config(detector="f_anogan", anogan_feature_weight=3.0)
    detector = create_detector(config).eval()
    detector.generator.forward = lambda latent: torch.zeros(len(latent), 3, 32, 32)
    detector.critic.features = torch.nn.Flatten()
    # 0.75 in [0, 1] is 0.5 in [-1, 1], and 0 is made of it: 0.25 for the pixels, as much for the features
    found = detector(torch.full((2, 3, 32, 32), 0.75), config)
    assert found.score.tolist() == pytest.approx([1.0, 1.0])
    torch.testing.assert_close(found.anomaly_map, torch.full((2, 1, 32, 32), 0.5))


@pytest.mark.parametrize(("image_size", "side"), [("32", 32), ("63x256", 32), ("64", 64), ("256", 64)])
def test_it_works_at_the_smaller_side_unless_images_have_the_papers(tiny_config: Make, image_size: str, side: int):
    detector = create_detector(tiny_config(detector="f_anogan", image_size=image_size))
    assert detector.rescale(torch.rand(1, 3, 70, 80)).shape == (1, 3, side, side)


def test_images_of_its_own_size_are_not_resampled(detector: FAnoGAN):
    images = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(detector.rescale(images), 2 * images - 1)
