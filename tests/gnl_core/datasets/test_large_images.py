"""Large pictures are converted in strips, so that they need little more memory than their pixels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets import decoding
from gnl_core.datasets.images import read_image

PEAK_OF_READING = """
import sys
from pathlib import Path
from gnl_core.datasets.images import read_image
image = read_image(Path(sys.argv[1]))
status = Path("/proc/self/status").read_text()
print(*image.shape, next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")))
"""


def random_picture(mode: str) -> PIL.Image.Image:
    pixels = np.random.default_rng(0).integers(256, size=(13, 5, 4), dtype=np.uint8)
    return PIL.Image.fromarray(pixels).convert(mode)


def on_white(picture: PIL.Image.Image) -> np.ndarray:
    """The whole picture at once."""
    colours = picture.convert("RGBA")
    white = PIL.Image.new("RGBA", colours.size, "white")
    return np.asarray(PIL.Image.alpha_composite(white, colours).convert("RGB"))


@pytest.mark.parametrize("strip", [1, 5, 7, 20, 65, 1000])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_strips_give_the_same_pixels_as_the_whole_picture(monkeypatch, mode: str, strip: int):
    monkeypatch.setattr(decoding, "STRIP_PIXELS", strip)
    picture = random_picture(mode)
    np.testing.assert_array_equal(decoding.to_rgb(picture), on_white(picture))


def test_a_palette_with_a_transparent_colour_is_converted_in_strips(monkeypatch):
    monkeypatch.setattr(decoding, "STRIP_PIXELS", 5)
    picture = random_picture("RGB").quantize(8)
    picture.info["transparency"] = 3
    expected = on_white(picture)
    assert (expected[np.asarray(picture) == 3] == 255).all()
    np.testing.assert_array_equal(decoding.to_rgb(picture), expected)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of memory this way")
def test_49_megapixels_with_alpha_need_less_than_500_mb(tmp_path: Path):
    PIL.Image.new("RGBA", (7000, 7000), (200, 100, 50, 128)).save(tmp_path / "a.png", compress_level=1)
    command = [sys.executable, "-c", PEAK_OF_READING, str(tmp_path / "a.png")]
    height, width, channels, peak_kb = map(int, subprocess.check_output(command, text=True).split())
    assert (height, width, channels) == (7000, 7000, 3)
    assert peak_kb < 500_000


def test_the_largest_square_that_is_accepted_has_7071_pixels_a_side(tmp_path: Path):
    PIL.Image.new("1", (7071, 7071)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (7071, 7071, 3)
