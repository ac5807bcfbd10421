from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gnl_core.models.cutting import Backbone
from gnl_core.models.padding import SamePadding, find_same_paddings
from gnl_core.models.stages import NextMap, StageOutput, WholeNetwork
from gnl_core.models.teachers import TEACHERS, Teacher, create_backbone, find_paddings

SIDE = 64
SIZES = [(100, 150), (97, 111), (132, 154)]


class SameConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's SAME does, the odd cell behind the map."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max(0, (-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1])
        return super().forward(F.pad(x, (total // 2, total - total // 2) * 2))


class Parallel(nn.Module):
    """Branches that read the same map."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([branch(x) for branch in self.branches]).sum(0)


def same(kernel: int, *, stride: int = 2) -> nn.Module:
    return SameConv2d(3, 3, kernel, stride=stride)


def find(*stages: nn.Module) -> tuple[tuple[SamePadding, ...], ...]:
    return find_same_paddings(nn.ModuleList(stages), torch.rand(1, 3, SIDE, SIDE))


@pytest.mark.parametrize(
    ("side_px", "excess_px"),
    # 10 cells of input: 1 of padding, behind the last. 9: 2 of padding, 1 of them before. 33 px are 9 cells.
    [(40, 0), (36, 4), (33, 4)],
)
def test_an_odd_side_has_a_cell_of_padding_more_before_the_first(side_px: int, excess_px: int):
    assert SamePadding(reduction=4, kernel=3, stride=2).excess_px(side_px) == excess_px


def test_even_kernels_pad_an_odd_side_behind_alone():
    assert SamePadding(reduction=1, kernel=2, stride=2).excess_px(9) == 0


def test_each_stage_has_its_layers_and_those_before_it():
    first, second = SamePadding(1, 3, 2), SamePadding(2, 5, 2)
    assert find(same(3), nn.Sequential(nn.ReLU(), same(5)), same(3, stride=1)) == (
        (first,),
        (first, second),
        (first, second),
    )


class AllAtOnce(nn.Module):
    """A network that computes three maps at once."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([same(3), same(5), same(7)])

    def forward_intermediates(self, x: Tensor, **options: object) -> list[Tensor]:
        maps = [x]
        for layer in self.layers:
            maps.append(layer(maps[-1]))
        return maps[1:]


def test_each_map_of_a_network_that_is_not_cut_has_the_layers_before_it():
    network = AllAtOnce()
    stages = nn.ModuleList([WholeNetwork(network, (0, 1, 2)), NextMap(), NextMap()])
    backbone = Backbone(network, (0, 1, 2), ("layers",), stages, channels=(3, 3, 3), reductions=(2, 4, 8))
    first, second, third = SamePadding(1, 3, 2), SamePadding(2, 5, 2), SamePadding(4, 7, 2)
    assert find_paddings(backbone) == ((first,), (first, second), (first, second, third))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 3, 3, stride=2, padding=1),
        nn.Conv2d(3, 3, 3, stride=2),
        nn.Conv2d(3, 3, 4, stride=4),
        nn.MaxPool2d(3, 2, padding=1),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(2),
    ],
)
def test_padding_that_does_not_depend_on_the_size_is_not_counted(layer: nn.Module):
    assert find(layer) == ((),)


def test_of_parallel_layers_the_widest_counts():
    assert find(Parallel(same(3), same(7), same(5))) == ((SamePadding(1, 7, 2),),)


def test_no_hook_remains():
    layer = same(3)
    find(layer)
    assert not layer._forward_hooks


@pytest.fixture(scope="module", params=TEACHERS)
def any_teacher(request: pytest.FixtureRequest, teacher: Teacher) -> Teacher:
    """Each of our teachers; the ResNets with random weights."""
    if request.param == "efficientnet_lite0":
        return teacher
    spec = TEACHERS[request.param]
    torch.manual_seed(0)
    return Teacher(spec, create_backbone(spec.timm_name), mean=(0.5,) * 3, std=(0.5,) * 3)


def respond(teacher: Teacher, images: Tensor, *, stage: int, cell: tuple[int, int]) -> tuple[float, float]:
    """Row and column in pixels of the centre of what moves a cell's features: the impulse response's centroid."""
    pixels = images.clone().requires_grad_()
    maps = run_until(teacher, pixels, stage=stage)
    (gradient,) = torch.autograd.grad(maps[0, :, cell[0], cell[1]].square().sum(), pixels)
    weights = gradient.square().sum(dim=(0, 1))
    rows, columns = (torch.arange(side) for side in weights.shape)
    return float((weights.sum(1) * rows).sum() / weights.sum()), float((weights.sum(0) * columns).sum() / weights.sum())


def run_until(teacher: Teacher, images: Tensor, *, stage: int) -> Tensor:
    """The map of a stage."""
    output = StageOutput(teacher.normalise(images))
    for index in range(stage + 1):
        output = teacher.apply_stage(index, output)
    return output.features


def texture(side: int) -> Tensor:
    """A smooth random image, whose responses are alike in all directions."""
    return F.avg_pool2d(torch.rand(1, 3, side + 4, side + 4, generator=torch.Generator().manual_seed(0)), 5, stride=1)


def cell_at_the_middle(teacher: Teacher, size: tuple[int, int], *, stage: int) -> tuple[int, int]:
    grid = teacher.cell_grids(size)[stage]
    return (size[0] // 2 + grid.above) // grid.side, (size[1] // 2 + grid.left) // grid.side


def displacement(teacher: Teacher, size: tuple[int, int], *, stage: int, whole: Tensor) -> list[float]:
    """How far a cell's response on a part of an image lies from the same cell's on the whole.

    The part is the window that the grid says an image of that size is, of one whose side the cells fill.
    """
    grid = teacher.cell_grids(size)[stage]
    part = whole[..., grid.above : grid.above + size[0], grid.left : grid.left + size[1]]
    cell = cell_at_the_middle(teacher, size, stage=stage)
    on_part, on_whole = (respond(teacher, images, stage=stage, cell=cell) for images in (part, whole))
    return [a + hidden - b for a, hidden, b in zip(on_part, (grid.above, grid.left), on_whole, strict=True)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", [0, 1])
def test_an_impulse_moves_the_cells_that_the_grid_says(any_teacher: Teacher, size: tuple[int, int], stage: int):
    assert displacement(any_teacher, size, stage=stage, whole=texture(160)) == pytest.approx([0, 0], abs=0.05)


def test_an_impulse_moves_the_abstract_cells_that_the_grid_says(any_teacher: Teacher):
    size, side = ((404, 438), 448) if any_teacher.paddings[-1] else ((100, 150), 160)  # lite0's fields reach 340 px
    assert displacement(any_teacher, size, stage=2, whole=texture(side)) == pytest.approx([0, 0], abs=0.05)


@pytest.mark.parametrize(
    ("size", "stage", "within_px"),
    [
        *(
            (size, stage, within_px)
            for size in [(96, 160), (128, 128), *SIZES]
            for stage, within_px in [(0, 1.5), (1, 1)]
        ),
        ((404, 438), 2, 4),  # a receptive field whose weights were alike would be centred 7.5 px off
    ],
)
def test_the_bundled_teachers_responses_lie_in_the_middle_of_their_cells(
    teacher: Teacher, size: tuple[int, int], stage: int, within_px: float
):
    image, grid = texture(max(size))[..., : size[0], : size[1]], teacher.cell_grids(size)[stage]
    row, column = cell_at_the_middle(teacher, size, stage=stage)
    found = []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            cell = (row + down, column + right)
            at = respond(teacher, image, stage=stage, cell=cell)
            middle = [grid.side * (c + 0.5) - 0.5 - h for c, h in zip(cell, (grid.above, grid.left), strict=True)]
            found.append([a - m for a, m in zip(at, middle, strict=True)])
    assert torch.tensor(found).mean(dim=0).abs().max() < within_px


def test_a_stage_map_at_an_odd_size_is_the_whole_images_but_for_the_border(any_teacher: Teacher):
    size, whole = (100, 150), texture(160)
    grid = any_teacher.cell_grids(size)[0]
    part = whole[..., grid.above : grid.above + size[0], grid.left : grid.left + size[1]]
    found, expected = (run_until(any_teacher, images, stage=0) for images in (part, whole))
    inner = (..., slice(8, 17), slice(8, 30))
    torch.testing.assert_close(found[inner], expected[inner], rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
