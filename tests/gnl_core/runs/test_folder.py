from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.files import hash_file
from gnl_core.files.writing import create_atomically, write_atomically
from gnl_core.metrics.image import report
from gnl_core.metrics.threshold import choose_threshold
from gnl_core.records import DomainReport, EpochRecord, Report, Scores, Threshold
from gnl_core.runs.discovery import list_runs
from gnl_core.runs.folder import (
    RunFolder,
    create_run,
    last_record,
    read_config,
    read_config_once,
    read_records,
    write_config,
    write_records,
)
from gnl_core.runs.reports import read_shift_scores, report_to_json, write_report
from gnl_core.runs.scores import (
    count_diverged_scores,
    find_scores,
    read_saved_scores,
    save_scores,
    select_engines,
    select_scores,
)
from gnl_core.scoring import join_scores


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = create_run(tmp_path / "runs" / "a", RunConfig(seed=5))
    run.weights.write_bytes(b"first")
    return run


def make_scores(domain: str, *values: float) -> Scores:
    count = len(values)
    return Scores(
        score=np.array(values),
        label=np.arange(count) % 2,
        domain=np.array([domain] * count),
        category=np.array([str(row) for row in range(count)]),
        path=np.array([f"{domain}/{row}" for row in range(count)]),
    )


ASKED = ScoringConfig(style_weight=0.5)


def test_a_new_run_holds_its_settings(folder: RunFolder):
    assert read_config(folder) == RunConfig(seed=5)


def test_a_run_is_not_overwritten(folder: RunFolder):
    with pytest.raises(ValueError, match="already contains a run; choose another folder"):
        create_run(folder.path, RunConfig())
    assert read_config(folder).seed == 5


def test_a_run_cannot_be_made_in_place_of_a_file(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match=r"cannot create the run folder .*file"):
        create_run(tmp_path / "file", RunConfig())
    with pytest.raises(ValueError, match=r"cannot create the run folder .*below"):
        create_run(tmp_path / "file" / "below", RunConfig())


def test_a_folder_without_a_run_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"contains no run: config\.json is missing; train a run with gnl train"):
        read_config(RunFolder(tmp_path))


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"method": 3}', '{"epochs": 0}'])
def test_foreign_settings_are_refused_in_one_sentence(folder: RunFolder, content: str):
    folder.config.write_text(content)
    with pytest.raises(ValueError, match=r"config\.json cannot be read: ") as refusal:
        read_config(folder)
    assert "\n" not in str(refusal.value)


def test_runs_with_a_checkpoint_are_listed_by_name(folder: RunFolder):
    root = folder.path.parent
    create_run(root / "without", RunConfig())
    create_run(root / "0", RunConfig()).weights.write_bytes(b"w")
    assert [run.path.name for run in list_runs(root)] == ["0", "a"]
    assert list_runs(root / "nowhere") == []


def test_epochs_are_stored_one_per_line(folder: RunFolder):
    assert read_records(folder) == []
    records = [EpochRecord(1, {"distillation": 0.5}, 1.25), EpochRecord(2, {"distillation": 0.25}, 2.5)]
    for count in (1, 2):
        write_records(folder, records[:count])
    assert len(folder.progress.read_text().splitlines()) == 2
    assert read_records(folder) == records


def check_same(found: Scores | None, expected: Scores) -> None:
    assert found is not None
    for name, column in vars(expected).items():
        np.testing.assert_array_equal(getattr(found, name), column)


def test_saved_scores_are_returned_only_for_their_own_settings(folder: RunFolder):
    assert find_scores(folder, domain="digits", scoring=ASKED) is None
    save_scores(folder, make_scores("digits", 0.1, 0.25), ASKED)
    check_same(find_scores(folder, domain="digits", scoring=ASKED), make_scores("digits", 0.1, 0.25))
    assert find_scores(folder, domain="digits_m", scoring=ASKED) is None
    for other in (ScoringConfig(style_weight=1), ASKED.model_copy(update={"smoothing_sigma_px": 1.0})):
        assert find_scores(folder, domain="digits", scoring=other) is None


def test_scores_of_other_settings_are_kept(folder: RunFolder):
    other = ScoringConfig(style_weight=1)
    save_scores(folder, make_scores("digits", 1.0), ASKED)
    save_scores(folder, make_scores("digits", 2.0), other)
    save_scores(folder, make_scores("digits_m", 3.0), ASKED)
    check_same(find_scores(folder, domain="digits", scoring=ASKED), make_scores("digits", 1.0))
    check_same(find_scores(folder, domain="digits", scoring=other), make_scores("digits", 2.0))
    check_same(find_scores(folder, domain="digits_m", scoring=ASKED), make_scores("digits_m", 3.0))


def test_scores_saved_again_replace_the_old_ones(folder: RunFolder):
    save_scores(folder, make_scores("digits", 1.0, 2.0), ASKED)
    save_scores(folder, make_scores("digits", 3.0), ASKED)
    check_same(find_scores(folder, domain="digits", scoring=ASKED), make_scores("digits", 3.0))


def test_older_scores_without_a_setting_count_for_its_default(folder: RunFolder):
    save_scores(folder, make_scores("digits", 1.0), ASKED)
    pd.read_parquet(folder.scores).drop(columns="align_corners").to_parquet(folder.scores)
    check_same(find_scores(folder, domain="digits", scoring=ASKED), make_scores("digits", 1.0))
    other = ASKED.model_copy(update={"align_corners": True})
    assert find_scores(folder, domain="digits", scoring=other) is None


def test_scores_say_which_engine_computed_them(folder: RunFolder):
    other = ScoringConfig(style_weight=1)
    save_scores(folder, make_scores("digits", 1.0), ASKED)
    save_scores(folder, make_scores("digits", 2.0), other, engine="onnxruntime")
    rows = read_saved_scores(folder)
    assert rows is not None
    assert select_engines(rows, domain="digits", scoring=ASKED) == {"torch"}
    assert select_engines(rows, domain="digits", scoring=other) == {"onnxruntime"}
    assert select_engines(rows, domain="digits_m", scoring=other) == set()


def test_scores_of_another_engine_take_the_place_of_the_old_ones(folder: RunFolder):
    save_scores(folder, make_scores("digits", 1.0, 2.0), ASKED)
    save_scores(folder, make_scores("digits", 3.0), ASKED, engine="onnxruntime")
    rows = read_saved_scores(folder)
    assert rows is not None
    check_same(select_scores(rows, domain="digits", scoring=ASKED), make_scores("digits", 3.0))
    assert select_engines(rows, domain="digits", scoring=ASKED) == {"onnxruntime"}


def test_older_scores_that_do_not_name_their_engine_stay_usable(folder: RunFolder):
    save_scores(folder, make_scores("digits", 1.0), ASKED)
    pd.read_parquet(folder.scores).drop(columns="engine").to_parquet(folder.scores)
    save_scores(folder, make_scores("digits_m", 2.0), ASKED, engine="onnxruntime")
    rows = read_saved_scores(folder)
    assert rows is not None
    check_same(select_scores(rows, domain="digits", scoring=ASKED), make_scores("digits", 1.0))
    assert select_engines(rows, domain="digits", scoring=ASKED) == set()
    pd.read_parquet(folder.scores).assign(engine=[None, "torch"]).to_parquet(folder.scores)
    rows = read_saved_scores(folder)
    assert rows is not None
    assert rows["engine"].tolist() == ["", "torch"]


def test_scores_are_looked_up_without_pandas(folder: RunFolder):
    save_scores(folder, make_scores("digits", 1.0), ASKED)
    code = f"""
import sys, pathlib
from gnl_core.config import ScoringConfig
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import find_scores
found = find_scores(
    RunFolder(pathlib.Path({str(folder.path)!r})), domain="digits", scoring=ScoringConfig(style_weight=0.5)
)
print(found.score, "pandas" in sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told == "[1.] False\n"


def test_scores_can_be_read_with_pandas(folder: RunFolder):
    save_scores(folder, make_scores("digits", 1.0, 2.0), ASKED)
    rows = pd.read_parquet(folder.scores)
    assert rows["score"].tolist() == [1.0, 2.0]
    assert rows["style_weight"].tolist() == [0.5, 0.5]
    assert rows["path"].tolist() == ["digits/0", "digits/1"]


def test_scores_of_an_older_checkpoint_are_dropped(folder: RunFolder):
    save_scores(folder, make_scores("digits", 1.0), ASKED)
    folder.weights.write_bytes(b"second")
    assert find_scores(folder, domain="digits", scoring=ASKED) is None


def test_a_report_is_plain_values():
    figures = {
        "auroc": 0.75,
        "auroc_interval": (0.5, 1.0),
        "n_normal": 3,
        "n_anomalous": 4,
        "n_unlabelled": 5,
        "average_precision": 0.8,
        "f1": 0.7,
        "false_alarm_rate": 0.25,
        "miss_rate": 0.5,
        "shift_score": 1.5,
        "n_not_finite": 0,
        "pixel_auroc": 0.9,
        "pixel_average_precision": 0.6,
        "aupro": 0.4,
        "n_without_mask": 1,
        "n_pixels_not_finite": 0,
        "n_equal_to_training": 3,
    }
    domains = {"d": DomainReport(**figures), "t": DomainReport(None, None, 2, 0)}
    written = report_to_json(Report(domains, {"m": 0.1}, Threshold(2.5, 0.95, 11)))
    assert written["domains"]["d"] == figures
    assert written["domains"]["t"].keys() == figures.keys()
    assert written["drops"] == {"m": 0.1}
    assert written["threshold"] == {"value": 2.5, "quantile": 0.95, "n_held_out": 11, "n_not_finite": 0}


def test_a_report_without_a_threshold_has_null():
    assert report_to_json(Report({}, {})) == {"domains": {}, "drops": {}, "threshold": None, "no_shift_score": None}


def test_a_written_report_is_json(folder: RunFolder):
    import json

    measured = report(make_scores("digits", 0.1, 0.2), in_distribution="digits")
    write_report(folder, measured, ScoringConfig(style_weight=0.25))
    written = json.loads(folder.report.read_text())
    assert written["domains"]["digits"]["auroc"] == 1
    assert written["style_weight"] == 0.25
    assert written["checkpoint"] == hash_file(folder.weights)


def test_a_hash_is_sha256(tmp_path: Path):
    (tmp_path / "abc").write_bytes(b"abc")  # NIST's example
    assert hash_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path: Path):
    for content in (b"old", b"new"):
        write_atomically(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_written_file_can_be_read_by_others(tmp_path: Path):
    write_atomically(tmp_path / "file", b"x")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
):
    write_atomically(tmp_path / "file", b"old")

    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="the disk is gone"):
        write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_scores_of_a_checkpoint_that_was_replaced_meanwhile_are_not_saved_under_another(folder: RunFolder):
    scored = hash_file(folder.weights)
    save_scores(folder, make_scores("digits", 0.5), ASKED, checkpoint=scored)
    before = folder.scores.read_bytes()
    folder.weights.write_bytes(b"second")
    with pytest.raises(ValueError, match=r"weights\.safetensors was replaced while it was in use"):
        save_scores(folder, make_scores("digits", 0.25), ASKED, checkpoint=scored)
    assert folder.scores.read_bytes() == before
    assert read_saved_scores(folder) is None
    assert read_saved_scores(folder, scored) is not None


def test_of_two_runs_that_are_created_at_once_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = create_run(tmp_path / "run", RunConfig())
    before = folder.config.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", lambda _: False)  # looked before the other was created
        with pytest.raises(ValueError, match="already contains a run"):
            create_run(tmp_path / "run", RunConfig(seed=7))
    assert folder.config.read_bytes() == before
    assert list(folder.path.iterdir()) == [folder.config]


def test_a_file_is_created_once_where_links_are_not_supported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    create_atomically(tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        create_atomically(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_reader_never_sees_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_atomically(tmp_path / "file", b"old")
    seen = []
    synced = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append((tmp_path / "file").read_bytes()) or synced(handle))
    write_atomically(tmp_path / "file", b"new")
    assert seen == [b"old", b"new"]  # the content before the name, then the name


def test_shift_scores_are_those_of_the_last_scoring(folder: RunFolder):
    scores = join_scores([make_scores("digits", 0.1, 0.2), make_scores("digits_m", 0.3, 0.4)])
    measured = report(scores, in_distribution="digits", shift_scores={"digits": 0.4, "digits_m": None})
    write_report(folder, measured, ASKED)
    assert read_shift_scores(folder) == {"digits": 0.4}


def test_shift_scores_of_an_older_checkpoint_are_not_read(folder: RunFolder):
    assert read_shift_scores(folder) == {}
    measured = report(make_scores("digits", 0.1, 0.2), in_distribution="digits", shift_scores={"digits": 0.4})
    write_report(folder, measured, ASKED)
    folder.weights.write_bytes(b"second")
    assert read_shift_scores(folder) == {}


def test_a_report_of_scores_that_are_not_finite_is_json(folder: RunFolder):
    import json

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    scores = make_scores("digits", 0.1, float("nan"), 0.2, float("inf"))
    threshold = choose_threshold(scores, quantile=0.5)
    write_report(folder, report(scores, in_distribution="digits", threshold=threshold), ASKED)
    written = json.loads(folder.report.read_text(), parse_constant=refuse)
    assert (written["domains"]["digits"]["auroc"], written["domains"]["digits"]["n_not_finite"]) == (None, 2)
    assert written["threshold"] == {"value": None, "quantile": 0.5, "n_held_out": 4, "n_not_finite": 2}


def test_a_bare_nan_of_an_older_report_is_a_missing_number(folder: RunFolder):
    head = f'{{"checkpoint": "{hash_file(folder.weights)}", "threshold": {{"value": NaN}}, "domains": '
    folder.report.write_text(head + '{"digits": {"shift_score": NaN}, "digits_m": {"shift_score": 2.5}}}')
    assert read_shift_scores(folder) == {"digits_m": 2.5}


def test_a_bare_nan_of_an_older_progress_is_left_out(folder: RunFolder):
    folder.progress.write_text('{"epoch": 1, "losses": {"a": NaN, "b": 0.5}, "elapsed_seconds": 1.0}\n')
    assert read_records(folder) == [EpochRecord(1, {"b": 0.5}, 1.0)]


def test_saved_scores_that_are_not_finite_are_counted_unless_they_are_of_an_older_checkpoint(folder: RunFolder):
    assert count_diverged_scores(folder) == (0, 0)
    save_scores(folder, make_scores("digits", 0.1, float("nan")), ASKED)
    assert count_diverged_scores(folder) == (1, 2)
    folder.weights.write_bytes(b"second")
    assert count_diverged_scores(folder) == (0, 0)


def test_settings_and_last_epoch_of_a_list_are_read_again_when_they_change(folder: RunFolder):
    config = read_config_once(folder)
    assert read_config_once(folder) is config
    write_config(folder, config.model_copy(update={"seed": config.seed + 1}))
    assert read_config_once(folder).seed == config.seed + 1
    write_records(folder, [EpochRecord(1, {"a": 2.0}, 1.0)])
    assert last_record(folder) == EpochRecord(1, {"a": 2.0}, 1.0)
    write_records(folder, [EpochRecord(1, {"a": 2.0}, 1.0), EpochRecord(2, {"a": 1.5}, 2.0)])
    assert last_record(folder) == EpochRecord(2, {"a": 1.5}, 2.0)


def test_equal_texts_of_saved_scores_are_one_object(folder: RunFolder):
    save_scores(folder, make_scores("digits", 0.1, 0.2), ASKED)
    rows = read_saved_scores(folder)
    assert rows is not None
    assert rows["domain"].tolist() == ["digits", "digits"]
    assert rows["domain"][0] is rows["domain"][1]
