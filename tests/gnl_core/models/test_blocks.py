from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gnl_core.models.blocks import (
    SmallMapConv2d,
    TilingConvTranspose2d,
    UpsamplingBasicBlock,
    UpsamplingBottleneck,
    initialise,
    keep_matrices,
    lay_channels_last,
    multiply_on_small_maps,
)

KERNEL = torch.tensor([[1.0, 2.0], [-3.0, 4.0]])


def pixel(value: float) -> Tensor:
    return torch.tensor(value).view(1, 1, 1, 1)


def silence(norm: nn.BatchNorm2d) -> None:
    nn.init.zeros_(norm.weight)


def set_weight(layer: nn.Module, weight: Tensor) -> None:
    layer.weight.data.copy_(weight.view_as(layer.weight))  # type: ignore[union-attr, operator]


@pytest.mark.parametrize(("block", "channels"), [(UpsamplingBasicBlock, 1), (UpsamplingBottleneck, 4)])
def test_the_shortcut_tiles_a_pixel_with_its_kernel(block: type[nn.Module], channels: int):
    module = block(1, 1, factor=2).eval()
    silence(module.bn3 if channels == 4 else module.bn2)
    set_weight(module.upsample[0], KERNEL.expand(1, channels, 2, 2))
    # 2 times the kernel, then the ReLU after the addition
    expected = torch.tensor([[2.0, 4.0], [0.0, 8.0]]).expand(1, channels, 2, 2)
    torch.testing.assert_close(module(pixel(2.0)), expected, rtol=1e-4, atol=0)


def test_a_basic_block_enlarges_then_convolves():
    module = UpsamplingBasicBlock(1, 1, factor=2).eval()
    silence(module.upsample[1])
    set_weight(module.conv1, KERNEL)
    set_weight(module.conv2, torch.tensor([[0.0, 0, 0], [0, 1, -1], [0, 0, 0]]))  # each pixel less its right neighbour
    # enlarged and rectified: (2, 4), (0, 8); less the right: (-2, 4), (-8, 8)
    expected = torch.tensor([[[[0.0, 4.0], [0.0, 8.0]]]])
    torch.testing.assert_close(module(pixel(2.0)), expected, rtol=1e-4, atol=0)


def test_a_bottleneck_squeezes_then_enlarges_then_widens():
    module = UpsamplingBottleneck(1, 1, factor=2).eval()
    silence(module.upsample[1])
    set_weight(module.conv1, torch.ones(1))
    set_weight(module.conv2, KERNEL)
    set_weight(module.conv3, torch.tensor([1.0, -1.0, 2.0, 0.0]))
    enlarged = torch.tensor([[2.0, 4.0], [0.0, 8.0]])
    expected = torch.stack([enlarged, 0 * enlarged, 2 * enlarged, 0 * enlarged])[None]
    torch.testing.assert_close(module(pixel(2.0)), expected, rtol=1e-4, atol=0)
    assert not module(pixel(-2.0)).any()  # the first ReLU stops it


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_a_block_enlarges_by_its_factor(factor: int):
    assert UpsamplingBasicBlock(6, 3, factor=factor)(torch.rand(2, 6, 3, 5)).shape == (2, 3, 3 * factor, 5 * factor)
    assert UpsamplingBottleneck(6, 3, factor=factor)(torch.rand(2, 6, 3, 5)).shape == (2, 12, 3 * factor, 5 * factor)


def test_a_wide_bottleneck_is_wide_within():
    assert UpsamplingBottleneck(8, 64, factor=2, base_width=128).conv2.weight.shape == (128, 128, 2, 2)


def test_convolutions_start_kaiming_normal_by_their_fan_out():
    layer = nn.Conv2d(200, 50, kernel_size=3)
    initialise(nn.Sequential(layer))
    # fan-out 50 * 9, gain sqrt(2)
    assert layer.weight.std().item() == pytest.approx((2 / 450) ** 0.5, rel=0.02)
    assert layer.weight.mean().item() == pytest.approx(0, abs=1e-3)


def test_transposed_convolutions_and_norms_stay_as_pytorch_makes_them():
    network = nn.Sequential(nn.ConvTranspose2d(4, 8, 2), nn.BatchNorm2d(8))
    before = [parameter.clone() for parameter in network.parameters()]
    initialise(network)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_on_a_small_map_the_products_are_the_convolution_and_have_its_gradients(
    size: tuple[int, int], stride: int, memory_format: torch.memory_format
):
    convolution = nn.Conv2d(5, 7, 3, stride=stride, padding=1, bias=False).to(memory_format=memory_format)
    network = nn.Sequential(convolution)
    multiply_on_small_maps(network)
    assert type(network[0]) is SmallMapConv2d
    assert network[0].weight is convolution.weight
    images = torch.rand(4, 5, *size).contiguous(memory_format=memory_format).requires_grad_()
    found, expected = network(images), convolution(images)
    torch.testing.assert_close(found, expected)
    parts = (images, convolution.weight)
    wanted = torch.autograd.grad(expected.square().sum(), parts)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), parts), wanted)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2)])
def test_kept_matrices_are_those_of_the_weights(size: tuple[int, int]):
    network = nn.Sequential(nn.Conv2d(5, 7, 3, padding=1, bias=False))
    multiply_on_small_maps(network)
    images = torch.rand(4, 5, *size)
    with torch.no_grad():
        expected = network(images)
        keep_matrices(network)
        assert torch.equal(network(images), expected)
        assert list(network[0].kept) == [size]
        assert torch.equal(network(images), expected)
    assert list(network.state_dict()) == ["0.weight"]


@pytest.mark.parametrize(("size", "stride"), [((3, 1), 1), ((3, 2), 2), ((8, 8), 1)])
def test_on_larger_maps_it_is_the_convolution(size: tuple[int, int], stride: int):
    convolution = nn.Conv2d(5, 7, 3, stride=stride, padding=1, bias=False)
    network = nn.Sequential(convolution)
    multiply_on_small_maps(network)
    images = torch.rand(4, 5, *size)
    assert torch.equal(network(images), convolution(images))


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2, bias=False),
        nn.Conv2d(4, 4, 1, bias=False),
    ],
)
def test_other_convolutions_do_not_change(other: nn.Conv2d):
    network = nn.Sequential(other)
    multiply_on_small_maps(network)
    assert network[0] is other


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_tiling_convolution_and_its_gradients_are_pytorchs(factor: int, memory_format: torch.memory_format):
    layer = TilingConvTranspose2d(5, 7, factor=factor).to(memory_format=memory_format)
    reference = nn.ConvTranspose2d(5, 7, factor, stride=factor, bias=False)
    reference.load_state_dict(layer.state_dict())
    x = torch.rand(2, 5, 3, 4)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    found, expected = layer(ours), reference(theirs)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    torch.testing.assert_close(layer.weight.grad, reference.weight.grad, rtol=1e-4, atol=1e-4)


def test_weights_of_four_dimensions_are_laid_channels_last_and_others_stay():
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Conv3d(3, 4, 3), nn.BatchNorm2d(4), TilingConvTranspose2d(3, 4, factor=2)
    )
    before = {name: value.clone() for name, value in module.state_dict().items()}
    lay_channels_last(module)
    assert module[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert module[1].weight.is_contiguous()
    assert module[3].weight.permute(2, 3, 1, 0).is_contiguous()
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
