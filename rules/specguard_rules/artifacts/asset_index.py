"""Rules about reusable assets: each changed asset is registered with its version, and a run has proven it."""

from __future__ import annotations

import re

from specguard.rules import (
    Finding,
    NotApplicable,
    Record,
    Rule,
    Selecting,
    Settings,
    path_text,
    plain_path,
    setting,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, ClassVar

    from specguard.documents.data import Data
    from specguard.rules import Commit, Documents, Entry, MissingFact, RunProof, RunRecords
    from specguard.runs.record import RunRecord


class Assets(Settings):
    """Reusable assets, such as codemods and templates, with the index that gives each its version."""

    paths: Selecting = setting(Selecting(), "the assets' files, such as `patterns/**`", tightens="more")
    index: str = setting("", "the data file with assets and versions", path="file")
    table: str = setting(
        "", "the document with a row for each asset, such as `patterns/README.md`", path="file"
    )
    columns: list[str] = setting(["Before", "After"], "the columns to fill", tightens="more")
    samples: str = setting("", "the data file with sample uses, such as `tasks/index.json`", path="file")
    proofs: list[str] = setting(
        [], "what a run must log for a changed asset, such as `build` and `test`", tightens="more"
    )
    run_files: list[str] = setting([], "the files of such a run, such as `diff.patch`", tightens="more")
    run_keys: list[str | list[str]] = setting(
        [], "its manifest's keys, such as `approvals`; one of each inner list", tightens="more"
    )

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty if there is none."""
        if self.paths and not self.index:
            return "`paths` needs an `index` that lists the assets"
        if (self.run_files or self.run_keys) and not self.proofs:
            return "`run_files` and `run_keys` are asked of the runs that show `proofs`, and there are none"
        return ""


class UnregisteredAsset(Rule):
    r"""A learning asset changes without a new version, row or sample.

    `[assets]` names the files. Its `index` lists the assets under `assets`, each with `id`, `version`, and
    its file or folder under `entry`, or several under `files`. Each change gives a new `version`. A row of
    the `table` begins with the asset's name, and fills `columns`. The data file `samples` names it by id,
    `id@version` or file. Comments, code, placeholders and `n/a` do not count.

    Why is this bad? A silent change breaks what others rely on.

    How to fix it: add what is missing, or give the next version.

    See also: `unproven-asset`

    ```text
    error: patterns/README.md:3: the row of emit in patterns/README.md says nothing in its column
      'Before'
    ```

    ```toml fails
    policy = '''
    [assets]
    paths = ["patterns/**"]
    index = "patterns/index.json"
    table = "patterns/README.md"
    '''

    [base.files]
    "patterns/index.json" = '{"assets": [{"id": "emit", "entry": "./emit.ts", "version": "0.1.0"}]}'
    "patterns/emit.ts" = "a\n"
    "patterns/README.md" = "| Asset | Before | After |\n| --- | --- | --- |\n| emit | TODO | x |\n"

    [[commits]]
    message = "feat: patterns"
    files = {"patterns/emit.ts" = "b\n", "patterns/lint.ts" = "c\n"}

    [[expect]]
    code = "ART022"
    path = "patterns/README.md"
    line = 3
    message = "says nothing in its column 'Before'"

    [[expect]]
    code = "ART022"
    path = "patterns/index.json"
    message = "still has the version 0.1.0"

    [[expect]]
    code = "ART022"
    path = "patterns/lint.ts"
    message = "is in no entry"
    ```

    ```toml passes
    policy = '''
    [assets]
    paths = ["patterns/**"]
    index = "patterns/index.json"
    table = "patterns/README.md"
    samples = "tasks/index.json"
    '''

    [base.files]
    "patterns/index.json" = '{"assets": [{"id": "emit", "entry": "./emit.ts", "version": "0.1.0"}]}'
    "patterns/emit.ts" = "a\n"

    [[commits]]
    message = "feat: patterns"

    [commits.files]
    "patterns/index.json" = '{"assets": [{"id": "emit", "entry": "./emit.ts", "version": "0.2.0"}]}'
    "patterns/emit.ts" = "b\n"
    "patterns/README.md" = "| Asset | Before | After |\n| --- | --- | --- |\n| emit | `f(x)` | `f({x})` |\n"
    "tasks/index.json" = '{"items": [{"id": "0001", "assets": ["emit@0.2.0"]}]}'
    ```
    """

    code: ClassVar[str] = "ART022"
    judges_parts: ClassVar[bool] = True
    tables: ClassVar[tuple[str, ...]] = ("assets.paths",)
    condition: ClassVar[str] = "every learning asset that changes is registered with its version"

    def check(
        self,
        assets: Assets,
        entries: Sequence[Entry],
        documents: Documents,
        start_documents: Documents,
        whole: bool,
    ) -> Iterator[Finding]:
        """Look up each changed asset in the index, the table and the samples."""
        index, *others = (_bytes(name) for name in (assets.index, assets.table, assets.samples))
        changed = {entry.path for entry in entries}
        paths = sorted({*(documents.tree.paths() if whole else ()), *changed} - {index, *others})
        if not (found := assets.paths.among(paths)) and index not in changed:
            return
        data = documents.data(index)
        if (listed := read_index(data, assets)) is None:
            yield _index_finding(assets, index, data)
            return
        old = read_index(start_documents.data(index), assets) or []
        by_place = entries_by_place(listed)
        touched: dict[int, bytes] = {}
        for path in found:
            holders = entries_at(path, by_place)
            if not holders and documents.tree.has_file(path):
                message = f"{path_text(path)} is in no entry of {assets.index}"
                step = 'Add to its `assets` an entry with "id", "entry" (the file) and "version".'
                yield _finding(path, message, step, "entry")
            for position in holders:
                if path not in listed[position].paths or documents.tree.find(path) is not None:
                    touched.setdefault(position, path)
                    continue
                name = listed[position].id
                message = f"the entry {name!r} of {assets.index} has {path_text(path)}, which is gone"
                step = "Take the entry out, or have it name the file that is there now."
                gone = _finding(path, message, step, f"gone {name}")
                gone.side = "base" if path in changed else None
                yield gone
        yield from _dropped_findings(assets, old, listed, documents) if index in changed else ()
        # All texts in the data file with samples, which name assets.
        data = documents.data(_bytes(assets.samples)) if touched and assets.samples else None
        samples = {text.removeprefix("./") for _, text in data.texts()} if data is not None else set()
        edited = {place for path in changed - {index, *others} for place in entries_at(path, by_place)}
        for position, path in sorted(touched.items()):
            asset = listed[position]
            earlier = next((one for one in old if one.id == asset.id), None) if position in edited else None
            yield from _version_flaws(asset, earlier, index, assets)
            yield from _row_flaws(asset, path, assets, documents)
            if assets.samples and samples.isdisjoint(asset.names):
                message = f"{asset.id} has no sample use in {assets.samples}"
                step = f'Name it there in a text of its own: "{asset.id}@{asset.version}".'
                yield _finding(path, message, step, f"sample {asset.id}", "assets.samples")


class Asset(Record):
    """An entry of the index.

    Attributes:
        id: the asset's id.
        version: the version as it is written; empty if the entry has none.
        paths: the possible paths of its files from the root, each of a file or a folder.
        line: the line of its version, or of the entry if it has none.
    """

    id: str
    version: str
    paths: Sequence[bytes]
    line: int | None

    @property
    def names(self) -> set[str]:
        """The names that a sample may use for it."""
        places = [place.decode("utf-8", "surrogateescape") for place in self.paths]
        return {self.id, f"{self.id}@{self.version}", *places}


def entries_by_place(listed: Sequence[Asset]) -> Mapping[bytes, Sequence[int]]:
    """Map each place to the positions of the entries that have it."""
    found: dict[bytes, list[int]] = {}
    for position, asset in enumerate(listed):
        for place in asset.paths:
            found.setdefault(place, []).append(position)
    return found


def entries_at(path: bytes, by_place: Mapping[bytes, Sequence[int]]) -> list[int]:
    """Return the positions of the entries that have a file, or a folder above it, in their order."""
    places = [path, *(path[:end] for end, byte in enumerate(path) if byte == ord("/"))]
    return sorted({position for place in places for position in by_place.get(place, ())})


def read_index(data: Data | None, settings: Assets) -> list[Asset] | None:
    """Return the assets that an index lists, as far as they have an id; None if it has no list."""
    entries = data.get(["assets"]) if data is not None else None
    if data is None or not isinstance(entries, list):
        return None
    assets: list[Asset] = []
    folder = settings.index.rpartition("/")[0]
    for at, value in enumerate(entries):
        entry = value if isinstance(value, dict) else {}
        texts = (entry.get(key) for key in ("id", "version"))
        name, version = (one.strip() if isinstance(one, str) else "" for one in texts)
        more = entry.get("files")
        files = [entry.get("entry"), *(more if isinstance(more, list) else ())]
        places = [_join_path(start, one) for one in files if isinstance(one, str) for start in (folder, "")]
        line = data.line(["assets", at, "version"] if version else ["assets", at])
        assets += [Asset(name, version, [*dict.fromkeys(filter(None, places))], line)] if name else []
    return assets


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _join_path(folder: str, name: str) -> bytes:
    """Return a name in a folder as a path from the root; empty if it is outside, the root or the folder."""
    place = plain_path(_bytes(f"{folder}/{name}".replace("\\", "/")))
    return b"" if place is None or place == _bytes(folder) else place


def _finding(
    path: bytes, message: str, step: str, key: str, setting: str = "assets.index", line: int | None = None
) -> Finding:
    """Build a finding of ART022; `step` is its next step."""
    return Finding(message, step, path, line, key=key, setting=setting)


def _index_finding(assets: Assets, index: bytes, data: Data | None) -> Finding:
    problem = data.problem if data is not None else None
    why = "is not there" if data is None else "has no list `assets`"
    why = f"cannot be read: {problem.message}" if problem else why
    message = f"{assets.index}, the index of the assets that the change touches, {why}"
    step = 'List every asset in its `assets`, with "id", "entry" (the file) and "version".'
    return _finding(index, message, step, "index", line=problem.line if problem else None)


def _dropped_findings(
    assets: Assets, old: Sequence[Asset], listed: Sequence[Asset], documents: Documents
) -> Iterator[Finding]:
    """Yield a finding for each asset that is no longer in the index although its files still exist."""
    ids = {one.id for one in listed}
    for asset in (one for one in old if one.id not in ids):
        there = [place for place in asset.paths if documents.tree.find(place) is not None]
        if any(assets.paths.matches(place) for place in there):
            message = f"{asset.id} is no longer in {assets.index}, and {path_text(there[0])} is still there"
            step = "Put its entry back, or remove the asset."
            yield _finding(_bytes(assets.index), message, step, f"dropped {asset.id}")


def _version_flaws(asset: Asset, earlier: Asset | None, index: bytes, assets: Assets) -> Iterator[Finding]:
    """Yield the flaws of a changed asset's version."""
    if not asset.version:
        message = f"the entry {asset.id!r} of {assets.index} has no version that is a text"
    elif earlier is None or earlier.version != asset.version:
        return
    else:
        message = f"{asset.id} changes and still has the version {asset.version} in {assets.index}"
    yield _finding(index, message, "Give it the next version.", f"version {asset.id}", line=asset.line)


def _row_flaws(asset: Asset, path: bytes, assets: Assets, documents: Documents) -> Iterator[Finding]:
    """Yield the flaws of an asset's row in the table."""
    table, columns = assets.table, assets.columns
    if not table:
        return
    document = documents.read(_bytes(table))
    # Its id as a separate word, or the name of its file.
    names = {asset.id, *(path_text(place).rpartition("/")[2] for place in asset.paths)}
    name = rf"\W*(?:\S*/)?(?:{'|'.join(map(re.escape, sorted(names)))})(?![\w-])"
    wanted, version = {column.casefold() for column in columns}, asset.version.lstrip("v")
    rows = [one for one in document.rows() if wanted <= {*map(str.casefold, one.header)}] if document else []
    own = [one for one in rows if re.match(name, one.cells[0])]
    # A table may keep a row for each version: the one that agrees with the index counts, else the last.
    agreeing = (one for one in own if one.cell("version").lstrip("v") in ("", version))
    if (row := next(agreeing, None) or next(reversed(own), None)) is None:
        message = f"{asset.id} has no row in a table of {table}"
        message += f" with the columns {', '.join(columns)}" if columns else ""
        yield _finding(path, message, "Add a row that begins with it.", f"row {asset.id}", "assets.table")
        return
    place, line, stated = _bytes(table), row.line, row.cell("version").lstrip("v")
    for column in columns:
        if not row.says(column):
            message = f"the row of {asset.id} in {table} says nothing in its column {column!r}"
            step = "Say it, or write none with the reason."
            yield _finding(place, message, step, f"{column} {asset.id}", "assets.columns", line)
    if version and stated not in ("", version):
        message = f"the row of {asset.id} in {table} has the version {stated}, and the index {asset.version}"
        step, key = f"Write {asset.version} there.", f"version {asset.id}"
        yield _finding(place, message, step, key, "assets.table", line)


class UnprovenAsset(Rule):
    r"""No run logged a changed asset's build and test.

    `proofs` of `[assets]` names gates, or words of commands, such as `build` of `npm run build`. For
    `test`, the names of some test programs count too, such as `pytest`. A succeeded run has each, ended
    with 0 and logged beside the manifest. It used the tree of a commit since the last change of an asset.
    With `keep = "local"` it is indeterminate without one, and skipped without runs.

    Its folder has the files of `run_files`, its manifest the keys of `run_keys`, each with a value or `[]`.

    Why is this bad? Agents reuse assets without looking twice.

    How to fix it: build and test it in a run, and commit its folder.

    See also: `unregistered-asset`

    ```text
    error: patterns/emit.ts changes, and no run that the change brings has logged its test
    ```

    ```toml fails
    policy = '''
    [assets]
    paths = ["patterns/**"]
    index = "patterns/index.json"
    proofs = ["build", "test"]

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "feat: emit"

    [commits.files]
    "patterns/emit.ts" = "a\n"
    ".runs/0001/1/01-build.log" = "built\n"
    ".runs/0001/1/manifest.json" = '''
    {"status": "succeeded", "commands": [
      {"command": "npm run build", "exit_code": 0, "log": "01-build.log"},
      {"command": "npm test", "exit_code": 0}]}
    '''

    [[expect]]
    code = "RUN010"
    path = "patterns/emit.ts"
    message = "no run that the change brings has logged its test"
    ```

    ```toml passes
    policy = '''
    [assets]
    paths = ["patterns/**"]
    index = "patterns/index.json"
    proofs = ["build", "test"]

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "feat: emit"

    [commits.files]
    "patterns/emit.ts" = "a\n"
    ".runs/0001/1/01-build.log" = "built\n"
    ".runs/0001/1/02-test.log" = "passed\n"
    ".runs/0001/1/manifest.json" = '''
    {"status": "succeeded", "commands": [
      {"command": "npm run build", "exit_code": 0, "log": "01-build.log"},
      {"command": "npm test", "exit_code": 0, "log": "02-test.log"}]}
    '''
    ```
    """

    code: ClassVar[str] = "RUN010"
    tables: ClassVar[tuple[str, ...]] = ("assets.proofs",)
    condition: ClassVar[str] = "every learning asset that changes was built and tested by a logged run"

    def check(
        self,
        assets: Assets,
        run_records: RunRecords,
        run_proof: RunProof,
        entries: Sequence[Entry],
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Look for a logged build and test of each changed asset."""
        if run_records.under_way:
            raise NotApplicable("the run is under way: what it shows is judged once it has ended")
        own = {_bytes(name) for name in (assets.index, assets.table, assets.samples)}
        paths = [one.path for one in entries if not one.deleted and one.path not in own]
        changed = sorted(assets.paths.among(paths))
        if not changed:
            return
        runs, named, missing = _find_runs(commits or (), run_records)
        # A run shows all assets, or none: its tree is that of the last commit with one, or of a later commit.
        touches = [any(one.path in changed for one in commit.own_entries) for commit in commits or ()]
        last = len(touches) - 1 - touches[::-1].index(True) if any(touches) else 0
        trees = [one.tree for one in commits or ()][last:]
        lacking: list[str] = []
        incomplete: dict[bytes, RunRecord] = {}
        for gate in assets.proofs:
            claim = run_proof.claim("the asset", gate, trees, least=run_records.settings.grade, logged=True)
            showing = [run for run in runs if run_proof.flaw(run, claim) is None]
            if not showing:
                lacking.append(gate)
            elif all(any(_missing_parts(run, assets)) for run in showing):
                incomplete[showing[0].folder] = showing[0]
        proofs = " and ".join(lacking)
        if lacking and missing is not None:
            raise missing
        if lacking and not (named or run_records.in_tree):
            raise run_records.unseen(f"a run that has logged the {proofs} of this change")
        for path in changed if lacking else ():
            message = f"{path_text(path)} changes, and no run that the change brings has logged its {proofs}"
            example = f"a command that can fail and has the word {lacking[0]}, such as `make {lacking[0]}`"
            step = f"Run {example}: `specguard run gates --command CMD`; add its folder with `-f`."
            yield Finding(message, step, path, key="unproven", setting="assets.proofs")
        for _, run in sorted(incomplete.items()):
            files, keys = _missing_parts(run, assets)
            lacks = " and no ".join([*files, *(f"{one!r} in its manifest" for one in keys)])
            setting = f"assets.{'run_files' if files else 'run_keys'}"
            message = f"the run {run.shown}, which shows an asset, has no {lacks}"
            step = "Add that, or let `specguard run gates --command CMD` make the run."
            yield run.finding(message, step, f"bare {run.shown}", line=None, setting=setting)


def _find_runs(
    commits: Sequence[Commit], records: RunRecords
) -> tuple[list[RunRecord], set[bytes], MissingFact | None]:
    """Return the runs that may show assets, the folders that commits name, and the missing fact or None."""
    from specguard_rules.runs.records import named_runs

    runs = {run.folder: run for run in (records.touched if records.in_tree else records.all)}
    named, missing = named_runs(commits, records)
    trees = {commit.tree for commit in commits}
    # Among runs outside of the tree, only those of this change count.
    every = records.in_tree or not commits
    counting = [run for run, _ in named.values()]
    unnamed = [run for folder, run in runs.items() if folder not in named]
    counting += [run for run in unnamed if every or any(one.tree in trees for one in run.commands)]
    return counting, {*named}, missing


def _missing_parts(run: RunRecord, assets: Assets) -> tuple[Sequence[str], Sequence[str]]:
    """Return the required files that a run lacks or has empty, and the keys that its manifest lacks."""

    def says(key: str) -> bool:
        value: Any = run.value
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        # An empty list is an answer; an empty text is not.
        return bool(value) or isinstance(value, list)

    keys = [[one] if isinstance(one, str) else one for one in assets.run_keys]
    return (
        [name for name in assets.run_files if not (run.read(name) or b"").strip()],
        [names[0] for names in keys if not any(map(says, names))],
    )
