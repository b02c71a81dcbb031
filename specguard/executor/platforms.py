"""The command lines of GitHub and GitLab, where they are installed and the user is signed in to the host."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any, Final

from specguard.change.repository import find_program
from specguard.executor.user_git import user_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.executor.canonical import Address

TIMEOUT: Final = 120.0
"""So many seconds a platform has for its answer."""

_QUIET: Final = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "NO_PROMPT": "1"}
_LEADING_ASTRAY: Final = ("GH_REPO", "GH_HOST", "GITLAB_HOST", "GITLAB_URI", "GL_HOST", "CLICOLOR_FORCE")
_ADDRESS: Final = re.compile(r"https?://\S+/([0-9]+)\b/?")
_TAIL: Final = 4000


class PlatformError(Exception):
    """A platform that cannot be asked, or that refuses.

    Args:
        reason: why, as a clause.
        tail: the end of what its command said.
    """

    def __init__(self, reason: str, tail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.tail = tail


class Request:
    """A pull request, or merge request, of a branch.

    Attributes:
        number: its number.
        url: its address.
        state: `open`, `closed` or `merged`.
        base: the branch that it is to be merged into.
        head: the object id of the last commit of its branch; empty where the platform does not say.
        body: its text.
    """

    __slots__ = ("base", "body", "head", "number", "state", "url")

    def __init__(
        self, number: int, url: str, state: str, *, base: str, head: str, body: str | None = None
    ) -> None:
        self.number = number
        self.url = url
        self.state = state
        self.base = base
        self.head = head
        self.body = body or ""


class Platform:
    """A platform, through its command line.

    Args:
        program: the command's path.
        address: the canonical repository.
        environment: the user's.
        folder: where the command runs.

    Attributes:
        command: the command's name.
        noun: what it calls a pull request in its commands.
    """

    command = ""
    noun = ""

    def __init__(
        self, program: str, address: Address, *, environment: Mapping[str, str], folder: str
    ) -> None:
        self.address = address
        self._program = program
        self._folder = folder
        kept = {name: value for name, value in environment.items() if name not in _LEADING_ASTRAY}
        self._environment = {**user_environment(kept), **_QUIET}

    @property
    def where(self) -> list[str]:
        """The words that name the repository."""
        return where_words(self.command, self.address)

    @property
    def signed_in(self) -> bool:
        """Whether the user is signed in to the host."""
        try:
            self._run("auth", "status", "--hostname", self.address.host)
        except PlatformError:
            return False
        return True

    def requests(self, branch: str) -> Sequence[Request]:
        """The pull requests of a branch of the repository itself, those of forks left out.

        Raises:
            PlatformError: they cannot be had.
        """
        output = self._run(*self._listing(branch), *self.where)
        try:
            return [found for entry in json.loads(output or "[]") if (found := self._read(entry))]
        except (ValueError, KeyError, TypeError) as error:
            raise PlatformError(f"{self.command} gave a list that cannot be read", output[-_TAIL:]) from error

    def create(self, branch: str, base: str, *, title: str, body_file: str) -> tuple[int | None, str]:
        """Open a pull request: its number and its address.

        Raises:
            PlatformError: it was not opened, as far as is known.
        """
        output = self._run(*self._creating(branch, base, title, body_file), *self.where)
        found = list(_ADDRESS.finditer(output))
        if not found:
            raise PlatformError(f"{self.command} does not say what it opened", output[-_TAIL:])
        return int(found[-1][1]), found[-1][0]

    def edit(self, number: int, *, title: str, body_file: str) -> None:
        """Give a pull request a title and a body.

        Raises:
            PlatformError: it was not edited.
        """
        self._run(*self._editing(number, title, body_file), *self.where)

    def _listing(self, branch: str) -> Sequence[str]:
        raise NotImplementedError

    def _creating(self, branch: str, base: str, title: str, body_file: str) -> Sequence[str]:
        raise NotImplementedError

    def _editing(self, number: int, title: str, body_file: str) -> Sequence[str]:
        raise NotImplementedError

    def _read(self, entry: Mapping[str, Any]) -> Request | None:
        raise NotImplementedError

    def _run(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [self._program, *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PlatformError(f"{self.command} gave no answer in {TIMEOUT:g} seconds") from error
        except OSError as error:
            raise PlatformError(f"{self.command} cannot be run: {error.strerror}") from error
        output = done.stdout.decode("utf-8", "replace")
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip() or output.strip()
            first = said.split("\n", 1)[0] or f"it ended with {done.returncode}"
            raise PlatformError(f"{self.command}: {first}", said[-_TAIL:])
        return output


class GitHub(Platform):
    """GitHub, through `gh`."""

    command = "gh"
    noun = "pr"

    def _listing(self, branch: str) -> Sequence[str]:
        fields = "number,url,state,baseRefName,headRefOid,isCrossRepository,body"
        return ["pr", "list", "--head", branch, "--state", "all", "--limit", "30", "--json", fields]

    def _creating(self, branch: str, base: str, title: str, body_file: str) -> Sequence[str]:
        return creating_words(branch, base, title, body_file)

    def _editing(self, number: int, title: str, body_file: str) -> Sequence[str]:
        return ["pr", "edit", str(number), "--title", title, "--body-file", body_file]

    def _read(self, entry: Mapping[str, Any]) -> Request | None:
        if entry["isCrossRepository"]:
            return None
        state = str(entry["state"]).lower()
        return Request(
            int(entry["number"]),
            entry["url"],
            state,
            base=entry["baseRefName"],
            head=entry["headRefOid"],
            body=entry["body"],
        )


class GitLab(Platform):
    """GitLab, through `glab`."""

    command = "glab"
    noun = "mr"

    def _listing(self, branch: str) -> Sequence[str]:
        return ["mr", "list", "--source-branch", branch, "--all", "--output", "json"]

    def _creating(self, branch: str, base: str, title: str, body_file: str) -> Sequence[str]:
        return [
            "mr", "create", "--source-branch", branch, "--target-branch", base, "--title", title,
            "--description", _content(body_file), "--yes",
        ]  # fmt: skip

    def _editing(self, number: int, title: str, body_file: str) -> Sequence[str]:
        return ["mr", "update", str(number), "--title", title, "--description", _content(body_file), "--yes"]

    def _read(self, entry: Mapping[str, Any]) -> Request | None:
        if entry.get("source_project_id") != entry.get("target_project_id"):
            return None
        state = {"opened": "open", "locked": "open"}.get(entry["state"], entry["state"])
        head = entry.get("sha") or ""
        return Request(
            int(entry["iid"]),
            entry["web_url"],
            state,
            base=entry["target_branch"],
            head=head,
            body=entry.get("description"),
        )


def find_platform(
    address: Address, environment: Mapping[str, str], folder: str
) -> tuple[Platform | None, str]:
    """The platform of the canonical repository, if its command line is there and the user is signed in.

    Args:
        address: the canonical repository.
        environment: the user's.
        folder: where its command is run: the root of the user's checkout.

    Returns:
        The platform; or None and why not, as a clause.
    """
    if not address.host:
        return None, "the canonical repository is on this machine"
    reasons = []
    for kind in _kinds(address):
        program = find_program(kind.command, environment)
        if program is None:
            reasons.append(f"{kind.command} is not installed")
            continue
        platform = kind(program, address, environment=environment, folder=folder)
        if platform.signed_in:
            return platform, ""
        reasons.append(f"{kind.command} is not signed in to {address.host}")
    return None, " and ".join(reasons)


def installed_command(address: Address, environment: Mapping[str, str]) -> str:
    """The name of the command line that could be the canonical repository's platform's; empty without any.

    Whether the user is signed in is not looked at, since that would ask the platform.
    """
    kinds = _kinds(address) if address.host else ()
    return next((kind.command for kind in kinds if find_program(kind.command, environment)), "")


def printed_command(address: Address | None, branch: str, base: str, *, title: str, body_file: str) -> str:
    """The command that opens a pull request, for a shell.

    Args:
        address: the canonical repository; None where it is not known yet.
        branch: the branch's short name.
        base: that of the branch that it is to be merged into.
        title: the title.
        body_file: the file with the body.
    """
    if address is not None and "gitlab" in address.host:
        words = ["glab", "mr", "create", "--source-branch", branch, "--target-branch", base, "--title", title]
        rest = shlex.join(["--yes", *where_words("glab", address)])
        return f'{shlex.join(words)} --description "$(cat {shlex.quote(body_file)})" {rest}'
    where = where_words("gh", address) if address is not None and address.host else []
    return shlex.join(["gh", *creating_words(branch, base, title, body_file), *where])


def creating_words(branch: str, base: str, title: str, body_file: str) -> list[str]:
    """The words behind `gh` that open a pull request."""
    return [
        "pr", "create", "--base", base, "--head", branch, "--title", title, "--body-file", body_file,
    ]  # fmt: skip


def where_words(command: str, address: Address) -> list[str]:
    """The words that name a repository to `gh` or `glab`."""
    if command == "gh":
        return ["--repo", f"{address.host}/{address.name}"]
    return ["--repo", f"https://{address.host}/{address.name}"]


def _kinds(address: Address) -> Sequence[type[Platform]]:
    """The platforms that a host could be of, the likelier first."""
    if address.host == "github.com":
        return (GitHub,)
    if address.host == "gitlab.com":
        return (GitLab,)
    return (GitLab, GitHub) if "gitlab" in address.host else (GitHub, GitLab)


def _content(file: str) -> str:
    with open(file, encoding="utf-8", errors="replace") as stream:
        return stream.read()
