from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn

from gnl_core.config import ScoringConfig
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors.base import Detector
from gnl_core.finite import DivergedError
from gnl_core.records import Batch, Detection
from gnl_core.training import begin, check_standing, fit, learn


class OneWeight(Detector):
    """A detector that learns one number, (weight - 1)^2 + 2, and records each call."""

    def __init__(self, *, addend: float = 2.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.frozen = nn.Parameter(torch.zeros(()), requires_grad=False)
        self.addend = addend
        self.prepared: list[str] = []
        self.seen: list[tuple[bool, float, tuple[str, ...]]] = []

    def prepare(self, batches: Iterable[Batch]) -> None:
        assert not self.training
        self.prepared += [path for batch in batches for path in batch.paths]

    def training_step(self, batch: Batch, optimizers: list[torch.optim.Optimizer], *, progress: float) -> dict:
        self.seen.append((self.training, progress, batch.paths))
        return super().training_step(batch, optimizers, progress=progress)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"square": (self.weight - 1) ** 2, "constant": torch.tensor(self.addend)}

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        return Detection(score=images.mean(dim=(1, 2, 3)), anomaly_map=None)


@pytest.fixture
def batches(stripes: Callable[..., list[Item]]) -> Batches:
    return Batches(stripes(4, label=0), image_size=(8, 8), batch_size=2)


def test_each_epoch_gives_one_record(batches: Batches):
    records = list(fit(OneWeight(), batches, epochs=3, learning_rate=0.1))
    assert [record.epoch for record in records] == [1, 2, 3]
    times = [record.elapsed_seconds for record in records]
    assert 0 < times[0] < times[1] < times[2]


def test_an_unset_learning_rate_is_the_methods_own(batches: Batches):
    # Adam's first step is the learning rate
    detector = OneWeight()
    detector.learning_rate = 0.25
    next(fit(detector, Batches(batches.items, image_size=(8, 8), batch_size=4), epochs=1, learning_rate=None))
    assert detector.weight.item() == pytest.approx(0.25)


def test_a_record_holds_each_terms_mean_over_the_batches(batches: Batches):
    # Adam's first step is the learning rate, to the right: the weight is 0, then 0.1
    (record,) = fit(OneWeight(), batches, epochs=1, learning_rate=0.1)
    assert record.losses == pytest.approx({"square": (1 + 0.81) / 2, "constant": 2})


def test_a_step_descends_the_losses(batches: Batches):
    detector = OneWeight()
    list(fit(detector, batches, epochs=40, learning_rate=0.1))
    assert detector.weight.item() == pytest.approx(1, abs=0.05)
    assert detector.frozen.item() == 0


def test_adam_has_the_supplements_betas():
    detector = OneWeight()
    (optimizer,) = detector.optimizers(0.005)
    assert isinstance(optimizer, torch.optim.Adam)
    assert (optimizer.defaults["lr"], optimizer.defaults["betas"]) == (0.005, (0.5, 0.999))
    assert [id(p) for group in optimizer.param_groups for p in group["params"]] == [id(detector.weight)]


def test_gradients_do_not_accumulate(batches: Batches):
    detector = OneWeight()
    list(fit(detector, batches, epochs=1, learning_rate=0.1))
    # at weight 0.1, before the second step, the gradient is 2 * (0.1 - 1)
    assert detector.weight.grad.item() == pytest.approx(-1.8, abs=1e-5)


def test_training_images_are_seen_once_in_order_before_training(batches: Batches):
    detector = OneWeight()
    list(fit(detector, batches, epochs=2, learning_rate=0.1))
    assert detector.prepared == [f"stripes/0/{index}" for index in range(4)]


def test_each_epoch_steps_through_every_image_in_train_mode(batches: Batches):
    detector = OneWeight()
    list(fit(detector, batches, epochs=4, learning_rate=0.1))
    assert all(training for training, _, _ in detector.seen)
    assert [progress for _, progress, _ in detector.seen] == [step / 8 for step in range(8)]
    for epoch in range(4):
        paths = [path for _, _, paths in detector.seen[2 * epoch : 2 * epoch + 2] for path in paths]
        assert sorted(paths) == detector.prepared
    assert len({paths for _, _, paths in detector.seen}) > 2  # epochs are shuffled


def test_at_each_record_the_detector_is_in_eval_mode(batches: Batches):
    detector = OneWeight()
    for _ in fit(detector, batches, epochs=2, learning_rate=0.1):
        assert not detector.training


def test_the_consumer_may_stop_between_epochs(batches: Batches):
    detector = OneWeight()
    next(fit(detector, batches, epochs=100, learning_rate=0.1))
    assert len(detector.seen) == 2


def test_a_step_has_its_position_its_images_and_at_the_epochs_end_the_record(stripes: Callable[..., list[Item]]):
    batches = Batches(stripes(5, label=0), image_size=(8, 8), batch_size=3)
    steps = list(learn(begin(OneWeight(), batches, epochs=2, learning_rate=0.1)))
    assert [(step.epoch, step.step, step.steps, step.images) for step in steps] == [
        (1, 1, 2, 3),
        (1, 2, 2, 2),
        (2, 1, 2, 3),
        (2, 2, 2, 2),
    ]
    assert [step.record is not None for step in steps] == [False, True, False, True]
    first, second, *_ = (step.losses["square"] for step in steps)
    assert steps[1].record.losses["square"] == pytest.approx((first + second) / 2)


class Drawing(OneWeight):
    """A detector that records one random number per step."""

    def training_step(self, batch: Batch, optimizers: list[torch.optim.Optimizer], *, progress: float) -> dict:
        self.seen.append(torch.rand(()).item())
        return {}


def test_an_epochs_random_draws_depend_on_seed_and_epoch_alone(stripes: Callable[..., list[Item]]):
    def draws(seed: int, epochs: int) -> list[float]:
        detector = Drawing()
        batches = Batches(stripes(4, label=0), image_size=(8, 8), batch_size=2, seed=seed)
        for _ in fit(detector, batches, epochs=epochs, learning_rate=0.1):
            torch.rand(5)  # what the consumer draws between epochs
        return detector.seen

    first = draws(seed=0, epochs=2)
    assert len(set(first)) == 4
    assert draws(seed=0, epochs=3)[:4] == first
    assert not set(first) & set(draws(seed=1, epochs=2))


def test_random_draws_continue_within_an_epoch(batches: Batches):
    whole, parts = Drawing(), Drawing()
    list(learn(begin(whole, batches, epochs=2, learning_rate=0.1)))
    training = begin(parts, batches, epochs=2, learning_rate=0.1)
    for _ in range(4):
        next(learn(training))
        torch.rand(5)  # what others draw between batches
    assert parts.seen == whole.seen
    assert list(learn(training)) == []


def test_training_does_not_change_the_global_generator(batches: Batches):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    list(fit(OneWeight(), batches, epochs=1, learning_rate=0.1))
    assert torch.equal(torch.rand(4), expected)


class Memory(Detector):
    """A detector that learns nothing and stores the number of images it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.Parameter(torch.zeros(()), requires_grad=False)

    def prepare(self, batches: Iterable[Batch]) -> None:
        self.count = sum(len(batch.paths) for batch in batches)


def test_a_method_that_learns_nothing_has_no_epoch_and_one_record(batches: Batches):
    detector = Memory()
    (record,) = fit(detector, batches, epochs=7, learning_rate=0.1)
    assert (record.epoch, record.losses, detector.count) == (1, {}, 4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverging_training_stops_with_a_message(batches: Batches, value: float):
    with pytest.raises(ValueError, match=f"diverged: constant is {value} in epoch 1; use a smaller --learning-rate"):
        list(fit(OneWeight(addend=value), batches, epochs=2, learning_rate=0.1))


class Overflowing(OneWeight):
    """A detector whose losses stay finite while another value is not after its last step."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part
        self.register_buffer("mean", torch.zeros(3))

    def training_step(self, batch: Batch, optimizers: list[torch.optim.Optimizer], *, progress: float) -> dict:
        losses = super().training_step(batch, optimizers, progress=progress)
        if self.part != "score" and len(self.seen) == 4:
            getattr(self, self.part).data.fill_(float("inf"))
        return losses

    def forward(self, images: Tensor, scoring: ScoringConfig) -> Detection:
        score = torch.full((len(images),), float("nan") if len(self.seen) == 4 and self.part == "score" else 1.0)
        return Detection(score=score, anomaly_map=None)


@pytest.mark.parametrize(
    ("part", "fault"),
    [("weight", "weight is"), ("mean", "mean is"), ("score", "the scores of training images are")],
)
def test_a_last_step_that_diverges_ends_the_training_before_its_record(batches: Batches, part: str, fault: str):
    records = fit(Overflowing(part), batches, epochs=2, learning_rate=0.1)
    assert next(records).epoch == 1
    with pytest.raises(DivergedError, match=f"^training diverged: {fault} not finite in epoch 2; use a smaller"):
        next(records)


def test_the_memories_of_a_method_without_steps_are_checked(batches: Batches):
    class Remembering(Memory):
        def prepare(self, batches: Iterable[Batch]) -> None:
            self.frozen.data.fill_(float("nan"))

    with pytest.raises(DivergedError, match="training diverged: frozen is not finite in epoch 1"):
        list(fit(Remembering(), batches, epochs=1, learning_rate=0.1))


def test_a_training_can_be_checked_within_an_epoch(batches: Batches):
    training = begin(OneWeight(), batches, epochs=1, learning_rate=0.1)
    next(learn(training))
    check_standing(training)
    training.values["square"].append(float("nan"))
    with pytest.raises(DivergedError, match="training diverged: square is nan in epoch 1"):
        check_standing(training)
    training.values["square"].pop()
    training.detector.weight.data.fill_(float("nan"))
    with pytest.raises(DivergedError, match="training diverged: weight is not finite in epoch 1"):
        check_standing(training)


def test_computing_losses_of_a_method_without_any_raises(batches: Batches):
    with pytest.raises(TypeError, match="Detector has no training losses"):
        Detector().losses(next(iter(batches)))
