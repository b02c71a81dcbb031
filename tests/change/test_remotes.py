"""Where a remote leads, as git itself would follow its configuration."""

import pytest

from specguard.change.remotes import read_remote, rewritten
from specguard.testing import Repository
from tests.changes import locate

URL = "https://example.org/team/repo.git"


def configure(repository: Repository, *settings: str) -> None:
    for setting in settings:
        key, _, value = setting.partition("=")
        repository.git("config", "--add", key, value)


@pytest.mark.parametrize(
    "settings",
    [
        [f"remote.origin.url={URL}"],
        ["remote.origin.url=ex:team/repo", "url.https://example.org/.insteadOf=ex:"],
        ["remote.origin.url=ex:a/b", "url.https://one/.insteadOf=ex:", "url.https://evil/.insteadOf=ex:a/"],
        [f"remote.origin.url={URL}", "remote.origin.url=https://evil.net/team/repo"],
        [f"remote.origin.url={URL}", "remote.origin.pushurl=ex:x", "url.https://evil.net/.insteadOf=ex:"],
        [f"remote.origin.url={URL}", "remote.origin.pushurl=ex:x", "url.https://evil.net/.pushInsteadOf=ex:"],
        [f"remote.origin.url={URL}", "url.https://evil.net/.pushInsteadOf=https://example.org/"],
        [
            f"remote.origin.url={URL}",
            "remote.origin.url=git@example.org:team/repo",
            "url.https://evil.net/.pushInsteadOf=https://example.org/",
        ],
    ],
)
def test_a_remote_leads_where_git_goes(repository: Repository, settings: list[str]) -> None:
    configure(repository, *settings)
    remote = read_remote(locate(repository.path))
    assert remote.url == settings[0].partition("=")[2]
    assert remote.fetch == repository.git("remote", "get-url", "origin")
    assert list(remote.pushes) == repository.git("remote", "get-url", "--push", "--all", "origin").split("\n")


def test_a_remote_that_is_not_there_and_a_prefix_that_does_not_fit(repository: Repository) -> None:
    remote = read_remote(locate(repository.path))
    assert (remote.url, remote.fetch, list(remote.pushes)) == (None, "", [])
    assert rewritten(URL, []) == rewritten(URL, [("x", "http://"), ("y", "")]) == URL
