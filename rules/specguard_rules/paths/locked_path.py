"""PTH002: entries under a locked pattern."""

from __future__ import annotations

import re

from specguard.rules import Guarding, Rule, setting
from specguard_rules.paths._guarded import findings, landing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final, Literal

    from specguard.rules import Base, Commit, Entry, Finding, Guards, Policy, Stage, Tree

_PIN: Final = (
    rb"""(?m)^([ \t]*(?:-[ \t]+)?(?:uses:[ \t]+["']?[\w./-]+@|rev:[ \t]+["']?))"""
    rb"""[\w.+-]+["']?[ \t]*(?:\#.*)?$"""
)
"""A line of YAML that pins a version, up to that version; a remark behind it names the version too."""


class LockedPath(Rule):
    r"""A change touches a path that needs an approval.

    The same changes count as for `forbidden-path`, except new records in the log of approvals. An approver of
    the policy may lift it.

    Why is this bad? These files decide about other work.

    How to fix it: put the file back with the command in the finding, or ask for an approval.

    See also: `forbidden-path`, `link-into-guarded-path`

    ```text
    error: CI/more.sh was added; ci/ is locked
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["SPEC_AUTHORITY.md", "ci/"]
    '''
    base = {files = {"ci/test.sh" = "make test"}}
    commits = [{message = "feat: x", executable = ["ci/test.sh"], files = {"CI/more.sh" = "true"}}]

    [[expect]]
    code = "PTH002"
    path = "CI/more.sh"
    message = "CI/more.sh was added; ci/ is locked"

    [[expect]]
    code = "PTH002"
    path = "ci/test.sh"
    message = "made executable"
    ```

    ```toml passes
    policy = '''
    [rules.locked-path]
    paths = [".github/workflows/"]
    pins = "allow"
    '''
    base = {files = {".github/workflows/t.yml" = "steps:\n- uses: actions/checkout@v4\n"}}

    [[commits]]
    message = "ci: x"
    files = {".github/workflows/t.yml" = "steps:\n- uses: actions/checkout@v5\n"}
    ```

    ```toml passes
    policy = '''
    [rules.locked-path]
    paths = ["ci/"]
    '''
    base = {files = {"ci/test.sh" = "make test"}}
    commits = [{message = "feat: x", files = {"src/ci/a.py" = "import ci"}}]
    ```
    """

    code: ClassVar[str] = "PTH002"
    name: ClassVar[str] = "locked-path"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("paths",)
    condition: ClassVar[str] = "nothing under {paths} is added, changed or removed without an approval"

    paths: Guarding = setting(Guarding(), "files, and folders with all below")
    pins: Literal["hold", "allow"] = setting(
        "hold",
        "`allow`: versions in YAML may change, in `uses: X@VERSION` and `rev: VERSION`",
        tightens=["allow", "hold"],
    )
    owners: dict[str, list[str]] = setting(
        {},
        "names of `[[approvals.approver]]`, by pattern of `paths`. If their keys sign each "
        "commit that touches it, they need no approval. Their review opens it for others",
        approvers=True,
    )

    def check(
        self,
        entries: Sequence[Entry],
        base: Base,
        policy: Policy,
        guards: Guards,
        start_files: Tree,
        head_files: Tree,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Compare every path of the change with the patterns, without those that are forbidden."""
        landed = landing(commits, policy)
        way_out = ", or ask for an approval of PTH002"
        for found in findings(self.paths, entries, landed, base, policy, word="locked", way_out=way_out):
            path = found.path or b""
            own = [entry for entry in entries if entry.path == path] if found.commit is None else []
            if any(map(policy.is_filed, own)) or (found.commit and policy.is_record(path)):
                continue
            guard = guards.find(path)
            if guard is not None and guard.code == "PTH001":
                continue
            if self.pins == "allow" and found.commit is None:
                entry = next(entry for entry in entries if entry.path == path)
                if entry.old_mode == entry.new_mode and _pins_alone(path, start_files, head_files):
                    continue
            yield found


def _pins_alone(path: bytes, before: Tree, after: Tree) -> bool:
    """Whether a file of YAML differs in nothing but the versions that it pins."""
    if not path.endswith((b".yml", b".yaml")):
        return False
    old, new = (re.sub(_PIN, rb"\1", tree.read(path) or b"") for tree in (before, after))
    return old == new
