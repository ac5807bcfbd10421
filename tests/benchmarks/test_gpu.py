from __future__ import annotations

import sys

import pytest

from benchmarks import gpu


def test_every_work_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    arguments = "--device cpu --backbone resnet18 --side 32 --batch 2 --repeats 1"
    monkeypatch.setattr(sys, "argv", ["gpu", *arguments.split()])
    monkeypatch.setattr(gpu, "PEAK_SIDE_CPU", 256)
    gpu.main()
    parity, speed = (table.splitlines()[2:] for table in capsys.readouterr().out.strip().split("\n\n"))
    assert [row.split("|")[3].strip() for row in parity] == ["0.0e+00"] * len(gpu.PARITY_STRENGTHS)  # the same device
    assert [row.split("|")[1].strip() for row in speed] == ["scoring, resnet18"] * 2 + ["training step, resnet18"] * 2
    assert all(float(row.split("|")[3]) > 0 for row in speed)
