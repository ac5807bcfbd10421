"""A checkpoint is replaced while it is scored, adapted or shown: what is shown or saved is of one of the two."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from app import checkpoints
from gnl_core.cli import main, score
from gnl_core.config import RunConfig, ScoringConfig, scoring_settings
from gnl_core.detectors import complete_config
from gnl_core.files import hash_file, version_of
from gnl_core.files.writing import write_atomically
from gnl_core.runs import scoring
from gnl_core.runs.adaptations import checkpoint_hash
from gnl_core.runs.folder import RunFolder, create_run, read_config
from gnl_core.runs.reports import read_shift_scores
from gnl_core.runs.scores import read_saved_scores
from gnl_core.runs.scoring import LOADS, load_run
from gnl_core.runs.training import train_run
from tests.torture.faults.conftest import Tally
from tests.torture.faults.whole import read_files


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory, tiny_config: Callable[..., RunConfig]) -> bytes:
    """Another checkpoint of the same settings, but for its seed."""
    config = complete_config(tiny_config(detector="deep_svdd", epochs=2, limit=12, seed=1))
    folder = create_run(tmp_path_factory.mktemp("runs") / "other", config)
    list(train_run(config, folder))
    return folder.weights.read_bytes()


def replaced_after(patch: pytest.MonkeyPatch, module: ModuleType, name: str, replace: Callable[[], object]) -> None:
    """Replace a checkpoint whenever a function of a module has been called."""
    real = getattr(module, name)

    def call(*arguments: object, **given: object) -> object:
        result = real(*arguments, **given)
        replace()
        return result

    patch.setattr(module, name, call)


def test_a_checkpoint_replaced_while_it_is_loaded_is_loaded_again(
    copied: RunFolder, other: bytes, monkeypatch: pytest.MonkeyPatch, tally: Tally
):
    replaced_after(monkeypatch, scoring, "load_checkpoint", lambda: replace_once(copied, other))
    run = load_run(copied, device="cpu")
    assert run.config.seed == 1
    assert run.sha256 == checkpoint_hash(run) == hash_file(copied.weights)
    tally.report("replaced while loaded", injected=1)


def replace_once(folder: RunFolder, content: bytes) -> None:
    if folder.weights.read_bytes() != content:
        write_atomically(folder.weights, content)


def test_a_checkpoint_that_is_replaced_without_end_is_refused(
    copied: RunFolder, other: bytes, monkeypatch: pytest.MonkeyPatch, tally: Tally
):
    replaced_after(monkeypatch, scoring, "load_checkpoint", lambda: write_atomically(copied.weights, other))
    with pytest.raises(ValueError, match=f"was replaced {LOADS} times while it was loaded"):
        load_run(copied, device="cpu")
    tally.report("replaced without end", injected=LOADS)


@pytest.mark.parametrize("after", ["load_run", "look_at_data", "score_batches", "score_held_out", "report_run"])
def test_scores_of_a_checkpoint_replaced_meanwhile_are_not_saved(
    after: str,
    copied: RunFolder,
    other: bytes,
    capsys: pytest.CaptureFixture[str],
    tally: Tally,
):
    arguments = ["score", str(copied.path), "--domain", "digits"]
    assert main(arguments) == 0
    before = read_files(copied.path)
    with pytest.MonkeyPatch.context() as patch:
        replaced_after(patch, score, after, lambda: replace_once(copied, other))
        capsys.readouterr()
        assert main(arguments) == 2
    assert "weights.safetensors was replaced while it was in use" in capsys.readouterr().err.splitlines()[-1]
    assert read_files(copied.path) == before | {"weights.safetensors": other}
    assert read_saved_scores(copied) is None  # those on disk are of the old one
    assert main(arguments) == 0
    rows = read_saved_scores(copied)
    assert rows is not None
    assert set(rows["checkpoint"]) == {hash_file(copied.weights)}
    tally.report(f"replaced after {after}", injected=1)


def test_pages_keep_what_belongs_to_one_checkpoint_together(
    copied: RunFolder, other: bytes, tmp_path: Path, tally: Tally
):
    from app.compute import shared_run

    asked = ["score", "--domain", "digits", "--style-weight", "0"]
    assert main([asked[0], str(copied.path), *asked[1:]]) == 0
    old = shown(copied)
    second = RunFolder(Path(shutil.copytree(copied.path, tmp_path / "second")))
    write_atomically(second.weights, other)
    assert main([asked[0], str(second.path), *asked[1:]]) == 0
    new = second.scores.read_bytes(), hash_file(second.weights)
    facts = copied.weights.stat()

    write_atomically(copied.weights, other)  # the scores are still those of the old one
    os.utime(copied.weights, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert checkpoints.hash_weights(copied.weights, version_of(copied.weights)) == new[1] != old[0]
    assert checkpoints.saved_scores(copied.weights, new[1], domain="digits", scoring=asked_of(copied)) is None
    kept = checkpoints.saved_scores(copied.weights, old[0], domain="digits", scoring=asked_of(copied))
    assert kept is None or np.array_equal(kept.score, old[1])
    with pytest.raises(ValueError, match="was replaced while this page was drawn; reload the page"):
        shared_run(copied.weights, old[0])
    assert shared_run(copied.weights, new[1]).config.seed == 1
    assert read_shift_scores(copied, new[1]) == {}

    write_atomically(copied.scores, new[0])  # and now those of the new one
    stale = checkpoints.saved_scores(copied.weights, old[0], domain="digits", scoring=asked_of(copied))
    assert stale is None or np.array_equal(stale.score, old[1])
    assert not np.array_equal(shown(copied)[1], old[1])
    tally.report("replaced while shown", injected=3)


def shown(folder: RunFolder) -> tuple[str, np.ndarray]:
    """Return the hash and the scores that a page takes."""
    sha256 = checkpoints.hash_weights(folder.weights, version_of(folder.weights))
    scores = checkpoints.saved_scores(folder.weights, sha256, domain="digits", scoring=asked_of(folder))
    assert scores is not None
    return sha256, scores.score


def asked_of(folder: RunFolder) -> ScoringConfig:
    """Return the settings that were scored."""
    return scoring_settings(read_config(folder), style_weight=0.0)
