"""CNT003: commands in a form that the policy forbids."""

from __future__ import annotations

from specguard.rules import Finding, Rule, Selecting, Settings, required, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Entry, Lines, Stage, Tree
    from specguard_rules.content._shell import Command


class ForbiddenForm(Settings):
    """One form of a command."""

    command: str = required("the form: `git push --force`", min_length=1)
    unless: list[str] = setting([], "words that make it allowed")
    message: str = setting("", "what a finding says")


class ForbiddenCommand(Rule):
    r"""A script, CI file or brief gets a forbidden command.

    Judged are added lines of shell scripts, makefiles, CI steps, and Markdown's shell blocks and code spans.
    A code span that forbids the command is fine. A form begins with the program, however it is run (`sudo`,
    `bash -c`). Options match anywhere, `--force` also as `--force=x`. Options in `unless` allow it.

    Why is this bad? Agents do what briefs and scripts say.

    How to fix it: use an allowed form.

    ```text
    error: AGENTS.md:1: gt sync restacks; use gt sync --no-restack
    ```

    ```toml fails
    policy = '''
    [[rules.forbidden-command.commands]]
    command = "git push --force"

    [[rules.forbidden-command.commands]]
    command = "gt sync"
    unless = ["--no-restack"]
    message = "gt sync restacks; use gt sync --no-restack"
    '''

    [[commits]]
    message = "chore: scripts"

    [commits.files]
    "ci/push.sh" = "# git push --force\ngit push origin --force\n"
    "AGENTS.md" = "Before you begin, run `gt sync`.\n"

    [[expect]]
    code = "CNT003"
    path = "AGENTS.md"
    line = 1

    [[expect]]
    code = "CNT003"
    path = "ci/push.sh"
    line = 2
    ```

    ```toml passes
    policy = '''
    [[rules.forbidden-command.commands]]
    command = "git push --force"

    [[rules.forbidden-command.commands]]
    command = "gt sync"
    unless = ["--no-restack"]
    '''

    [[commits]]
    message = "chore: scripts"

    [commits.files]
    "ci/push.sh" = "git push --force-with-lease\ngt sync --no-restack\necho git push --force\n"
    "AGENTS.md" = "Never run `git push --force`.\n"
    ```
    """

    code: ClassVar[str] = "CNT003"
    name: ClassVar[str] = "forbidden-command"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("commands",)
    condition: ClassVar[str] = "no added line of {files} has a command in a forbidden form"

    commands: list[ForbiddenForm] = setting([], "the forbidden forms")
    files: Selecting = setting(Selecting.of(
        "**/*.sh", "**/*.bash", "**/*.zsh", "**/*.ksh", "**/Makefile", "**/*.mk", ".github/**/*.yml",
        ".github/**/*.yaml", "**/action.yml", "**/action.yaml", "**/.gitlab-ci.yml", "**/*.md"
    ), "the files to read")  # fmt: skip

    def check(self, entries: Sequence[Entry], head_files: Tree, lines: Lines) -> Iterator[Finding]:
        """Look for the forms in the commands that the change adds."""
        candidates = [
            entry
            for entry in entries
            if entry.is_file and entry.old != entry.new and self.files.find(entry.path) is not None
        ]
        if not candidates:
            return
        from specguard_rules.content._command_form import CommandForm
        from specguard_rules.content._written_commands import written_commands

        forms = [CommandForm(form.command, form.unless) for form in self.commands]
        found: dict[bytes, list[tuple[Command, int]]] = {}
        for entry in candidates:
            data = head_files.read(entry.path) or b""
            possible = [which for which, form in enumerate(forms) if form.may_be_in(data)]
            if possible:
                found[entry.path] = [
                    (command, which)
                    for command in written_commands(entry.path, data)
                    for which in possible
                    if forms[which].matches(command)
                ]
        for entry, hunks in lines.compare([entry for entry in candidates if found.get(entry.path)]):
            added = {hunk.new_start + offset for hunk in hunks for offset in range(len(hunk.added))}
            for command, which in found[entry.path]:
                if not added.isdisjoint(range(command.line, command.end_line + 1)):
                    yield self._finding(entry.path, command, which)

    def _finding(self, path: bytes, command: Command, which: int) -> Finding:
        form = self.commands[which]
        way_out = f" with {' or '.join(form.unless)}" if form.unless else " in another way"
        return Finding(
            form.message
            or f"the command form {form.command!r} is forbidden"
            + ("" if command.told else "; here it is only named"),
            help=f"Do this{way_out}, or take the command out."
            if command.told
            else "Make sure that nobody takes it for an instruction.",
            severity=None if command.told else "info",
            path=path,
            line=command.line,
            end_line=command.end_line if command.end_line > command.line else None,
            key=" ".join(command.words),
            setting=f"commands.{which}.command",
        )
