from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from gnl_core.config import RunConfig
from gnl_core.detectors import DETECTORS, create_detector
from gnl_core.models.folding import fold_batchnorm
from gnl_core.models.teachers import fold_stages


def norms(module: nn.Module) -> list[nn.Module]:
    return [child for child in module.modules() if isinstance(child, nn.BatchNorm2d)]


def with_statistics(module: nn.Module) -> nn.Module:
    """Norms that change what passes, as trained ones do."""
    for norm in norms(module):
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            nn.init.uniform_(tensor, 0.5, 1.5)
        nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return module.eval()


@torch.no_grad()
def test_a_folded_resnet_has_no_batchnorm_and_the_same_logits():
    network, images = with_statistics(resnet18()), torch.rand(2, 3, 64, 64)
    expected = network(images)
    fold_batchnorm(network)
    assert not norms(network)
    torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@torch.no_grad()
def test_a_transposed_convolution_is_folded_by_its_output_channels():
    network = with_statistics(nn.Sequential(nn.ConvTranspose2d(3, 5, 2, stride=2), nn.BatchNorm2d(5)))
    images = torch.rand(2, 3, 4, 4)
    expected = network(images)
    fold_batchnorm(network)
    torch.testing.assert_close(network(images), expected)


@pytest.mark.parametrize("name", DETECTORS)
def test_every_method_scores_the_same_when_folded(name: str, tiny_config: Callable[..., RunConfig]):
    config = tiny_config(detector=name, style_weight=0, smoothing_sigma_px=1)
    detector, images = create_detector(config).eval(), torch.rand(3, 3, 32, 32)
    for memory in detector.memories:
        bank = detector.get_buffer(memory)
        setattr(detector, memory, torch.rand(4, bank.shape[1]))
    expected = detector(images, config).score
    fold_batchnorm(detector)
    torch.testing.assert_close(detector(images, config).score, expected, rtol=1e-4, atol=1e-5)


class Crossed(nn.Module):
    """Lists its norm behind the convolution, and calls it before."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.conv(self.norm(images).relu())


def test_stages_that_call_their_layers_in_another_order_stay_as_they_are():
    stages = nn.ModuleList([with_statistics(Crossed())])
    assert fold_stages(stages) is stages
