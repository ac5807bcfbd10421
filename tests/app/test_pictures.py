"""Pictures within a page."""

import base64
import io

import numpy as np
import PIL.Image
import pytest

from app.display.pictures import picture_url, to_png


@pytest.fixture
def gradient():
    """A picture that changes slowly, with one thin white line."""
    rows, columns = np.indices((64, 96))
    picture = np.stack([rows, columns, rows + columns], axis=2).astype(np.uint8)
    picture[:, 40] = 255
    return picture


def read_url(url: str) -> tuple[str, np.ndarray]:
    """The kind of file that an address holds, and its pixels."""
    kind, content = url.removeprefix("data:image/").split(";base64,")
    return kind, np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(content))))


def test_an_opaque_picture_keeps_its_thin_lines(gradient):
    kind, pixels = read_url(picture_url(gradient))
    assert kind == "jpeg"
    assert np.abs(pixels.astype(int) - gradient).max() <= 16


def test_transparency_is_kept_exactly(gradient):
    with_alpha = np.dstack([gradient, np.where(gradient[..., 0] > 30, 255, 0).astype(np.uint8)])
    kind, pixels = read_url(picture_url(with_alpha))
    assert kind == "png"
    np.testing.assert_array_equal(pixels, with_alpha)


def test_a_png_file_is_the_picture(gradient):
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(io.BytesIO(to_png(gradient)))), gradient)
