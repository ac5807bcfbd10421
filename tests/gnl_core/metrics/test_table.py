from __future__ import annotations

from gnl_core.metrics.table import format_report
from gnl_core.records import DomainReport, Report, Threshold

THRESHOLD = Threshold(1.4742, 0.95, 11)
PLAIN = DomainReport(0.9949, (0.98, 1.0), 74, 645, 0, 0.999, 0.988, 0.095, 0.012)


def test_a_report_is_a_table_with_the_threshold_below():
    table = format_report(Report({"digits": PLAIN, "digits_m": DomainReport(None, None, 74, 0)}, {}, THRESHOLD))
    assert table == (
        "domain    AUROC  95 % interval     AP     F1  false alarms  misses  normal  anomalous\n"
        "digits    0.995  0.980 - 1.000  0.999  0.988         0.095   0.012      74        645\n"
        "digits_m      -                     -      -             -       -      74          0\n"
        "threshold 1.474: quantile 0.95 of 11 held-out normal training images"
    )


def test_pixel_metrics_have_columns_if_a_domain_has_masks():
    masked = PLAIN._replace(pixel_auroc=0.9, pixel_average_precision=0.5, aupro=0.75, n_without_mask=2)
    header, plain, with_masks, note = format_report(Report({"a": PLAIN, "b": masked}, {})).splitlines()
    assert header.split("  ")[-5:] == ["pixel AUROC", "pixel AP", "AUPRO", "normal", "anomalous"]
    assert plain.split()[-5:] == ["-", "-", "-", "74", "645"]
    assert with_masks.split()[-5:] == ["0.900", "0.500", "0.750", "74", "645"]
    assert note == "b: pixel metrics leave out 2 anomalous images without a marked pixel that counts"


def test_images_without_labels_are_the_reason_for_no_auroc():
    unlabelled = DomainReport(None, None, 0, 0, 20)
    some = PLAIN._replace(n_unlabelled=3)
    *_, first, second = format_report(Report({"test": unlabelled, "more": some}, {})).splitlines()
    assert first == "test: 20 images have no labels, so there is no AUROC"
    assert second == "more: 3 images have no labels, and are left out of all metrics"


def test_a_missing_threshold_is_reported():
    table = format_report(Report({"digits": PLAIN}, {}, Threshold(None, 0.95, 0)))
    assert table.splitlines()[-1].startswith("no threshold, since there are no held-out normal training images")


def test_a_shift_score_that_cannot_be_measured_is_a_dash_with_the_reason():
    header, line, note = format_report(Report({"a": PLAIN}, {}, no_shift_score="no shift score: why")).splitlines()
    assert header.split()[-3:] == ["shift", "normal", "anomalous"]
    assert line.split()[-3:] == ["-", "74", "645"]
    assert note == "no shift score: why"


def test_a_method_that_has_no_shift_score_has_no_column():
    assert "shift" not in format_report(Report({"a": PLAIN}, {}))


def test_scores_that_are_not_finite_are_the_reason_for_dashes():
    diverged = DomainReport(None, None, 1, 3, n_not_finite=2, n_pixels_not_finite=1200)
    table = format_report(Report({"digits": diverged}, {}, Threshold(None, 0.95, 11, 11))).splitlines()
    assert table[1].split() == ["digits", "-", "-", "-", "-", "-", "1", "3"]
    assert table[2:] == [
        "no threshold from the held-out normal training images, since this run diverged (11 of 11 scores are not "
        "finite); train it again with a smaller --learning-rate",
        "digits: no metrics, since this run diverged (2 of 4 scores are not finite); train it again with a smaller "
        "--learning-rate",
        "digits: no pixel metrics: 1,200 pixels of the anomaly maps are not finite",
    ]
