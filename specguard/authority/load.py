"""From a tree to its policy: out of the cache where its documents are known, else compiled."""

from __future__ import annotations

from specguard.authority.policy import Policy
from specguard.authority.sources import find, find_sources, read_file, read_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from specguard.authority.cache import Cache
    from specguard.authority.sources import Source
    from specguard.change.tree import Tree
    from specguard.declaration.registry import Registry


def load_policy(
    tree: Tree,
    *,
    registry: Callable[[Sequence[str]], Registry],
    cache: Cache | None = None,
    authority: str = "",
) -> Policy | None:
    """The policy of a tree.

    Args:
        tree: the files that are trusted.
        registry: gives what the built-in plugin and the named distributions register; it is called where the
            policy is compiled, and not where it comes from the cache.
        cache: where compiled policies are kept; None: nowhere.
        authority: a file to read as the authority in place of the tree's documents. Documents that it names
            are still the tree's, and the cache is not used.

    Returns:
        The policy; None where the tree has no authority at all.

    Raises:
        PolicyError: its settings are wrong; all that is wrong is named.
        SpecguardError: a document cannot be read, or a plugin not be used.
    """
    if authority:
        return _compile([read_file(authority)], tree, registry)
    found = find_sources(tree)
    if not found:
        return None
    if cache is not None:
        policy = _kept(cache, found, tree)
        if policy is not None:
            return policy
    policy = _compile([read_source(tree, path) for path in found], tree, registry)
    if policy is not None and cache is not None:
        cache.write(found, policy.to_data(), {rule.package for rule in policy.rules})
    return policy


def _kept(cache: Cache, found: Mapping[str, str], tree: Tree) -> Policy | None:
    """The policy of the cache; None where it has none, or one of another shape or of other documents."""
    data = cache.read(found)
    try:
        if data is not None and all(
            found.get(path) or _is_same(tree, path, oid) for path, oid in data["documents"]
        ):
            return Policy(data)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return None


def _compile(
    sources: Sequence[Source], tree: Tree, registry: Callable[[Sequence[str]], Registry]
) -> Policy | None:
    from specguard.authority.compile import compile_policy

    return compile_policy(
        sources, registry=registry, read=lambda path, named_by: read_source(tree, path, named_by)
    )


def _is_same(tree: Tree, path: str, oid: str) -> bool:
    """Whether a further document is what it was."""
    entry = find(tree, path)
    return entry is not None and entry.oid == oid and entry.mode & 0o170000 == 0o100000
