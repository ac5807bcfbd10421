"""Paintings that the browser sends: laid over the image, and refused in one sentence when they are anything else."""

import base64
import io

import numpy as np
import PIL.Image
import pytest

from app import painting, subjects
from app.painting import check_paintable, painted_subject
from app.subjects import Subject, digest_of


def png(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def patch(**changed: object) -> dict[str, object]:
    """A red patch of two rows and three columns at column 4, row 5."""
    red = np.full((2, 3, 3), (255, 0, 0), np.uint8)
    return {"left": 4, "top": 5, "png": png(red)} | changed


@pytest.fixture
def subject() -> Subject:
    image = np.random.default_rng(0).integers(200, size=(20, 30, 3)).astype(np.uint8)
    return Subject("test/good/000.png", digest_of(image), image, image[..., 0] > 100, 0, "good")


def test_a_painting_changes_its_own_pixels_alone(subject):
    original = subject.image.copy()
    painted = painted_subject(subject, patch())
    changed = (painted.image != original).any(axis=2)
    assert (painted.image[5:7, 4:7] == (255, 0, 0)).all()
    assert changed.sum() == 6
    assert np.array_equal(subject.image, original)


def test_a_painted_image_is_another_image_without_label_and_mask(subject):
    painted = painted_subject(subject, patch())
    assert painted.digest == digest_of(painted.image) != subject.digest
    assert painted.path == painted.digest  # so it is no image that a detector is adapted to
    assert (painted.label, painted.mask, painted.shown) == (-1, None, "good, painted")


def test_a_patch_may_reach_the_last_row_and_column_but_not_beyond(subject):
    painted = painted_subject(subject, patch(left=27, top=18))
    assert (painted.image[18:, 27:] == (255, 0, 0)).all()
    for beyond in ({"left": 28}, {"top": 19}, {"png": png(np.zeros((21, 30, 3), np.uint8)), "left": 0, "top": 0}):
        with pytest.raises(ValueError, match=r"the painting has .* but the image has 30×20; paint again"):
            painted_subject(subject, patch(**beyond))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("garbage", "not as the painter sends it"),
        ([1, 2], "not as the painter sends it"),
        ({}, "not as the painter sends it"),
        (patch(left=-1), "left"),
        (patch(left=1.5), "left"),
        (patch(top="5"), "top"),
        (patch(png=None), "png"),
        (patch(more=1), "more"),
        (patch(png="§§"), "not encoded in base64"),
        (patch(png=base64.b64encode(b"no image").decode()), "not a PNG or JPEG"),
        (patch(png=png(np.random.default_rng(0).integers(256, size=(9, 9, 3)).astype(np.uint8))[:200]), "damaged"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(subject, sent, said):
    with pytest.raises(ValueError, match=said) as refused:
        painted_subject(subject, sent)
    assert str(refused.value).startswith("the painting ")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_painting_has_the_limits_of_an_upload(monkeypatch, subject):
    most = subjects.limits()
    monkeypatch.setattr(subjects, "limits", lambda: most.model_copy(update={"upload_mb": 0.00001}))
    with pytest.raises(ValueError, match="MB"):
        painted_subject(subject, patch())
    monkeypatch.setattr(subjects, "limits", lambda: most.model_copy(update={"upload_megapixels": 0.000001}))
    with pytest.raises(ValueError, match="megapixels"):
        painted_subject(subject, patch())


def test_an_image_that_is_too_large_to_paint_on_is_refused_with_what_to_do(monkeypatch, subject):
    check_paintable(subject)
    monkeypatch.setattr(painting, "MOST_PIXELS", 599)
    with pytest.raises(ValueError, match="make it smaller"):
        check_paintable(subject)
