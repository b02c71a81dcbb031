"""Which commits did a work item, and have not been reverted since."""

from __future__ import annotations

import re

from specguard.change.repository import PastCommit
from specguard.work.naming import normal_id, without_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence
    from typing import Final

    from specguard.change.entries import Commit, Entry
    from specguard.change.git import History
    from specguard.work.listed import Listed
    from specguard.work.naming import Names, Naming
    from specguard.work.sources import Sources

_REVERT: Final = re.compile(r'(?P<how>Revert|Reapply) "(?P<what>.*)"')
_REVERTS: Final = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)


def standing(commits: Iterable[PastCommit], names: Names) -> Iterator[tuple[PastCommit, Naming]]:
    """The commits that name an item exactly and are not reverted, each with what it names.

    Args:
        commits: newest first.
        names: the templates of all kinds.
    """
    undone: list[tuple[str, str]] = []
    for commit in commits:
        subject = without_number(commit.subject)
        by = next((one for one in undone if _undoes(one, commit.oid, subject)), None)
        if by is not None:
            undone.remove(by)
            continue
        revert = _REVERT.fullmatch(subject)
        if revert:
            what = f'Revert "{revert["what"]}"' if revert["how"] == "Reapply" else revert["what"]
            named = _REVERTS.search(commit.message)
            undone.append((named[1] if named else "", without_number(what)))
            continue
        naming = names.read("commit", commit.subject, lenient=False)
        if naming is not None:
            yield commit, naming


def doing(names: Names, past: Iterable[PastCommit], kind: str, ids: Container[str]) -> Iterator[str]:
    """The commits that name one of some items exactly and are not reverted.

    Args:
        names: the templates of all kinds.
        past: commits, newest first.
        kind: the kind of the items; empty: of any.
        ids: their ids, as `normal_id` gives them.
    """
    for commit, naming in standing(past, names):
        if kind in ("", naming.kind) and normal_id(naming.id) in ids:
            yield commit.oid


class Landings:
    """The listed items that a commit of the history did: its subject names one, and it changes a file of it.

    Args:
        sources: the files that list the items.
        names: the templates of all kinds.
        history: the trusted base's.
        commits: the change's own, oldest first.
    """

    def __init__(
        self, sources: Sources, names: Names, *, history: History, commits: Callable[[], Sequence[Commit]]
    ) -> None:
        self._sources = sources
        self._names = names
        self._history = history
        self._commits = commits
        self._known: dict[str, frozenset[tuple[bytes, str]]] = {}

    def __call__(self, listed: Listed) -> bool:
        """Whether a commit says that an item was done.

        Raises:
            MissingFact: the history or a source cannot be read.
        """
        kind = listed.source.kind
        if kind not in self._known:
            self._known[kind] = frozenset(self._landed(kind))
        return (listed.source.path, listed.id) in self._known[kind]

    def _landed(self, kind: str) -> Iterator[tuple[bytes, str]]:
        from specguard.work.listing import meant

        words = self._names.words(kind)
        if not words:
            return
        own = [PastCommit(commit.oid, commit.message.text) for commit in reversed(self._commits())]
        for commit, naming in standing([*own, *self._history.mentioning(words)], self._names):
            if naming.kind == kind:
                found = meant(self._sources.of(kind), naming.id, naming.fields)
                # A subject that could mean an item of several lists says of none that it was done.
                if len(found) == 1 and self._does(commit, found[0]):
                    yield found[0].source.path, found[0].id

    def _does(self, commit: PastCommit, item: Listed) -> bool:
        """Whether a commit changes a file of an item; of one that lists none its subject is enough."""
        if not item.files:
            return True
        scope = item.scope
        return any(scope.find(entry.path) is not None for entry in self._history.changed_by(commit))


class Shown:
    """Whether something shows that a listed item was done, beside its status: a commit of it, or a run.

    Where its kind has a template for subjects, these tell whose a commit is. Elsewhere a commit is the item's
    that changes its files once it is listed.

    Args:
        sources: the files that list the items.
        kinds: the kinds whose items are asked; others have rules of their own.
        by: the fields that tell which files list the items of one wave.
        history: that of the judged head.
        run: whether a run shows it.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        kinds: Container[str],
        by: Sequence[str],
        history: History,
        run: Callable[[Listed], bool],
    ) -> None:
        self._sources = sources
        self._kinds = kinds
        self._by = by
        self._history = history
        self._run = run
        self._changed: dict[tuple[bytes, ...], Sequence[Entry]] = {}

    def __call__(self, listed: Listed) -> bool:
        """Whether a commit or a run shows that an item was done.

        Raises:
            MissingFact: the history or a source cannot be read.
        """
        settings = listed.source.settings
        if listed.source.kind not in self._kinds:
            return True
        if settings.commit or settings.pull_request:
            landed = self._sources.landed is not None and self._sources.landed(listed)
        else:
            scope = listed.scope
            landed = any(scope.find(entry.path) is not None for entry in self._since(listed))
        return landed or self._run(listed)

    def _since(self, listed: Listed) -> Sequence[Entry]:
        """What has changed since the first list of its wave had it."""
        fields = listed.source.fields
        paths = tuple(
            source.path
            for source in self._sources.of(listed.source.kind)
            if all(source.fields.get(name) == fields.get(name) for name in self._by)
            and any(item.is_named(listed.id) for item in source.items)
        )
        if paths not in self._changed:
            self._changed[paths] = self._history.changed_since(paths)
        return self._changed[paths]


def _undoes(revert: tuple[str, str], oid: str, subject: str) -> bool:
    """Whether a revert, by the object id or else the subject it names, is of a commit."""
    named, of = revert
    return subject == of or (named != "" and oid.startswith(named))
