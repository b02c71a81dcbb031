"""Which version a tool has, and whether it may be used."""

from __future__ import annotations

import pytest

from specguard.runs.settings import VersionError, check_versions, find_version, fits
from tests.outcomes import there
from tests.rows import rows


@pytest.mark.parametrize(("printed", "version"), rows(__file__, "the_version_that_a_tool_prints"))
def test_the_version_that_a_tool_prints(printed: str, version: str) -> None:
    found = there(find_version(printed))
    assert found.text == version


@pytest.mark.parametrize("printed", ["", "no version here", "build 42", "a1.2.3b"])
def test_a_tool_that_prints_none(printed: str) -> None:
    assert find_version(printed) is None


@pytest.mark.parametrize(("version", "wanted", "may"), rows(__file__, "whether_it_may_be_used"))
def test_whether_it_may_be_used(version: str, wanted: str, may: bool) -> None:
    found = there(find_version(version))
    assert fits(found, wanted) is may


@pytest.mark.parametrize("text", ["latest", ">=", "0.40 - 0.50", ">=0.40,", "~=1.0", ">=1.*"])
def test_what_says_nothing_about_versions(text: str) -> None:
    with pytest.raises(VersionError, match="does not say which versions may be used"):
        check_versions(text)
