from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

from gnl_core.models.backbones import TRANSFORMERS, check_image_size, create_backbone, read_published_weights
from gnl_core.models.cutting import choose_levels
from gnl_core.models.stages import StageOutput, run_stage
from gnl_core.models.teachers import Teacher, create_teacher

LIST = Path(__file__).resolve().parents[3] / "docs" / "teachers.md"
LARGE = {
    "coatnet_pico_rw_224",
    "tiny_vit_5m_224",  # their weights alone take seconds to draw
    "davit_tiny",
    "dla46_c",
    "dpn48b",
    "efficientformer_l1",
    "focalnet_tiny_srf",
    "gcvit_xxtiny",
    "botnet26t_256",
    "inception_resnet_v2",
    "inception_v3",
    "inception_v4",
    "nest_tiny",
    "nextvit_small",
    "rdnet_tiny",
    "res2net50_14w_8s",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "swinv2_cr_tiny_224",
    "tresnet_m",
    "vgg11",
    "convmixer_768_32",
    "coat_lite_tiny",
    "legacy_xception",
    "vit_small_patch14_reg4_dinov2",
}


class Row(NamedTuple):
    """A model in a table of families that work."""

    name: str
    reductions: tuple[int, ...]
    size: str


def table(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of docs/teachers.md, without its head."""
    section = re.split(r"\n##", LIST.read_text(encoding="utf-8").partition(f"# {heading}\n")[2])[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`(.+?)`", cell)


def rows_below(heading: str) -> list[Row]:
    return [
        Row(name, tuple(int(reduction) for reduction in reductions.split(",")), size)
        for _, models, reductions, size in table(heading)
        for name in names_in(models)
    ]


CHAINS = rows_below("Cut into stages")
VISION = rows_below("Vision transformers cut into stages")
WHOLE = rows_below("Not cut")
WORKING = [*CHAINS, *VISION, *WHOLE]
REFUSED = [(name, reason) for _, models, reason in table("Families that do not work") for name in names_in(models)]


def marked(rows: list[Any]) -> list[Any]:
    return [pytest.param(row, id=row[0], marks=[pytest.mark.slow] if row[0] in LARGE else []) for row in rows]


@pytest.fixture(autouse=True)
def quick(quick_weights: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Initial weights at once: tests load others, or compare two computations on them."""
    with quick_weights():
        yield


def randomise(model: nn.Module) -> dict[str, Tensor]:
    """A model's state dict with no branch at zero, as branches are in the first weights of some families."""
    state = model.state_dict()
    return {k: v + torch.empty_like(v).normal_(0, 0.01) if v.is_floating_point() else v for k, v in state.items()}


def timms_features(model: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """timm's own feature extractor, loaded by timm, of the chosen maps."""
    name = model.pretrained_cfg["architecture"]
    any_size = {"dynamic_img_size": True} if timm.models.is_model_in_modules(name, TRANSFORMERS) else {}
    return timm.create_model(
        name,
        features_only=True,
        out_indices=choose_levels([level["reduction"] for level in model.feature_info]),
        pretrained=True,
        pretrained_cfg_overlay={"state_dict": state},
        **any_size,
    ).eval()


def timms_maps(features: nn.Module, images: Tensor) -> list[Tensor]:
    """Its maps of images in [0, 1], as (B, C, H, W)."""
    settings = features.pretrained_cfg
    maps = features(normalize(images, settings["mean"], settings["std"]))
    channels_last = getattr(features, "output_fmt", "NCHW") == "NHWC"
    return [m.permute(0, 3, 1, 2) if channels_last else m for m in maps]


def readable_size(stated: str) -> tuple[int, int]:
    """An image size that a model reads, according to the table."""
    if "x" in stated:
        height, width = map(int, stated.split("x"))
        return height, width
    if stated.startswith("multiples of "):
        side = int(stated.removeprefix("multiples of "))
        return (2 * side, 3 * side) if side > 8 else (64, 96)
    return (64, 96) if stated == "64 and more" else (40, 33)


@pytest.mark.parametrize("row", marked(WORKING))
@torch.no_grad()
def test_a_teacher_has_timms_own_features(row: Row, tmp_path: Path):
    model = timm.create_model(row.name)
    state = randomise(model)
    if WORKING.index(row) % 2:
        torch.save(state, file := tmp_path / "weights.pth")
    else:
        save_file(state, file := tmp_path / "weights.safetensors")
    size = readable_size(row.size)
    teacher = create_teacher(row.name, weights=file, image_size=size)
    assert teacher.reductions == row.reductions
    assert teacher.is_cut == (row not in WHOLE)
    images = torch.rand(2, 3, *size)
    expected = timms_maps(timms_features(model, state), images)
    for ours, timms in zip(teacher(images), expected, strict=True):
        assert timms.std() > 0
        torch.testing.assert_close(ours, timms, rtol=1e-3, atol=1e-4 * float(timms.abs().max()))
    assert teacher.channels == tuple(m.shape[1] for m in expected)
    check_inputs_stay(teacher, images)


def check_inputs_stay(teacher: Teacher, images: Tensor) -> None:
    """No stage writes into the map that it reads: the map is still needed, for scores and for other ways to mix."""
    output = StageOutput(teacher.normalise(images))
    for stage in teacher.stages:
        before = output.features.clone()
        after = run_stage(stage, output)
        assert torch.equal(output.features, before)
        output = after


@pytest.mark.parametrize("row", marked([row for row in WORKING if row.size != "any"]))
def test_a_size_that_a_teacher_cannot_read_is_refused_in_one_sentence(row: Row):
    backbone = create_backbone(row.name)
    with pytest.raises(
        ValueError, match=rf"the teacher {row.name} cannot read images of 31x27 px.*set --image-size "
    ) as said:
        check_image_size(backbone, (31, 27), name=row.name)
    assert "\n" not in str(said.value)
    named = re.search(r"--image-size (\d+)x(\d+)", str(said.value))
    assert named
    check_image_size(backbone, (int(named[1]), int(named[2])), name=row.name)


@pytest.mark.parametrize(("name", "reason"), REFUSED)
def test_an_unsuitable_backbone_is_refused_with_the_reason(name: str, reason: str):
    with pytest.raises(
        ValueError, match=f"{name} cannot be a teacher, since .*; choose one of efficientnet_lite0"
    ) as said:
        create_teacher(name, weights=Path("never read"))
    assert reason.removeprefix("has ") in str(said.value)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("reductions", "levels"),
    [
        ([2, 4, 8, 16, 32], (1, 2, 3)),
        ([4, 8, 16, 32], (0, 1, 2)),
        ([1, 2, 4, 8, 16, 32], (2, 3, 4)),
        ([16, 32, 64], (0, 1, 2)),
        ([8, 8, 16, 32, 64], (1, 2, 3)),
        ([4, 4, 8, 12, 16, 16], (1, 2, 5)),
        ([7, 14, 28], (0, 1, 2)),
    ],
)
def test_stages_are_chosen_by_reduction(reductions: list[int], levels: tuple[int, ...]):
    assert choose_levels(reductions) == levels


@pytest.mark.parametrize(
    ("reductions", "levels"),
    [
        ([16] * 12, (3, 6, 9)),  # behind blocks 4, 7 and 10
        ([14] * 24, (7, 13, 19)),
        ([16] * 6, (1, 3, 4)),
        ([16] * 3, (0, 1, 2)),
        ([8, 16, 16, 16], (0, 1, 2)),
        ([2, 7, 14, 14, 14], (1, 2, 3)),
    ],
)
def test_where_sizes_are_equal_stages_are_chosen_by_depth(reductions: list[int], levels: tuple[int, ...]):
    assert choose_levels(reductions) == levels


@pytest.mark.parametrize("reductions", [[], [16, 16], [1, 2, 4, 8]])
def test_fewer_than_three_maps_are_refused(reductions: list[int]):
    with pytest.raises(ValueError, match="three at reductions of 4 or more are needed"):
        choose_levels(reductions)


def test_sizes_that_do_not_fit_each_other_are_refused():
    with pytest.raises(ValueError, match="at reductions 12, 17, 17, and each has to be a multiple of the one before"):
        choose_levels([12, 17, 17])


@pytest.mark.parametrize(
    "name", ["vit_small_patch14_dinov2", "vit_base_patch14_reg4_dinov2", "vit_small_patch16_dinov3"]
)
def test_the_outline_of_a_large_transformer_is_built_at_once(name: str):
    with torch.device("meta"):
        teacher = create_teacher(name)
        patch = teacher.reductions[0]
        maps = teacher(torch.zeros(1, 3, 4 * patch, 3 * patch))
    assert teacher.is_cut
    assert teacher.reductions == (patch,) * 3
    assert [m.shape for m in maps] == [(1, channels, 4, 3) for channels in teacher.channels]


def test_a_file_of_dinov2s_authors_is_read(tmp_path: Path):
    name = "vit_small_patch14_reg4_dinov2"
    state = timm.create_model(name).state_dict()
    published = {k: v for k, v in state.items() if not k.startswith("head")}
    class_position = torch.rand(1, 1, 384)  # theirs adds one to the class token, timm's has added it already
    published["pos_embed"] = torch.cat([class_position, state["pos_embed"]], dim=1)
    published["cls_token"] = state["cls_token"] - class_position
    published["register_tokens"] = published.pop("reg_token")
    published["mask_token"] = torch.zeros(1, 384)
    torch.save(published, tmp_path / "published.pth")
    teacher = create_teacher(name, weights=tmp_path / "published.pth")
    loaded = teacher.stages[0].transformer
    torch.testing.assert_close(loaded.cls_token, state["cls_token"])
    assert torch.equal(loaded.pos_embed, state["pos_embed"])
    assert torch.equal(loaded.reg_token, state["reg_token"])


CONVNEXT = "test_convnext"  # timm renames the tensors of its stem where it builds a feature extractor
AUTHORS_NAMES = (
    (r"^stem\.", "downsample_layers.0."),
    (r"^stages\.(\d)\.downsample\.", r"downsample_layers.\1."),
    (r"^stages\.(\d)\.blocks\.", r"stages.\1."),
    ("conv_dw", "dwconv"),
    (r"mlp\.fc", "pwconv"),
)


def as_authors_name(name: str) -> str:
    """The name of a ConvNeXt's tensor in its authors' own files."""
    for pattern, replacement in AUTHORS_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


@pytest.fixture(scope="module")
def convnext() -> dict[str, Tensor]:
    return randomise(timm.create_model(CONVNEXT))


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda state: {as_authors_name(k): v for k, v in state.items() if "head" not in k}, id="authors"),
        pytest.param(lambda state: {"model": state, "epoch": 300}, id="training checkpoint"),
        pytest.param(lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}}, id="parallel"),
        pytest.param(lambda state: {"model": {}, "state_dict": {}, "state_dict_ema": state}, id="averaged"),
        pytest.param(lambda state: {k: v for k, v in state.items() if k[:8] not in ("stages.3", "head.fc.")}, id="cut"),
        pytest.param(lambda state: state | {"head.fc.weight": torch.zeros(7, 64)}, id="seven classes"),
    ],
)
def test_published_files_and_training_checkpoints_are_read(wrap: Any, convnext: dict[str, Tensor], tmp_path: Path):
    torch.save(convnext, plain := tmp_path / "plain.pth")
    torch.save(wrap(convnext), wrapped := tmp_path / "wrapped.pth")
    teachers = [create_teacher(CONVNEXT, weights=file) for file in (plain, wrapped)]
    assert teachers[0].fingerprint == teachers[1].fingerprint


def test_torchvisions_published_densenet_is_read(tmp_path: Path):
    from torchvision.models import densenet121

    state = densenet121().state_dict()
    published = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", name): v for name, v in state.items()}
    assert published.keys() != state.keys()
    torch.save(published, tmp_path / "densenet121.pth")
    teacher = create_teacher("densenet121", weights=tmp_path / "densenet121.pth")
    assert teacher.channels == (256, 512, 1024)


def test_another_backbones_file_is_refused_with_the_missing_names(convnext: dict[str, Tensor], tmp_path: Path):
    torch.save(convnext, tmp_path / "convnext.pth")
    with pytest.raises(ValueError, match=r"lack \d+ of the teacher's tensors, such as 'conv1.0.weight'"):
        create_teacher("test_resnet", weights=tmp_path / "convnext.pth")


def test_weights_only_on_the_hub_are_named():
    with pytest.raises(ValueError, match=r"model\.safetensors of timm/vgg16\.tv_in1k there .*--teacher-weights FILE"):
        read_published_weights("vgg16")
