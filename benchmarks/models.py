"""The models of the speed benchmarks: GNL with random weights, which cost as much as trained weights."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from benchmarks.literal import Literal
from gnl_core.config import RunConfig
from gnl_core.detectors.base import ADAM_BETAS
from gnl_core.detectors.gnl import GNL, GNLSettings
from gnl_core.records import Batch

SMOOTHING = 4 / 256  # the published code's sigma, as a share of the image's side
STRENGTH = 0.5


class Pair(NamedTuple):
    """Our detector, the literal implementation with the same weights if there is one, and a reference image."""

    ours: GNL
    literal: Literal | None
    scoring: RunConfig
    reference: Tensor


def make_pair(teacher: str, side: int) -> Pair:
    """Build both for a teacher and an image size; only a ResNet has a literal implementation."""
    torch.manual_seed(0)
    backbone = getattr(torchvision.models, teacher, None)
    whole = None if backbone is None else backbone(weights=None).eval()
    detector, config = make_detector(teacher, side, whole)
    reference = torch.rand(1, 3, side, side)
    detector.references.keep(detector.network.teacher, reference)
    return Pair(detector, Literal(detector, whole) if whole else None, config, reference)


def make_detector(teacher: str, side: int, backbone: nn.Module | None) -> tuple[GNL, RunConfig]:
    """Build GNL with the backbone's or the bundled weights, and the settings of all measurements."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "random.pth" if backbone else None
        if backbone and file:
            torch.save(backbone.state_dict(), file)
        config = RunConfig(
            teacher=teacher,
            teacher_weights=file,
            image_size=(side, side),
            style_weight=STRENGTH,
            smoothing_sigma_px=SMOOTHING * side,
            stored_references=1,
            reference_count=1,
            device="cpu",
        )
        return GNL(config).eval(), config


def make_batch(count: int, side: int) -> Batch:
    """Build a batch of noise with the views that GNL trains on."""
    original = torch.rand(count, 3, side, side)
    names = tuple(str(number) for number in range(count))
    return Batch(
        views={
            "original": original,
            "augmix": (0.8 * original + 0.2 * torch.rand_like(original)).clamp(0, 1),
            "grayscale": original.mean(dim=1, keepdim=True).repeat(1, 3, 1, 1),
        },
        labels=torch.zeros(count, dtype=torch.long),
        domains=("noise",) * count,
        categories=("noise",) * count,
        paths=names,
    )


def literal_optimizer(literal: Literal) -> Optimizer:
    """Build Adam over bottleneck and student, like our optimizer."""
    learnt = [*literal.bottleneck.parameters(), *literal.student.parameters()]
    return Adam(learnt, lr=GNL.learning_rate, betas=ADAM_BETAS)


def literal_step(pair: Pair, batch: Batch, optimizer: Optimizer) -> float:
    """Take one training step of the literal implementation, with the detector's weights of the loss terms."""
    config = pair.scoring
    own = config.method_settings(GNLSettings)
    weights = (own.distillation_weight, own.bottleneck_weight, own.low_level_weight)
    return pair.literal.training_step([batch.views[view] for view in pair.ours.views], optimizer, weights)
