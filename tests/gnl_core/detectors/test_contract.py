"""The contract of all methods, over all rows of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from gnl_core.config import RunConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import DETECTORS, complete_config, create_detector, find_method
from gnl_core.detectors.base import Detector
from gnl_core.detectors.references import References
from gnl_core.metrics.image import auroc
from gnl_core.models.teachers import Teacher, hash_weights
from gnl_core.records import EpochRecord, Scores
from gnl_core.runs.checkpoints import load_checkpoint, save_checkpoint
from gnl_core.scoring import score
from gnl_core.training import fit

EPOCHS = 4
TOY_SETTINGS = {"f_anogan": {"epochs": 20}}  # a GAN, and then an encoder, have half of the training each


@dataclass
class Trained:
    """A detector trained on horizontal stripes."""

    detector: Detector
    config: RunConfig
    records: list[EpochRecord]
    teachers_before: list[str]


def train(config: RunConfig, items: list[Item]) -> Trained:
    detector = create_detector(config)
    before = hash_teachers(detector)
    batches = Batches(
        items,
        image_size=config.image_size,
        batch_size=config.batch_size,
        views=detector.views,
        seed=config.seed,
    )
    records = list(fit(detector, batches, epochs=config.epochs, learning_rate=config.learning_rate))
    return Trained(detector, config, records, before)


def hash_teachers(detector: Detector) -> list[str]:
    return [hash_weights(module.stages) for module in detector.modules() if isinstance(module, Teacher)]


def score_items(detector: Detector, config: RunConfig, items: list[Item], *, batch_size: int = 8) -> Scores:
    return score(detector, Batches(items, image_size=config.image_size, batch_size=batch_size), config)


@pytest.fixture(scope="module", params=DETECTORS)
def trained(
    request: pytest.FixtureRequest, tiny_config: Callable[..., RunConfig], stripes: Callable[..., list[Item]]
) -> Trained:
    settings = {"epochs": EPOCHS} | TOY_SETTINGS.get(request.param, {})
    return train(tiny_config(detector=request.param, **settings), stripes(16, label=0, phases=1))


@pytest.fixture(scope="module")
def unseen(stripes: Callable[..., list[Item]]) -> list[Item]:
    return stripes(30, label=0, phases=1)[20:] + stripes(10, label=1, phases=1)


def test_all_losses_but_the_adversarial_ones_decrease(trained: Trained):
    opposed = trained.detector.adversarial_losses
    shared = [{k: v for k, v in record.losses.items() if k not in opposed} for record in trained.records]
    totals = [sum(terms.values()) for terms in shared if terms]
    if totals:
        assert totals[-1] < totals[0]
    else:  # nothing is learnt
        assert len(trained.records) == 1


def test_an_image_has_one_finite_score_and_its_map_the_images_size(trained: Trained):
    found = trained.detector(torch.rand(3, 3, 32, 32), trained.config)
    assert found.score.shape == (3,)
    assert found.score.isfinite().all()
    if found.anomaly_map is not None:
        assert found.anomaly_map.shape == (3, 1, 32, 32)
        assert found.anomaly_map.isfinite().all()


def test_higher_means_more_anomalous(trained: Trained, unseen: list[Item]):
    rows = score_items(trained.detector, trained.config, unseen)
    assert auroc(rows.label, rows.score) >= 0.9


def test_training_leaves_the_teacher_as_it_was(trained: Trained):
    assert hash_teachers(trained.detector) == trained.teachers_before


def test_the_teacher_is_in_eval_mode_and_frozen_even_while_the_rest_trains(trained: Trained):
    trained.detector.train()
    for teacher in trained.detector.modules():
        if isinstance(teacher, Teacher):
            assert not any(module.training for module in teacher.modules())
            assert not any(parameter.requires_grad for parameter in teacher.parameters())
    trained.detector.eval()


def test_the_same_seed_gives_the_same_weights_to_the_bit(trained: Trained, stripes: Callable[..., list[Item]]):
    torch.rand(7)  # whatever was drawn before
    again = train(trained.config, stripes(16, label=0, phases=1))
    expected, actual = trained.detector.state_dict(), again.detector.state_dict()
    assert expected.keys() == actual.keys()
    assert all(torch.equal(actual[name], value) for name, value in expected.items())
    assert [record.losses for record in again.records] == [record.losses for record in trained.records]


def test_another_seed_gives_other_weights(trained: Trained):
    state = create_detector(trained.config).state_dict()
    other = create_detector(trained.config.model_copy(update={"seed": 1})).state_dict()
    learns = [name for name, parameter in trained.detector.named_parameters() if parameter.requires_grad]
    assert not learns or any(not torch.equal(state[name], other[name]) for name in learns)


def test_building_a_detector_draws_nothing_from_the_global_generator(trained: Trained):
    before = torch.random.get_rng_state()
    create_detector(trained.config)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_saved_detector_scores_the_same_to_the_bit(trained: Trained, unseen: list[Item], tmp_path: Path):
    save_checkpoint(tmp_path / "weights.safetensors", trained.detector, trained.config, epoch=EPOCHS)
    loaded, config = load_checkpoint(tmp_path / "weights.safetensors", device="cpu")
    assert config == complete_config(trained.config)
    expected = score_items(trained.detector, config, unseen).score
    assert (score_items(loaded, config, unseen).score == expected).all()


@pytest.mark.parametrize("batch_size", [1, 3])
def test_an_image_scores_alike_in_any_batch(trained: Trained, unseen: list[Item], batch_size: int):
    together = score_items(trained.detector, trained.config, unseen[:7], batch_size=7).score
    apart = score_items(trained.detector, trained.config, unseen[:7], batch_size=batch_size).score
    assert apart == pytest.approx(together, abs=1e-5, rel=1e-5)


@torch.no_grad()
def test_an_image_has_one_point_in_the_embedding_in_any_batch(trained: Trained):
    images = torch.rand(3, 3, 32, 32)
    together = trained.detector.embed(images, trained.config)
    assert together.shape == (3, together.shape[1])
    assert together.isfinite().all()
    apart = torch.cat([trained.detector.embed(image[None], trained.config) for image in images])
    assert torch.allclose(apart, together, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_matching_moves_points_if_and_only_if_the_method_matches(trained: Trained):
    images = torch.rand(3, 3, 32, 32)
    off, on = (
        trained.detector.embed(images, trained.config.model_copy(update={"style_weight": weight})) for weight in (0, 1)
    )
    assert torch.equal(off, on) != trained.detector.matches


def test_a_method_says_whether_it_matches_before_it_is_built(trained: Trained):
    keeps_references = any(isinstance(module, References) for module in trained.detector.modules())
    assert find_method(trained.config.detector).matches == keeps_references


def test_scoring_changes_nothing(trained: Trained, unseen: list[Item]):
    before = {name: value.clone() for name, value in trained.detector.state_dict().items()}
    score_items(trained.detector, trained.config, unseen)
    assert all(torch.equal(before[name], value) for name, value in trained.detector.state_dict().items())


@pytest.mark.parametrize("size", [(28, 28), (33, 33), (28, 40), (64, 48)])
def test_images_of_another_size_than_the_training_images_can_be_scored(trained: Trained, size: tuple[int, int]):
    found = trained.detector(torch.rand(1, 3, *size), trained.config)
    assert found.score.isfinite().all()
    if found.anomaly_map is not None:
        assert found.anomaly_map.shape == (1, 1, *size)


@pytest.mark.parametrize("size", [(28, 28), (33, 33), (28, 40), (64, 48)])
@pytest.mark.parametrize("name", DETECTORS)
def test_any_size_trains_and_scores(
    name: str,
    size: tuple[int, int],
    tiny_config: Callable[..., RunConfig],
    stripes: Callable[..., list[Item]],
):
    config = tiny_config(detector=name, image_size=size, batch_size=2)
    trained = train(config, stripes(3, label=0, size=(40, 36)))  # the last image alone joins the two before
    assert all(torch.tensor(list(record.losses.values())).isfinite().all() for record in trained.records)
    found = trained.detector(torch.rand(2, 3, *size), config)
    assert found.score.isfinite().all()
    assert (found.anomaly_map is not None) == find_method(name).gives_maps
    assert found.anomaly_map is None or found.anomaly_map.shape == (2, 1, *size)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_batch_size_of_one_trains(
    name: str, tiny_config: Callable[..., RunConfig], stripes: Callable[..., list[Item]]
):
    config = tiny_config(detector=name, image_size=64, batch_size=1)
    assert len(train(config, stripes(2, label=0)).records) == 1


def test_a_method_without_losses_learns_nothing(trained: Trained):
    learns = any(parameter.requires_grad for parameter in trained.detector.parameters())
    assert learns == any(record.losses for record in trained.records)


def test_an_unknown_detector_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="unknown detector 'oracle'; choose one of: gnl, rd4ad"):
        create_detector(RunConfig(detector="oracle"))


def test_bfloat16_gives_nearly_the_same_scores(trained: Trained, unseen: list[Item]):
    reduced = trained.config.model_copy(update={"scoring_precision": "bf16-mixed"})
    whole, found = (score_items(trained.detector, config, unseen).score for config in (trained.config, reduced))
    assert found.dtype == whole.dtype
    assert abs(found - whole).max() <= 0.02 * abs(whole).max()
