"""ART016: credentials in what agents write and read."""

from __future__ import annotations

from specguard.rules import Finding, Rule, Selecting, setting
from specguard_rules.file_selection import INSTRUCTIONS, contents, is_regular, plan_files, selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import ClassVar, Final

    from specguard.documents.secrets import CredentialFinder
    from specguard.rules import Artifacts, Documents, Entry, Expression, PlanKind, Tree

MOST: Final = 100
"""So many credentials of one file are told."""


class SecretInArtifact(Rule):
    r"""An artifact, brief or plan holds what looks like a credential.

    The rule reads artifacts, plans and `files`, comments included. It knows the forms of tokens and keys
    (detect-secrets, and `patterns`), and values given to `password` or `api_key`. Placeholders, variables,
    vault references, object ids and digests are fine. `allow` lifts a finding, `pragma: allowlist secret`
    does not. The value is never shown.

    Why is this bad? Artifacts are committed, read by agents and sent to models.

    How to fix it: name a variable instead, and revoke the credential: the commit keeps it.

    ```text
    error: prompts/deploy.md:3: what looks like a credential stands here, given to 'password'
    ```

    ```toml fails
    [[commits]]
    message = "docs: brief"

    [commits.files]
    "prompts/deploy.md" = "# Deploy\n\n- Database password: `Tr0ub4dor&3`\n"

    [[expect]]
    code = "ART016"
    path = "prompts/deploy.md"
    line = 3
    ```

    ```toml passes
    [[commits]]
    message = "docs: brief"

    [commits.files]
    "prompts/deploy.md" = "# Deploy\n\n- Database password: `$DB_PASSWORD`\n- API key: `<api-key>`\n"
    ```
    """

    code: ClassVar[str] = "ART016"
    name: ClassVar[str] = "secret-in-artifact"
    condition: ClassVar[str] = "no artifact, brief or plan that the change touches holds a credential"

    files: Selecting = setting(Selecting.of(
        *INSTRUCTIONS, ".claude/**", ".codex/**", ".cursor/**", ".gemini/**", ".agent/**", ".agents/**",
        "**/briefs/**", ".plans/**"
    ), "the briefs to read", tightens="more")  # fmt: skip
    patterns: list[Expression] = setting([], "more forms of credentials", tightens="more")
    allow: list[Expression] = setting([], "values that are no credentials", tightens="fewer")

    def check(
        self,
        entries: Sequence[Entry],
        head_files: Tree,
        documents: Documents,
        whole: bool,
        plan_kinds: Mapping[str, PlanKind],
        artifacts: Artifacts | None = None,
    ) -> Iterator[Finding]:
        """Look through the briefs, plans and artifacts."""
        found = selected(self.files, entries, head_files, whole=whole)
        setting = {path: f"files.{index}" for path, index in found.items()}
        for name, plan_kind in plan_kinds.items():
            for path in selected(plan_files(plan_kind, "**"), entries, head_files, whole=whole):
                setting[path] = f"plans.{name}"
        for artifact in artifacts.judged if artifacts is not None else ():
            if is_regular(artifact.path, head_files):
                setting[artifact.path] = f"artifacts.{artifact.name}"
        if not setting:
            return
        finder = documents.credentials
        for path, content in contents(sorted(setting), head_files, entries):
            for kind, line, shown in credentials(content, finder, self._allows):
                yield _finding(path, kind, line, shown, setting[path])
            yield from self._own_forms(path, content)

    def _allows(self, value: str) -> bool:
        return any(expression.search(value) for expression in self.allow)

    def _own_forms(self, path: bytes, content: bytes) -> Iterator[Finding]:
        """What matches one of `patterns`."""
        for index, expression in enumerate(self.patterns):
            if expression.may_match_line(content):
                for number, line in enumerate(content.split(b"\n"), start=1):
                    if expression.search(line):
                        yield _finding(path, "", number, "", f"patterns.{index}")


def credentials(
    content: bytes, finder: CredentialFinder, allowed: Callable[[str], bool]
) -> Iterator[tuple[str, int, str]]:
    """What looks like a credential: its kind, its line, and as much of it as may be shown.

    Told are one of a kind a line, and `MOST` of each way of telling.
    """
    told: set[int] = set()
    for look in (finder.by_form, finder.by_name):
        line, counted = 1, 0
        known: set[tuple[str, int]] = set()
        for found in look(content):
            line += content.count(b"\n", counted, found.start)
            counted = found.start
            if (found.kind, line) not in known and not allowed(found.value):
                known.add((found.kind, line))
                # A token that is given to a name is one credential.
                if line not in told:
                    yield found.kind, line, found.shown
            if len(known) >= MOST:
                break
        told = {line for _, line in known}


def _finding(path: bytes, kind: str, line: int, shown: str, setting: str) -> Finding:
    what = f"of the kind {kind}" if kind else "of a form that the policy names"
    if kind == "Secret Keyword":
        what = f"given to {shown!r}"
    elif shown:
        what += f" ({shown})"
    message = f"what looks like a credential stands here, {what}"
    step = (
        "Take it out, name the variable that holds it instead, and revoke it: whoever has the commit "
        "knows it."
    )
    key = f"{kind}:{shown if kind == 'Secret Keyword' else ''}"
    return Finding(message, help=step, path=path, line=line, key=key, setting=setting)
