"""Explore in a real browser on images from the disk: a data set where GNL_DATA has it, and a folder of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gnl_core.runs.folder import create_run
from gnl_core.runs.training import train_run
from tests.browser.conftest import serve

FIRST_VISIT_MS = 120_000


@pytest.fixture(scope="module")
def bottles(tmp_path_factory, tiny_config) -> Iterator[str]:
    """An app with a small run of RD4AD on MVTec's bottles."""
    root = os.environ.get("GNL_DATA")
    if root is None or not (Path(root) / "mvtec" / "bottle").is_dir():
        pytest.skip("GNL_DATA has no mvtec/bottle")
    runs = tmp_path_factory.mktemp("runs")
    config = tiny_config(dataset="mvtec", normal_class="bottle", detector="rd4ad", image_size=32)
    list(train_run(config, create_run(runs / "bottles", config)))
    yield from serve(runs)


def outlined_pixels(page) -> int:
    """White pixels in the gallery's first anomaly map."""
    anomaly_map = page.locator(".st-key-gallery img").nth(1)
    return anomaly_map.evaluate(
        """async image => {
            await image.decode();
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            let white = 0;
            for (let at = 0; at < data.length; at += 4)
                white += data[at] > 250 && data[at + 1] > 250 && data[at + 2] > 250;
            return white;
        }"""
    )


def test_a_data_set_on_disk_is_shown_with_its_masks_outlined(page, bottles):
    page.goto(f"{bottles}/?data=MVTec+AD&methods=RD4AD&side=In-distribution")
    page.locator("h5").get_by_text("RD4AD separates good bottle images from defective ones").wait_for(
        timeout=FIRST_VISIT_MS
    )
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    assert "anomalous" in page.locator(".st-key-gallery li").first.inner_text()
    assert outlined_pixels(page) > 20  # inferno has no white: this is a mask's line
    assert page.troubles == []


def test_the_parts_open_with_results_and_their_masks_outlined(page, address):
    page.goto(f"{address}/?data=Parts+(rendered)")
    page.locator("h5").get_by_text("RD4AD separates good nut images from defective ones").wait_for(
        timeout=FIRST_VISIT_MS
    )
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("measured without labels").wait_for(timeout=FIRST_VISIT_MS)
    assert outlined_pixels(page) > 20
    assert page.troubles == []


def test_a_pasted_path_is_in_the_address_and_a_wrong_path_is_reported(page, address, tmp_path):
    page.goto(f"{address}/?data=Your+own+images")
    folder = page.get_by_role("combobox", name="Folder")
    folder.wait_for(timeout=FIRST_VISIT_MS)
    folder.fill(str(tmp_path / "none"))
    folder.press("Enter")
    page.get_by_text("This folder cannot be used: there is no folder").wait_for(timeout=FIRST_VISIT_MS)
    page.reload()
    page.get_by_text("This folder cannot be used: there is no folder").wait_for(timeout=FIRST_VISIT_MS)
    assert "folder=" in page.url
    assert page.troubles == []
