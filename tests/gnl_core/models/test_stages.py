"""Stages that pass on more than a map: thirds of vision transformers, and networks that are not cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from gnl_core.detectors import DETECTORS, complete_config
from gnl_core.models.reverse_distillation import ReverseDistillation
from gnl_core.models.small_student import SmallStudent, shrinking_strides
from gnl_core.models.teachers import Teacher, create_teacher

ROTARY = "vit_tiny_patch16_dinov3_qkvb"
MIXED_ROTARY = "vit_small_patch16_rope_mixed_224"  # each block has a rotary embedding of its own


@pytest.fixture(autouse=True)
def quick(quick_weights: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Initial weights at once: tests compare computations on them."""
    with quick_weights():
        yield


def random_teacher(name: str, folder: Path) -> Teacher:
    """A teacher with random weights, loaded from a file as a user's would be."""
    torch.save(timm.create_model(name).state_dict(), folder / "weights.pth")
    return create_teacher(name, weights=folder / "weights.pth")


@pytest.fixture(scope="module")
def vit_teacher(tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    return random_teacher("test_vit", tmp_path_factory.mktemp("vit"))


@torch.no_grad()
def test_a_map_that_is_changed_in_between_is_what_the_next_blocks_read(tmp_path: Path):
    model: Any = timm.create_model("test_vit", dynamic_img_size=True).eval()
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    teacher = create_teacher("test_vit", weights=tmp_path / "weights.pth")
    images = torch.rand(2, 3, 32, 48)
    changed = teacher(images, lambda index, stage: stage.flip(0) + 1 if index == 0 else stage)
    tokens = model.forward_intermediates(
        teacher.normalise(images), indices=[1], output_fmt="NLC", return_prefix_tokens=True, intermediates_only=True
    )
    ((patches, prefix),) = tokens
    expected = torch.cat([prefix, patches.flip(0) + 1], dim=1)  # by hand: patches changed, the class token not
    for block in model.blocks[2:4]:
        expected = block(expected)
    ours = changed[1].flatten(2).transpose(1, 2)
    torch.testing.assert_close(ours, expected[:, 1:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [ROTARY, MIXED_ROTARY])
@torch.no_grad()
def test_rotary_positions_of_later_blocks_are_timms(name: str, tmp_path: Path):
    teacher = random_teacher(name, tmp_path)
    images = torch.rand(1, 3, 64, 32)
    model: Any = timm.create_model(name, dynamic_img_size=True).eval()
    model.load_state_dict(torch.load(tmp_path / "weights.pth"))
    expected = model.forward_intermediates(teacher.normalise(images), indices=[3, 6, 9], intermediates_only=True)
    for ours, timms in zip(teacher(images), expected, strict=True):
        torch.testing.assert_close(ours, timms, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_transformer_of_one_size_has_the_same_maps_at_that_size(tmp_path: Path):
    fixed: Any = timm.create_model("test_vit3").eval()
    assert not fixed.dynamic_img_size
    torch.save(fixed.state_dict(), tmp_path / "weights.pth")
    teacher = create_teacher("test_vit3", weights=tmp_path / "weights.pth", image_size=(64, 96))
    images = torch.rand(1, 3, 160, 160)
    expected = fixed.forward_intermediates(teacher.normalise(images), indices=[2, 4, 7], intermediates_only=True)
    for ours, timms in zip(teacher(images), expected, strict=True):
        torch.testing.assert_close(ours, timms, rtol=1e-4, atol=1e-5)


def test_a_transformers_stages_hold_no_block_behind_the_last_map(vit_teacher: Teacher):
    start, *later = vit_teacher.stages
    counts = [len(start.transformer.blocks), *(len(stage.blocks) for stage in later)]
    assert counts == [2, 2, 1]  # of 6: behind blocks 2, 4 and 5
    assert not any("head" in name for name in vit_teacher.state_dict())


def test_only_multiples_of_the_patch_are_read_and_the_nearest_is_named():
    with pytest.raises(
        ValueError, match=r"cannot read images of 250x36 px \(.*patch size.*\); set --image-size 256x32,"
    ):
        create_teacher("test_vit", weights=Path("never read"), image_size=(250, 36))


def test_maps_of_one_size_are_rebuilt_at_that_size(vit_teacher: Teacher):
    network = ReverseDistillation(vit_teacher).eval()
    with torch.no_grad():
        features = network(vit_teacher(torch.rand(2, 3, 64, 96)))
    assert [tuple(m.shape) for m in features.student] == [(2, 64, 4, 6)] * 3
    assert tuple(features.embedding.shape) == (2, 128, 2, 3)


@pytest.mark.parametrize(("stride", "steps"), [(16, [2, 2, 2, 2]), (14, [2, 7]), (7, [7]), (12, [2, 2, 3]), (1, [])])
def test_a_stride_is_split_into_halvings_and_an_odd_factor(stride: int, steps: list[int]):
    assert shrinking_strides(stride) == steps


@pytest.mark.parametrize(("name", "size"), [("vit_small_patch14_dinov2", (42, 28)), ("convmixer_768_32", (30, 41))])
def test_the_small_student_has_the_teachers_shapes_at_any_stride(name: str, size: tuple[int, int]):
    with torch.device("meta"):
        teacher = create_teacher(name)
        images = torch.zeros(1, 3, *size)
        imitated = SmallStudent(teacher)(images)
        wanted = teacher(images)
    for ours, theirs in zip(imitated, wanted, strict=True):
        assert ours.shape[1] == theirs.shape[1]
        assert all(0 <= a - b <= 1 for a, b in zip(ours.shape[2:], theirs.shape[2:], strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of a teacher that is not cut."""
    file = tmp_path_factory.mktemp("whole") / "weights.pth"
    torch.save(timm.create_model("efficientvim_m1").state_dict(), file)
    return {"teacher": "efficientvim_m1", "teacher_weights": file, "image_size": 64}


@pytest.mark.parametrize(
    ("detector", "stored_references", "reason"),
    [
        ("knn", 3, "features cannot be matched behind a stage; add --stored-references 0"),
        ("rd4ad", 1, "features cannot be matched behind a stage; add --stored-references 0"),
        ("rd4ad_efdm", 0, "styles cannot be mixed behind a stage; use a method without mixing"),
    ],
)
def test_what_needs_a_map_between_stages_is_refused_in_one_sentence(
    detector: str, stored_references: int, reason: str, whole: dict[str, Any], tiny_config: Any
):
    config = tiny_config(detector=detector, stored_references=stored_references, **whole)
    with pytest.raises(ValueError, match="efficientvim_m1 computes its three maps at once, so ") as said:
        DETECTORS[detector](complete_config(config))
    assert reason in str(said.value)
    assert "\n" not in str(said.value)


def test_a_teacher_that_is_not_cut_scores_without_matching_alone(whole: dict[str, Any], tiny_config: Any):
    config = complete_config(tiny_config(detector="rd4ad", stored_references=0, **whole))
    detector, images = DETECTORS["rd4ad"](config).eval(), torch.rand(2, 3, 64, 64)
    assert not detector.matches
    with torch.no_grad():
        assert detector(images, config.model_copy(update={"style_weight": 0.0})).score.isfinite().all()
        with pytest.raises(ValueError, match=r"three maps at once.*use --style-weight 0"):
            detector(images, config.model_copy(update={"style_weight": 1.0}))
