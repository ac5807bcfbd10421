from __future__ import annotations

import pytest
import torch
from torch import nn

from gnl_core.models.wgan import Critic, Encoder, Generator, gradient_penalty


def linear_critic(*weights: float) -> nn.Module:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(len(weights), 1))
    critic[1].weight.data = torch.tensor([weights])
    return critic


@pytest.mark.parametrize("side", [32, 64])
def test_generated_images_have_the_given_side(side: int):
    images = Generator(side)(torch.randn(2, 128))
    assert images.shape == (2, 3, side, side)
    assert images.abs().max() <= 1
    assert Encoder(side)(images).shape == (2, 128)
    assert Critic(side)(images).shape == (2,)


def test_a_linear_critics_penalty_is_that_of_its_slope():
    # the gradient of 6 a - 8 b is (6, -8) everywhere, 10 long
    real, generated = torch.rand(4, 2, 1, 1), torch.rand(4, 2, 1, 1)
    penalty = gradient_penalty(linear_critic(6.0, -8.0), real, generated, shares=torch.rand(4, 1, 1, 1))
    assert penalty.item() == pytest.approx(81)


def test_the_penalty_is_taken_between_real_and_generated_images():
    class Square(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1).square().sum(dim=1)

    # a quarter of 4 and three quarters of 0 is 1, where x² has the slope 2
    real, generated = torch.full((1, 1, 1, 1), 4.0), torch.zeros(1, 1, 1, 1)
    penalty = gradient_penalty(Square(), real, generated, shares=torch.full((1, 1, 1, 1), 0.25))
    assert penalty.item() == pytest.approx(1)


def test_the_penalty_can_be_minimised():
    critic = linear_critic(6.0, -8.0)
    images = torch.rand(4, 2, 1, 1)
    gradient_penalty(critic, images, images, shares=torch.rand(4, 1, 1, 1)).backward()
    # (|w| - 1)² has the gradient 2 (|w| - 1) w / |w|
    torch.testing.assert_close(critic[1].weight.grad, torch.tensor([[10.8, -14.4]]))


def test_an_images_value_does_not_depend_on_the_others():
    critic, images = Critic(32).train(), torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(critic(images[:1]), critic(images)[:1])
