"""CNT003: commands in a form that the policy forbids."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, Selecting, Settings, required, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Documents, Entry, Lines, Stage, Tree
    from specguard_rules.content._shell import Command


# These run a command that stands among their arguments.
_CARRIERS: Final = frozenset(
    ["docker", "docker-compose", "podman", "kubectl", "npx", "find", "parallel", "watch"]
)
_CARRIED: Final = 40


class ForbiddenForm(Settings):
    """One form of a command."""

    command: str = required("the form: `git push --force`", min_length=1)
    unless: list[str] = setting([], "words that make it allowed")
    message: str = setting("", "what a finding says")


class ForbiddenCommand(Rule):
    r"""A script, CI file or brief gets a forbidden command.

    Judged are added lines of shell scripts, makefiles, CI steps, and Markdown's shell blocks and code spans.
    Of programs, calls such as `system("...")` are read, and backquotes of Ruby, Perl and PHP.
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

    commands: list[ForbiddenForm] = setting([], "the forbidden forms", tightens="more")
    files: Selecting = setting(Selecting.of(
        "**/*.sh", "**/*.bash", "**/*.zsh", "**/*.ksh", "**/Makefile", "**/*.mk", ".github/**/*.yml",
        ".github/**/*.yaml", "**/action.yml", "**/action.yaml", "**/.gitlab-ci.yml", "**/*.md"
    ), "the files to read", tightens="more")  # fmt: skip

    def check(
        self, entries: Sequence[Entry], head_files: Tree, lines: Lines, documents: Documents
    ) -> Iterator[Finding]:
        """Look for the forms in the commands that the change adds."""
        candidates = [
            entry
            for entry in entries
            if entry.is_file and entry.old != entry.new and self.files.find(entry.path) is not None
        ]
        if not candidates:
            return
        from specguard_rules.content._commands import written_commands

        forms = [_words(form.command) for form in self.commands]
        found: dict[bytes, list[tuple[Command, int]]] = {}
        for entry in candidates:
            data = head_files.read(entry.path) or b""
            # Whether all the words that are no options are there at all is seen at once.
            names = [[word.encode() for word in form if word[0] != "-"] for form in forms]
            possible = [which for which, form in enumerate(names) if all(name in data for name in form)]
            if possible:
                found[entry.path] = [
                    (command, which)
                    for command in written_commands(entry.path, data, documents)
                    for which in possible
                    if has_form(command, forms[which], self.commands[which].unless)
                ]
        for entry, hunks in lines.compare([entry for entry in candidates if found.get(entry.path)]):
            added = {hunk.new_start + offset for hunk in hunks for offset in range(len(hunk.added))}
            for command, which in found[entry.path]:
                if not added.isdisjoint(range(command.line, command.end_line + 1)):
                    yield self._finding(entry.path, command, which)

    def _finding(self, path: bytes, command: Command, which: int) -> Finding:
        form = self.commands[which]
        way_out = f" with {' or '.join(form.unless)}" if form.unless else " in another way"
        message = f"the command form {form.command!r} is forbidden"
        message, step = form.message or message, f"Do this{way_out}, or take the command out."
        if not command.told:
            message = form.message or f"{message}; here it is only named"
            step = "Make sure that nobody takes it for an instruction."
        return Finding(
            message,
            help=step,
            severity=None if command.told else "info",
            path=path,
            line=command.line,
            end_line=command.end_line if command.end_line > command.line else None,
            key=" ".join(command.words),
            setting=f"commands.{which}.command",
        )


def _words(text: str) -> list[str]:
    from specguard_rules.content._shell import commands

    return [word for command in commands(text) for word in command.words if word]


def has_form(command: Command, form: Sequence[str], unless: Sequence[str] = ()) -> bool:
    """Whether a command, or the one that it carries, is of a form.

    The first word of a form is the program. Words that are no options must be the command's first ones, in
    this order, though options with a value may stand between (`git -C lib push`). Options may stand anywhere
    before `--`; `--force` is also `--force=…`, and `-f` is found in `-fu`.

    Args:
        command: the command.
        form: the form's words.
        unless: options or words of which any one makes it another command.
    """
    words = command.unwrapped()
    carried = range(1, min(len(words), _CARRIED)) if _name(words) in _CARRIERS else ()
    return any(_is(words[at:], form, unless) for at in (0, *carried))


def _name(words: Sequence[str]) -> str:
    return words[0].rpartition("/")[2] if words else ""


def _is(words: Sequence[str], form: Sequence[str], unless: Sequence[str]) -> bool:
    if not form or _name(words) != form[0]:
        return False
    wanted = [word for word in form[1:] if not word.startswith("-")]
    previous = ""
    for word in words[1:]:
        if wanted and word == wanted[0]:
            wanted.pop(0)
        elif wanted and not word.startswith("-") and (not previous.startswith("-") or "=" in previous):
            return False
        previous = word
    arguments = list(words[1:])
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    given = all(any(_given(option, word) for word in options) for option in form[1:] if option[0] == "-")
    excused = any(_given(excuse, word) for excuse in unless for word in arguments)
    return not wanted and given and not excused


def _given(option: str, word: str) -> bool:
    short = re.fullmatch(r"-[A-Za-z]", option) and re.fullmatch(r"-[A-Za-z]+", word)
    return word == option or word.startswith(f"{option}=") or bool(short and option[1] in word[1:])
