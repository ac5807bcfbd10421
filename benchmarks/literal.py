"""A literal implementation of the paper, without any optimisation, as the baseline of `benchmarks.speed`.

It scores one image at a time, encodes and sorts the reference image again for each, runs the whole backbone with
gradients, including its unused last stage, encodes every view in each training step, matches with two sorts, enlarges
maps one by one and smooths them with SciPy. It uses a detector's weights, so both must give the same scores.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.optim import Optimizer

from gnl_core.detectors.gnl import GNL

READ_STAGES = 3
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Literal(nn.Module):
    """GNL on a ResNet as Algorithm 1 and Eq. 1-3 are written.

    Args:
        detector: The detector whose bottleneck and student are copied.
        backbone: The whole classifier that the detector's teacher was cut from.
    """

    def __init__(self, detector: GNL, backbone: torchvision.models.ResNet) -> None:
        super().__init__()
        self.backbone = deepcopy(backbone).eval()
        self.bottleneck = deepcopy(detector.network.bottleneck).to(memory_format=torch.contiguous_format)
        self.student = deepcopy(detector.network.student).to(memory_format=torch.contiguous_format)
        for layer in (*self.bottleneck.modules(), *self.student.modules()):
            for plain in (nn.Conv2d, nn.ConvTranspose2d):
                if isinstance(layer, plain):
                    layer.__class__ = plain  # not as matrix products

    def encode(self, image: Tensor, reference: Tensor | None = None, *, style_weight: float = 0.0) -> list[Tensor]:
        """Compute the stage maps of images; with a reference image, stages 1 and 2 are matched to its maps."""
        matched_to = [] if reference is None else self.encode(reference)[:2]
        net = self.backbone
        features = (image - image.new_tensor(IMAGENET_MEAN)[:, None, None]) / image.new_tensor(IMAGENET_STD)[
            :, None, None
        ]
        features, maps = net.maxpool(net.relu(net.bn1(net.conv1(features)))), []
        for index, layer in enumerate((net.layer1, net.layer2, net.layer3, net.layer4)):
            features = layer(features)
            if index < len(matched_to):
                features = match(features, matched_to[index], style_weight=style_weight)
            maps.append(features)
        return maps[:READ_STAGES]

    def score(self, images: Tensor, reference: Tensor, *, style_weight: float, sigma_px: float) -> list[float]:
        """Score images one after the other (Eq. 1-3).

        Args:
            images: RGB in [0, 1], shape (B, 3, H, W).
            reference: The training image that features are matched to, shape (1, 3, H, W).
            style_weight: Strength of matching.
            sigma_px: Smoothing of the map.
        """
        self.eval()
        return [
            self.score_one(image[None], reference, style_weight=style_weight, sigma_px=sigma_px) for image in images
        ]

    def score_one(self, image: Tensor, reference: Tensor, *, style_weight: float, sigma_px: float) -> float:
        """Score one image of shape (1, 3, H, W)."""
        teacher = self.encode(image, reference, style_weight=style_weight)
        student = self.student(self.bottleneck(teacher))
        total = np.zeros(image.shape[-2:], dtype=np.float32)
        for expected, rebuilt in zip(teacher, student, strict=True):
            distance = 1 - F.cosine_similarity(expected, rebuilt)
            enlarged = F.interpolate(distance[None], size=image.shape[-2:], mode="bilinear", align_corners=False)
            total += enlarged[0, 0].detach().numpy()
        return float(gaussian_filter(total, sigma=sigma_px).max() if sigma_px else total.max())

    def training_step(self, views: list[Tensor], optimizer: Optimizer, weights: tuple[float, float, float]) -> float:
        """Take one step of Algorithm 1.

        Args:
            views: The original images, then their augmented views, shape (B, 3, H, W) each.
            optimizer: The optimizer of bottleneck and student.
            weights: Weights of the distillation term and of both invariance terms.

        Returns:
            The loss.
        """
        self.train()
        self.backbone.eval()
        teachers = [self.encode(view) for view in views]
        embeddings = [self.bottleneck(maps) for maps in teachers]
        students = [self.student(embedding) for embedding in embeddings]
        pairs = zip(teachers[0], students[0], strict=True)
        distillation = torch.stack([distance(expected, rebuilt) for expected, rebuilt in pairs]).sum()
        bottleneck = torch.stack([distance(embeddings[0], other) for other in embeddings[1:]]).mean()
        low_level = torch.stack([distance(students[0][0], other[0]) for other in students[1:]]).mean()
        loss = weights[0] * distillation + weights[1] * bottleneck + weights[2] * low_level
        self.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()


def match(features: Tensor, reference: Tensor, *, style_weight: float) -> Tensor:
    """Move each value toward the reference's value of the same rank (Eq. 1); a second argsort gives the ranks."""
    order = features.flatten(2).argsort(dim=2, stable=True)
    ranks = order.argsort(dim=2)
    target = reference.flatten(2).sort(dim=2).values.gather(2, ranks).view_as(features)
    return (1 - style_weight) * features + style_weight * target


def distance(expected: Tensor, reconstructed: Tensor) -> Tensor:
    """Cosine distance of whole maps, averaged over the batch."""
    return (1 - F.cosine_similarity(expected.flatten(1), reconstructed.flatten(1))).mean()
