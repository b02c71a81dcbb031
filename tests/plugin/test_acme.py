"""How a plugin's author tests a rule, with the plugin installed: `pytest tests/plugin/test_acme.py`."""

from __future__ import annotations

from specguard.testing import check_rule
from specguard_acme.shouted_path import ShoutedPath


def test_the_examples_of_the_manual_page() -> None:
    check_rule(ShoutedPath)
