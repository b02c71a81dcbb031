"""PTH007: a path changed without what is to change with it."""

from __future__ import annotations

from specguard.rules import Covering, Finding, NotApplicable, Rule, Settings, path_text, required, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Commit, Entry, Message, PullRequest, Stage


class Companion(Settings):
    """What changes together."""

    when: Covering = required("what needs a companion")
    require: Covering = required("of which one must change too")
    trailer: str = setting(
        "",
        "the trailer with a reason instead, such as `Docs-Impact`",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9-]*)?$",
    )


class MissingCompanion(Rule):
    r"""A path changes without the companion that must change too.

    For each entry of `companions`, a change under `when` also adds or modifies a path under `require`. With a
    `trailer`, a commit or the pull request may give a reason instead:
    `Docs-Impact: none, only names changed`. Before a commit it is a warning.

    Why is this bad? A missing document, rollback or lock file is found late.

    How to fix it: change the companion too, or state the reason.

    ```text
    error: src/a.py changed, and nothing under docs/** did
    ```

    ```toml fails
    policy = '''
    [[rules.missing-companion.companions]]
    when = ["src/**"]
    require = ["docs/**"]
    trailer = "Docs-Impact"
    '''
    base = {files = {"src/a.py" = "a", "docs/a.md" = "a"}}
    commits = [{message = "feat: x\n\nDocs-Impact:", files = {"src/a.py" = "b"}, delete = ["docs/a.md"]}]
    expect = [{code = "PTH007", path = "src/a.py", authority = "SPEC_AUTHORITY.md:6"}]
    ```

    ```toml passes
    policy = '''
    [[rules.missing-companion.companions]]
    when = ["src/**"]
    require = ["docs/**"]
    trailer = "Docs-Impact"
    '''
    base = {files = {"src/a.py" = "a"}}
    commits = [{message = "feat: x\n\nDocs-Impact: none, a private name", files = {"src/a.py" = "b"}}]
    ```

    ```toml passes
    policy = '''
    [[rules.missing-companion.companions]]
    when = ["src/**"]
    require = ["docs/**", "CHANGELOG.md"]
    '''
    base = {files = {"src/a.py" = "a"}}
    commits = [{message = "feat: x", files = {"src/a.py" = "b", "CHANGELOG.md" = "b"}}]
    ```
    """

    code: ClassVar[str] = "PTH007"
    name: ClassVar[str] = "missing-companion"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "commit-msg", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("companions",)
    condition: ClassVar[str] = "what is to change together changes together, or a trailer says why not"

    companions: list[Companion] = setting([], "what changes together", tightens="more")

    def asks(self, key: str) -> str:
        """The companions of the paths that one entry is about."""
        which, _, side = key.removeprefix("companions.").partition(".")
        if not side.startswith("when"):
            return ""
        companion = self.companions[int(which)]
        wanted = " or ".join(companion.require.patterns)
        reason = f", or says why not in a trailer '{companion.trailer}: REASON'" if companion.trailer else ""
        return f"a change here also changes {wanted}{reason}"

    def check(
        self,
        entries: Sequence[Entry] | None = None,
        commits: Sequence[Commit] | None = None,
        messages: Sequence[Message] | None = None,
        pull_request: PullRequest | None = None,
    ) -> Iterator[Finding]:
        """Look for the companions of what changed, then for a reason."""
        written = next((one for one in messages or () if one.source == "file" and not one.merge), None)
        if entries is None:
            if written is None or written.staged is None:
                raise NotApplicable("what the commit changes is not known")
            entries = written.staged()
        paths = [entry.path for entry in entries]
        left = [entry.path for entry in entries if not entry.deleted]
        for which, companion in enumerate(self.companions):
            asking = [paths[position] for position, _ in companion.when.find_each(paths)]
            if not asking or next(companion.require.find_each(left), None) is not None:
                continue
            key = companion.trailer
            if key and _stated(key, commits or (), pull_request, written):
                continue
            more = f" (and {len(asking) - 1} more like it)" if len(asking) > 1 else ""
            wanted = " or ".join(companion.require.patterns)
            reason = f", or say why not in a trailer '{key}: REASON' of the commit message" if key else ""
            if key and (commits or written):
                from specguard_rules.next_steps import add_trailer

                reason += f", with `{add_trailer(f'{key}: REASON', written, {})}`"
            yield Finding(
                f"{path_text(asking[0])}{more} changed, and nothing under {wanted} did",
                help=f"Change what belongs to it under {wanted}{reason}.",
                path=asking[0],
                key=f"{' '.join(companion.when.patterns)} -> {' '.join(companion.require.patterns)}",
                severity="warning" if key and commits is None and written is None else None,
                setting=f"companions.{which}.require",
            )


def _stated(
    key: str, commits: Sequence[Commit], pull_request: PullRequest | None, written: Message | None
) -> bool:
    """Whether a commit, the pull request or the message being written gives a reason under a trailer."""
    from specguard_rules.trailers import Trailers, in_change

    messages = [Trailers(written.lines)] if written else []
    return any(one.value for found in (*in_change(commits, pull_request), *messages) for one in found.of(key))
