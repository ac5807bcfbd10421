"""The lock file pins every run-time dependency within its bounds, each with hashes."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENTRY = re.compile(r"^([\w.-]+)==(\S+)(.*?)(?=^\S|\Z)", flags=re.DOTALL | re.MULTILINE)


def pinned(text: str) -> dict[str, list[Version]]:
    """Each package and its versions, which may differ between systems."""
    versions: dict[str, list[Version]] = {}
    for name, version, _ in ENTRY.findall(text):
        versions.setdefault(canonicalize_name(name), []).append(Version(version))
    return versions


def unlocked(requirements: str, lock: str) -> list[str]:
    """The lines of requirements that a lock does not satisfy."""
    wanted = [Requirement(line) for line in requirements.splitlines() if line and not line.startswith(("#", "-e"))]
    versions = pinned(lock)
    return [str(one) for one in wanted if not is_satisfied(one, versions.get(canonicalize_name(one.name), []))]


def is_satisfied(requirement: Requirement, versions: list[Version]) -> bool:
    return bool(versions) and all(requirement.specifier.contains(version) for version in versions)


def test_the_lock_satisfies_every_requirement():
    assert unlocked((ROOT / "requirements.txt").read_text(encoding="utf-8"), LOCK) == []


def test_a_requirement_that_the_lock_lacks_or_contradicts_is_found():
    assert unlocked("torch>=99\nnone-such\ntimm>=1", LOCK) == ["torch>=99", "none-such"]


def test_every_pinned_package_has_hashes_and_comes_from_no_named_place():
    entries = ENTRY.findall(LOCK)
    assert len(entries) > 80
    assert [name for name, _, rest in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", rest)] == []
    assert not re.search(r"://|@ |^--?\w", LOCK, flags=re.MULTILINE)


def test_the_lock_pins_the_versions_that_ci_constrains():
    constraints = [line for line in (ROOT / ".ci/constraints.txt").read_text().splitlines() if "==" in line]
    for name, version in (line.split("==") for line in constraints):
        assert pinned(LOCK)[name] == [Version(version)]
