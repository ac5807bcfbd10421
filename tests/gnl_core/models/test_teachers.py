from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import timm
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_sample_images
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

from gnl_core.models import backbones, teacher_weights
from gnl_core.models.backbones import create_backbone, read_published_weights
from gnl_core.models.teachers import TEACHERS, Teacher, TeacherSpec, create_teacher, hash_weights

SMALL = "mobilenetv3_small_050"
STAGES = (1, 2, 3)


@pytest.fixture(scope="module")
def lite0() -> nn.Module:
    """timm's whole classifier, loaded with the bundled package's tensors in their order."""
    model = timm.create_model("tf_efficientnet_lite0").eval()
    file = teacher_weights.bundled_lite0_file()
    assert file is not None
    state = torch.load(file, weights_only=True)
    assert len(state) == len(model.state_dict()) == 296
    model.load_state_dict(dict(zip(model.state_dict(), state.values(), strict=True)))
    return model


def lite0_input(images: Tensor) -> Tensor:
    """EfficientNet-Lite sees images in [-1, 1]."""
    return 2 * images - 1


@torch.no_grad()
def test_the_bundled_weights_recognise_a_dahlia_and_a_palace(lite0: nn.Module):
    lite0.load_state_dict(read_published_weights("tf_efficientnet_lite0.in1k"))
    china, flower = (
        torch.from_numpy(np.array(PIL.Image.fromarray(photo[:, 106:533]).resize((224, 224)))).permute(2, 0, 1) / 255
        for photo in load_sample_images().images
    )
    names = timm.data.ImageNetInfo()
    found = [
        {names.index_to_description(int(index)) for index in logits.topk(3).indices}
        for logits in lite0(lite0_input(torch.stack([china, flower])))
    ]
    assert "palace" in found[0]
    assert "daisy" in found[1]  # ImageNet has no dahlia


@torch.no_grad()
def test_the_bundled_teachers_stages_are_those_of_timms_classifier(lite0: nn.Module, teacher: Teacher):
    images = torch.rand(2, 3, 64, 96)
    expected = lite0.forward_intermediates(lite0_input(images), indices=STAGES, intermediates_only=True)
    for actual, stage in zip(teacher(images), expected, strict=True):
        torch.testing.assert_close(actual, stage, rtol=1e-4, atol=1e-5)


def test_the_bundled_teacher_describes_its_stages(teacher: Teacher):
    assert teacher.channels == (24, 40, 112)
    assert teacher.reductions == (4, 8, 16)
    maps = teacher(torch.rand(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [(24, 16, 24), (40, 8, 12), (112, 4, 6)]


@pytest.mark.parametrize("name", ["resnet", "", "no such model", "resnet18.no_such_weights"])
def test_an_unknown_teacher_is_refused_in_one_sentence(name: str):
    with pytest.raises(ValueError, match=r"unknown teacher .*; choose one of efficientnet_lite0, resnet18") as refusal:
        create_teacher(name)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "channels"),
    [("resnet18", (64, 128, 256)), ("resnet50", (256, 512, 1024)), ("wide_resnet50_2", (256, 512, 1024))],
)
def test_resnet_teachers_have_the_papers_stages(name: str, channels: tuple[int, ...]):
    teacher = make_teacher(TEACHERS[name])
    assert teacher.channels == channels
    assert teacher.reductions == (4, 8, 16)
    low, _, high = teacher(torch.rand(1, 3, 32, 32))
    assert low.min() >= 0  # rectified, as their spec says
    assert high.min() >= 0


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("efficientnet_lite0", "fdd52dbc"),
        ("resnet18", "be22dafe"),
        ("resnet50", "cd613ca4"),
        ("wide_resnet50_2", "7e0a4f9e"),
    ],
)
def test_the_names_within_a_fingerprint_stay(name: str, begin: str):
    stages = create_backbone(TEACHERS[name].timm_name).stages
    for tensor in stages.state_dict().values():
        tensor.zero_()
    assert hash_weights(stages).startswith(begin)  # of version 0.1: checkpoints are refused where it changes


def make_teacher(spec: TeacherSpec) -> Teacher:
    """A teacher with random weights, whose BatchNorms have something to lose."""
    backbone = create_backbone(spec.timm_name)
    for module in backbone.stages.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
    return Teacher(spec, backbone, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@pytest.fixture(scope="module")
def small() -> Teacher:
    return make_teacher(TeacherSpec(SMALL))


def test_images_are_normalised_first(small: Teacher):
    images = torch.rand(2, 3, 32, 32)
    features = normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    for actual, stage in zip(small(images), small.stages, strict=True):
        features = stage(features)
        torch.testing.assert_close(actual, features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wrap", [lambda t: t, nn.Sequential, lambda t: nn.ModuleList([nn.Sequential(t)])])
def test_a_teacher_stays_in_eval_mode_when_train_is_called(wrap: Callable[[nn.Module], nn.Module]):
    teacher = make_teacher(TeacherSpec(SMALL))
    assert not any(module.training for module in teacher.modules())
    wrap(teacher).train()
    assert not any(module.training for module in teacher.modules())
    before = hash_weights(teacher)
    teacher(torch.rand(4, 3, 32, 32))
    assert hash_weights(teacher) == before


def test_a_teacher_has_no_gradients(small: Teacher):
    assert not any(parameter.requires_grad for parameter in small.parameters())
    assert not any(m.requires_grad for m in small(torch.rand(1, 3, 32, 32)))


@torch.no_grad()
def test_a_mix_changes_a_map_before_the_next_stage_reads_it(small: Teacher):
    seen = []

    def mix(index: int, stage: Tensor) -> Tensor:
        seen.append(index)
        return stage + 1 if index < 2 else stage

    images = torch.rand(1, 3, 32, 32)
    plain, mixed = small(images), small(images, mix)
    assert seen == [0, 1, 2]
    torch.testing.assert_close(mixed[0], plain[0] + 1)
    torch.testing.assert_close(mixed[1], small.stages[1](plain[0] + 1) + 1)
    torch.testing.assert_close(mixed[2], small.stages[2](mixed[1]))


def test_an_image_has_the_same_maps_alone_and_in_a_batch(small: Teacher):
    images = torch.rand(5, 3, 40, 33)
    for together, alone in zip(small(images), small(images[3:4]), strict=True):
        torch.testing.assert_close(together[3:4], alone, rtol=1e-4, atol=1e-5)


def test_a_teacher_computes_in_32_bits_under_autocast(small: Teacher):
    images = torch.rand(2, 3, 32, 32)
    whole = small(images)
    with torch.autocast("cpu", torch.bfloat16):
        surrounded = small(images)
    for expected, found in zip(whole, surrounded, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_fingerprint_distinguishes_weights():
    layer, same, other = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(3, 2)
    same.load_state_dict(layer.state_dict())
    other.load_state_dict(layer.state_dict())
    other.bias.data[1] += 1e-6
    assert hash_weights(layer) == hash_weights(same)
    assert hash_weights(layer) != hash_weights(other)


def test_a_fingerprint_distinguishes_shapes():
    assert hash_weights(nn.Embedding.from_pretrained(torch.zeros(2, 3))) != hash_weights(
        nn.Embedding.from_pretrained(torch.zeros(3, 2))
    )


@pytest.fixture(scope="module")
def classifier() -> nn.Module:
    """timm's whole classifier with random weights."""
    return timm.create_model(SMALL).eval()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@torch.no_grad()
def test_a_classifiers_local_weights_make_a_teacher(classifier: nn.Module, suffix: str, tmp_path: Path):
    file = tmp_path / f"weights{suffix}"
    (torch.save if suffix == ".pth" else save_file)(classifier.state_dict(), file)
    teacher = create_teacher(SMALL, weights=file)
    images = torch.rand(2, 3, 64, 64)
    expected = classifier.forward_intermediates(
        normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), indices=STAGES, intermediates_only=True
    )
    for actual, stage in zip(teacher(images), expected, strict=True):
        torch.testing.assert_close(actual, stage, rtol=1e-4, atol=1e-5)


def test_a_torchvision_style_resnet_file_is_a_teacher_of_the_paper(tmp_path: Path):
    from torchvision.models import resnet18

    published = resnet18().eval()
    torch.save(published.state_dict(), tmp_path / "resnet18.pth")
    teacher = create_teacher("resnet18", weights=tmp_path / "resnet18.pth")
    images = torch.rand(1, 3, 32, 32)
    x = normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    x = published.maxpool(published.relu(published.bn1(published.conv1(x))))
    for actual, layer in zip(teacher(images), (published.layer1, published.layer2, published.layer3), strict=True):
        x = layer(x)
        torch.testing.assert_close(actual, x, rtol=1e-4, atol=1e-5)


def refusal_of(state: dict[str, Tensor], tmp_path: Path) -> str:
    """The error when a teacher is built from these tensors."""
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(ValueError) as refusal:
        create_teacher(SMALL, weights=tmp_path / "weights.pth")
    return str(refusal.value)


def test_weights_with_missing_tensors_are_refused(classifier: nn.Module, tmp_path: Path):
    state = {name: value for name, value in classifier.state_dict().items() if name != "conv_stem.weight"}
    said = refusal_of(state, tmp_path)
    assert "lack 1 of the teacher's tensors, such as 'conv_stem.weight'" in said
    assert "\n" not in said


def test_weights_of_other_shapes_are_refused(classifier: nn.Module, tmp_path: Path):
    state = dict(classifier.state_dict()) | {"conv_stem.weight": torch.zeros(16, 1, 3, 3)}
    said = refusal_of(state, tmp_path)
    assert "do not fit the teacher: size mismatch for conv_stem.weight" in said
    assert "\n" not in said


def test_a_wrong_hash_stops_a_teacher(classifier: nn.Module, tmp_path: Path):
    torch.save(classifier.state_dict(), tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="SHA-256"):
        create_teacher(SMALL, weights=tmp_path / "weights.pth", sha256="0" * 64)


def test_an_unreachable_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    from urllib.error import URLError

    def unreachable(url: str, **_: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    with pytest.raises(ValueError, match=r"download https://\S+\.pth on a machine.*--teacher-weights") as refusal:
        create_teacher("resnet18")
    assert "\n" not in str(refusal.value)


def test_a_teacher_without_published_weights_asks_for_a_file():
    with pytest.raises(ValueError, match=r"no address is known.*--teacher-weights FILE"):
        create_teacher("resnet50t")


def test_without_the_bundled_package_timms_own_port_is_downloaded(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(backbones, "bundled_lite0_file", lambda: None)
    monkeypatch.setattr(backbones, "download_weights", lambda url: asked.append(url) or {})
    read_published_weights("tf_efficientnet_lite0.in1k")
    assert asked == [timm.get_pretrained_cfg("tf_efficientnet_lite0.in1k").url]


def test_a_tampered_bundled_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "efficientnet-lite0-57934424.pth"
    torch.save({"stem": torch.zeros(1)}, file)
    monkeypatch.setattr(backbones, "bundled_lite0_file", lambda: file)
    with pytest.raises(ValueError, match="expected 579344248a93e230"):
        create_teacher("efficientnet_lite0")
