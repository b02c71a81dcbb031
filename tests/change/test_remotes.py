"""Which addresses are of one repository, and where a remote leads, as git would follow its configuration."""

import pytest

from specguard.change.remotes import read_remote, rewrite_url, same_address, shown_address
from specguard.testing import Repository
from tests.changes import locate
from tests.rows import rows

URL = "https://example.org/team/repo.git"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        *((url, URL, True) for url in rows(__file__, "same")),
        *((url, URL, False) for url in rows(__file__, "other")),
        *rows(__file__, "pairs"),
    ],
)
def test_two_addresses_are_of_one_repository_or_of_two(one: str, other: str, same: bool) -> None:
    assert same_address(one, other) is same
    assert same_address(other, one) is same


@pytest.mark.parametrize(("url", "text"), rows(__file__, "shown"))
def test_passwords_are_not_shown(url: str, text: str) -> None:
    assert shown_address(url) == text


@pytest.mark.parametrize("settings", rows(__file__, "settings"))
def test_a_remote_leads_where_git_goes(repository: Repository, settings: list[str]) -> None:
    for setting in settings:
        key, _, value = setting.partition("=")
        repository.git("config", "--add", key, value)
    remote = read_remote(locate(repository.path))
    assert remote.url == settings[0].partition("=")[2]
    assert remote.fetch == repository.git("remote", "get-url", "origin")
    assert list(remote.pushes) == repository.git("remote", "get-url", "--push", "--all", "origin").split("\n")


def test_a_remote_that_is_not_there_and_a_prefix_that_does_not_fit(repository: Repository) -> None:
    remote = read_remote(locate(repository.path))
    assert (remote.url, remote.fetch, list(remote.pushes)) == (None, "", [])
    # Git applies an empty prefix to every address.
    pairs = [("url.x.insteadof", "http://"), ("url.y.insteadof", ""), ("url.z.insteadof", "")]
    assert rewrite_url(URL, pairs[:1]) + rewrite_url(URL, pairs[1:]) == f"{URL}y{URL}"
