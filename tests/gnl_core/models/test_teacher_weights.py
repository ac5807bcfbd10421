from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from gnl_core.models import teacher_weights
from gnl_core.models.teacher_weights import bundled_lite0_file, download_weights, read_state_dicts, read_weight_file

STATE = {"layer.weight": torch.arange(6.0).view(2, 3), "layer.bias": torch.ones(2)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.save(STATE, tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def check_refused(file: Path, words: str) -> None:
    """Check that the file is refused in one sentence."""
    with pytest.raises(ValueError, match=words) as refusal:
        read_weight_file(file)
    assert "\n" not in str(refusal.value)


def check_read(state: dict[str, torch.Tensor]) -> None:
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[name], STATE[name]) for name in STATE)


def test_a_pth_file_is_read(file: Path):
    check_read(read_weight_file(file))


def test_a_safetensors_file_is_read(tmp_path: Path):
    save_file(STATE, tmp_path / "weights.safetensors")
    check_read(read_weight_file(tmp_path / "weights.safetensors"))


def test_a_missing_file_is_refused(tmp_path: Path):
    check_refused(tmp_path / "none.pth", "no teacher weights at .*none.pth")


@pytest.mark.parametrize("digits", [8, 16, 64])
def test_the_right_hash_or_its_first_digits_are_accepted(file: Path, digits: int):
    check_read(read_weight_file(file, sha256(file)[:digits]))


@pytest.mark.parametrize("digits", [8, 64])
def test_a_wrong_hash_is_refused(file: Path, digits: int):
    wrong = hashlib.sha256(b"other").hexdigest()[:digits]
    with pytest.raises(ValueError, match=f"has SHA-256 {sha256(file)[:16]}…, expected {wrong[:16]}…"):
        read_weight_file(file, wrong)


def test_a_hash_right_but_for_its_end_is_refused(file: Path):
    last = "0" if sha256(file)[-1] != "0" else "1"
    with pytest.raises(ValueError, match="SHA-256"):
        read_weight_file(file, sha256(file)[:-1] + last)


def test_the_hash_in_a_files_name_is_expected(file: Path):
    right = file.rename(file.with_name(f"resnet18-{sha256(file)[:8]}.pth"))
    check_read(read_weight_file(right))
    check_refused(right.rename(file.with_name("resnet18-f37072fd.pth")), "expected f37072fd…")


def test_a_given_hash_takes_precedence_over_the_hash_in_the_name(file: Path):
    misnamed = file.rename(file.with_name("resnet18-f37072fd.pth"))
    check_read(read_weight_file(misnamed, sha256(misnamed)))


@pytest.mark.parametrize("name", ["resnet18.pth", "tv-in1k.pth", "resnet-18-final.pth", "a-1234567.pth"])
def test_a_name_without_a_hash_expects_none(file: Path, name: str):
    check_read(read_weight_file(file.rename(file.with_name(name))))


@pytest.mark.parametrize(
    "content",
    [[torch.ones(2)], {"weights": STATE, "epoch": 3}, {"a": 1}, torch.ones(2), 5],
    ids=["list", "nested", "number in dict", "tensor", "number"],
)
def test_a_file_without_named_tensors_is_refused(content: object, tmp_path: Path):
    torch.save(content, tmp_path / "weights.pth")
    check_refused(tmp_path / "weights.pth", "is not a PyTorch state dict")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"a text file\n", bytes(range(256)), b"\x80\x02}q\x00.", b"P", b"r\xff\xff"])
def test_a_file_that_is_not_a_weight_file_is_refused(content: bytes, suffix: str, tmp_path: Path):
    file = tmp_path / f"weights{suffix}"
    file.write_bytes(content)
    check_refused(file, "is not a PyTorch state dict")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_truncated_file_is_refused(suffix: str, share: float, tmp_path: Path):
    file = tmp_path / f"weights{suffix}"
    (torch.save if suffix == ".pth" else save_file)(STATE, file)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    check_refused(file, "is not a PyTorch state dict")


def test_state_dicts_are_read_by_name(tmp_path: Path):
    torch.save({"bn": STATE, "decoder": {}, "epoch": 200}, tmp_path / "weights.pth")
    states = read_state_dicts(tmp_path / "weights.pth", ["bn", "decoder"])
    assert list(states) == ["bn", "decoder"]
    check_read(states["bn"])


@pytest.mark.parametrize("content", [STATE, [STATE], {"bn": [1], "decoder": STATE["layer.bias"]}, 7])
def test_a_file_without_state_dicts_of_these_names_is_refused(content: object, tmp_path: Path):
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"holds no state dict .* called bn or decoder"):
        read_state_dicts(tmp_path / "weights.pth", ["bn", "decoder"])


def test_a_missing_file_holds_no_state_dicts(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no checkpoint at .*none.pth; pass an existing"):
        read_state_dicts(tmp_path / "none.pth", ["bn"])


class Harmful:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("save", [torch.save, lambda value, file: file.write_bytes(pickle.dumps(value, protocol=2))])
def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(save: Any, tmp_path: Path):
    save({"weight": Harmful(tmp_path / "made")}, tmp_path / "weights.pth")
    check_refused(tmp_path / "weights.pth", "is not a PyTorch state dict")
    with pytest.raises(ValueError, match="holds no state dict"):
        read_state_dicts(tmp_path / "weights.pth", ["weight"])
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "failure", [URLError("no route to host"), TimeoutError("timed out"), RuntimeError("invalid hash value")]
)
def test_a_failed_download_says_what_to_do_in_one_sentence(failure: Exception, monkeypatch: pytest.MonkeyPatch):
    def fail(url: str, **_: Any) -> None:
        raise failure

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
    with pytest.raises(ValueError, match=r"cannot download .*https://example.org/a-12345678.pth.*FILE") as refusal:
        download_weights("https://example.org/a-12345678.pth")
    assert "\n" not in str(refusal.value)


def test_a_download_is_checked_and_unpickles_no_code(monkeypatch: pytest.MonkeyPatch):
    asked: dict[str, Any] = {}
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda url, **how: asked.update(how) or STATE)
    check_read(download_weights("https://example.org/a-12345678.pth"))
    assert asked["check_hash"] is True
    assert asked["weights_only"] is True


def test_the_bundled_file_is_the_one_that_its_hash_names():
    file = bundled_lite0_file()
    assert file is not None
    assert sha256(file) == teacher_weights.BUNDLED_SHA256
    assert sha256(file).startswith("57934424")


def test_without_the_package_there_is_no_bundled_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(teacher_weights, "BUNDLED_PACKAGE", "no_such_package")
    assert bundled_lite0_file() is None


@pytest.mark.parametrize("name", ["dinov2_vits14_pretrain.pth", "a-ba7816bf.pth"])
def test_a_new_download_that_its_name_does_not_check_is_named_with_its_hash(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
):
    def load(url: str, **_: Any) -> dict[str, torch.Tensor]:
        (tmp_path / "checkpoints").mkdir(exist_ok=True)
        (tmp_path / "checkpoints" / name).write_bytes(b"abc")  # whose SHA-256 begins with ba7816bf (FIPS 180-2)
        return STATE

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", load)
    for _ in range(2):  # the second time it is in the cache
        download_weights(f"https://example.org/{name}")
    told = [str(warning.message) for warning in recwarn]
    if "dinov2" in name:
        (message,) = told
        assert f"https://example.org/{name} were not checked, since their name contains no hash" in message
        assert "SHA-256 is ba7816bf8f01cfea" in message
    else:
        assert told == []
