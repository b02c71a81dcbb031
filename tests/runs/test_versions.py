"""Which version a tool has, and whether it may be used."""

from __future__ import annotations

import pytest

from specguard.runs.settings import VersionError, check_versions, find_version, fits
from tests.rows import rows


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("codex-cli 0.46.0\n", "0.46.0"),
        ("2.1.229 (Claude Code)\n", "2.1.229"),
        ("0.40.0-preview.4", "0.40.0-preview.4"),
        ("aider 0.86.1\n", "0.86.1"),
        ("warning: node 22 is old\ntool v1.2\n", "1.2"),
        ("1.0rc1", "1.0rc1"),
        ("tool 1.2.3+build.5", "1.2.3+build.5"),
    ],
)
def test_the_version_that_a_tool_prints(printed: str, version: str) -> None:
    found = find_version(printed)
    assert found is not None
    assert found.text == version


@pytest.mark.parametrize("printed", ["", "no version here", "build 42", "a1.2.3b"])
def test_a_tool_that_prints_none(printed: str) -> None:
    assert find_version(printed) is None


@pytest.mark.parametrize(("version", "wanted", "may"), rows(__file__, "whether_it_may_be_used"))
def test_whether_it_may_be_used(version: str, wanted: str, may: bool) -> None:
    found = find_version(version)
    assert found is not None
    assert fits(found, wanted) is may


@pytest.mark.parametrize("text", ["latest", ">=", "0.40 - 0.50", ">=0.40,", "~=1.0", ">=1.*"])
def test_what_says_nothing_about_versions(text: str) -> None:
    with pytest.raises(VersionError, match="does not say which versions may be used"):
        check_versions(text)
