"""Remotes, through git, and their platforms, through `gh` and `glab`.

A remote is always reached by its address, never by its name. Git runs in a git directory of its own, without
hooks, remotes or refs of the user's. Fetched objects go to the user's store, as with any fetch. No ref and no
`FETCH_HEAD` of the user's is written.

The user's settings apply to signing in: credential helpers, ssh, proxies, certificates. Only `Address.find`
decides the target of a fetch or a push: git itself gets no `url.<base>.insteadOf`, no remote, no hook, no
`fsmonitor`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from specguard.change.object_store import Store, quote, stdin_lines, write_file
from specguard.change.remotes import identity, remote_in, same_address, shown_address
from specguard.change.repository import NO_HOOKS, Repository, find_program, is_oid
from specguard.errors import SpecguardError
from specguard.model import Record

TIMEOUT: Final = 300.0
"""The seconds that a remote has to answer, unless the caller sets another limit."""

_TERMINATE_WAIT: Final = 5.0
_FETCHED_REF: Final = "refs/specguard/fetched"
_NOISE: Final = (
    "hint", "warning", "remote: Enumerating", "remote: Counting", "remote: Compressing", "remote: Total",
)  # fmt: skip
_TAIL: Final = 4000


class RemoteError(SpecguardError):
    """A remote that cannot be reached, or that gives no answer.

    Attributes:
        reason: the reason, as a clause.
        tail: the end of git's stderr.
    """

    code = "remote-unreachable"

    def __init__(self, url: str, stderr: str, reason: str = "", *, help: str = "") -> None:
        shown = shown_address(url)
        self.tail = stderr.replace(url, shown)[-_TAIL:]
        self.reason = reason or _first_problem(self.tail)
        help = help or f"see whether this answers: {shlex.join(['git', 'ls-remote', shown])}"
        if "terminal prompts disabled" in stderr:
            # A run has nobody to type a password, and never asks for one.
            help = "sign in for git once: gh auth setup-git, or a credential.helper, or an ssh address"
        super().__init__(f"{shown} cannot be reached: {self.reason}", help=help)


def _first_problem(stderr: str) -> str:
    """Return the first line that names the problem."""
    lines = (line.strip() for line in stderr.split("\n"))
    line = next((line for line in lines if line and not line.startswith(_NOISE)), "git failed")
    for prefix in ("fatal: ", "error: ", "ERROR: ", "remote: "):
        line = line.removeprefix(prefix)
    return line


class Heads(Record):
    """The branches of a remote.

    Attributes:
        default: the short name of the branch that its `HEAD` names; empty if it names none.
        branches: the object id of each branch by its short name.
        refs: the same branches, and the tags by their full names.
    """

    default: str
    branches: Mapping[str, str]
    refs: Mapping[str, str]


class RemoteGit(Store):
    """Git with remotes, for a user's repository; a context manager that removes its private git directory.

    Args:
        repository: the user's repository.
        objects: the store to write to and push from; empty: the user's.
        timeout: the seconds that a remote has to answer; 0: `TIMEOUT`.
        local: True to use the repository's own settings for signing in, next to the user's.

    Raises:
        SpecguardError: the user's configuration cannot be read.
    """

    def __init__(
        self, repository: Repository, *, objects: str = "", timeout: float = 0, local: bool = True
    ) -> None:
        self.settings = read_settings(repository)
        self._timeout = timeout or TIMEOUT
        super().__init__(repository)
        config = f"{self.folder}/user-config"
        write_file(config, _sign_in_settings(self.settings, local=local).encode("utf-8", "surrogateescape"))
        self._variables = {
            **user_environment(repository.environment),
            "GIT_DIR": self.folder,
            "GIT_OBJECT_DIRECTORY": objects or repository.objects,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": config,
            "GIT_ATTR_NOSYSTEM": "1",
        }
        shallow = os.path.join(repository.common, "shallow")
        if os.path.isfile(shallow):
            shutil.copyfile(shallow, os.path.join(self.folder, "shallow"))

    def heads(self, url: str) -> Heads:
        """Return the branches of a remote.

        Raises:
            RemoteError: the remote cannot be reached.
        """
        output = self._read(url, "ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*", "refs/tags/*")
        default, branches, tags = "", {}, {}
        for line in output.split("\n"):
            value, _, name = line.partition("\t")
            if value.startswith("ref: refs/heads/") and name == "HEAD":
                default = value[16:]
            elif name.startswith("refs/heads/") and is_oid(value, self.repository.oid_digits):
                branches[name[11:]] = value
            elif name.startswith("refs/tags/") and not name.endswith("^{}"):
                tags[name] = value
        return Heads(default, branches, {**branches, **tags})

    def fetch(self, url: str, branch: str, known: Iterable[str] = ()) -> str:
        """Fetch the tip of a branch or tag and its history into the object store, and nothing else.

        Args:
            url: the remote's address.
            branch: the branch's short name, or a ref's full name.
            known: object ids of commits that are present with all their history.

        Returns:
            The tip's object id.

        Raises:
            RemoteError: the branch cannot be fetched.
        """
        lines = [f"{oid} refs/known/{number}" for number, oid in enumerate(dict.fromkeys(known))]
        write_file(f"{self.folder}/packed-refs", stdin_lines(lines))
        self._read(
            url,
            "-c", "gc.auto=0", "fetch", "-q", "--no-write-fetch-head", "--no-tags", "--no-auto-maintenance",
            "--recurse-submodules=no", "--no-show-forced-updates", "--", url,
            f"+{self.ref_of(branch)}:{_FETCHED_REF}",
        )  # fmt: skip
        return self._read(url, "rev-parse", "--verify", _FETCHED_REF).strip()

    def push(self, url: str, commit: str, branch: str, *, expected: str = "") -> None:
        """Push a commit as a branch, if the remote's branch is at the expected commit.

        Args:
            url: the remote's address.
            commit: the commit's object id.
            branch: the branch's short name.
            expected: the expected object id of the remote's branch; empty: the branch must not exist.

        Raises:
            RemoteError: the remote refuses the branch, or does not answer.
        """
        ref = f"refs/heads/{branch}"
        result = self._run(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed",
            "--recurse-submodules=no", f"--force-with-lease={ref}:{expected}", "--", url, f"{commit}:{ref}",
        )  # fmt: skip
        for line in result.stdout.split("\n"):
            parts = line.split("\t")
            if len(parts) == 3 and parts[1].endswith(f":{ref}"):
                if parts[0] != "!":
                    return
                raise RemoteError(url, result.stderr, parts[2], help="see what it says")
        raise RemoteError(url, result.stderr, result.failure)

    @staticmethod
    def ref_of(name: str) -> str:
        """Return the full name of a branch; a name that begins with `refs/` is returned as it is."""
        return name if name.startswith("refs/") else f"refs/heads/{name}"

    def _read(self, url: str, *arguments: str) -> str:
        result = self._run(*arguments)
        if result.code:
            raise RemoteError(url, result.stderr, result.failure)
        return result.stdout

    def _run(self, *arguments: str) -> ProgramEnd:
        words = [self.repository.program, *NO_HOOKS, *arguments]
        return run_program(words, self._variables, limit=self._timeout)


class ProgramEnd(Record):
    """The result of a program.

    Attributes:
        code: the exit code; -1 if the program did not run to its end.
        stdout: the program's standard output.
        stderr: the program's standard error.
        failure: the reason why the program did not run to its end, as a clause; else empty.
    """

    code: int
    stdout: str = ""
    stderr: str = ""
    failure: str = ""


def run_program(words: Sequence[str], env: Mapping[str, str], *, cwd: str = "/", limit: float) -> ProgramEnd:
    """Run a program in a folder, with a limit in seconds.

    Its output goes to files: a process that it leaves behind, as ssh may, would keep a pipe open.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as stderr:
        try:
            process = subprocess.Popen(
                words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=stderr
            )
        except OSError as error:
            return ProgramEnd(-1, failure=f"it cannot be run: {error.strerror}")
        try:
            code = process.wait(limit)
        except BaseException as error:
            # First SIGTERM: git then ends its child processes.
            process.terminate()
            try:
                process.wait(_TERMINATE_WAIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                return ProgramEnd(-1, failure=f"there was no answer in {limit:g} seconds")
            raise
        texts = []
        for file in (output, stderr):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
    return ProgramEnd(code, *texts)


PROTOCOLS: Final = ("file", "https", "ssh")
"""The transports that a run uses."""

_SIGN_IN_KEYS: Final = re.compile(
    r"core\.(?:sshcommand|askpass|gitproxy)|ssh\.variant|protocol\.version|safe\.directory"
    r"|(?:credential|http)\.(?:.*\.)?[a-z0-9-]+",
    re.DOTALL,
)
_OWN_SCOPES: Final = frozenset({"system", "global", "command"})
"""The scopes of the user's own settings; a repository's are `local` and `worktree`."""

_KEPT_VARS: Final = re.compile("GIT_(?:ASKPASS|SSH(?:_COMMAND|_VARIANT)?|(?:SSL|PROXY|HTTP)_[A-Z_]+)")
_CONFIG_VARS: Final = re.compile(
    r"GIT_CONFIG_(?:COUNT|GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|KEY_[0-9]+|VALUE_[0-9]+)"
)


class GitSetting(Record):
    """One setting of a git configuration.

    Attributes:
        scope: `system`, `global`, `local`, `worktree` or `command`.
        key: the key; section and name are in lower case.
        value: the value; None for a key without a value, which means true.
    """

    scope: str
    key: str
    value: str | None


def read_settings(repository: Repository) -> list[GitSetting]:
    """Return the whole configuration of the user's repository, in git's order: a later setting wins.

    Raises:
        SpecguardError: the configuration cannot be read.
    """
    environment = {
        **user_environment(repository.environment),
        **{name: value for name, value in repository.environment.items() if _CONFIG_VARS.fullmatch(name)},
    }
    words = [repository.program, f"--git-dir={repository.git_dir}", "config", "--list", "--show-scope", "-z"]
    result = run_program([*words, "--includes"], environment, limit=TIMEOUT)
    if result.code:
        problem = result.failure or result.stderr.strip().split("\n")[0]
        message = f"the configuration cannot be read: {problem}"
        raise SpecguardError(message, help="git config --list", code="broken-repository")
    fields = result.stdout.split("\0")
    found = ((scope, *one.partition("\n")) for scope, one in zip(fields[::2], fields[1::2], strict=False))
    return [GitSetting(scope, key, value if newline else None) for scope, key, newline, value in found]


def user_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment for git and its programs for signing in, with few of git's own variables.

    Relative folders are removed from `PATH`, because they may belong to a change.
    """
    kept = [name for name in environment if not name.startswith("GIT_") or _KEPT_VARS.fullmatch(name)]
    folders = [folder for folder in environment.get("PATH", "").split(":") if folder.startswith("/")]
    return {
        **{name: environment[name] for name in kept},
        "PATH": ":".join(folders) or "/usr/bin:/bin",
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
        "GIT_NO_LAZY_FETCH": "1",
    }


def _sign_in_settings(settings: Sequence[GitSetting], *, local: bool) -> str:
    """Return the settings for signing in, as the text of a configuration file."""
    text = ""
    for one in settings:
        if not _SIGN_IN_KEYS.fullmatch(one.key) or not (local or one.scope in _OWN_SCOPES):
            continue
        section, _, rest = one.key.partition(".")
        subsection, dot, name = rest.rpartition(".")
        text += f"[{section} {quote(subsection)}]\n\t{name}" if dot else f"[{section}]\n\t{name}"
        text += "\n" if one.value is None else f" = {quote(one.value)}\n"
    return text


_SCHEME: Final = re.compile("([A-Za-z][A-Za-z0-9+.-]*)(?:://|::)")


class Address(Record):
    """The address of the canonical repository.

    Attributes:
        fetch: the address to fetch from.
        push: the address of the same repository to push to.
        is_local: True if it is the user's own repository, which has no remote.
    """

    fetch: str
    push: str
    is_local: bool = False

    @property
    def shown(self) -> str:
        """The address without secrets."""
        return shown_address(self.fetch)

    @property
    def host(self) -> str:
        """The host's name in lower case; empty for a repository on this machine."""
        return (identity(self.fetch) or ("", ""))[0]

    @property
    def name(self) -> str:
        """The repository's path on its host, such as `team/repo`."""
        return (identity(self.fetch) or ("", ""))[1]

    @classmethod
    def find(
        cls, settings: Sequence[GitSetting], remote: str, expected: str, *, root: str, local: bool = False
    ) -> Address:
        """Find the address of the canonical repository, in the spelling that the user reaches it by.

        The remote must be that repository. Of several spellings (https, ssh), the remote's own is used,
        because the user can sign in there. The user's own `insteadOf` applies, a repository's does not. A
        push goes where git's would go, but only if that is the same repository.

        Args:
            settings: the git configuration.
            remote: the remote's name.
            expected: the address in the policy; empty if it names none.
            root: the root of the working tree, which relative addresses start from.
            local: True if the user's repository may be canonical itself. It is, if it has no remote and
                the policy names none.

        Raises:
            SpecguardError: the remote is missing, is another repository, or has an unsupported transport.
        """
        pairs = [(one.key, one.value) for one in settings if one.value]
        own = [(one.key, one.value) for one in settings if one.value and one.scope in _OWN_SCOPES]
        found = remote_in(pairs, remote, own)
        known = [(key[7:-4], url) for key, url in pairs if key.startswith("remote.") and key.endswith(".url")]
        if local and not expected and not known:
            return cls(root, root, is_local=True)
        if not found.url:
            message = f"there is no remote '{remote}'; tried: remote.{remote}.url of the configuration"
            help = f"git remote add {remote} {shlex.quote(expected) if expected else '<address>'}"
            raise _unsuitable(message, help + "".join(f", or --remote {name}" for name, _ in known[:1]))
        fetch, push = _absolute(found.fetch, root), _absolute(found.pushes[0], root)
        shown = f"'{remote}' is {shown_address(fetch)}"
        if expected and not same_address(fetch, expected):
            help = shlex.join(["git", "remote", "set-url", remote, expected])
            help += "".join(f", or --remote {name}" for name, url in known if same_address(url, expected))
            if found.url != found.fetch:
                help = "see what rewrites it: git config --show-origin --get-regexp '^url[.].*insteadof$'"
            raise _unsuitable(f"{shown}, and the canonical repository is {shown_address(expected)}", help)
        if _protocol(fetch) not in PROTOCOLS or fetch.startswith("-") or "\n" in fetch:
            help = f"git remote set-url {remote} <an https or ssh address of the same repository>"
            raise _unsuitable(f"{shown}, and a run uses only {', '.join(PROTOCOLS)}", help)
        if not same_address(push, fetch) or _protocol(push) not in PROTOCOLS:
            push = fetch
        return cls(fetch, push)

    def platform(self, repository: Repository) -> tuple[Platform | None, str]:
        """Find the platform of the repository, if its command is installed and the user is signed in.

        Args:
            repository: the user's repository. The command runs at its root, with the user's variables.

        Returns:
            The platform; or None, and the reason as a clause.
        """
        reasons = []
        for kind in self.platforms:
            program = find_program(kind.command, repository.environment)
            if program is None:
                reasons.append(f"{kind.command} is not installed")
                continue
            platform = kind(program, self, repository)
            try:
                platform.run(["auth", "status", "--hostname", self.host])
            except PlatformError:
                reasons.append(f"{kind.command} is not signed in to {self.host}")
            else:
                return platform, ""
        return None, " and ".join(reasons) or f"the canonical repository is on {self.host or 'this machine'}"

    def installed_command(self, environment: Mapping[str, str]) -> str:
        """Return the name of an installed command for the repository's platform; empty without one.

        The function does not check that the user is signed in, because that would contact the platform.
        """
        return next((kind.command for kind in self.platforms if find_program(kind.command, environment)), "")

    def request_command(self, branch: str, base: str, installed: str, *, title: str, body_file: str) -> str:
        """Return the command that opens a pull request, for a shell; without one, the repository's page.

        Args:
            branch: the branch's short name.
            base: the short name of the branch to merge into.
            installed: the installed command of the platform; empty without one.
            title: the title.
            body_file: the file with the body.
        """
        if self.host and not self.platforms:
            page = self.shown.replace("***@", "").rstrip("/").removesuffix(".git")
            return page if page.startswith("http") else f"https://{self.host}/{self.name}"
        kind = next((one for one in self.platforms if installed in ("", one.command)), Platform)
        words = [kind.command, *kind.create_words, *(kind.repository_words if self.host else ())]
        values = {"branch": branch, "base": base, "title": title, "file": body_file}
        values |= {"host": self.host, "path": self.name}
        text = f'"$(cat {shlex.quote(body_file)})"'
        return " ".join(text if word == "{text}" else shlex.quote(word.format(**values)) for word in words)

    @property
    def platforms(self) -> Sequence[type[Platform]]:
        """The possible platforms of the host, the likelier first; empty if it is another, or this machine."""
        if not self.host or any(name in self.host for name in _OTHER_PLATFORMS):
            return ()
        kinds = (GitLab, Platform) if "gitlab" in self.host else (Platform, GitLab)
        return kinds[:1] if self.host in ("github.com", "gitlab.com") else kinds


def _unsuitable(message: str, help: str) -> SpecguardError:
    """Return the error for a remote that no run can use."""
    return SpecguardError(message, help=help, code="remote-unsuitable")


def _protocol(url: str) -> str:
    if match := _SCHEME.match(url):
        return match[1].lower()
    return "ssh" if _has_host(url) else "file"


def _has_host(url: str) -> bool:
    """True if an address has the form `host:path`, or that of a URL."""
    return ":" in url.partition("/")[0]


def _absolute(url: str, root: str) -> str:
    """Return an address that does not depend on a working directory."""
    if _has_host(url) or url.startswith(("/", "-")):
        return url
    return os.path.normpath(os.path.join(root, url))


PLATFORM_TIMEOUT: Final = 120.0
"""The seconds that a platform has to answer."""

_OTHER_PLATFORMS: Final = ("bitbucket", "codeberg", "forgejo", "gitea")
"""Parts of the names of hosts that neither `gh` nor `glab` knows."""

_QUIET: Final = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "NO_PROMPT": "1"}
_TARGET_VARS: Final = ("GH_REPO", "GH_HOST", "GITLAB_HOST", "GITLAB_URI", "GL_HOST", "CLICOLOR_FORCE")
_ADDRESS: Final = re.compile(r"https?://\S+/([0-9]+)\b/?")


class PlatformError(Exception):
    """A platform that cannot be reached, or that refuses a request.

    Args:
        reason: the reason, as a clause.
        tail: the end of its command's output.
    """

    def __init__(self, reason: str, tail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.tail = tail[-_TAIL:]


class BranchRequest(Record):
    """A pull request, or merge request, of a branch.

    Attributes:
        number: its number.
        url: its address.
        state: `open`, `closed` or `merged`.
        base: the branch that it is to be merged into.
        head: the object id of the last commit of its branch; empty if the platform does not return it.
        body: its text.
    """

    number: int
    url: str
    state: str
    base: str
    head: str
    body: str


class Platform:
    """A platform, through its command line: GitHub, through `gh`.

    Args:
        program: the command's path.
        address: the canonical repository.
        repository: the user's repository. The command runs at its root, with the user's variables.

    Attributes:
        command: the command's name.
        repository_words: the arguments that name a repository.
        list_words, create_words, edit_words: the arguments that list, open and edit pull requests.
        fields: the JSON fields of a listed request, in the order of `BranchRequest`.
    """

    command = "gh"
    repository_words: Sequence[str] = ("--repo", "{host}/{path}")
    fields: Sequence[str] = ("number", "url", "state", "baseRefName", "headRefOid", "body")
    list_words: Sequence[str] = (
        "pr", "list", "--head", "{branch}", "--state", "all", "--limit", "30", "--json",
        "number,url,state,baseRefName,headRefOid,isCrossRepository,body",
    )  # fmt: skip
    create_words: Sequence[str] = (
        "pr", "create", "--base", "{base}", "--head", "{branch}", "--title", "{title}", "--body-file",
        "{file}",
    )  # fmt: skip
    edit_words: Sequence[str] = ("pr", "edit", "{number}", "--title", "{title}", "--body-file", "{file}")

    def __init__(self, program: str, address: Address, repository: Repository) -> None:
        self.address = address
        self._program = program
        self._folder = repository.work_tree()
        own = repository.environment.items()
        variables = user_environment({name: value for name, value in own if name not in _TARGET_VARS})
        self._environment = {**variables, **_QUIET}

    def requests(self, branch: str) -> Sequence[BranchRequest]:
        """Return the pull requests of a branch of the repository itself, without those of forks.

        Raises:
            PlatformError: the list cannot be fetched or read.
        """
        output = self.run([*self.list_words, *self.repository_words], branch=branch)
        try:
            return [self._read(one) for one in json.loads(output or "[]") if not self.is_forked(one)]
        except (ValueError, KeyError, TypeError) as error:
            raise PlatformError(f"{self.command} gave a list that cannot be read", output) from error

    def create(self, branch: str, base: str, *, title: str, body_file: str) -> tuple[int | None, str]:
        """Open a pull request, and return its number and its address.

        Raises:
            PlatformError: as far as is known, the pull request was not opened.
        """
        words = [*self.create_words, *self.repository_words]
        output = self.run(words, branch=branch, base=base, title=title, file=body_file)
        found = list(_ADDRESS.finditer(output))
        if not found:
            raise PlatformError(f"{self.command} does not say what it opened", output)
        return int(found[-1][1]), found[-1][0]

    def edit(self, number: int, *, title: str, body_file: str) -> None:
        """Set the title and the body of a pull request.

        Raises:
            PlatformError: the pull request was not edited.
        """
        self.run([*self.edit_words, *self.repository_words], number=str(number), title=title, file=body_file)

    def is_forked(self, entry: Mapping[str, Any]) -> bool:
        """True if a listed request belongs to a branch of a fork."""
        return bool(entry["isCrossRepository"])

    def _read(self, entry: Mapping[str, Any]) -> BranchRequest:
        number, url, state, base, head, body = (entry[name] for name in self.fields)
        state = {"opened": "open", "locked": "open"}.get(str(state), str(state).lower())
        return BranchRequest(int(number), url, state, base, head or "", body or "")

    def run(self, words: Sequence[str], file: str = "", **values: str) -> str:
        """Run the platform's command, and return its stdout; placeholders in its arguments are filled in.

        Raises:
            PlatformError: the command cannot be run, does not answer in time, or fails.
        """
        text = Path(file).read_text(encoding="utf-8", errors="replace") if "{text}" in words else ""
        values |= {"host": self.address.host, "path": self.address.name, "file": file, "text": text}
        words = [self._program, *(word.format(**values) for word in words)]
        result = run_program(words, self._environment, cwd=self._folder, limit=PLATFORM_TIMEOUT)
        if result.code:
            problem = result.failure or result.stderr.strip() or result.stdout.strip()
            first, _, rest = problem.partition("\n")
            raise PlatformError(f"{self.command}: {first or f'it ended with {result.code}'}", rest)
        return result.stdout


class GitLab(Platform):
    """GitLab, through `glab`."""

    command = "glab"
    repository_words = ("--repo", "https://{host}/{path}")
    fields = ("iid", "web_url", "state", "target_branch", "sha", "description")
    list_words = ("mr", "list", "--source-branch", "{branch}", "--all", "--output", "json")
    create_words = (
        "mr", "create", "--source-branch", "{branch}", "--target-branch", "{base}", "--title", "{title}",
        "--description", "{text}", "--yes",
    )  # fmt: skip
    edit_words = ("mr", "update", "{number}", "--title", "{title}", "--description", "{text}", "--yes")

    def is_forked(self, entry: Mapping[str, Any]) -> bool:
        """True if a listed request belongs to a branch of a fork."""
        return bool(entry.get("source_project_id") != entry.get("target_project_id"))
