"""The claims of a change that something is done: items, entries, and ticked checklist items."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property

from specguard.declaration.patterns import Selecting
from specguard.documents.data import walk
from specguard.documents.dates import is_future, parse_date
from specguard.documents.fields import normal_name
from specguard.documents.people import names_nobody
from specguard.model import TYPE_CHECKING, path_text, plain_path
from specguard.runs.proof import Claim, RunProof
from specguard.runs.record import GATES
from specguard.work.item_lists import Listed, Sources, match_items
from specguard.work.kinds import normal_id
from specguard.work.name_templates import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.authority.policy import Policy
    from specguard.change.entries import Entry
    from specguard.change.tree import Documents
    from specguard.documents.list_items import Ticked
    from specguard.engine.facts import Facts
    from specguard.plans.plans import Plan, Plans
    from specguard.specs.specs import Specs

_CODE_KEYS: Final = ("exitcode", "returncode", "code")
_PERSON_KEYS: Final = frozenset({"by", "verifiedby", "who", "person"})
_DATE_KEYS: Final = frozenset({"at", "date", "on", "verifiedat", "verifiedon", "when"})
_VERIFIES: Final = re.compile("(?i)verif|evidence|proof|check|test|command|gate|run|result|validat")
"""How the keys of what an entry says of its verification begin."""

_WORD: Final = re.compile(r"[\w.-]*\w")
_MIN_LENGTH: Final = 3
"""Ids with fewer characters are read only at the start of a text: `7 Carts`, `Task 7`."""


class Claims:
    """The claims in one tree that something is done, as far as they are judged.

    Args:
        facts: the facts of the change.

    Attributes:
        proof: judges a claim by runs.
        evidence: the patterns of the files that prove checklist items.

    Raises:
        MissingFact: a required file or object is missing.
    """

    def __init__(self, facts: Facts) -> None:
        checklists = facts.policy.declared("checklists")
        self._facts = facts
        self.proof: RunProof = facts.get("run_proof")
        self._documents: Documents = facts.get("documents")
        # The files that are checklists.
        self._files: Selecting = checklists.files
        self.evidence: Selecting = checklists.evidence
        self._sources: Sources | None = facts.if_declared("sources")
        self._specs: Specs | None = facts.if_declared("specs")
        self._plans: Plans | None = facts.if_declared("plans")
        # If False, only the claims that the change adds are judged.
        self._whole: bool = facts.get("whole")
        self.among_counted = facts.change.among_counted

    def plan_of(self, claim: Claim) -> Plan | None:
        """Return the plan whose task the claim is about; None if it is about another thing."""
        return None if self._plans is None else self._plans.at(claim.path)

    @property
    def done(self) -> Iterator[Claim]:
        """The items and entries that are done and were not done before the change, each once.

        Raises:
            MissingFact: a required file or object is missing.
        """
        closed = self._newly_closed()
        yield from map(self.of_listed, closed)
        listed_keys = {(one.source.path, normal_id(one.id)) for one in closed}
        if self._specs is None:
            return
        path = self._specs.now.index_path
        for entry in self._specs.done:
            # The index may list the items of a kind, too.
            if (path, normal_id(entry.label)) not in listed_keys:
                status, label = next(entry.values_of(self._specs.settings.status)).text, entry.label
                yield self._make_claim(label, entry.value, path, entry.line, status, ids=[label])

    def of_listed(self, listed: Listed, cited: Sequence[tuple[str, bytes]] = (), commit: str = "") -> Claim:
        """Return the claim that a listed item is done.

        Args:
            listed: the item.
            cited: the runs that prove the item, in addition to those that its entry names.
            commit: the commit that did the item; empty if unknown.
        """
        source = listed.source
        sources = self._sources.of(source.kind) if self._sources is not None else [source]
        return self._make_claim(
            str(listed), listed.value, source.path, listed.line, listed.status or "done", cited,
            ids=[listed.id], kind=source.kind, commit=commit, plan=path_text(source.path),
            unambiguous=len(match_items(sources, listed.id, {})) == 1,
        )  # fmt: skip

    @property
    def ticks(self) -> Iterator[tuple[Ticked, Claim]]:
        """The items that the change ticks or rewrites, and those whose proof the change alters or removes.

        Raises:
            MissingFact: a required file or object is missing.
        """
        entries = () if self._whole else self._facts.get("entries")
        proofs = self._changed_proofs(entries)
        anywhere = self._whole or proofs
        paths = self._documents.tree.paths() if anywhere else [one.path for one in entries if one.is_file]
        touched = {one.path for one in entries}
        old = self._ticked("start_documents", [one.path for one in entries if not one.added])
        ticked = self._ticked("documents", self.among_counted(paths))
        kept, items = Counter(place for place, _ in old), dict(old)
        left = (kept - Counter(place for place, _ in ticked)).elements()
        gone = Counter(key for place in left for key in self._keys_of(items[place], place))
        specs = map(self._specs.now.at, {place[0] for place, _ in ticked}) if self._specs is not None else ()
        written = [one.written for spec in specs if spec for one in spec.approvals if one.complete]
        given = {(one.path, one.line) for one in written}
        for place, item in ticked:
            path = place[0]
            # Out of its place, it is old if one that is gone has its text and, below an item, its item.
            keys = [] if path not in touched or kept[place] > 0 else self._keys_of(item, place)
            is_old = not self._whole and all(gone[key] > 0 for key in keys)
            kept[place] -= 1
            gone.subtract(keys if is_old else ())
            if is_old and not any(place in proofs for name in item.names for place in tree_paths(name, path)):
                continue
            cited = self._find_manifests(item.names, path, self.evidence)
            claim = Claim(
                label=item.words, status="ticked", ids=self._find_item_ids(item, path),
                cited=cited, path=path, line=item.line, key=item.words[:120],
            )  # fmt: skip
            # The tick of an approval is no claim that something is done.
            if (path, item.line) not in given:
                yield item, claim

    def _newly_closed(self) -> list[Listed]:
        """Return the closed items, without those that were closed before the change."""
        sources = self._sources
        if sources is None or not (self._whole or sources.is_touched):
            return []
        old = () if self._whole else Sources(sources.kinds, documents=self._facts.get("start_documents")).all
        known = {(one.path, item.id) for one in old for item in one.items if item.closed}
        closed = [item for source in sources.judged for item in source.items if item.closed]
        return [item for item in closed if (item.source.path, item.id) not in known]

    def _make_claim(
        self, label: str, value: Mapping[str, Any], path: bytes, line: int | None, status: str,
        cited: Sequence[tuple[str, bytes]] = (), **more: Any,
    ) -> Claim:  # fmt: skip
        """Return the claim of a data entry, with what the entry states about its verification."""
        if self._specs is not None and path == self._specs.now.index_path:
            # The approver or reviewer of a spec does not verify its result.
            settings = self._specs.settings
            approval_keys = {normal_name(key) for key in (settings.approvals, settings.review)}
            value = {key: entry for key, entry in value.items() if normal_name(key) not in approval_keys}
        texts = (one for _, one in walk(value) if isinstance(one, str))
        return Claim(
            label=label, path=path, line=line, key=label[:120], any_run=True, status=status,
            cited=[*cited, *self._find_manifests(texts, path, None)],
            statement=_read_statement(value, self._facts.get("today")), **more,
        )  # fmt: skip

    def _find_manifests(
        self, names: Iterable[str], document: bytes, patterns: Selecting | None
    ) -> list[tuple[str, bytes]]:
        """Return the manifests that texts name, from the root or from the document's own folder.

        Args:
            names: the texts.
            document: the document's path.
            patterns: the files that count; None: those in the folder of runs.
        """
        found: dict[bytes, str] = {}
        for name in dict.fromkeys(names):
            named = list(tree_paths(name, document))
            # If the path exists from the root, the document's folder is not tried.
            existing = [place for place in named if self.proof.records.is_there(place)][:1]
            for place in existing or named:
                # The folder of a run counts as its record.
                record = self.proof.records.record_in(place)
                if patterns is None:
                    counts = place.startswith(self.proof.records.settings.folder)
                    file = place if place.endswith(b".json") else record
                else:
                    file = record if self.proof.records.is_there(record) else place
                    counts = patterns.matches(file) and file != document and not self._files.matches(file)
                if counts:
                    found.setdefault(file, path_text(file))
                    break
        return [(shown, place) for place, shown in found.items()]

    def _changed_proofs(self, entries: Sequence[Entry]) -> set[bytes]:
        """Return the changed files that proved something before the change; others have nothing to lose."""
        found = self.evidence.among([entry.path for entry in entries if not entry.added])
        earlier = self.proof.records.of(self._facts.get("start_documents")) if found else self.proof.records
        return {path for path in found if (run := earlier.at(path)) is not None and run.succeeded}

    def _ticked(self, fact: str, paths: Sequence[bytes]) -> list[tuple[tuple[Any, ...], Ticked]]:
        """Return the ticked items of files in documents, each with its file, hash of its text, and above."""
        read = ((path, self._facts.get(fact).read(path)) for path in self._files.among(paths))
        return [((path, hash(box.text), box.above), box) for path, one in read if one for box in one.ticked]

    def _keys_of(self, item: Ticked, place: tuple[Any, ...]) -> list[Any]:
        """Return what a tick is counted by: the hash of its text, and that with the first id of its item."""
        return [place[1], *((place[1], normal_id(one)) for one in self._find_item_ids(item, place[0])[:1])]

    def _find_item_ids(self, item: Ticked, path: bytes) -> Sequence[str]:
        """Return the ids of the nearest item that a tick names or is listed below; empty if no id is known.

        The ids are searched in the tick's words, then in the items and headings above, then in the file's
        name.
        """
        name = path.rpartition(b"/")[2].partition(b".")[0].decode("utf-8", "replace")
        for text in (item.words, *item.above, name.replace("-", " ").replace("_", " ")):
            words = [word for part in text.split() if "/" not in part for word in _WORD.findall(part)]
            ids = [(position, word) for position, word in enumerate(words) if normal_id(word) in self._ids]
            found = [word for position, word in ids if len(word) >= _MIN_LENGTH or position < 2]
            if found:
                return found
        return []

    @cached_property
    def _ids(self) -> frozenset[str]:
        """The ids of all items in the sources, the index of specs and the visible runs."""
        ids = {one.id for source in (self._sources.all if self._sources else ()) for one in source.items}
        ids.update(entry.id for entry in (self._specs.now.entries if self._specs else ()) if entry.id)
        for run in self.proof.records.all if self.proof.records.visible else ():
            # The item id of a run of an item's gates is `<kind>-<id>`.
            ids.update(run.ids, (one.partition("-")[2] for one in run.ids if run.kind == GATES))
        return frozenset(map(normal_id, ids))


def tree_paths(name: str, document: bytes) -> Iterator[bytes]:
    """Yield the tree paths that a name in a document may mean: from the root, and from its own folder."""
    name_bytes = name.strip().encode("utf-8", "surrogateescape")
    # An absolute path is outside the tree.
    if name_bytes and not name_bytes.startswith(b"/") and b"\n" not in name_bytes:
        found = map(plain_path, (name_bytes, document.rpartition(b"/")[0] + b"/" + name_bytes))
        yield from dict.fromkeys(place for place in found if place)


def make_paper_test(policy: Policy) -> Callable[[bytes], bool]:
    """Return a test whether a path is a paper.

    Papers are the documents under contract, lists of items, indexes, checklists, plans, the log and runs.
    """
    folders = (policy.declared("run_settings").folder, policy.log_folder)
    specs = policy.declared("spec_settings")
    lists: list[Selecting] = [specs.mirrors, policy.declared("checklists").files]
    texts = [one.template for one in policy.declared("contracts").values()]
    texts += [one.files.text for one in policy.declared("plan_kinds").values()]
    texts += [one for kind in policy.declared("work_kinds").values() for one in (*kind.sources, *kind.index)]
    templates = [PathTemplate(text) for text in (*texts, specs.index) if text]

    def is_paper(path: bytes) -> bool:
        return (
            path.startswith(folders)
            or any(one.matches(path) for one in lists)
            or any(one.read(path) is not None for one in templates)
        )

    return is_paper


def _read_statement(value: Mapping[str, Any], today: date) -> str:
    """Return `person` if an entry names a person and a past day, `claimed` if each command has a code 0."""
    passed: dict[str, bool] = {}
    for place, one in walk(value):
        # A history or a comment says who did what when, too.
        if not isinstance(one, dict) or (place and not _VERIFIES.match(str(place[0]))):
            continue
        table = {normal_name(key): said for key, said in one.items()}
        dates = ((parse_date(text), text) for text in _texts(table, _DATE_KEYS))
        is_dated = any(day is not None and not is_future(day, text, today) for day, text in dates)
        if is_dated and not all(map(names_nobody, _texts(table, _PERSON_KEYS))):
            return "person"
        keys_above = [one for one in place if isinstance(one, str)]
        name = str(table.get("command") or table.get("cmd") or table.get("name") or keys_above)
        # Without a command, a `code` may be any number.
        keys = _CODE_KEYS if "command" in table or "cmd" in table or not table.get("code") else _CODE_KEYS[:2]
        for code in [table[key] for key in keys if type(table.get(key)) is int][:1]:
            passed[name] = passed.get(name, False) or code == 0
    return "claimed" if passed and all(passed.values()) else ""


def _texts(table: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    """Return the texts of some keys of a table."""
    return [one for key in keys for _, one in walk(table.get(key)) if isinstance(one, str)]
