"""Git with a remote: what it has, fetching from it, pushing to it; always by an address, never by a name.

It runs in a git directory of its own, without hooks, remotes or refs of the user's. Objects that are fetched
go to the user's store, as with any fetch; no ref and no `FETCH_HEAD` of the user's is written.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Final

from specguard.change.addresses import shown_address
from specguard.change.repository import is_oid
from specguard.executor.user_git import read_settings, signing_in, user_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from specguard.change.repository import Repository

TIMEOUT: Final = 300.0
"""So many seconds a remote has for its answer, unless the caller says otherwise."""

_POLITE: Final = 5.0
_FETCHED: Final = "refs/specguard/fetched"
_NOISE: Final = re.compile(
    r"(?:hint|warning|remote: (?:Enumerating|Counting|Compressing|Total)).*", re.DOTALL
)
_TAIL: Final = 4000


class RemoteError(Exception):
    """A remote that cannot be reached, or that refuses.

    Args:
        reason: why, as a clause.
        tail: the end of what git said.
        timed_out: whether it gave no answer in its time.
    """

    def __init__(self, reason: str, tail: str = "", *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tail = tail
        self.timed_out = timed_out

    def advice(self, shown: str) -> str:
        """The next step.

        Args:
            shown: the remote's address without what is secret in it.
        """
        if "terminal prompts disabled" in self.tail:
            # Nobody may be there to type a password, and a run asks for none.
            return "sign in for git once: gh auth setup-git, or a credential.helper, or an ssh address"
        return f"see whether this answers: {shlex.join(['git', 'ls-remote', shown])}"


class Heads:
    """The branches of a remote.

    Attributes:
        default: the short name of the one that its `HEAD` names; empty where it names none.
        branches: the object id of each by its short name.
        refs: the same, and with it tags by their full names.
    """

    __slots__ = ("branches", "default", "refs")

    def __init__(self, default: str, branches: Mapping[str, str], tags: Mapping[str, str]) -> None:
        self.default = default
        self.branches = branches
        self.refs = {**branches, **tags}


class Answer:
    """What a remote made of a push.

    Attributes:
        flag: git's sign for it: a space, `*`, `+`, `=` for one that it had already, `!` for a refusal.
        summary: what git says of it, such as `[rejected] (stale info)`.
        said: the end of what git and the remote said.
    """

    __slots__ = ("flag", "said", "summary")

    def __init__(self, flag: str, summary: str, said: str) -> None:
        self.flag = flag
        self.summary = summary
        self.said = said


class RemoteGit:
    """Git with remotes, for a user's repository; `close` removes its folder.

    Args:
        repository: the user's.
        objects: the store that is written to and pushed from; empty: the user's.
        timeout: how many seconds a remote has for its answer.
        local: whether what the repository itself says of signing in counts, next to the user's settings.

    Raises:
        SpecguardError: the user's configuration cannot be read.
    """

    def __init__(
        self, repository: Repository, *, objects: str = "", timeout: float = TIMEOUT, local: bool = True
    ) -> None:
        self.settings = read_settings(repository)
        self._repository = repository
        self._timeout = timeout
        self._folder = tempfile.mkdtemp(prefix="specguard-remote-")
        self._environment = {
            **user_environment(repository.environment),
            "GIT_DIR": self._folder,
            "GIT_OBJECT_DIRECTORY": objects or repository.objects,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.path.join(self._folder, "user-config"),
            "GIT_ATTR_NOSYSTEM": "1",
        }
        os.mkdir(os.path.join(self._folder, "refs"))
        self._write("HEAD", "ref: refs/heads/none\n")
        self._write("config", _OWN_CONFIG[repository.format])
        self._write("user-config", signing_in(self.settings, local=local))
        shallow = os.path.join(repository.common, "shallow")
        if os.path.isfile(shallow):
            shutil.copyfile(shallow, os.path.join(self._folder, "shallow"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def heads(self, url: str) -> Heads:
        """The branches that a remote has.

        Raises:
            RemoteError: it cannot be reached.
        """
        output = self._read(url, "ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*", "refs/tags/*")
        default, branches, tags = "", {}, {}
        for line in output.split("\n"):
            value, _, name = line.partition("\t")
            if value.startswith("ref: refs/heads/") and name == "HEAD":
                default = value[16:]
            elif name.startswith("refs/heads/") and is_oid(value, self._repository.hexadecimal):
                branches[name[11:]] = value
            elif name.startswith("refs/tags/") and not name.endswith("^{}"):
                tags[name] = value
        return Heads(default, branches, tags)

    def fetch(self, url: str, branch: str, known: Iterable[str] = ()) -> str:
        """Fetch the tip of a branch or tag and its history into the object store, and nothing else.

        Args:
            url: the remote's address.
            branch: the branch's short name, or a ref's full one.
            known: object ids of commits that are there with all their history.

        Returns:
            The tip's object id.

        Raises:
            RemoteError: it cannot be fetched.
        """
        lines = [f"{oid} refs/known/{number}\n" for number, oid in enumerate(dict.fromkeys(known))]
        self._write("packed-refs", "".join(lines))
        self._read(
            url,
            "-c", "gc.auto=0", "fetch", "-q", "--no-write-fetch-head", "--no-tags", "--no-auto-maintenance",
            "--recurse-submodules=no", "--no-show-forced-updates", "--", url,
            f"+{ref_of(branch)}:{_FETCHED}",
        )  # fmt: skip
        return self._read(url, "rev-parse", "--verify", _FETCHED).strip()

    def push(self, url: str, commit: str, branch: str, *, expected: str = "") -> Answer:
        """Push a commit as a branch, if the remote has of it what is expected.

        Args:
            url: the remote's address.
            commit: the commit's object id.
            branch: the branch's short name.
            expected: the object id that the remote's branch has; empty: there is none.

        Raises:
            RemoteError: there is no answer about the branch.
        """
        ref = f"refs/heads/{branch}"
        code, output, said = self._run(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed",
            "--recurse-submodules=no", f"--force-with-lease={ref}:{expected}", "--", url, f"{commit}:{ref}",
        )  # fmt: skip
        said = _without_secrets(said, url)
        for line in output.split("\n"):
            parts = line.split("\t")
            if len(parts) == 3 and parts[1].endswith(f":{ref}"):
                return Answer(parts[0], parts[2], said[-_TAIL:])
        raise RemoteError(_telling(said) or f"git push ended with {code}", said[-_TAIL:])

    def _read(self, url: str, *arguments: str) -> str:
        code, output, said = self._run(*arguments)
        if code:
            said = _without_secrets(said, url)
            raise RemoteError(_telling(said) or f"git ended with {code}", said[-_TAIL:])
        return output

    def _run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what git wrote to its two outputs.

        They are files: ssh may leave a process behind that holds them open.
        """
        with (
            tempfile.TemporaryFile(dir=self._folder) as output,
            tempfile.TemporaryFile(dir=self._folder) as said,
        ):
            words = [self._repository.program, "-c", "core.hooksPath=/dev/null", *arguments]
            process = subprocess.Popen(
                words, env=self._environment, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=said
            )
            try:
                process.wait(self._timeout)
            except BaseException as error:
                _end(process)
                if isinstance(error, subprocess.TimeoutExpired):
                    reason = f"there was no answer in {self._timeout:g} seconds"
                    raise RemoteError(reason, timed_out=True) from error
                raise
            texts = []
            for file in (output, said):
                file.seek(0)
                texts.append(file.read().decode("utf-8", "surrogateescape"))
        return process.returncode, texts[0], texts[1]

    def _write(self, name: str, text: str) -> None:
        path = os.path.join(self._folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))


def ref_of(name: str) -> str:
    """The full name of a branch; of what begins with `refs/` it is the name itself."""
    return name if name.startswith("refs/") else f"refs/heads/{name}"


_OWN_CONFIG: Final = {
    "sha1": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
    "sha256": "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n",
}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git, which ends what it started; first politely."""
    process.terminate()
    try:
        process.wait(_POLITE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _telling(said: str) -> str:
    """The first line that says what is wrong."""
    lines: Sequence[str] = [line.strip() for line in said.split("\n")]
    line = next((line for line in lines if line and not _NOISE.fullmatch(line)), "")
    for prefix in ("fatal: ", "error: ", "ERROR: ", "remote: "):
        line = line.removeprefix(prefix)
    return line


def _without_secrets(text: str, url: str) -> str:
    shown = shown_address(url)
    return text.replace(url, shown) if shown != url else text
