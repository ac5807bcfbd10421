"""Aspect ratios, a region of interest and tiles, from training to scores, exports and adaptation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from gnl_core import api
from gnl_core.cli import main
from gnl_core.config import RunConfig, parse_config, parse_scoring
from gnl_core.datasets.tiling import cut
from gnl_core.detectors import complete_config
from gnl_core.runs.compatibility import differing_settings
from gnl_core.runs.folder import RunFolder, create_run, read_config
from gnl_core.runs.scoring import Run, load_domain, load_run, measure_domain_shift, resolve_scoring
from gnl_core.runs.training import prepare_training, train_run
from gnl_core.runs.tuning import Candidate, write_preset
from gnl_core.scoring import collect, detect, embed

SHAPES = ((40, 80), (80, 40), (64, 64))
SPOT = (slice(4, 14), slice(4, 14))  # the defect, in the upper left corner


def draw(shape: tuple[int, int], *, seed: int, defective: bool) -> np.ndarray:
    image = np.random.default_rng(seed).integers(90, 130, (*shape, 3)).astype(np.uint8)
    if defective:
        image[SPOT] = (255, 0, 255)
    return image


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of grey images of three shapes, with a spot in defective ones; and a mask of the right halves."""
    root = tmp_path_factory.mktemp("shapes")
    for seed, (part, count) in enumerate((("train/good", 12), ("test/good", 3), ("test/spot", 3))):
        folder = root / part
        folder.mkdir(parents=True)
        for index in range(count):
            shape = SHAPES[index % len(SHAPES)]
            image = draw(shape, seed=100 * seed + index, defective="spot" in part)
            PIL.Image.fromarray(image).save(folder / f"{index:03d}.png")
            if "spot" in part:
                mask = np.zeros(shape, dtype=np.uint8)
                mask[SPOT] = 255
                truth = root / "ground_truth" / "spot" / f"{index:03d}_mask.png"
                truth.parent.mkdir(parents=True, exist_ok=True)
                PIL.Image.fromarray(mask).save(truth)
    return root


@pytest.fixture(scope="module")
def right_half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mask that leaves out the corner of the spots."""
    file = tmp_path_factory.mktemp("region") / "right.png"
    PIL.Image.fromarray(np.repeat([[0, 255]], 32, axis=1).repeat(64, axis=0).astype(np.uint8)).save(file)
    return file


@pytest.fixture(scope="module")
def train(
    data: Path, tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., RunConfig], small_teacher: Any
) -> Callable[..., RunFolder]:
    """Train a run on the folder, with any settings."""

    def make(**settings: object) -> RunFolder:
        own = {"dataset": "folder", "data_root": data, "normal_class": "good", "detector": "rd4ad"}
        config = complete_config(
            tiny_config(**{**own, **small_teacher, "batch_size": 5, "style_weight": 0, **settings})
        )
        folder = create_run(tmp_path_factory.mktemp("runs") / "run", config)
        list(train_run(config, folder))
        return folder

    return make


@pytest.fixture(scope="module")
def letterboxed(train: Callable[..., RunFolder]) -> RunFolder:
    return train(resize="letterbox")


def reload(folder: RunFolder, teacher: dict[str, Any]) -> Run:
    return load_run(folder, device="cpu", teacher_weights=teacher["teacher_weights"])


@pytest.mark.parametrize("resize", ["letterbox", "crop"])
def test_images_of_several_aspect_ratios_are_trained_and_scored(
    resize: str, train: Callable[..., RunFolder], small_teacher: dict[str, Any]
):
    run = reload(train(resize=resize), small_teacher)
    assert run.config.resize == resize
    scores, pixels = collect(detect(run.detector, load_domain(run, "test"), resolve_scoring(run)))
    assert np.isfinite(scores.score).all()
    assert len(scores.score) == 6
    assert pixels.pixel_auroc is not None or resize == "crop"


def test_a_border_is_left_out_of_map_score_and_pixel_metrics(letterboxed: RunFolder, small_teacher: dict[str, Any]):
    run = reload(letterboxed, small_teacher)
    ((batch, detection),) = detect(run.detector, load_domain(run, "test"), resolve_scoring(run))
    assert batch.content is not None
    assert detection.anomaly_map is not None
    assert (detection.anomaly_map[~batch.content] == 0).all()
    torch.testing.assert_close(detection.score, detection.anomaly_map.amax(dim=(1, 2, 3)))
    with torch.no_grad():
        everywhere = run.detector(batch.views["original"], resolve_scoring(run)).anomaly_map
    assert (everywhere[~batch.content] > 0).any()
    torch.testing.assert_close(everywhere[batch.content], detection.anomaly_map[batch.content], atol=1e-5, rtol=1e-5)


def test_a_region_is_stored_in_the_checkpoint_without_its_file(
    train: Callable[..., RunFolder], right_half: Path, small_teacher: dict[str, Any], tmp_path: Path
):
    file = Path(shutil.copy(right_half, tmp_path / "mask.png"))
    folder = train(region_of_interest=str(file))
    file.unlink()
    (folder.path / "config.json").unlink()
    run = reload(folder, small_teacher)
    assert run.config.region_of_interest == "32x32:512,512"
    run = run._replace(config=run.config.model_copy(update={"data_root": None}))
    assert resolve_scoring(run).region_of_interest == "32x32:512,512"


def test_outside_of_a_region_given_at_scoring_nothing_counts(
    letterboxed: RunFolder, right_half: Path, small_teacher: dict[str, Any]
):
    run = reload(letterboxed, small_teacher)
    scoring = resolve_scoring(run, region_of_interest=str(right_half))
    ((batch, detection),) = detect(run.detector, load_domain(run, "test"), scoring)
    assert detection.anomaly_map is not None
    assert batch.content is not None
    assert (detection.anomaly_map[..., :16] == 0).all()
    ((_, whole),) = detect(run.detector, load_domain(run, "test"), resolve_scoring(run))
    assert whole.anomaly_map is not None
    torch.testing.assert_close(detection.score, whole.anomaly_map[..., 16:].amax(dim=(1, 2, 3)))


def test_defects_outside_of_the_region_are_not_in_pixel_metrics(
    train: Callable[..., RunFolder], right_half: Path, small_teacher: dict[str, Any]
):
    run = reload(train(), small_teacher)
    _, pixels = collect(detect(run.detector, load_domain(run, "test"), resolve_scoring(run)))
    assert (pixels.pixel_auroc is not None, pixels.n_without_mask) == (True, 0)
    scoring = resolve_scoring(run, region_of_interest=str(right_half))
    _, within = collect(detect(run.detector, load_domain(run, "test"), scoring))
    assert (within.pixel_auroc, within.n_without_mask) == (None, 3)


def test_gnl_score_takes_a_region_and_saves_its_scores_beside_the_others(
    letterboxed: RunFolder, right_half: Path, capsys: pytest.CaptureFixture[str]
):
    command = ["score", str(letterboxed.path), "--domain", "test", "--json"]
    assert main(command) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["region_of_interest"] == "all"
    assert main([*command, "--region-of-interest", str(right_half)]) == 0
    within = json.loads(capsys.readouterr().out)
    assert within["region_of_interest"] == "32x32:512,512"
    assert main([*command, "--region-of-interest", within["region_of_interest"]]) == 0


@pytest.mark.parametrize("detector", ["knn", "patchcore", "kdad", "f_anogan", "deep_svdd"])
def test_a_method_that_does_not_reduce_its_map_refuses_a_region(
    detector: str, tiny_config: Callable[..., RunConfig], right_half: Path
):
    with pytest.raises(
        ValueError, match=f"the score of {detector} is not its anomaly map .* choose one of: gnl, rd4ad"
    ):
        complete_config(tiny_config(detector=detector, region_of_interest=str(right_half)))


def test_adapting_to_letterboxed_images_is_refused_in_one_sentence(
    letterboxed: RunFolder, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    adaptation = str(tmp_path / "adaptation.safetensors")
    assert main(["adapt", str(letterboxed.path), "--images", str(data / "test" / "good"), "--output", adaptation]) == 2
    assert "adapting counts every pixel, and --resize letterbox adds a border" in capsys.readouterr().err


def test_an_adapted_run_counts_only_its_region(
    train: Callable[..., RunFolder], right_half: Path, data: Path, small_teacher: dict[str, Any]
):
    run = reload(train(resize="crop", region_of_interest=str(right_half)), small_teacher)
    adapted = api.adapt(run, data / "test" / "good", way="standardise", normal=True)
    result = api.score(run, "test", adaptation=adapted)
    assert np.isfinite(result.scores.score).all()
    assert adapted.saved.record.scoring.region_of_interest == "32x32:512,512"


@pytest.mark.slow
def test_an_exported_graph_leaves_out_border_and_region(
    letterboxed: RunFolder, right_half: Path, small_teacher: dict[str, Any], tmp_path: Path
):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; the extra [export] has it")
    file = tmp_path / "run.onnx"
    assert main(["export", str(letterboxed.path), "--onnx", str(file), "--region-of-interest", str(right_half)]) == 0
    session = runtime.InferenceSession(file)
    assert session.get_modelmeta().custom_metadata_map["resize"] == "letterbox"
    run = reload(letterboxed, small_teacher)
    scoring = resolve_scoring(run, region_of_interest=str(right_half))
    ((batch, ours),) = detect(run.detector, load_domain(run, "test"), scoring)
    assert batch.content is not None
    assert ours.anomaly_map is not None
    given = {
        "images": batch.views["original"].numpy(),
        "style_weight": np.array(0, np.float32),
        "content": batch.content[:, 0].numpy(),
    }
    scores, maps = session.run(["scores", "maps"], given)
    np.testing.assert_allclose(scores, ours.score, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(maps, ours.anomaly_map[:, 0], rtol=1e-4, atol=1e-4)


def test_resizing_in_another_way_is_another_training(letterboxed: RunFolder):
    before = read_config(letterboxed)
    cropped = before.model_copy(update={"resize": "crop", "region_of_interest": "32x32:512,512"})
    assert list(differing_settings(before, cropped)) == [("resize", "letterbox", "crop")]


@pytest.fixture(scope="module")
def tiled(train: Callable[..., RunFolder]) -> RunFolder:
    return train(image_size=64, tile_size=32, resize="letterbox")


def test_a_map_of_tiles_is_stitched_and_reduced_where_it_counts(tiled: RunFolder, small_teacher: dict[str, Any]):
    run = reload(tiled, small_teacher)
    scoring = resolve_scoring(run)
    ((batch, detection),) = detect(run.detector, load_domain(run, "test"), scoring)
    assert batch.content is not None
    assert detection.anomaly_map is not None
    assert detection.anomaly_map.shape == (6, 1, 64, 64)
    torch.testing.assert_close(detection.score, detection.anomaly_map.amax(dim=(1, 2, 3)))
    assert (detection.anomaly_map[~batch.content] == 0).all()
    with torch.no_grad():
        corner = run.detector(batch.views["original"][..., :32, :32], scoring).anomaly_map
    assert corner is not None
    alone = batch.content[..., :24, :24]  # in the first tile alone
    torch.testing.assert_close(
        detection.anomaly_map[..., :24, :24][alone], corner[..., :24, :24][alone], atol=1e-5, rtol=1e-5
    )


def test_training_reads_the_tiles_that_scoring_reads(tiled: RunFolder, small_teacher: dict[str, Any]):
    run = reload(tiled, small_teacher)
    _, batches = prepare_training(run.config)
    paths = [item.path for item in batches.items]
    assert paths[:9] == [f"{paths[0].split('#')[0]}#{row},{column}" for row in (0, 24, 32) for column in (0, 24, 32)]
    (scored,) = load_domain(run, "train")
    tile = next(iter(batches)).views["original"][1]
    assert torch.equal(tile, scored.views["original"][0, :, :32, 24:56])


def test_shift_is_measured_and_images_are_embedded_by_their_tiles(tiled: RunFolder, small_teacher: dict[str, Any]):
    run = reload(tiled, small_teacher)
    shift = measure_domain_shift(run, "test")
    assert shift is not None
    assert shift > 0
    batches = load_domain(run, "test")
    points = embed(run.detector, batches, resolve_scoring(run))
    (batch,) = batches
    with torch.no_grad():
        tiles = torch.cat([*cut(batch.views["original"][2], batch.tiling)])
        expected = run.detector.embed(tiles, resolve_scoring(run)).mean(dim=0)
    np.testing.assert_allclose(points[2], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("detector", ["knn", "patchcore"])
def test_a_score_that_is_no_reduced_map_is_that_of_the_highest_tile(
    detector: str, train: Callable[..., RunFolder], small_teacher: dict[str, Any]
):
    run = reload(train(detector=detector, image_size=64, tile_size=32), small_teacher)
    ((batch, detection),) = detect(run.detector, load_domain(run, "test"), resolve_scoring(run))
    with torch.no_grad():
        scores = run.detector(torch.cat([*cut(batch.views["original"][0], batch.tiling)]), resolve_scoring(run)).score
    torch.testing.assert_close(detection.score[0], scores.max())


def test_adapting_a_run_that_scores_tiles_is_refused_in_one_sentence(
    tiled: RunFolder, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    adaptation = str(tmp_path / "adaptation.safetensors")
    assert main(["adapt", str(tiled.path), "--images", str(data / "test" / "good"), "--output", adaptation]) == 2
    assert "this run scores them in tiles; adapt a run trained without --tile-size" in capsys.readouterr().err


def test_a_region_is_not_exported_into_the_graph_of_a_tile(tiled: RunFolder, right_half: Path, tmp_path: Path):
    region, file = ["--region-of-interest", str(right_half)], tmp_path / "run.onnx"
    assert main(["export", str(tiled.path), "--onnx", str(file), *region]) == 2
    assert not file.exists()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"image_size": 4096}, "without tiles, a side has at most 2048 px; cut images into tiles with --tile-size"),
        ({"image_size": 64, "tile_size": "32x128"}, "tile_size = 32x128: tiles are larger than the images of 64x64 px"),
        ({"image_size": 20_000, "tile_size": 256}, "less than or equal to 16384"),
        ({"image_size": 4096, "tile_size": 4096}, "less than or equal to 2048"),
    ],
)
def test_sizes_that_do_not_fit_each_other_are_refused(settings: dict[str, object], reason: str):
    with pytest.raises(ValueError, match=reason):
        parse_config(settings)


def test_a_preset_leaves_a_runs_region_as_it_is(
    train: Callable[..., RunFolder], right_half: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, preset = train(region_of_interest=str(right_half)), tmp_path / "preset.json"
    write_preset(preset, Candidate(parse_scoring({"reduction": "mean"}), {}), runs=[], n_normal=1)
    assert main(["score", str(folder.path), "--domain", "test", "--preset", str(preset), "--json"]) == 0
    scoring = json.loads(capsys.readouterr().out)
    assert (scoring["reduction"], scoring["region_of_interest"]) == ("mean", "32x32:512,512")


def test_a_page_shows_images_as_its_runs_see_them(
    letterboxed: RunFolder, train: Callable[..., RunFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "page.html"
    assert main(["page", str(letterboxed.path), "--output", str(file)]) == 0
    assert file.stat().st_size
    other = train(detector="gnl", resize="crop")
    assert main(["page", str(letterboxed.path), str(other.path), "--output", str(tmp_path / "two.html")]) == 2
    assert "these runs see it with --resize letterbox and crop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "reason"), [({"resize": "crop"}, "--resize crop"), ({"tile_size": 32}, "in tiles")]
)
def test_a_page_with_a_model_that_does_not_stretch_whole_images_is_refused(
    settings: dict[str, object],
    reason: str,
    train: Callable[..., RunFolder],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    folder = train(image_size=64, **settings)
    command = ["page", str(folder.path), "--with-model", "--output", str(tmp_path / "page.html")]
    assert main(command) == 2
    assert reason in capsys.readouterr().err
