"""Fuzz the readers of addresses with Atheris, which follows the branches that they take.

Atheris is no dependency: `pip install atheris`, then `python -m tests.torture.fuzz_addresses -max_total_time=120`.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["app.query_values", "app.words", "gnl_core.messages", "gnl_core.tables"]):
    from app.query_values import is_usable
    from app.words import plain
    from gnl_core.messages import LONGEST_MESSAGE, as_sentence, escape_hidden
    from tests.app.address_keys import ALL_KEYS
    from tests.torture.front.harmless import is_harmless


def try_address(data: bytes) -> None:
    """Read one address: what the schema accepts is harmless, and every message about it is short and visible."""
    provider = atheris.FuzzedDataProvider(data)
    key = ALL_KEYS[provider.ConsumeIntInRange(0, len(ALL_KEYS) - 1)]
    several = [provider.ConsumeUnicode(200) for _ in range(provider.ConsumeIntInRange(1, 4))]
    if is_usable(key, several):
        assert all(map(is_harmless, several))
    sentence = as_sentence(f"there is no folder {' '.join(several)}; check the path")
    assert len(sentence) <= LONGEST_MESSAGE
    assert escape_hidden(sentence) == sentence
    assert "\n" not in plain(ValueError(sentence))


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_address)
    atheris.Fuzz()
