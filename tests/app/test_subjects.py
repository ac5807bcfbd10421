"""Images that visitors provide: accepted kinds, and refusals in one sentence."""

import io
import struct

import numpy as np
import PIL.Image
import pytest

from app import subjects
from app.subjects import subject_of, uploaded_subject
from gnl_core.datasets.base import Item
from gnl_core.datasets.images import read_image
from tests.gnl_core.datasets.writing import png_file


def encoded(pixels: np.ndarray, *, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, format=kind)
    return file.getvalue()


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(20, 30, 3)).astype(np.uint8)


def test_a_png_is_read_unchanged_and_unlabelled(pixels):
    subject = uploaded_subject("nut.png", encoded(pixels))
    assert np.array_equal(subject.image, pixels)
    assert (subject.label, subject.shown, subject.mask) == (-1, "nut.png", None)


def test_a_digest_distinguishes_images_by_pixels_and_shape(pixels):
    changed = pixels.copy()
    changed[3, 3, 0] ^= 1
    turned = pixels.reshape(30, 20, 3)
    digests = {uploaded_subject("a.png", encoded(image)).digest for image in (pixels, changed, turned)}
    assert len(digests) == 3
    assert uploaded_subject("b.png", encoded(pixels)).digest in digests


def test_a_photograph_is_turned_upright():
    picture = PIL.Image.fromarray(np.zeros((20, 30, 3), dtype=np.uint8))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    file = io.BytesIO()
    picture.save(file, format="JPEG", exif=exif)
    assert uploaded_subject("photo.jpg", file.getvalue()).image.shape == (30, 20, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GIF89a and so on", "not a PNG or JPEG image"),
        (encoded(np.zeros((20, 20), np.uint8), kind="GIF"), "not a PNG or JPEG image"),
        (encoded(np.random.default_rng(0).integers(256, size=(40, 40, 3)).astype(np.uint8))[:900], "damaged"),
        (encoded(np.zeros((4, 40), np.uint8)), "40×4 pixels"),
        (b"", "not a PNG or JPEG image"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(content, said):
    with pytest.raises(ValueError, match=said) as refused:
        uploaded_subject("odd.png", content)
    assert str(refused.value).startswith("odd.png ")
    assert "\n" not in str(refused.value)


def test_an_image_is_read_as_the_same_file_in_a_data_set_is(tmp_path):
    levels = np.arange(64).reshape(8, 8) % 16
    content = png_file(levels, bits=4, kind=0, chunks={b"tRNS": struct.pack(">H", 5)})
    image = uploaded_subject("grey.png", content).image
    assert np.array_equal(image[..., 0], np.where(levels == 5, 255, 17 * levels))
    (tmp_path / "grey.png").write_bytes(content)
    assert np.array_equal(image, read_image(tmp_path / "grey.png"))


def test_pixels_that_cannot_be_used_are_refused_by_name():
    content = png_file(np.zeros((8, 8, 3), int), bits=16, kind=2, chunks={b"tRNS": bytes(6)})
    with pytest.raises(
        ValueError, match=r"^deep\.png holds 16-bit colours, one of which is transparent; save it as an 8"
    ):
        uploaded_subject("deep.png", content)


def test_too_many_bytes_or_pixels_are_refused_before_they_are_read(monkeypatch, pixels):
    content = encoded(pixels)
    most = subjects.limits()
    monkeypatch.setattr(subjects, "limits", lambda: most.model_copy(update={"upload_megapixels": 0.0005}))
    with pytest.raises(ValueError, match="megapixels"):
        uploaded_subject("large.png", content)
    monkeypatch.setattr(subjects, "limits", lambda: most.model_copy(update={"upload_mb": 0.0001}))
    with pytest.raises(ValueError, match="MB"):
        uploaded_subject("large.png", content)


def test_more_pixels_than_pillow_opens_are_refused_as_too_many(monkeypatch, pixels):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="far more than 24 megapixels; make it smaller"):
        uploaded_subject("large.png", encoded(pixels))


def test_an_image_of_a_data_set_keeps_its_mask_and_is_named_by_its_category_if_labelled(pixels):
    mask = pixels[..., 0] > 200
    item = Item("test/a/000.png", lambda: pixels, 1, "a", "missing_thread", lambda: mask)
    subject = subject_of(item)
    assert subject.mask is mask
    assert subject.shown == "missing thread"
    assert subject_of(item._replace(label=-1)).shown == "000.png"


@pytest.mark.parametrize("content", [b"", encoded(np.zeros((9, 9, 3), np.uint8))])
def test_a_long_name_of_an_upload_is_shortened(content):
    try:
        name = uploaded_subject("n" * 20_000, content).shown
    except ValueError as error:
        name = str(error)
    assert len(name) < 200
