"""The captions below the charts of Explore."""

import json

import pytest

from app.screens.explore.captions import merge_notes
from app.words import NO_SHIFT_SCORE, percent
from gnl_core.cli import main
from gnl_core.files import hash_file
from tests.app.conftest import panel_texts

SHIFT = "Shift score "


def shift_captions(page):
    return [caption.value for caption in page.caption if caption.value.startswith(SHIFT)]


def test_a_note_common_to_all_methods_is_given_once():
    assert merge_notes({"RD4AD": "7.3", "GNL": "7.3"}) == "7.3"


def test_notes_that_differ_name_their_methods():
    assert merge_notes({"RD4AD": "7.3", "GNL": "7.3", "kNN": "5.1"}) == "RD4AD, GNL: 7.3; kNN: 5.1"


@pytest.mark.parametrize(
    ("holdout_percent", "told"),
    [
        (10, "95\xa0% of held-out normal training images (n\xa0=\xa011) score below it"),  # 10 % of 107
        (0, "95\xa0% of normal training images (n\xa0=\xa0107) score below it"),
    ],
)
def test_the_number_of_images_behind_the_threshold_is_shown(open_page, train, holdout_percent, told):
    train(normal_class="7", detector="knn", holdout_percent=holdout_percent, limit=None)
    page = open_page(normal="7", methods="kNN")
    assert not page.exception
    assert any(told in caption.value for caption in page.caption)


def test_false_alarms_equal_those_of_the_reproducing_command_at_any_quantile(open_page, train, capsys):
    folder = train(normal_class="7", detector="knn", threshold_quantile=0.6, limit=None)
    page = open_page(normal="7", methods="kNN")
    assert any("60\xa0% of held-out normal training images" in caption.value for caption in page.caption)
    assert main(["score", str(folder.path), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["threshold"]["quantile"] == 0.6
    false_alarms = measured["domains"]["digits"]["false_alarm_rate"]
    assert f"false alarms {percent(false_alarms)}, misses" in panel_texts(page)[0]


def test_only_the_shift_score_saved_for_this_checkpoint_is_read(open_page, train):
    folder = train(normal_class="7", detector="knn")
    report = {"domains": {"digits": {"shift_score": 0.42}, "digits_m": {"shift_score": 98.76}}}
    folder.report.write_text(json.dumps(report | {"checkpoint": "of another"}))
    (measured,) = shift_captions(open_page(normal="7", methods="kNN"))
    assert "98.8" not in measured
    folder.report.write_text(json.dumps(report | {"checkpoint": hash_file(folder.weights)}))
    (read,) = shift_captions(open_page(normal="7", methods="kNN"))
    assert read == "Shift score 98.8 (in-distribution 0.4), measured without labels"


def test_a_run_with_one_reference_has_a_dash_and_the_reason(open_page, train):
    train(normal_class="7", detector="knn", stored_references=1, reference_count=1)
    page = open_page(normal="7", methods="kNN")
    assert not page.exception
    assert shift_captions(page) == [SHIFT + NO_SHIFT_SCORE]


def test_a_method_without_a_teacher_has_no_shift_score(open_page, train):
    train(normal_class="7", detector="deep_svdd")
    page = open_page(normal="7", methods="Deep SVDD")
    assert not page.exception
    assert not page.error
    assert shift_captions(page) == []
