"""Checkpoints in the published format (built by conftest.py) become runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor

from gnl_core.datasets import list_items, list_train_items
from gnl_core.datasets.base import Item
from gnl_core.datasets.loading import Batches
from gnl_core.detectors import complete_config
from gnl_core.files import hash_file
from gnl_core.runs.checkpoints import read_checkpoint
from gnl_core.runs.folder import RunFolder, read_config
from gnl_core.runs.imports import drawn_items, first_items, import_run
from gnl_core.runs.scoring import load_run, resolve_scoring
from gnl_core.scoring import score

Publish = Callable[[str, Path], Any]
SIDE = 64


@pytest.fixture(scope="module")
def resnet18(publish: Publish, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return publish("resnet18", tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def fours() -> list[Item]:
    return list_train_items("digits", normal_class="4")


@pytest.fixture(scope="module")
def imported(resnet18: Any, fours: list[Item]) -> RunFolder:
    """A run of the ResNet-18 checkpoint whose references are the first two training images; tests leave it as it is."""
    config = resnet18.config(detector="gnl", stored_references=2)
    return import_run(resnet18.folder / "published.pth", resnet18.folder / "run", config, references=fours[:2])


def read_image(item: Item) -> Tensor:
    picture = PIL.Image.fromarray(item.read()).resize((SIDE, SIDE), PIL.Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255


def check_scores(published: Any, folder: RunFolder, *, strength: float, sigma: float) -> None:
    """Scores of three digits, by the run on disk, are those of plain calls on the published tensors."""
    run = load_run(folder, device="cpu")
    items = list_items("digits", normal_class="4", domain="digits_m")[:3]
    expected = published.scores(
        torch.stack([read_image(item) for item in items]),
        reference=read_image(list_train_items("digits", normal_class="4")[0]),
        strength=strength,
        sigma=sigma,
    )
    scoring = resolve_scoring(run, style_weight=strength, smoothing_sigma_px=sigma)
    found = score(run.detector, Batches(items, image_size=(SIDE, SIDE), batch_size=3), scoring)
    assert found.score.tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("strength", "sigma"), [(0.0, 0.0), (0.0, 4.0), (0.5, 4.0), (1.0, 0.0)])
@torch.no_grad()
def test_an_imported_run_scores_like_the_published_networks(
    resnet18: Any, imported: RunFolder, strength: float, sigma: float
):
    check_scores(resnet18, imported, strength=strength, sigma=sigma)


@pytest.mark.slow
@pytest.mark.parametrize("teacher", ["resnet50", "wide_resnet50_2"])
@torch.no_grad()
def test_an_imported_run_of_a_larger_teacher_scores_like_the_published_networks(
    teacher: str,
    publish: Publish,
    fours: list[Item],
    quick_weights: Callable[[], AbstractContextManager[None]],
    tmp_path: Path,
):
    with quick_weights():
        published = publish(teacher, tmp_path)
        config = published.config(detector="gnl")
        folder = import_run(tmp_path / "published.pth", tmp_path / "run", config, references=fours[:1])
        check_scores(published, folder, strength=0.5, sigma=4.0)


def test_an_imported_run_has_settings_weights_and_an_origin(resnet18: Any, imported: RunFolder):
    config = complete_config(resnet18.config(detector="gnl", stored_references=2))
    assert complete_config(read_config(imported)) == config
    header, _ = read_checkpoint(imported.weights)
    assert header.config == config.model_copy(update={"teacher_weights": None})  # others may read a checkpoint
    assert (header.epoch, len(header.teacher_fingerprint)) == (0, 64)
    file = resnet18.folder / "published.pth"
    assert json.loads(imported.origin.read_text()) == {"file": str(file), "sha256": hash_file(file)}


def test_references_keep_their_order(imported: RunFolder, fours: list[Item]):
    detector = load_run(imported, device="cpu").detector
    stages = detector.network.teacher(torch.stack([read_image(item) for item in fours[:2]]))
    for stage, kept in zip(stages, detector.references.buffers(), strict=True):
        torch.testing.assert_close(kept, stage.flatten(2).sort().values, rtol=1e-4, atol=1e-5)


def import_changed(resnet18: Any, tmp_path: Path, change: Callable[[dict[str, dict[str, Tensor]]], None]) -> RunFolder:
    """Import the checkpoint after a change, without references."""
    checkpoint = {part: dict(state) for part, state in resnet18.checkpoint.items()}
    change(checkpoint)
    torch.save(checkpoint, tmp_path / "changed.pth")
    return import_run(tmp_path / "changed.pth", tmp_path / "run", resnet18.config(), references=[])


def add_parallel_prefix(checkpoint: dict[str, dict[str, Tensor]]) -> None:
    for part, state in checkpoint.items():
        checkpoint[part] = {f"module.{name}": value for name, value in state.items()}


def drop_what_is_never_used(checkpoint: dict[str, dict[str, Tensor]]) -> None:
    for name in [name for name in checkpoint["bn"] if name.startswith(("conv4.", "bn4."))]:
        del checkpoint["bn"][name]


@pytest.mark.parametrize("change", [add_parallel_prefix, drop_what_is_never_used])
def test_a_prefix_of_dataparallel_and_unused_layers_change_nothing(
    resnet18: Any, imported: RunFolder, tmp_path: Path, change: Callable[..., None]
):
    folder = import_changed(resnet18, tmp_path, change)
    _, expected = read_checkpoint(imported.weights)
    _, actual = read_checkpoint(folder.weights)
    learnt = [name for name in expected if name.startswith("network.")]
    assert len(learnt) == 48 + 90
    assert all(torch.equal(actual[name], expected[name]) for name in learnt)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["bn"].pop("conv1.weight"), "bn lacks conv1.weight"),
        (lambda c: c["decoder"].update(conv9=torch.ones(1)), "decoder has an unexpected conv9"),
        (
            lambda c: c["decoder"].update({"layer3.1.bn2.bias": torch.ones(2)}),
            r"decoder has layer3.1.bn2.bias of shape \(2,\) instead of \(64,\)",
        ),
        (lambda c: c.update(bn={}), "bn lacks bn1.bias, bn lacks bn1.num_batches_tracked, .*, and 45 more"),
        (lambda c: c.pop("decoder"), "holds no state dict .* called decoder; pass a file saved by the published"),
        (lambda c: c.clear(), "holds no state dict .* called bn or decoder"),
    ],
)
def test_tensors_that_do_not_fit_are_named_and_leave_no_run(
    resnet18: Any, tmp_path: Path, change: Callable[..., None], words: str
):
    with pytest.raises(ValueError, match=words) as refusal:
        import_changed(resnet18, tmp_path, change)
    assert "\n" not in str(refusal.value)
    assert str(tmp_path / "changed.pth") in str(refusal.value)
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_another_teacher_is_refused(resnet18: Any, tmp_path: Path):
    config = resnet18.config(teacher="efficientnet_lite0", teacher_weights=None)
    with pytest.raises(ValueError, match=r"does not fit teacher efficientnet_lite0: bn .* more; pass the teacher it"):
        import_run(resnet18.folder / "published.pth", tmp_path / "run", config, references=[])


def test_a_run_without_references_scores_only_unmatched(resnet18: Any, tmp_path: Path):
    folder = import_changed(resnet18, tmp_path, lambda checkpoint: None)
    assert read_config(folder).stored_references == 0
    check_scores(resnet18, folder, strength=0.0, sigma=4.0)
    with pytest.raises(ValueError, match="stores no references, so features cannot be matched; use --style-weight"):
        check_scores(resnet18, folder, strength=0.5, sigma=4.0)


def test_a_method_that_was_not_published_is_refused(resnet18: Any, tmp_path: Path):
    with pytest.raises(ValueError, match="are of rd4ad or gnl, not of 'knn'"):
        import_run(tmp_path / "any.pth", tmp_path / "run", resnet18.config(detector="knn"), references=[])


def test_more_references_in_scoring_than_stored_are_refused(resnet18: Any, fours: list[Item], tmp_path: Path):
    config = resnet18.config(reference_count=3)
    with pytest.raises(ValueError, match="count of 3 needs as many stored references, but 2 would be stored"):
        import_run(tmp_path / "any.pth", tmp_path / "run", config, references=fours[:2])


def test_an_unreadable_file_is_reported_before_a_teacher_is_loaded(resnet18: Any, tmp_path: Path):
    config = resnet18.config(teacher_weights=tmp_path / "none.pth")
    with pytest.raises(ValueError, match=r"no checkpoint at \S+any\.pth"):
        import_run(tmp_path / "any.pth", tmp_path / "run", config, references=[])
    (tmp_path / "any.pth").write_bytes(b"junk")
    with pytest.raises(ValueError, match="holds no state dict"):
        import_run(tmp_path / "any.pth", tmp_path / "run", config, references=[])
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_imported_over(resnet18: Any, imported: RunFolder):
    before = imported.weights.read_bytes()
    with pytest.raises(ValueError, match="already contains a run"):
        import_run(resnet18.folder / "published.pth", imported.path, resnet18.config(), references=[])
    assert imported.weights.read_bytes() == before


def test_the_first_items_are_the_first():
    assert first_items("abcde", count=2, seed=3) == ["a", "b"]
    assert first_items("ab", count=3, seed=3) == ["a", "b"]


def test_drawn_items_differ_and_depend_on_the_seed():
    drawn = [tuple(drawn_items("abcdefgh", count=4, seed=seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(set(items)) == 4 for items in drawn)


@pytest.mark.parametrize("part", ["bn", "decoder"])
def test_a_published_checkpoint_that_is_not_finite_is_refused(publish: Publish, tmp_path: Path, part: str):
    published = publish("resnet18", tmp_path)
    next(iter(published.checkpoint[part].values())).view(-1)[0] = float("inf")
    torch.save(published.checkpoint, tmp_path / "published.pth")
    with pytest.raises(
        ValueError, match=r"published\.pth: this run diverged \((bottleneck|bn|decoder)\.\S+ holds numbers"
    ):
        import_run(tmp_path / "published.pth", tmp_path / "run", published.config(stored_references=0), references=[])
    assert not (tmp_path / "run").exists()
