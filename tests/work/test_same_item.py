"""When two names are names of one item."""

from __future__ import annotations

from specguard.work.kinds import identity, same_item
from specguard.work.name_templates import Template


def test_an_id_is_more_than_its_number() -> None:
    for one, other, same in (
        ("PERF-005", "PERF-5", True),
        ("PERF-005", "ARCH-005", False),
        ("task_003", "3", True),
        ("12", "012", True),
        ("login", "login", True),
        ("login", "login-2", False),
    ):
        first, second = identity({"id": one}), identity({"id": other})
        assert same_item(*first, *second) is same
        assert same_item(*second, *first) is same


def test_an_id_is_one_word() -> None:
    template = Template("{type}: {id} - {text}")
    fields = {"type": "feat", "id": "SEC-008", "text": "admission"}
    assert template.read("feat: SEC-008 - admission") == fields
    assert template.read("feat: close SEC-008 - admission") is None
