from __future__ import annotations

import pytest
import torch
from torch import nn

from gnl_core.models.svdd_encoder import SvddEncoder, measuring_statistics, normalise_contrast


@pytest.fixture
def encoder() -> SvddEncoder:
    return SvddEncoder()


def test_the_encoder_has_no_bias(encoder: SvddEncoder):
    assert not [name for name, _ in encoder.named_parameters() if "bias" in name]
    assert not [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d) and m.affine]


@pytest.mark.parametrize("training", [True, False])
def test_zero_is_mapped_to_zero(encoder: SvddEncoder, training: bool):
    encoder.train(training)
    assert torch.equal(encoder(torch.zeros(2, 3, 32, 32)), torch.zeros(2, 128))


def test_a_uniform_image_of_any_colour_becomes_zero(encoder: SvddEncoder):
    assert torch.equal(encoder(torch.full((2, 3, 32, 32), 0.7)), torch.zeros(2, 128))


def test_at_32_px_the_last_layer_reads_every_position(encoder: SvddEncoder):
    # 3 poolings leave 4x4 positions of 128 channels
    assert encoder.last.weight.shape == (128, 128 * 4 * 4)
    assert encoder.blocks(torch.rand(1, 3, 32, 32)).shape == (1, 128, 4, 4)


def test_contrast_is_normalised_by_mean_and_mean_absolute_deviation():
    # (1, 2, 6): mean 3, deviations -2, -1, 3, whose absolute values have the mean 2
    image = torch.tensor([1.0, 2.0, 6.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(normalise_contrast(image).flatten(), torch.tensor([-1.0, -0.5, 1.5]))


def test_brightness_and_contrast_of_an_image_do_not_matter():
    image = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(normalise_contrast(0.25 * image + 0.5), normalise_contrast(image), rtol=1e-4, atol=1e-5)


def test_measured_statistics_are_the_mean_of_the_batches():
    network = nn.Sequential(nn.BatchNorm2d(1, affine=False)).eval()
    with measuring_statistics(network):
        for value in (1.0, 2.0, 6.0):
            network(torch.full((1, 1, 2, 2), value))
    assert network[0].running_mean.item() == pytest.approx(3)
    assert not network.training
    assert network[0].momentum == 0.1
