"""ART016: credentials in what agents write and read."""

from __future__ import annotations

from specguard.rules import Finding, Rule, Selecting, setting
from specguard_rules.artifacts._instructions import INSTRUCTIONS
from specguard_rules.selected import contents, is_regular, plan_files, selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar

    from specguard.rules import Artifacts, Documents, Entry, Expression, PlanKind, Stage, Tree


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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
        for name, kind in plan_kinds.items():
            for path in selected(plan_files(kind, "**"), entries, head_files, whole=whole):
                setting[path] = f"plans.{name}"
        for artifact in artifacts.judged if artifacts is not None else ():
            if is_regular(artifact.path, head_files):
                setting[artifact.path] = f"artifacts.{artifact.name}"
        if not setting:
            return
        from specguard_rules.artifacts._credentials import Scanner

        scanner = Scanner(
            documents.credentials, lambda value: any(expression.search(value) for expression in self.allow)
        )
        for path, content in contents(sorted(setting), head_files, entries):
            for credential in scanner.credentials(content):
                yield _finding(path, credential.kind, credential.line, credential.shown, setting[path])
            yield from self._own_forms(path, content)

    def _own_forms(self, path: bytes, content: bytes) -> Iterator[Finding]:
        """What matches one of `patterns`."""
        for index, expression in enumerate(self.patterns):
            if expression.may_match_line(content):
                for number, line in enumerate(content.split(b"\n"), start=1):
                    if expression.search(line):
                        yield _finding(path, "", number, "", f"patterns.{index}")


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
