import pytest

from specguard.change.remotes import same_address, shown_address

CANONICAL = "https://example.org/team/repo.git"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/team/repo",
        "https://example.org//team/repo.git/",
        "http://example.org/team/repo.git",
        "https://EXAMPLE.org/team/repo.git",
        "https://ann:secret@example.org:8443/team/repo.git",
        "ssh://git@example.org:2222/team/repo",
        "git+ssh://git@example.org/team/repo",
        "git@example.org:team/repo.git",
        "example.org:team/repo",
        "git://example.org/team/repo.git",
        " https://example.org/team/repo.git\n",
    ],
)
def test_spellings_of_one_repository(url: str) -> None:
    assert same_address(url, CANONICAL)
    assert same_address(CANONICAL, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/someone/repo.git",
        "https://example.org/Team/repo.git",
        "https://example.org.evil.net/team/repo.git",
        "https://evil.net/example.org/team/repo.git",
        "https://example.org@evil.net/team/repo.git",
        "https://example.org/team/repo.git?x=y",
        "ext::sh -c 'echo example.org:team/repo'",
        "ftp://example.org/team/repo.git",
        "/example.org/team/repo.git",
        "file:///example.org/team/repo.git",
        "https://example.org/",
        "",
    ],
)
def test_other_repositories(url: str) -> None:
    assert not same_address(url, CANONICAL)


def test_platforms_local_repositories_and_brackets() -> None:
    assert same_address("git@github.com:Team/Repo.git", "https://github.com/team/repo")
    assert same_address("ssh://git@ssh.github.com:443/team/repo.git", "https://github.com/team/repo")
    assert same_address("/srv/git/repo.git", "file:///srv/git/repo")
    assert not same_address("/srv/git/repo.git", "/srv/git/other.git")
    assert not same_address("/srv/git/Repo", "/srv/git/repo")
    assert same_address("ssh://git@[::1]:22/team/repo", "git@[::1]:team/repo.git")
    assert not same_address("ssh://git@[::1]/team/repo", "ssh://git@[::2]/team/repo")


def test_passwords_are_not_shown() -> None:
    for url, text in {
        "https://ann:secret@example.org/a/b": "https://***@example.org/a/b",
        "https://token@example.org/a/b": "https://***@example.org/a/b",
        "ssh://git@example.org/a/b": "ssh://git@example.org/a/b",
        "ssh://git:secret@example.org/a/b": "ssh://***@example.org/a/b",
        "git@example.org:a/b": "git@example.org:a/b",
    }.items():
        assert shown_address(url) == text
