from __future__ import annotations

import pytest

from gnl_core.config import parse_config


def test_a_message_has_room_for_some_of_many_invalid_settings():
    with pytest.raises(ValueError, match=r"^invalid settings: limit = 'b{50,}.*; and 1 more$") as refusal:
        parse_config({"epochs": "a" * 1000, "limit": "b" * 1000})
    assert len(str(refusal.value)) < 300
