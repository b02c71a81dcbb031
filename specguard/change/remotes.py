"""Remotes: their addresses, the refs that are pushed to them, and the push that a server is about to receive.

On a server, everything trusted comes from the branch that the repository's `HEAD` names, as it is before the
push. Anyone who pushes may write any ref that the server takes, also below `refs/remotes/` and `refs/tags/`.
So no other ref is looked up, and a base that the hook names is a branch.
"""

from __future__ import annotations

import re

from specguard.change.base import FoundBase
from specguard.change.check_request import Request, read_input, resolve
from specguard.change.ranges import change_of_push
from specguard.change.repository import Push, Remote, Repository, is_oid, short_name
from specguard.errors import TYPE_CHECKING, SpecguardError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Final

    from specguard.change.change import Change
    from specguard.change.git import Git


def read_remote(repository: Repository, name: str = "origin") -> Remote:
    """Read the remote of this name from the configuration.

    The user's own configuration is read too, because `insteadOf`, which rewrites addresses, is usually there.

    Raises:
        MissingFact: the configuration cannot be read.
    """
    pairs = repository.settings()
    return remote_in(pairs, name, pairs)


def remote_in(pairs: Sequence[tuple[str, str]], name: str, trusted: Sequence[tuple[str, str]]) -> Remote:
    """Return the remote of this name in a configuration.

    Args:
        pairs: the configuration's keys, each with its value.
        name: the remote's name.
        trusted: those of the pairs that may rewrite addresses.
    """
    urls = [value for key, value in pairs if key == f"remote.{name}.url"]
    push_urls = [value for key, value in pairs if key == f"remote.{name}.pushurl"]
    fetches = [rewrite_url(url, trusted) for url in urls]
    pushes = [rewrite_url(url, trusted) for url in push_urls]
    if not push_urls:
        # If `pushInsteadOf` rewrites any address, git pushes only to the rewritten ones.
        rewritten = [(url, rewrite_url(url, trusted, ".pushinsteadof")) for url in urls]
        pushes = [other for url, other in rewritten if other != url] or fetches
    return Remote(name, url=urls[0] if urls else None, fetch=fetches[0] if fetches else "", pushes=pushes)


def rewrite_url(url: str, pairs: Sequence[tuple[str, str]], kind: str = ".insteadof") -> str:
    """Return an address after rewriting: its longest matching prefix is replaced, the first of equal ones.

    Args:
        url: the address as configured.
        pairs: the configuration's keys, each with its value.
        kind: `.insteadof` or `.pushinsteadof`.
    """
    rewrites = [
        (key[4 : -len(kind)], text) for key, text in pairs if key[:4] == "url." and key.endswith(kind)
    ]
    matching = [pair for pair in rewrites if url.startswith(pair[1])]
    replacement, prefix = max(matching, key=lambda pair: len(pair[1]), default=("", ""))
    return replacement + url[len(prefix) :]


_SCHEMES: Final = {"https", "http", "ssh", "git", "git+ssh", "ssh+git", "git+https", "git+http"}
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
# As git recognises them: a colon before any slash, but not the form `transport::address`.
_SCP = re.compile(r"(?:[^@/:]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:@]+):(?!:)(?P<path>.*)", re.DOTALL)

_CASELESS: Final = {"github.com", "gitlab.com", "bitbucket.org"}
"""Hosts where the names of owners and repositories are not case-sensitive."""


def identity(url: str) -> tuple[str, str] | None:
    """Return the identity of the repository in an address: its host, empty for a local one, and its path.

    These do not count: the scheme, a user, a port, the case of the host, slashes around the path and `.git`
    after it.

    Returns:
        None for an address of which no other spelling is known to be equal, such as `ext::command`.
    """
    url = url.strip()
    if match := _URL.fullmatch(url):
        scheme = match["scheme"].lower()
        if scheme == "file":
            return "", _clean_path(match["rest"])
        if scheme not in _SCHEMES:
            return None
        authority, _, path = match["rest"].partition("/")
        host = authority.rpartition("@")[2]
        host = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        return _host_identity(host, path)
    if match := _SCP.fullmatch(url):
        return _host_identity(match["host"], match["path"])
    return ("", _clean_path(url)) if url.startswith("/") else None


def same_address(one: str, other: str) -> bool:
    """True if two addresses name the same repository."""
    first = identity(one)
    return one == other or (first is not None and first == identity(other))


def shown_address(url: str) -> str:
    """Return an address without the password or token in it."""
    match = _URL.fullmatch(url)
    if match is None:
        return url
    authority, slash, path = match["rest"].partition("/")
    user, at, host = authority.rpartition("@")
    if at and (":" in user or match["scheme"].lower() in {"https", "http"}):
        authority = f"***@{host}"
    return f"{match['scheme']}://{authority}{slash}{path}"


def _host_identity(host: str, path: str) -> tuple[str, str] | None:
    host = host.lower().rstrip(".")
    path = _clean_path(path).strip("/")
    return (host, path.casefold() if host in _CASELESS else path) if host and path else None


def _clean_path(path: str) -> str:
    """Return a path with single slashes, without `.git` and slashes at its end."""
    root = "/" if path.startswith("/") else ""
    return (root + "/".join(filter(None, path.split("/")))).removesuffix(".git").rstrip("/")


INPUT_LIMIT: Final = 16 << 20
"""The maximum size of standard input that is read, in bytes; a line has about 200."""


def find_pushes(git: Git, environment: Mapping[str, str]) -> list[Push]:
    """Return the refs that are being pushed; empty if git has nothing to push.

    Args:
        git: the repository in which revisions are resolved.
        environment: the caller's; pre-commit passes its values there (only for the first ref).

    Raises:
        SpecguardError: standard input is missing or malformed.
    """
    if data := read_input(INPUT_LIMIT, "what is pushed"):
        # Git's own input comes before variables, which may be left over from another program. It names no
        # remote, and another's branch may be long behind.
        remote = git.remotes[0] if len(git.remotes) == 1 else "origin"
        return read_pushes(data, git.repository.oid_digits, remote)
    if environment.get("PRE_COMMIT_TO_REF") or (
        environment.get("PRE_COMMIT") and environment.get("PRE_COMMIT_REMOTE_NAME")
    ):
        return [_pre_commit_push(git, environment)]
    if data is None or environment.get("PRE_COMMIT"):
        raise _no_input("--push", "pre-push, or by pre-commit with `--from-ref REF --to-ref REF`")
    return []


def _no_input(option: str, hook: str) -> SpecguardError:
    message = f"{option} reads what git tells its hook, and nothing was given"
    help = f"Run it from the hook {hook}; `specguard check` judges the branch."
    return SpecguardError(message, help=help, code="not-told")


def read_pushes(data: bytes, digits: int, remote: str, *, received: bool = False) -> list[Push]:
    """Parse the standard input of a git hook, one ref on each line.

    A pre-push hook gets `<local ref> <object id> <remote ref> <object id>`, and a pre-receive hook
    `<old object id> <new object id> <ref>`.

    Args:
        data: the input.
        digits: the length of a full object id.
        remote: the remote's name.
        received: True for the input of a pre-receive hook.

    Raises:
        SpecguardError: a line has another form.
    """
    pushes = []
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = line.split(" ")
        if received:
            words = [words[-1], *words[1:], words[0]]
        if not line:
            continue
        local, new, ref, old = words if len(words) == 4 else [""] * 4
        named = not received or (ref.startswith("refs/") and "\0" not in ref)
        if not (named and is_oid(new, digits) and is_oid(old, digits)):
            message = f"line {number} of standard input is not what git tells its hook"
            help = "Run it as git runs the hook pre-receive or pre-push, with its standard input."
            raise SpecguardError(message, help=help, code="unreadable-event")
        # Zeros mean that there is no object.
        objects = [oid if oid.strip("0") else None for oid in (new, old)]
        pushes.append(Push(remote, local, ref, *objects))
    return pushes


def _pre_commit_push(git: Git, environment: Mapping[str, str]) -> Push:
    remote = environment.get("PRE_COMMIT_REMOTE_NAME") or "origin"
    local = environment.get("PRE_COMMIT_LOCAL_BRANCH", "")
    # For a branch without any commit of the remote, TO_REF is not set; the local branch is pushed then.
    new = resolve(git, environment.get("PRE_COMMIT_TO_REF") or local or "HEAD").oid
    remote_ref = environment.get("PRE_COMMIT_REMOTE_BRANCH") or local or git.repository.branch or ""
    old = None
    if remote_ref.startswith("refs/heads/"):
        tracking = f"refs/remotes/{remote}/{remote_ref.removeprefix('refs/heads/')}"
        old = git.repository.refs_named([tracking]).get(tracking)
    return Push(remote=remote, local_ref=local, remote_ref=remote_ref, new=new, old=old)


REFS_LIMIT: Final = 2_000
"""The maximum number of refs in one push: each is judged while the server waits."""

_STORE_NAMES: Final = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY")


def add_quarantine(git: Git) -> None:
    """Read the objects that git quarantines until its hook accepts them; call this before any other read.

    Git names their folder in variables, and so do servers that keep objects in several stores. Each content
    is compared with its id, so another folder can add objects but not change any.

    Args:
        git: the repository that is pushed to.

    Raises:
        SpecguardError: a folder is not named by its absolute path.
    """
    environment = git.repository.environment
    stores = dict.fromkeys(environment[name] for name in _STORE_NAMES if environment.get(name))
    for store in stores:
        if not store.startswith("/"):
            message = f"the folder of the pushed objects is {store!r}, which is not an absolute path"
            help = "Run the hook as git does, with the variables that git sets."
            raise SpecguardError(message, help=help, code="unreadable-event")
    git.add_stores(*stores, listed=environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", ""))


def open_received(git: Git, request: Request) -> Sequence[Change]:
    """Return the changes of a push that a server is asked to accept, one for each ref.

    Args:
        git: the repository that is pushed to, with the pushed objects.
        request: the request for the check.

    Raises:
        SpecguardError: standard input is missing or malformed, has too many refs, or deletes the base.
        MissingFact: an object is not there.
    """
    data = read_input(INPUT_LIMIT, "what is pushed")
    if data is None:
        raise _no_input("--pre-receive", "pre-receive of the repository that is pushed to")
    pushes = read_pushes(data, git.repository.oid_digits, "origin", received=True)
    if len(pushes) > REFS_LIMIT:
        message = f"the push has {len(pushes)} refs, and {REFS_LIMIT} are judged at once"
        raise SpecguardError(message, help="Push some at a time.", code="size-limit")
    if not pushes:
        return []
    found = _find_base(git, request, created={push.remote_ref for push in pushes if push.new})
    # The repository remembers each ref that it looks up, with the target of a symbolic one.
    git.repository.refs_named([push.remote_ref for push in pushes])
    for push in pushes:
        # A push to a symbolic ref alters its target.
        push.remote_ref = git.repository.target_of(push.remote_ref)
        if push.new and push.remote_ref.startswith(("refs/replace/", "refs/remotes/")):
            message = f"{push.remote_ref} would pass for another object or branch than the judged one"
            help = "Push only branches and tags, as `git push --all` and `git push --tags` do."
            raise SpecguardError(message, help=help, code="not-possible")
        if push.new is None and push.remote_ref == found.ref:
            message = f"the push deletes {found.name}, which everything trusted is read from"
            help = f"Let {'--base' if request.base else 'HEAD'} name another branch first, if this is to go."
            raise SpecguardError(message, help=help, code="not-possible")
    return [change_of_push(git, request, found, push) for push in pushes]


def _find_base(git: Git, request: Request, *, created: Collection[str]) -> FoundBase:
    """Find the branch that everything trusted is read from, as it is before the push.

    Args:
        git: the repository that is pushed to.
        request: the request for the check.
        created: the refs that the push writes; one of them may be the missing branch that `HEAD` names.

    Raises:
        SpecguardError: `HEAD` names no branch, or a missing one while others are there; or the branch that
            the caller names does not exist.
        MissingFact: its ref or object is broken.
    """
    repository = git.repository
    if request.base:
        ref = f"refs/heads/{request.base.removeprefix('refs/heads/')}"
        oid = repository.refs_named([ref]).get(ref)
        if oid is None:
            message = f"there is no branch {short_name(ref)!r} here that could be the base"
            help = "Name a branch of the repository that is pushed to."
            raise SpecguardError(message, help=help, code="no-base")
        ref = repository.target_of(ref)
    else:
        ref, oid = repository.branch or "", repository.head
        named = ref.startswith("refs/heads/")
        others = oid is None and any(other.name.startswith("refs/heads/") for other in repository.branches())
        if not named or (others and ref not in created):
            what = f"{short_name(ref)}, which does not exist" if named else "no branch"
            message = f"HEAD names {what}, so nothing says which branch is trusted"
            help = "Let it name one: `git symbolic-ref HEAD refs/heads/main`, or give `--base BRANCH`."
            raise SpecguardError(message, help=help, code="no-base")
        if oid is None:
            # The repository has no commits yet, or this push creates its default branch.
            return FoundBase()
    return FoundBase(short_name(ref), git.commit(oid).oid, "server", ref)
