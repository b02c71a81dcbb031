"""PTH006: symbolic links and submodules that lead into guarded paths or out of the repository."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, path_text, setting
from specguard_rules.paths.guarded_path import judged, landing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final, Literal

    from specguard.rules import Base, Commit, Entry, Guards, Objects, Policy, Stage, Tree

_HOPS: Final = 40
"""So many links are followed, as Linux does (path_resolution(7)); a longer chain leads nowhere."""

_LONGEST: Final = 4096
"""The most bytes that a link's text can have on Linux (PATH_MAX); other systems allow less."""

_ABSOLUTE: Final = rb"/|\\|[A-Za-z]:"


class LinkIntoGuardedPath(Rule):
    """A link or submodule leads to a guarded path or outside.

    New links may not lead to a guarded path, a folder that holds one, git's own folder, an absolute path, or
    outside. No link or submodule may replace a folder with guarded paths. With `submodules = "existing"`,
    only those in the base may move.

    Why is this bad? Writing through `src/docs -> ../docs/api` changes `docs/api`.

    How to fix it: make the link relative and point it elsewhere, or copy what you need.

    See also: `forbidden-path`, `locked-path`

    ```text
    error: src/d leads to docs/api; docs/api/ is guarded
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}

    [[commits]]
    message = "feat: x"
    symlinks = {"src/d" = "../docs/api", "src/e" = "d/x.yaml", "src/f" = "../../etc"}

    [[expect]]
    code = "PTH006"
    path = "src/d"
    message = "src/d leads to docs/api"

    [[expect]]
    code = "PTH006"
    path = "src/e"
    message = "src/e leads to docs/api/x.yaml"

    [[expect]]
    code = "PTH006"
    path = "src/f"
    message = "above the repository's root"
    ```

    ```toml passes
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]
    '''
    base = {files = {"docs/api/x.yaml" = "a", "README.md" = "b"}}
    commits = [{message = "docs: x", symlinks = {"docs/README.md" = "../README.md"}}]
    ```
    """

    code: ClassVar[str] = "PTH006"
    name: ClassVar[str] = "link-into-guarded-path"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "no new link leads to a guarded path or out of the repository"

    submodules: Literal["none", "existing", "any"] = setting(
        "existing", "which submodules may change", tightens=["any", "existing", "none"]
    )

    def check(
        self,
        entries: Sequence[Entry],
        head_files: Tree,
        objects: Objects,
        guards: Guards,
        base: Base,
        policy: Policy,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Follow each new link, and look at each submodule."""
        landed = landing(commits, policy)
        both = [pair for pair in judged(entries, landed) if pair[0].is_symlink or pair[0].is_submodule]
        # A file can become a link without another content, so that is no sign of one that is not new.
        sizes = objects.sizes(sorted({entry.new for entry, _ in both if entry.is_symlink}))
        reach = _Reach(head_files, guards)
        for entry, commit in both:
            if not entry.is_symlink:
                where = self._submodule(entry, guards)
            elif sizes[entry.new] > _LONGEST:
                where = f"is a symbolic link of {sizes[entry.new]} bytes, and no system follows one"
            else:
                where = reach.wrong(entry.path, objects.read(entry.new))
            kind = "submodule" if entry.is_submodule else "link"
            guard = guards.below(entry.path) if guards.find(entry.path) is None else None
            if not where and entry.status != "M" and guard is not None:
                where = (
                    f"is a {'submodule' if entry.is_submodule else 'symbolic link'} in the place of a folder"
                )
                where += f"; {guard.pattern} is guarded and would lie elsewhere"
            if where and not base.has(entry):
                from specguard_rules.next_steps import SHORT, put_back

                at = f" (in commit {commit.oid[:SHORT]}, and taken back later)" if commit else ""
                yield Finding(
                    f"{path_text(entry.path)} {where}{at}",
                    help=f"{put_back(entry, base, commit=commit, each=bool(landed))}.",
                    path=entry.path,
                    commit=commit.oid if commit else None,
                    key=kind,
                    setting="submodules" if entry.is_submodule else "",
                )

    def _submodule(self, entry: Entry, guards: Guards) -> str:
        """What is wrong with a submodule; empty where nothing is."""
        guard = guards.find(entry.path)
        if guard is not None:
            return f"is a submodule under {guard.pattern}, which is guarded, and no rule looks into it"
        if self.submodules == "any" or (self.submodules == "existing" and entry.status == "M"):
            return ""
        if entry.status == "M":
            return "is a submodule that is set to another commit, which no rule looks into"
        return "is a new submodule, a repository that no rule looks into"


class _Reach:
    """What links of one tree lead to.

    Args:
        tree: the tree after the change.
        guards: the policy's guarded paths.
    """

    def __init__(self, tree: Tree, guards: Guards) -> None:
        self._tree = tree
        self._guards = guards
        self._holders: dict[bytes, tuple[bytes, str]] | None = None

    def wrong(self, path: bytes, target: bytes) -> str:
        """Where a link leads that it must not; empty where it may.

        Args:
            path: the link's own path.
            target: its text.
        """
        place, escape = _resolve(path, target, self._tree)
        if escape:
            return f"{escape}: {path_text(target)}"
        if place is None:
            return ""
        from specguard_rules.paths.deceptive_path import is_git_name

        if any(map(is_git_name, place.split(b"/"))):
            return f"leads into git's own folder: {path_text(target)}"
        own, guard = self._guards.find(path), self._guards.find(place) if place else None
        if guard is not None:
            same = own is not None and own.key == guard.key
            return "" if same else f"leads to {path_text(place)}; {guard.pattern} is guarded"
        held = self._held(place) if own is None else None
        where = path_text(place) or "the root"
        return f"leads to {where}, which holds {path_text(held[0])}; {held[1]} is guarded" if held else ""

    def _held(self, folder: bytes) -> tuple[bytes, str] | None:
        """A guarded path below a folder, with its pattern; case is ignored, as guards do."""
        if self._holders is None:
            self._holders = {}
            for path in self._tree.paths():
                guard = self._guards.find(path)
                above = path
                while guard is not None and above:
                    above = above.rpartition(b"/")[0]
                    self._holders.setdefault(above.lower(), (path, guard.pattern))
        return self._holders.get(folder.lower())


def _resolve(path: bytes, target: bytes, tree: Tree) -> tuple[bytes | None, str]:
    """The path that a link leads to, by the links of a tree, and how it leads out of the repository.

    The path may not be there, and is empty for the root; it is None for a circle.

    Raises:
        MissingFact: the text of a link on the way is not there.
    """
    place, hops = path.split(b"/")[:-1], 0
    left: list[bytes] = []
    link: bytes | None = target
    while left or link is not None:
        if link is not None:
            # Like the system's call it ends at a NUL.
            text, link = link.partition(b"\0")[0], None
            if re.match(_ABSOLUTE, text):
                return None, "leads to an absolute path"
            left += text.replace(b"\\", b"/").split(b"/")[::-1]
        segment = left.pop()
        if segment == b"..":
            if not place:
                return None, "leads above the repository's root"
            place.pop()
        elif segment not in {b"", b"."}:
            place.append(segment)
            found = tree.find(b"/".join(place))
            if found is not None and found.mode & 0o170000 == 0o120000:
                hops += 1
                if hops > _HOPS:
                    return None, ""
                link = tree.read(b"/".join(place)) or b""
                place.pop()
    return b"/".join(place), ""
