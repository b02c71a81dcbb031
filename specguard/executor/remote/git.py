"""Git with a remote: what it has, fetching from it, pushing to it; always by an address, never by a name.

It runs in a git directory of its own, without hooks, remotes or refs of the user's. Objects that are fetched
go to the user's store, as with any fetch; no ref and no `FETCH_HEAD` of the user's is written.

Signing in is the user's: credential helpers, ssh, proxies, certificates. Where a fetch or a push goes is not
the configuration's to say: no `url.<base>.insteadOf` is left to git, no remote, no hook, no `fsmonitor`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Final, Self

from specguard.change.remotes import identity, rewritten, same_address, shown_address
from specguard.change.repository import Repository, is_oid
from specguard.declaration.rule import Record
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType


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


class Answer(Record):
    """What a remote made of a push.

    Attributes:
        flag: git's sign for it: a space, `*`, `+`, `=` for one that it had already, `!` for a refusal.
        summary: what git says of it, such as `[rejected] (stale info)`.
        said: the end of what git and the remote said.
    """

    flag: str
    summary: str
    said: str


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
                return Answer(flag=parts[0], summary=parts[2], said=said[-_TAIL:])
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


PROTOCOLS: Final = ("file", "https", "ssh")
"""The transports that a run uses."""

_SIGNING_IN: Final = re.compile(
    r"core\.(?:sshcommand|askpass|gitproxy)|ssh\.variant|protocol\.version|safe\.directory"
    r"|(?:credential|http)\.(?:.*\.)?[a-z0-9-]+",
    re.DOTALL,
)
_OWN_SCOPES: Final = frozenset({"system", "global", "command"})
"""Whose settings are the user's; a repository's are `local` and `worktree`."""

_KEPT: Final = re.compile("GIT_(?:ASKPASS|SSH(?:_COMMAND|_VARIANT)?|(?:SSL|PROXY|HTTP)_[A-Z_]+)")
_CONFIGURING: Final = re.compile(
    r"GIT_CONFIG_(?:COUNT|GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|KEY_[0-9]+|VALUE_[0-9]+)"
)


class Setting(Record):
    """One setting of a configuration.

    Attributes:
        scope: `system`, `global`, `local`, `worktree` or `command`.
        key: its key; section and name are in small letters.
        value: its value; None where it is only named, which means true.
    """

    scope: str
    key: str
    value: str | None


def read_settings(repository: Repository) -> list[Setting]:
    """The whole configuration, as git has it in the user's repository, what counts most last.

    Raises:
        SpecguardError: it cannot be read.
    """
    environment = {
        **user_environment(repository.environment),
        **{name: value for name, value in repository.environment.items() if _CONFIGURING.fullmatch(name)},
    }
    done = subprocess.run(
        [
            repository.program,
            f"--git-dir={repository.git_dir}",
            "config",
            "--list",
            "--show-scope",
            "--includes",
            "-z",
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
        raise SpecguardError(
            f"the configuration cannot be read: {said}", help="git config --list", code="broken-repository"
        )
    fields = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    settings = []
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        key, newline, value = setting.partition("\n")
        settings.append(Setting(scope=scope, key=key, value=value if newline else None))
    return settings


def own_rewrites(settings: Sequence[Setting], kind: str) -> list[tuple[str, str]]:
    """The user's own rewriting of addresses, each as `(replacement, prefix)`; a repository's does not count.

    Args:
        settings: the configuration.
        kind: `insteadof` or `pushinsteadof`.
    """
    ending = f".{kind}"
    return [
        (one.key[4 : -len(ending)], one.value or "")
        for one in settings
        if one.scope in _OWN_SCOPES and one.key.startswith("url.") and one.key.endswith(ending)
    ]


def signing_in(settings: Sequence[Setting], *, local: bool = True) -> str:
    """The part of a configuration that signing in takes, as the text of a configuration file.

    Args:
        settings: the configuration.
        local: whether a repository's own settings are part of it.
    """
    return "".join(
        _written(one)
        for one in settings
        if _SIGNING_IN.fullmatch(one.key) and (local or one.scope in _OWN_SCOPES)
    )


def user_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The user's environment for git and what it signs in with: of git's own variables few are left.

    Programs are not looked for in relative folders, which may be a change's own.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    folders = [folder for folder in environment.get("PATH", "").split(":") if folder.startswith("/")]
    return {
        **kept,
        "PATH": ":".join(folders) or "/usr/bin:/bin",
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
        "GIT_NO_LAZY_FETCH": "1",
    }


def _written(setting: Setting) -> str:
    section, _, rest = setting.key.partition(".")
    subsection, dot, name = rest.rpartition(".")
    head = f'[{section} "{_escaped(subsection)}"]' if dot else f"[{section}]"
    if setting.value is None:
        return f"{head}\n\t{name}\n"
    value = _escaped(setting.value).replace("\n", "\\n").replace("\t", "\\t").replace("\b", "\\b")
    return f'{head}\n\t{name} = "{value}"\n'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_SCHEME: Final = re.compile("([A-Za-z][A-Za-z0-9+.-]*)(?:://|::)")
_SCP: Final = re.compile(r"[^/:]+:")


class Address:
    """Where the canonical repository is.

    Attributes:
        fetch: the address that is fetched from.
        push: the address that is pushed to: the same repository.
        shown: the former without what is secret in it.
        here: whether it is the user's own repository, which has no remote.
    """

    __slots__ = ("fetch", "here", "push")

    def __init__(self, fetch: str, push: str, *, here: bool = False) -> None:
        self.fetch = fetch
        self.push = push
        self.here = here

    @property
    def shown(self) -> str:
        """The address without what is secret in it."""
        return shown_address(self.fetch)

    @property
    def host(self) -> str:
        """The host's name in small letters; empty for a repository of this machine."""
        return (identity(self.fetch) or ("", ""))[0]

    @property
    def name(self) -> str:
        """The repository's path on its host, such as `team/repo`; empty for one of this machine."""
        host, path = identity(self.fetch) or ("", "")
        return path if host else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and (self.fetch, self.push) == (other.fetch, other.push)

    def __hash__(self) -> int:
        return hash((self.fetch, self.push))


def find_address(
    settings: Sequence[Setting], remote: str, expected: str, *, root: str, alone: bool = False
) -> Address:
    """The address of the canonical repository, in the spelling by which the user reaches it.

    The remote has to be that repository. Of several spellings (https, ssh) the remote's own is used, since
    that is how the user signs in; the user's own `insteadOf` counts, a repository's does not. A push goes to
    what `pushurl` or the user's `pushInsteadOf` say, only where that is the same repository.

    Args:
        settings: the configuration.
        remote: the remote's name.
        expected: the address that the policy names; empty where it names none.
        root: the root of the working tree, from which relative addresses are meant.
        alone: whether the repository stands for itself where it has no remote, and the policy names none.

    Raises:
        SpecguardError: the remote is not there, is another repository, or has a transport that is not used.
    """
    urls = _values(settings, f"remote.{remote}.url")
    if not urls and alone and not expected and not any(map(_is_remote, settings)):
        return Address(root, root, here=True)
    if not urls:
        raise SpecguardError(
            f"there is no remote '{remote}'; tried: remote.{remote}.url of the configuration",
            help=f"git remote add {remote} {shlex.quote(expected) if expected else '<address>'}",
            code="remote-unsuitable",
        )
    rewrites = own_rewrites(settings, "insteadof")
    fetch = _absolute(rewritten(urls[0], rewrites), root)
    if expected and not same_address(fetch, expected):
        raise SpecguardError(
            f"'{remote}' is {shown_address(fetch)}, and the canonical repository is "
            f"{shown_address(expected)}",
            help=shlex.join(["git", "remote", "set-url", remote, expected]),
            code="remote-unsuitable",
        )
    if expected and _protocol(fetch) not in PROTOCOLS:
        fetch = rewritten(expected, rewrites)
    _check(fetch, remote)
    pushes = _values(settings, f"remote.{remote}.pushurl")
    push = rewritten(pushes[0], rewrites) if pushes else ""
    push = push or rewritten(urls[0], own_rewrites(settings, "pushinsteadof"))
    push = _absolute(push, root)
    if not same_address(push, fetch) or _protocol(push) not in PROTOCOLS:
        push = fetch
    return Address(fetch, push)


def _is_remote(setting: Setting) -> bool:
    return setting.key.startswith("remote.") and setting.key.endswith(".url")


def _values(settings: Sequence[Setting], key: str) -> list[str]:
    return [one.value for one in settings if one.key == key and one.value]


def _protocol(url: str) -> str:
    match = _SCHEME.match(url)
    if match:
        return match[1].lower()
    return "ssh" if _SCP.match(url) else "file"


def _absolute(url: str, root: str) -> str:
    """An address that does not depend on a working directory."""
    if _SCHEME.match(url) or _SCP.match(url) or url.startswith(("/", "-")):
        return url
    return os.path.normpath(os.path.join(root, url))


def _check(url: str, remote: str) -> None:
    if _protocol(url) not in PROTOCOLS or url.startswith("-") or "\n" in url:
        raise SpecguardError(
            f"'{remote}' is {shown_address(url)}, and a run uses only {', '.join(PROTOCOLS)}",
            help=f"git remote set-url {remote} <an https or ssh address of the same repository>",
            code="remote-unsuitable",
        )
