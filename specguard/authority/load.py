"""Load the policy of a tree: from the cache if it has the tree's documents, else compiled."""

from __future__ import annotations

from functools import partial

from specguard.authority.policy import Policy
from specguard.declaration.patterns import Selecting, is_path
from specguard.errors import MissingFact, Reported, SpecguardError
from specguard.model import TYPE_CHECKING, Origin, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Final, TypeVar

    from specguard.authority.cache import Cache
    from specguard.change.tree import Tree, TreeEntry
    from specguard.declaration.registry import Registry

    _Thing = TypeVar("_Thing")


def load_policy(
    tree: Tree,
    *,
    registry: Callable[[Sequence[str]], Registry],
    cache: Cache | None = None,
    authority: str = "",
) -> Policy | None:
    """Load the policy of a tree.

    Args:
        tree: the trusted files.
        registry: returns the registrations of the built-in plugin and the named distributions. It is called
            only if the policy is compiled, not if it comes from the cache.
        cache: the cache of compiled policies; None for no cache.
        authority: a file to read as the authority in place of the tree's documents. Documents that it names
            still come from the tree, and the cache is not used.

    Returns:
        The policy; None if the tree has no authority.

    Raises:
        SeveralErrors: its settings are wrong; all problems are listed.
        SpecguardError: a document cannot be read, or a plugin cannot be used.
    """
    found = {} if authority else identify(tree)
    usable_cache = cache if found else None
    policy = _read_cached(usable_cache, found, tree) if usable_cache is not None else None
    if policy is not None or not (found or authority):
        return policy
    from specguard.authority.compile import compile_policy

    sources = [read_source(tree, path) for path in found] or [read_file(authority)]
    policy = compile_policy(sources, tree, registry=registry)
    if policy is not None and usable_cache is not None:
        usable_cache.write(found, policy.data, {rule.package for rule in policy.rules})
    return policy


def _read_cached(cache: Cache, found: Mapping[str, str], tree: Tree) -> Policy | None:
    """Return the cached policy; None if there is none, or if its format or its documents differ."""
    data = cache.read(found)
    try:
        policy = Policy(data) if data is not None else None
        return policy if policy is not None and has_documents(tree, policy, known=found) else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def has_documents(tree: Tree, policy: Policy, *, known: Mapping[str, str] | None = None) -> bool:
    """Return True if a tree has the documents of a policy, unchanged since the policy was compiled.

    Args:
        tree: the files.
        policy: the policy.
        known: documents that the tree is known to have.
    """
    nested = policy.data["nested"]
    same = {**nested, **(known or {})}
    others = [(path, oid) for path, oid in policy.documents if oid and path not in same]
    there = ((find_entry(tree, path), oid) for path, oid in others)
    same_files = all(entry is not None and entry.is_file and entry.oid == oid for entry, oid in there)
    return find_nested(tree, policy.nested) == nested and same_files


AUTHORITY: Final = "SPEC_AUTHORITY.md"
SETTINGS: Final = "specguard.toml"
PYPROJECT: Final = "pyproject.toml"

DEFAULT_PATHS: Final = (AUTHORITY, SETTINGS, PYPROJECT)
"""The paths at which an authority is found without being named, in reading order."""


class AuthoritySource(Record):
    """One document of an authority.

    Attributes:
        path: its path in the repository, or as the caller named it.
        oid: its object id; empty for a file that was named on the command line.
        text: its text.
    """

    path: str
    oid: str
    text: str

    @property
    def is_pyproject(self) -> bool:
        """True if its settings are in the table `[tool.specguard]`."""
        return self.path.rpartition("/")[2] == PYPROJECT


def find_entry(tree: Tree, path: str) -> TreeEntry | None:
    """Return the entry of a tree at a path; None if there is none.

    Raises:
        SpecguardError: the tree cannot be read.
    """
    return _read_from_tree(path, lambda: tree.find(path.encode("utf-8", "surrogateescape")))


def _read_from_tree(path: str, read: Callable[[], _Thing]) -> _Thing:
    try:
        return read()
    except MissingFact as missing:
        raise _error(path, f"the authority cannot be read: {missing.reason}", missing.command) from missing


def identify(tree: Tree, paths: Iterable[str] = DEFAULT_PATHS) -> dict[str, str]:
    """Return the mode and object id of each of some paths that a tree has; by default, its sources."""
    found = {path: find_entry(tree, path) for path in paths}
    return {path: f"{entry.mode:o} {entry.oid}" for path, entry in found.items() if entry is not None}


def pattern_levels(pattern: str) -> Sequence[str]:
    """Return the pattern of each level of a pattern of folders: `packages`, then `packages/*`."""
    segments = pattern.strip("/").split("/")
    return ["/".join(segments[:end]) for end in range(1, len(segments) + 1)]


def find_nested(tree: Tree, patterns: Sequence[str]) -> dict[str, str]:
    """Return the mode and object id of each nested authority in a tree, by its path.

    Args:
        tree: the trusted files.
        patterns: the setting `[authority] nested`.

    Raises:
        SpecguardError: the tree cannot be read.
    """
    paths: list[str] = []
    for pattern in patterns:
        folders = [b""]
        for level in pattern_levels(pattern):
            matching = Selecting([level])
            folders = [path for path in _folders(tree, folders) if matching.matches(path)]
        paths += (f"{folder.decode('utf-8', 'surrogateescape')}/{AUTHORITY}" for folder in folders)
    return identify(tree, sorted(paths))


def _folders(tree: Tree, above: Sequence[bytes]) -> Iterator[bytes]:
    for folder in above:
        names = _read_from_tree(AUTHORITY, partial(tree.names, folder))
        prefix = folder + b"/" if folder else b""
        yield from (prefix + name for name, entry in names.items() if entry.is_directory)


def read_source(tree: Tree, path: str, named_by: Origin | None = None) -> AuthoritySource:
    """Read a document of a tree.

    Args:
        tree: the tree.
        path: the document's path from the root.
        named_by: where the document is named, for the message if it does not exist.

    Raises:
        SpecguardError: the file is missing, not a regular file, not UTF-8 or empty.
    """
    entry = find_entry(tree, path)
    if entry is None:
        at, what = named_by or Origin(path, 0), f"`documents` names {path!r}, which does not exist"
        raise _error(at.path, what, "name a file by its path from the repository's root", at.line or None)
    if not entry.is_file:
        what = "it is not a regular file, which each document of the authority must be"
        raise _error(path, what, "name the file that it links to, or put a regular file in its place")
    data = _read_from_tree(path, lambda: tree.read(path.encode("utf-8", "surrogateescape")))
    return AuthoritySource(path, entry.oid, decode(data or b"", path))


def read_file(path: str, what: str = "the authority") -> AuthoritySource:
    """Read a document that the command line names, from the file system.

    Args:
        path: the file's name.
        what: the document's name in messages.

    Raises:
        SpecguardError: the file cannot be read, is not a file, is not UTF-8 or is empty.
    """
    unread = Reported(f"{what} cannot be read", "check its name", path, code="broken-authority")
    with unread, open(path, "rb") as file:
        return AuthoritySource(path, "", decode(file.read(), path, what))


def decode(data: bytes, path: str, name: str = "the document") -> str:
    """Return a document's text; messages call it `name`.

    Raises:
        SpecguardError: the document is not UTF-8, or is blank.
    """
    # UTF-16 without its mark has a NUL in each letter, and little else that is not UTF-8.
    at = data.find(0)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
    if at >= 0:
        what = f"{name} is not UTF-8: byte 0x{data[at]:02x}"
        raise _error(path, what, "save it as UTF-8", data.count(b"\n", 0, at) + 1)
    # An empty `pyproject.toml` marks a project's root for other tools.
    if not text.removeprefix("\ufeff").strip() and path.rpartition("/")[2] != PYPROJECT:
        what = f"{name} is empty, which is never taken for a policy that allows everything"
        raise _error(path, what, "write in it what may change, or leave it out")
    return text


def _error(path: str, message: str, step: str, line: int | None = None) -> SpecguardError:
    return SpecguardError(message, help=step, path=path, line=line, code="broken-authority")


def is_document(path: object) -> bool:
    """Return True if a value of `documents` is a path from the root that stays in the repository.

    A path that begins as those of presets and floors is refused: its settings would count as theirs.
    """
    return isinstance(path, str) and is_path(path) and Origin(path, 0).is_file
