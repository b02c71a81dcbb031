"""ART022: learning assets that change without their index entry, table row and sample."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.selected import is_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.documents.data import Data
    from specguard.rules import Documents, Entry, Stage
    from specguard_rules.artifacts._asset_index import Asset
    from specguard_rules.artifacts._tables import Assets


class UnregisteredAsset(Rule):
    r"""A learning asset changes without a new version, row or sample.

    `[assets]` names the files. An asset's `index` entry has a `version` that grows with each change. A row of
    the `table` names it and fills `columns`. A file of `samples` names it by id, `id@version` or file.
    Comments, code and placeholders do not count.

    Why is this bad? A silent change breaks what others rely on.

    How to fix it: add what is missing, or raise the version.

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
    name: ClassVar[str] = "unregistered-asset"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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
        """Look up each asset that changes."""
        own = {
            name.encode("utf-8", "surrogateescape") for name in (assets.index, assets.table, assets.samples)
        }
        changed = {entry.path for entry in entries}
        paths = documents.tree.paths() if whole else []
        paths = sorted({*paths, *changed} - own)
        found = [paths[position] for position, _ in assets.paths.find_each(paths)]
        if not found and _index_path(assets) not in changed:
            return
        from specguard_rules.artifacts._asset_index import Shown, read_index

        index = _index_path(assets)
        data = documents.data(index)
        listed = read_index(data, assets) if data is not None and data.problem is None else None
        if data is None or listed is None:
            yield _no_index(assets, index, data)
            return
        before = start_documents.data(index)
        old = (read_index(before, assets) if before is not None and before.problem is None else None) or []
        touched: dict[int, bytes] = {}
        for path in found:
            there = is_regular(path, documents.tree)
            holders = [position for position, asset in enumerate(listed) if asset.has(path)]
            for position in holders:
                touched.setdefault(position, path)
            if there and not holders:
                message = f"{path_text(path)} is in no entry of {assets.index}"
                step = "Add an entry with its id, file and version."
                yield Finding(message, help=step, path=path, key="entry", setting="assets.index")
            for position in holders if not there else ():
                if listed[position].is_at(path) and documents.tree.find(path) is None:
                    yield Finding(
                        f"the entry {listed[position].id!r} of {assets.index} has {path_text(path)}, "
                        "which is gone",
                        help="Take the entry out, or have it name the file that is there now.",
                        path=path,
                        side="base" if path in changed else None,
                        key=f"gone {listed[position].id}",
                        setting="assets.index",
                    )
        yield from _dropped(assets, old, listed, documents) if index in changed else ()
        shown = Shown(assets, documents)
        for position, path in sorted(touched.items()):
            asset = listed[position]
            files = any(asset.has(one) for one in changed if one not in own)
            earlier = next((one for one in old if _same(one, asset)), None) if files else None
            yield from _version(asset, earlier, index, assets)
            yield from shown.row(asset, path)
            yield from shown.sample(asset, path)


def _index_path(assets: Assets) -> bytes:
    """Where the index is."""
    return assets.index.encode("utf-8", "surrogateescape")


def _dropped(
    assets: Assets, old: Sequence[Asset], listed: Sequence[Asset], documents: Documents
) -> Iterator[Finding]:
    """The assets that are no longer in the index, and still there."""
    for asset in old:
        if any(_same(asset, one) for one in listed):
            continue
        there = [place for place in asset.places if documents.tree.find(place) is not None]
        if any(assets.paths.find(place) is not None for place in there):
            yield Finding(
                f"{asset.id} is no longer in {assets.index}, and {path_text(there[0])} is still there",
                help="Put its entry back, or remove the asset.",
                path=_index_path(assets),
                key=f"dropped {asset.id}",
                setting="assets.index",
            )


def _same(one: Asset, other: Asset) -> bool:
    return one.id == other.id if one.id and other.id else bool(set(one.places).intersection(other.places))


def _no_index(assets: Assets, index: bytes, data: Data | None) -> Finding:
    why = "is not there" if data is None else f"has none of the lists {', '.join(assets.entries)}"
    if data is not None and data.problem is not None:
        why = f"cannot be read: {data.problem.message}"
    message = f"{assets.index}, the index of the assets that the change touches, {why}"
    step = "List every asset in it, with its id, file and version."
    line = data.problem.line if data is not None and data.problem is not None else None
    return Finding(message, help=step, path=index, line=line, key="index", setting="assets.index")


def _version(asset: Asset, earlier: Asset | None, index: bytes, assets: Assets) -> Iterator[Finding]:
    """What is wrong with the version of an asset that changes."""
    from specguard_rules.artifacts._asset_index import goes_up

    if not asset.version:
        message = f"the entry {asset.id!r} of {assets.index} has no {assets.version}"
    elif earlier is None or goes_up(earlier.version, asset.version):
        return
    elif earlier.version == asset.version:
        message = f"{asset.id} changes and still has the version {asset.version} in {assets.index}"
    else:
        message = f"{asset.id} does not go up from version {earlier.version} to {asset.version}"
    step = "Give it the next version."
    yield Finding(
        message, help=step, path=index, line=asset.line, key=f"version {asset.id}", setting="assets.index"
    )
