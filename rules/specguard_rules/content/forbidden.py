"""Rules about lines, commands and calls that are forbidden in files."""

from __future__ import annotations

import re

from specguard.rules import Covering, Finding, MissingFact, Rule, Selecting, Settings, required, setting
from specguard_rules.artifacts.hidden_text_and_secrets import select_files
from specguard_rules.paths.guarded import MOST, Moves, undone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Base, Documents, Entry, Expression, Lines, Policy, RunSettings, Stage, Tree
    from specguard_rules.content._shell import Command


COMMAND_FILES: Final = (
    "**/*.sh", "**/*.bash", "**/*.zsh", "**/*.ksh", "**/*.ps1", "**/*.psm1", "**/*.bat", "**/*.cmd",
    "**/Makefile", "**/makefile", "**/GNUmakefile", "**/*.mk", "**/package.json", "**/Justfile",
    "**/justfile", "**/.justfile", "**/*.just", "**/Taskfile*.yml", "**/Taskfile*.yaml",
    "**/taskfile*.yml", "**/taskfile*.yaml", "**/Jenkinsfile",
    ".github/**/*.yml", ".github/**/*.yaml", ".gitea/**/*.yml", ".gitea/**/*.yaml", ".forgejo/**/*.yml",
    ".forgejo/**/*.yaml", "**/action.yml", "**/action.yaml", "**/.gitlab-ci.yml", ".gitlab/**/*.yml",
    ".circleci/**/*.yml", ".buildkite/**/*.yml", ".buildkite/**/*.yaml", "**/azure-pipelines*.yml",
    "**/azure-pipelines*.yaml", "bitbucket-pipelines.yml", ".pre-commit-config.yaml", "lefthook*.*",
    ".lefthook*.*", ".config/lefthook*.*", "scripts/**", "tools/**", "bin/**", "ci/**", ".ci/**",
    ".githooks/**", ".husky/**",
)  # fmt: skip
"""The files that run commands: scripts, tasks, hooks and the steps of CI.

They have no classes of characters, by which `may_match` could not rule out a path without compiling them.
"""


class Forbidden(Settings):
    """One expression, and where lines may not match it."""

    pattern: Expression = required("what no added line may match (RE2)")
    paths: Covering = setting(Covering(), "its files and folders; by default all")
    exclude: Covering = setting(Covering(), "files to skip")
    message: str = setting("", "what a finding says")

    def problem(self) -> str:
        """Return why the expression matches no line, as a clause; empty if it may."""
        text = self.pattern.text.replace(r"\\", "").replace(r"\n", "\n")
        breaks = "\n" in text and not any(sign in text for sign in ("|", "[", "\n?", "\n*", "\n{"))
        return "`pattern` has a line break, and each line is judged by itself" if breaks else ""


class ForbiddenContent(Rule):
    r"""An added line matches a forbidden expression.

    Each added line is judged by itself. Links, submodules, binaries and moves within `paths` have none.

    Why is this bad? Debugging calls, conflict markers and private keys are wrong everywhere.

    How to fix it: change the line, or exempt the file with `exclude`.

    ```text
    error: src/a.ts:3: logging goes through src/log.ts
    ```

    ```toml fails
    policy = '''
    [[rules.forbidden-content.forbid]]
    pattern = '\bconsole\.log\('
    paths = ["src/"]
    exclude = ["src/debug/"]
    message = "logging goes through src/log.ts"
    '''
    base = {files = {"src/a.ts" = "console.log(0)\nlet a = 1\n"}}
    commits = [{message = "feat: x", files = {"src/a.ts" = "console.log(0)\nlet a = 1\n  console.log(a)\n"}}]
    expect = [{code = "CNT001", path = "src/a.ts", line = 3}]
    ```

    ```toml passes
    policy = '''
    [[rules.forbidden-content.forbid]]
    pattern = '\bconsole\.log\('
    paths = ["src/"]
    exclude = ["src/debug/"]
    '''
    base = {files = {"src/a.ts" = "console.log(0)\nlet a = 1\n"}}

    [[commits]]
    message = "feat: x"

    [commits.files]
    "src/a.ts" = "console.log(0)\nlet a = 2\n"
    "src/debug/b.ts" = "console.log(1)"
    "docs/c.md" = "`console.log(1)`"
    ```
    """

    code: ClassVar[str] = "CNT001"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("forbid",)
    condition: ClassVar[str] = "no added line matches an expression that is forbidden in its file"

    forbid: list[Forbidden] = setting([], "the expressions and their files", tightens="more")

    def check(self, entries: Sequence[Entry], lines: Lines, base: Base, policy: Policy) -> Iterator[Finding]:
        """Match each expression against the lines that the change, or a rebase of it, adds to its files."""
        files = [entry for entry in (*entries, *undone(base, policy)) if entry.has_new_content]
        moved = _moved(entries)
        paths = [*(entry.path for entry in files), *moved.values()]
        judged_paths: list[set[bytes]] = []
        for forbidden in self.forbid:
            within = {*(forbidden.paths.among(paths) if forbidden.paths else paths)}
            within.difference_update(forbidden.exclude.among(paths))
            judged_paths.append({path for path in within if moved.get(path) not in within})
        judged = [entry for entry in files if any(entry.path in one for one in judged_paths)]
        counts: dict[tuple[bytes, int], int] = {}
        step = "Change the line, or take the file out with 'exclude'."
        for added in lines.added([forbidden.pattern for forbidden in self.forbid], judged):
            path, which = place = added.path, added.which
            if path in judged_paths[which]:
                counts[place] = count = counts.get(place, 0) + 1
                forbidden, setting = self.forbid[which], f"forbid.{which}.pattern"
                message = forbidden.message or f"the added line matches '{forbidden.pattern.text}'"
                key = " ".join(added.text.split())
                if count <= MOST:
                    yield Finding(message, step, path, added.line, key=key, setting=setting)
        for (path, which), count in counts.items():
            if count > MOST:
                text, setting = self.forbid[which].pattern.text, f"forbid.{which}.pattern"
                message = f"{count - MOST} more added lines of this file match '{text}'"
                yield Finding(message, step, path, key=f"more {text}", setting=setting)


def _moved(entries: Sequence[Entry]) -> dict[bytes, bytes]:
    """Return the old path of each moved file by its new one; unaltered, it adds no line where both count.

    A file of another kind may be read in another way, and then counts as new.
    """
    files = [(new.path, old.path) for new, old in Moves(entries).pairs if old.was_file]
    return {path: old for path, old in files if _kind(path) == _kind(old)}


def _kind(path: bytes) -> tuple[bytes, bytes]:
    """Return what says how to read a file: the end of its name, and a tool's folder, such as `.circleci`."""
    return path.rpartition(b"/")[2].rpartition(b".")[2], path.partition(b"/")[0] if path[:1] == b"." else b""


# These programs run a command that is among their arguments.
_CARRIERS: Final = ("docker", "docker-compose", "find", "kubectl", "npx", "parallel", "podman", "watch")
_MOST_CARRIED: Final = 40


class ForbiddenForm(Settings):
    """One form of a command."""

    command: str = required("the form: `git push --force`", min_length=1)
    unless: list[str] = setting([], "words that make it allowed")
    message: str = setting("", "what a finding says")

    def problem(self) -> str:
        """Return why the form has no effect, as a clause; empty if at least its own command has it."""
        from specguard_rules.content._shell import parse_commands

        commands, form = parse_commands(self.command), _form_words(self.command)
        if commands and form[:1] != ["$"] and has_form(commands[0], form):
            return ""
        return f"no command has the form {self.command!r}; write a program and words, as 'git push --force'"


class ForbiddenCommand(Rule):
    r"""A script, CI file or brief gets a forbidden command.

    Judged are added lines of `files`: scripts, makefiles, hooks, CI steps, commands of runs, and Markdown's
    shell blocks and code spans. Programs' calls such as `system("...")` are read, and backquotes of Ruby,
    Perl and PHP.
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
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("commands",)
    condition: ClassVar[str] = "no added line of {files} has a command in a forbidden form"

    commands: list[ForbiddenForm] = setting([], "the forbidden forms", tightens="more")
    files: Selecting = setting(
        Selecting.of(*COMMAND_FILES, "**/*.md", "**/*.mdc", ".runs/**/*.json"), "its files", tightens="more"
    )

    def check(
        self, entries: Sequence[Entry], lines: Lines, documents: Documents, run_settings: RunSettings
    ) -> Iterator[Finding]:
        """Look for the forbidden forms in the commands that the change adds."""
        selected, old = select_files(self.files, entries, documents, whole=False), _moved(entries)
        files = (one for one in entries if one.path in selected)
        candidates = [one for one in files if one.path not in old or not self.files.matches(old[one.path])]
        if not candidates:
            return
        from specguard_rules.content._commands_in_files import file_commands

        forms = [_form_words(form.command) for form in self.commands]
        names = [[word.encode() for word in form if word[0] != "-"] for form in forms]
        found: dict[bytes, list[tuple[Command, int]]] = {}
        for entry in candidates:
            data = documents.tree.read(entry.path) or b""
            # A quick search for all words of a form that are not options skips most files.
            possible = [which for which, form in enumerate(names) if all(name in data for name in form)]
            if not possible:
                continue
            # Most data files that cannot be read have the words of a form only within other words.
            words = set(data.translate(bytes.maketrans(b"\"',;", b"    ")).split())
            needed = any(words.issuperset(names[which]) for which in possible)
            found[entry.path] = [
                (command, which)
                for command in file_commands(entry.path, data, documents, needed=needed)
                for which in possible
                if has_form(command, forms[which], self.commands[which].unless)
            ]
        for entry, hunks in lines.compare([entry for entry in candidates if found.get(entry.path)]):
            added = {hunk.new_start + offset for hunk in hunks for offset in range(len(hunk.added))}
            for command, which in found[entry.path]:
                if not added.isdisjoint(range(command.line, command.end_line + 1)):
                    done = entry.path.startswith(run_settings.folder)
                    yield self._finding(entry.path, command, which, done=done)

    def _finding(self, path: bytes, command: Command, which: int, *, done: bool) -> Finding:
        form, key = self.commands[which], " ".join(command.words)
        message = form.message or f"the command form {form.command!r} is forbidden"
        how = f"with {' or '.join(form.unless)}" if form.unless else "in another way"
        step, setting = f"Do this {how}, or take the command out.", f"commands.{which}.command"
        step = f"Undo what it did, and do this {how} in a new run." if done else step
        found = Finding(message, step, path, command.line, key=key, setting=setting)
        found.end_line = command.end_line if command.end_line > command.line else None
        if not command.is_instruction:
            found.severity, found.help = "info", "Make sure that nobody takes it for an instruction."
        return found


def _form_words(text: str) -> list[str]:
    from specguard_rules.content._shell import base_name, parse_commands

    words = [word for command in parse_commands(text) for word in command.words if word]
    return [base_name(words), *words[1:]]


def has_form(command: Command, form: Sequence[str], unless: Sequence[str] = ()) -> bool:
    """True if a command, or the command that it carries, has a form.

    The first word of a form is the program. The other words that are not options must be the command's first
    ones, in this order. Options with a value may come between them (`git -C lib push`). Options may occur
    anywhere before `--`; `--force` also matches `--force=…`, and `-f` matches `-fu`.

    Args:
        command: the command.
        form: the form's words.
        unless: options or words, each of which makes the command another one.
    """
    from specguard_rules.content._shell import base_name

    words = command.unwrap(form[0])
    carried = range(1, min(len(words), _MOST_CARRIED)) if base_name(words) in _CARRIERS else ()
    named = (words[at:] for at in (0, *carried) if base_name(words[at:]) == form[0])
    return any(_matches_form(one, form, unless) for one in named)


def _matches_form(words: Sequence[str], form: Sequence[str], unless: Sequence[str]) -> bool:
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
    given = all(any(_matches(option, word) for word in options) for option in form[1:] if option[0] == "-")
    meant = [word for word in arguments if word.lower().partition("=")[2] not in ("0", "false", "no")]
    return not wanted and given and not any(_matches(excuse, word) for excuse in unless for word in meant)


def _matches(option: str, word: str) -> bool:
    short = len(option) == 2 and all(one[:1] == "-" and one[1:].isalpha() for one in (option, word))
    return word == option or word.startswith(f"{option}=") or (short and option[1] in word[1:])


SHELL: Final = (b".sh", b".bash", b".zsh", b".ksh")
CODE: Final = (
    b".py", b".js", b".mjs", b".cjs", b".ts", b".mts", b".cts", b".rb", b".pl", b".php", b".lua", b".ps1",
    b"Jenkinsfile",
)  # fmt: skip
"""The suffixes of scripts."""

_HOST_WORDS: Final = rb"(?i)localhost|127\.[0-9]|\[::1\]|0\.0\.0\.0"


class HostNetworkCall(Rule):
    r"""A CI step calls a service on the CI host.

    That is localhost, api.localhost, 127.0.0.1, [::1], or for clients and in URLs 0.0.0.0. The rule reads
    GitHub workflows, composite actions, GitLab files and their scripts. It looks for clients such as `curl`,
    and programs with a URL or host and port, also in `env:` (`DB_HOST` too). Jobs with `container:` or
    `image:`, `docker compose exec`, `docker run`, comments and health checks are fine. What it cannot follow
    (`make` targets) is information.

    Why is this bad? Such a job breaks where ports, proxies or names differ.

    How to fix it: call within the container network (`docker compose exec web curl http://api:8080`), or give
    the job a container.

    ```text
    error: .github/workflows/ci.yml:8: job 'smoke' calls http://localhost:8080 from the CI host
    ```

    ```toml fails
    policy = '''
    [rules.host-network-call]
    files = [".github/workflows/*.yml", ".gitlab-ci.yml"]
    '''
    base = {files = {"ci/smoke.sh" = "URLS=\"http://127.0.0.1:8080/a http://[::1]:8080/b\"\nfor u in $URLS; do\n  curl -f $u\ndone\n"}}

    [[commits]]
    message = "ci: smoke"

    [commits.files]
    ".github/workflows/ci.yml" = '''
    on: push
    jobs:
      smoke:
        runs-on: ubuntu-latest
        steps:
          - run: |
              docker compose up -d
              curl -f http://localhost:8080/health
          - run: bash ci/smoke.sh
    '''

    [[expect]]
    code = "CNT002"
    path = ".github/workflows/ci.yml"
    line = 8

    [[expect]]
    code = "CNT002"
    path = "ci/smoke.sh"
    line = 3
    ```

    ```toml passes
    policy = '''
    [rules.host-network-call]
    files = [".github/workflows/*.yml", ".gitlab-ci.yml"]
    '''

    [[commits]]
    message = "ci: smoke"

    [commits.files]
    ".github/workflows/ci.yml" = '''
    on: push
    jobs:
      smoke:
        runs-on: ubuntu-latest
        services:
          db:
            image: postgres
            options: --health-cmd "pg_isready -h localhost"
        steps:
          - run: |
              # curl http://localhost:8080 would test the host
              docker compose exec -T web curl -f http://localhost:8080/health
              echo "see http://localhost:8080"
      inside:
        container: golang:1.23
        steps:
          - run: curl -f http://localhost:8080/health
    '''
    ```
    """  # noqa: E501 (an example's inline table is one line)

    code: ClassVar[str] = "CNT002"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    judges_parts: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("files",)
    condition: ClassVar[str] = "no step of {files} that the change touches calls the CI host itself"

    files: Selecting = setting(
        Selecting(), "the CI files, such as `.github/workflows/*.yml` and `.gitlab-ci.yml`", tightens="more"
    )

    def check(self, entries: Sequence[Entry], head_files: Tree, whole: bool) -> Iterator[Finding]:
        """Judge the CI files and the called scripts that the change touches, or all of them."""
        present = {entry.path for entry in entries if entry.has_new_content}
        touched = self.files.among(head_files.paths() if whole else sorted(present))
        # A script is judged with the CI files that run it; a check of all files has these already.
        others = () if whole else present.difference(touched)
        scripts = {one for one in others if one.endswith(SHELL + CODE) or b"." not in one.rpartition(b"/")[2]}
        scripts = {path for path in scripts if _mentions_host(path, head_files)}
        if not touched and not scripts:
            return
        # The parsers of YAML and shell are imported only if there is something to read.
        from specguard_rules.content._localhost_in_ci import judge_ci_file

        for path in touched:
            yield from judge_ci_file(path, head_files, f"files.{self.files.find(path)}")
        paths = head_files.paths() if scripts else ()
        for position, index in self.files.find_each(paths):
            path = paths[position]
            text = b"" if path in present else head_files.read(path) or b""
            if any(script.rpartition(b"/")[2] in text for script in scripts):
                found = judge_ci_file(path, head_files, f"files.{index}")
                yield from (one for one in found if one.path in scripts)


def _mentions_host(path: bytes, files: Tree) -> bool:
    """True if a file names the host anywhere, or cannot be read."""
    try:
        return re.search(_HOST_WORDS, files.read(path) or b"") is not None
    except MissingFact:
        return True  # whether that matters shows when a CI file runs it
