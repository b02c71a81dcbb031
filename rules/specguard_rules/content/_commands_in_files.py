"""The commands in files that say to run them: scripts, programs, data, prose, and the steps of CI files."""

from __future__ import annotations

import re
import shlex
from bisect import bisect_left

from specguard.rules import MissingFact, Record, path_text
from specguard_rules.content._shell import Command, parse_commands
from specguard_rules.content.forbidden import CODE, SHELL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final, Self

    from specguard.rules import Documents


MAX_BYTES: Final = 1 << 20
"""The largest file that is read, in bytes."""

MAX_DEPTH: Final = 50
"""The deepest nesting of mappings and lists that is read."""

EXTENDS_DEPTH: Final = 11
"""GitLab's own limit for nested `extends`."""

_GITLAB_KEYWORDS: Final = frozenset([
    "after_script", "before_script", "cache", "default", "image", "include", "pages:deploy", "services",
    "spec", "stages", "types", "variables", "workflow",
])  # fmt: skip
"""Top-level keys of `.gitlab-ci.yml` that are not jobs (docs.gitlab.com/ci/yaml)."""


class YamlError(ValueError):
    """A file that cannot be read; the second argument is the line, or None if no line is at fault."""


class Text(str):
    """A scalar as it is written.

    Attributes:
        line: the line where it begins, from 1.
        end_line: the line where it ends.
        literal: True if it is a literal block (`|`), which keeps its line breaks.
    """

    __slots__ = ("end_line", "line", "literal")

    line: int
    end_line: int
    literal: bool

    def __new__(cls, found: Any) -> Self:
        """Create the text of a YAML scalar node."""
        text = super().__new__(cls, found.value)
        text.line, text.end_line = found.start_mark.line + 1, found.end_mark.line + 1
        text.literal = found.style == "|"
        return text

    def commands(self) -> list[Command]:
        """Parse the text as a script, and return its commands with the file's line numbers."""
        found = parse_commands(self, self.line + self.literal)
        for command in found if not self.literal else ():
            command.line, command.end_line = self.line, self.end_line
        return found


class Reference(list[object]):
    """The keys of a GitLab `!reference`."""


def read_yaml(data: bytes) -> Any:
    """Parse the last document of a YAML file into mappings, lists and `Text`; aliases share one object.

    Anchors, merge keys and tags are accepted: CI files have them, and `documents` refuses them.

    Raises:
        YamlError: the file is not YAML, is too large or too deep, or could be read in two ways.
    """
    import yaml

    if len(data) > MAX_BYTES:
        raise YamlError(f"it has {len(data)} bytes; {MAX_BYTES} are read", None)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise YamlError("it is not UTF-8", None) from None
    # YAML 1.1 breaks lines at more characters than git and YAML 1.2 do.
    text = text.replace("\r\n", "\n").translate({0x85: " ", 0x2028: " ", 0x2029: " "})
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        event: Any
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                # Composing deeper nodes would exhaust the stack.
                raise YamlError(f"it is nested deeper than {MAX_DEPTH} levels", event.start_mark.line + 1)
        # GitLab reads the first of two documents as a header.
        *_, last = [None, *yaml.compose_all(text, Loader=loader)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "it is not YAML"
        raise YamlError(str(reason), mark.line + 1 if mark else None) from None
    return _convert(last or yaml.compose("''"), {})


def _convert(found: Any, converted: dict[int, Any]) -> Any:
    if id(found) in converted:
        if converted[id(found)] is None:
            raise YamlError("a value holds itself", found.start_mark.line + 1)
        return converted[id(found)]
    converted[id(found)] = None
    result: Any = {}
    if found.id == "scalar":
        result = Text(found)
    elif found.id == "sequence":
        items = [_convert(item, converted) for item in found.value]
        result = Reference(items) if found.tag == "!reference" else items
    else:
        merged: list[Any] = []
        for key, value in found.value:
            inner = _convert(value, converted)
            name = key.value if key.id == "scalar" else ""
            if key.tag == "tag:yaml.org,2002:merge":
                merged += inner if isinstance(inner, list) else [inner]
            elif name in result:
                raise YamlError(f"the key {name!r} is there twice", key.start_mark.line + 1)
            else:
                result[name] = inner
        # A mapping's own keys override merged ones, and earlier merges override later ones.
        for other in merged:
            result = {**fields(other), **result}
    converted[id(found)] = result
    return result


def fields(value: Any, key: str = "") -> dict[str, Any]:
    """Return a mapping, or the mapping at one of its keys; empty if there is none."""
    found = _get(value, key) if key else value
    return found if isinstance(found, dict) else {}


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _get_text(value: Any, *keys: str) -> str:
    found = _get(value, *keys)
    return found if isinstance(found, Text) else ""


class Step(Record):
    """A step of a CI job: one shell, or an action that it uses.

    Attributes:
        job: the job's name; empty in a composite action.
        in_container: True if the job runs in a container; None if an included file may say so.
        variables: the environment variables that are set for the step.
        script: the texts that run one after the other in one shell; empty for a step that uses an action.
        uses: the action that the step uses.
        inputs: the action's inputs, by name.
        shell: the program that reads the script, such as `bash` or `python`; empty for the default.
        folder: the working directory, relative to the repository's root; empty for the root.
    """

    job: str
    in_container: bool | None
    variables: Mapping[str, str]
    script: Sequence[Text] = ()
    uses: str = ""
    inputs: Mapping[str, Any] = {}
    shell: str = ""
    folder: str = ""


def steps(top: Any) -> Iterator[Step]:
    """Yield the steps of a CI file in file order; nothing if the file is not a mapping."""
    if _get(top, "jobs") is not None:
        for name, job in fields(top, "jobs").items():
            yield from _github_steps(name, _get(job, "steps"), job, top)
    elif _get(top, "runs") is not None:
        # The caller decides where a composite action runs; it may be a job without a container.
        yield from _github_steps("", _get(top, "runs", "steps"))
    else:
        yield from _gitlab_steps(fields(top))


def _variables(*tables: Any) -> dict[str, str]:
    """Merge tables of variables; later tables override earlier ones."""
    # GitLab also accepts `NAME: {value: TEXT, description: TEXT}`, and a job's matrix has lists.
    return {
        name: _get_text(value) or _get_text(value, "value") or " ".join(_texts({}, value, set()))
        for table in tables
        for name, value in fields(table).items()
    }


def _github_steps(name: str, items: Any, *holders: Any) -> Iterator[Step]:
    """Yield the steps of a job or action; the job and the file provide the defaults."""
    matrix = fields(_get(holders[0], "strategy"), "matrix") if holders else {}
    values: dict[str, list[Any]] = {}
    # A combination of `include` can have keys of its own.
    for row in {id(one): one for one in [matrix, *(_get(matrix, "include") or ())]}.values():
        for key, value in fields(row).items():
            values.setdefault(f"matrix.{key}", []).append(value)
    tables = [values, *(_get(holder, "env") for holder in reversed(holders))]
    for item in items if isinstance(items, list) else ():
        places = [item, *(_get(holder, "defaults", "run") for holder in holders)]
        yield Step(
            job=name,
            in_container=any(_get(one, "container") not in (None, "", "~", "null") for one in holders[:1]),
            variables=_variables(*tables, _get(item, "env")),
            script=[*_texts({}, _get(item, "run"), set())],
            uses=_get_text(item, "uses"),
            inputs=fields(item, "with"),
            shell=next(filter(None, (_get_text(place, "shell") for place in places)), ""),
            folder=next(filter(None, (_get_text(place, "working-directory") for place in places)), ""),
        )


def _gitlab_steps(top: dict[str, Any]) -> Iterator[Step]:
    for name, job in top.items():
        # A hidden job (`.name`) runs only if another job extends it.
        if name in _GITLAB_KEYWORDS or name.startswith(".") or not fields(job):
            continue
        chain = [job, *_extended_jobs(top, job)]
        inherited = [*chain, _get(top, "default"), top]
        has_image = any(_get(holder, "image") is not None for holder in inherited)
        contained = has_image or (None if "include" in top else False)
        variables = _variables(_get(top, "variables"), *(_get(one, "variables") for one in reversed(chain)))
        # `before_script` and `script` run in one shell, with one set of variables.
        for keys in (("before_script", "script"), ("after_script",)):
            script: list[Text] = []
            for key in keys:
                found = (_get(holder, key) for holder in (chain if key == "script" else inherited))
                script += _texts(top, next((one for one in found if one is not None), ()), set())
            yield Step(name, contained, variables, script)


def _extended_jobs(top: dict[str, Any], job: Any) -> list[Any]:
    """Return the jobs that a job extends, nearest first, if they are in the same file."""
    found: list[Any] = []
    waiting = [job]
    for _ in range(EXTENDS_DEPTH):
        extends = [_get(one, "extends") for one in waiting]
        # If a job extends several jobs, a later one overrides an earlier one.
        names = [name for one in extends for name in (reversed(one) if isinstance(one, list) else [one])]
        waiting = [top[name] for name in names if isinstance(name, Text) and name in top]
        waiting = [one for one in waiting if not any(one is known for known in found)]
        found += waiting
    return found


def _texts(top: dict[str, Any], value: Any, seen: set[int]) -> Iterator[Text]:
    """Yield the texts of a script: a text, or nested lists and `!reference`s, each read once."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Text):
        yield value
    elif isinstance(value, Reference):
        yield from _texts(top, _get(top, *map(_get_text, value)), seen)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(top, item, seen)


_WINDOWS: Final = (b".ps1", b".psm1", b".bat", b".cmd")
_FIRST_LINE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?#!\s*\S*/(?:env\s+(?:-\S+\s+)*)?(?:((?:ba|da|z|k|a)?sh)\b|(python|node|ruby|perl|php|deno|bun|lua))"
)
_MAKEFILE: Final = re.compile(rb"(?:^|/)(?:(?:gnu)?makefile(?:\.[^/]*)?|\.?justfile)$|\.(?:mk|just)$")
# Agents' instruction files can be Markdown with other file names.
_PROSE: Final = re.compile(rb"\.(?:md|markdown|mdx|mdc|prompt|txt)$|(?:^|/)\.[a-z]*rules$")


def language(path: bytes, data: bytes) -> str:
    """Return the language of a script: `shell`, `code`, or empty if the file is not a script."""
    first = _FIRST_LINE.match(data)
    # Husky runs its hooks by a shell; they have no first line that says so.
    hook = path.startswith((b".husky/pre", b".husky/commit-msg", b".husky/post-")) and data[:2] != b"#!"
    if path.endswith(SHELL) or hook or (first and first[1]):
        return "shell"
    return "code" if path.endswith(CODE) or first else ""


def file_commands(
    path: bytes, content: bytes, documents: Documents, *, needed: bool = True
) -> Iterator[Command]:
    """Yield the commands of a file with their lines, and whether the file says to run each one.

    Args:
        path: the file's path, which decides how it is read.
        content: the file's content.
        documents: the documents of the judged tree, which parse data files.
        needed: False if the file has no command that is looked for, should it be data that cannot be read.

    Raises:
        MissingFact: the file is a data file that cannot be read, and is needed.
    """
    text, name = content.decode("utf-8-sig", "surrogateescape"), path.lower()
    if name.endswith((b".yaml", b".yml")):
        yield from _yaml_commands(path, content, text)
    elif name.endswith((b".json", b".toml")):
        data = documents.data(path)
        if data is not None and data.problem is None:
            yield from _data_commands(data.value, lambda place: data.line(place) or 1)
        elif data is not None and data.problem is not None and needed:
            raise MissingFact(f"{path_text(path)} cannot be read: {data.problem.message}")
    elif name.endswith(_WINDOWS):
        text = text.replace("\\", "/").replace("`", " ")
        yield from parse_commands(_COMMENTS.sub(lambda found: "\n" * found[0].count("\n"), text))
    elif _PROSE.search(name):
        yield from _markdown_commands(text)
    elif _MAKEFILE.search(name):
        # A recipe's line begins with a tab, in a justfile also with spaces, and then with signs for make.
        space = " " if name.endswith((b"justfile", b".just")) else ""
        recipes = rf"^(?:[\t{space}]+[@+-]*|[^\t\n{space}].*)"
        yield from parse_commands(re.sub(recipes, "", text.replace("$(shell ", "$("), flags=re.MULTILINE))
    elif language(path, content) == "shell":
        yield from parse_commands(text)
    elif language(path, content):
        first, names = _FIRST_LINE.match(content), (b".rb", b".pl", b".php", b"jenkinsfile")
        backquotes = name.endswith(names) or (first and first[2] in (b"ruby", b"perl", b"php"))
        yield from _code_commands(text, _CALL_OR_BACKQUOTE if backquotes else _CALL)


# Comments of PowerShell and of batch files, and the `@` before a command; shells share `#`.
_COMMENTS: Final = re.compile(r"(?ims)<#.*?(?:#>|\Z)|^[ \t]*(?:@[ \t]*)?(?:rem\b|::)[^\n]*|^[ \t]*@(?=\w)")

# A call that starts a command in a programming language, up to the text or a list's first word.
_CALL: Final = re.compile(
    r"\b(?:system|popen|Popen|run|call|check_call|check_output|getoutput|getstatusoutput|exec\w*|spawn\w*|shell"
    r"|shell_exec|passthru|create_subprocess_\w+|sh)\s*\(\s*(?:args\s*=\s*)?(?:(?:shlex\.split\(|[\[(])\s*)?"
    r"[fFrRbBuU]{0,2}(?=[\"'`])|(?:await\s+(?:\$|execa)|\bBun\.\$)(?=`)"
)
_TEXT: Final = re.compile(
    r"(\"{3}|'{3})(.*?)\1|([\"'])((?:(?!\3)[^\\\n]|\\.)*)\3|`((?:[^`\\]|\\.)*)`", re.DOTALL
)
# Between literals there may be variables; the value of an option may be one.
_NEXT_ARGUMENT: Final = re.compile(r"((?:\s*,\s*[*\w.]+(?=\s*,))*)\s*,\s*(?:\[\s*)?[fFrRbBuU]{0,2}(?=[\"'`])")
# In Ruby, Perl, PHP and Jenkins, backquotes or calls without parentheses run a command.
_CALL_OR_BACKQUOTE: Final = re.compile(
    rf"{_CALL.pattern}|\b(?:system|exec|sh|bat|powershell|pwsh)[ \t(]+(?:script:\s*)?(?=[\"'])|(?<!\\)(?=`)"
)
_COMMENT_LINE: Final = re.compile(r"[ \t]*(?:#|//|\*)")


def _code_commands(text: str, starts: re.Pattern[str]) -> Iterator[Command]:
    """Yield the commands that a program starts with string literals; `$()` replaces other words."""
    newlines = [found.start() for found in re.finditer("\n", text)]
    end = 0
    for call in starts.finditer(text):
        line = bisect_left(newlines, call.start())
        if call.start() < end or _COMMENT_LINE.match(text, newlines[line - 1] + 1 if line else 0):
            continue
        words: list[str] = []
        following: re.Match[str] | None = call
        while following is not None and (literal := _TEXT.match(text, following.end())):
            words.append(literal[2] or literal[4] or literal[5] or "")
            end = literal.end()
            following = _NEXT_ARGUMENT.match(text, end)
            if following and following[1] and words[-1].startswith("-"):
                words.append("$()")
        yield from parse_commands(words[0] if words else "", line + 1)
        yield from parse_commands(f"{shlex.join(words)} $()", line + 1)


# The keys whose values are commands: in plans, hooks' settings, work breakdowns, package.json.
_RUN_KEY: Final = re.compile(
    r"(?i)(?:^|[-_])(?:bash|checks?|cleanup|cmds?|commands?|entry|exec|gates?|powershell|pwsh|run|scripts?|setup"
    r"|shell|start|stop|task|teardown|test|verification|verify)$"
)


# The keys beside a command that only describe it.
_ABOUT: Final = frozenset(["desc", "description", "displayName", "label", "name", "summary", "title"])
# How keys of lists of forbidden commands begin. A hook or a job may be called so, and is read.
_FORBIDS: Final = ("block-", "blocked", "blocklist", "deni", "deny", "disallow", "forbid", "prohibit")


def _yaml_commands(path: bytes, content: bytes, text: str) -> Iterator[Command]:
    """Yield the commands of a CI file's steps, or of other YAML by its keys."""
    try:
        top = read_yaml(content)
    except YamlError:
        # A file that is not valid YAML is read as lines: a wrong command is better than a missed one.
        yield from parse_commands(text)
        return
    # The jobs of CircleCI look like those of GitHub, but not all of their commands are in steps.
    found = () if path.startswith(b".circleci/") else steps(top)
    parts = {id(part): part for step in found for part in step.script}
    for part in parts.values():
        yield from part.commands()
    if not parts:
        yield from _data_commands(top, lambda _: 1)


def _describes(key: str, value: Any) -> bool:
    """True if a key's value only describes the command beside it, or the commands below are forbidden."""
    if isinstance(value, list) or (isinstance(value, dict) and "commands" in value):
        return f"{key}-".lower().startswith(_FORBIDS)
    return key in _ABOUT and isinstance(value, str)


def _data_commands(top: Any, line_of: Callable[[tuple[str | int, ...]], int]) -> Iterator[Command]:
    """Yield the commands below command keys, each with its own line; values behind aliases are read once."""
    stack: list[tuple[tuple[str | int, ...], Any, bool]] = [((), top, False)]
    seen: set[tuple[int, bool]] = set()
    while stack:
        place, value, runs = stack.pop()
        if isinstance(value, str):
            for command in parse_commands(value) if runs else ():
                command.line = command.end_line = getattr(value, "line", None) or line_of(place)
                yield command
        elif (id(value), runs) not in seen:
            seen.add((id(value), runs))
            inner: list[tuple[str | int, Any, bool]] = []
            if isinstance(value, list):
                if runs and len(value) > 1 and all(isinstance(part, str) for part in value):
                    # The list may also be the words of one command.
                    line = getattr(value[0], "line", None) or line_of(place)
                    yield Command(line, value, line)
                inner = [(at, part, runs and isinstance(part, str)) for at, part in enumerate(value)]
            elif isinstance(value, dict) and (
                place[:1] != ("repos",) or value.get("language") not in ("fail", "pygrep")
            ):
                # The `entry` of such a hook of pre-commit runs nothing.
                # In a package.json or a Taskfile, any name may have a command, or a list of them.
                named = place[-1:] in (("scripts",), ("tasks",))
                kinds = (str, list) if named else (str,) if runs else ()
                inner = [
                    (key, part, _RUN_KEY.search(key) is not None or isinstance(part, kinds))
                    for key, part in value.items()
                    if named or not _describes(key, part)
                ]
            stack += [((*place, at), part, here) for at, part, here in reversed(inner)]


_FENCE: Final = re.compile(r"[ \t>]*+(?:[-*+] |[0-9]{1,9}[.)] )?[ \t]*+(`{3,}+|~{3,}+)([^`]*)$")
_SHELL_INFO: Final = frozenset([
    "", "sh", "bash", "shell", "zsh", "ksh", "fish", "console", "terminal", "shell-session", "shellsession",
    "session", "text", "powershell", "pwsh", "ps1", "cmd", "bat", "batch",
])  # fmt: skip
_PROMPT: Final = re.compile(r"^(\s*)(?:\$|>|%|#) ", re.MULTILINE)
_SPAN: Final = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_ITEM: Final = re.compile(r"\s*(?:[-*+]|[0-9]{1,9}[.)])\s")
_NOT: Final = (
    r"(?:never|not|no|nor|nobody|cannot|\w+n['\u2019]t|avoid\w*|forbid\w*|prohibit\w*|banned|disallow\w*|refus\w+"
    r"|reject\w*|block(?:s|ed)|den(?:y|ies|ied))"
)
_NOT_BEFORE: Final = re.compile(rf"(?i)\b(?:{_NOT}(?! +(?:forget|hesitate)\b)|without|instead of)\b")
# The clauses before the last: of "If it fails, run", but not of "Do not, if asked, run" or "No push, or run".
_OTHER_CLAUSES: Final = re.compile(
    r"(?i)(?:^[\W\d]*(?:(?:also|but|otherwise|then),? )?(?:after|as|because|if|in case|instead|once|since"
    r"|to|unless|when\w*|while|without)\b.*?(?:[,:]| [\u2013\u2014-]+|\s(?=then\b))"
    r"|(?:^|(?<=:))[^:]*;|^[^`]*`[^`]*`,(?! then\b)(?=[^`,]*$)|^.*,(?= (?:but|so)\b))\s*(?!\s|(?:and|n?or)\b)"
)
_ROW: Final = r"\s*(?:\([^)]{0,80}\)\s*)?(?:(?:[,;]\s*)?(?:(?:and|or)\s+)?`[^`]{1,80}`\s*)*"
_NOT_AFTER: Final = re.compile(
    rf"(?i){_ROW}(?:(?:and|or)\s+(?:other|similar)\s+\w+\s+)?(?:(?!(?:if|when)\b)\w+\s+){{0,2}}{_NOT}\b"
)
# The text between the commands of a row: "run `make lint`, `make test` and `gt sync`".
_IN_ROW: Final = re.compile(r"[,;]?(?:\s+(?:and|or))?\s*")
# An instruction, with at most a few words before the command: "then run once more `gt sync`". What follows
# a `!` is run by Claude Code.
_INSTRUCTION: Final = re.compile(
    r"(?i)(?:(?<!\S)!|\b(?:always|must|please|(?:have|need|remember|sure) to|perform(?: an?)?|do an?)\s"
    r"|\b(?:(?:re-?)?run|use|execute|call|invoke|type|issue|enter|try|then)\b:?"
    r"(?:\s+[\w'-]+){0,4}:?\s*[*_(\"']*)$"
)
_TELLS: Final = r"\W*(?:an?|how|it|the|they|this|that|what|who|why|issues?|problems?|trouble)\b"
# The text before a command that begins a list item or a paragraph, also behind a label such as "Stop it:" but
# not "Bad:", or before the means of what its first line asks for: "Stop it with". Others tell what was done:
# "An agent ended it with". Then the text that may follow the command.
_LINE_START: Final = re.compile(
    rf"(?i)(?:(?!{_TELLS}|.*\b(?:\w+[^\We]ed|wrong)\b).*\b(?:with|via|using)\s+"
    r"|\s*(?:>\s*)?(?:(?:[-*+]|[0-9]{1,9}[.)])\s+)?(?:\[[ xX]\]\s+)?[*_]{0,2}"
    rf"(?:(?!{_TELLS}|[\w '/-]*\b(?:anti-?pattern|bad|before|cause|dangerous|incorrect|old|problem|removed"
    r"|replaced|risk|terms|unsafe|was|wrong)[*_]*:)\w[\w '/-]{0,40}(?::[*_]{0,2}|[*_]{1,2}:)\s*)?)$"
)
_CONTINUATION: Final = re.compile(
    r"[*_]{0,2}\s*(?:$|[.,;:(#\u2013\u2014-]|(?:and|then|[io]n|from|to|for|before|after|if|when|until|again|or)\b)"
)
_SENTENCE: Final = re.compile(r"[.!?]\s")
_LONGEST_CONTEXT: Final = 400


def _markdown_commands(text: str) -> Iterator[Command]:
    """Yield the commands of fenced shell blocks, and of code spans that no sentence forbids."""
    fence = info = before = lead = ""
    block: list[str] = []
    start, quoted, indented, width = 0, False, False, 0
    for number, line in enumerate(text.split("\n"), start=1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                yield from _block_commands("\n".join(block), info, start)
                fence = ""
            else:
                block.append(line.lstrip("> \t") if quoted else line)
        elif mark:
            fence, info, block, start = mark[1], mark[2].strip().lower(), [], number + 1
            quoted = line.lstrip().startswith(">")
        elif not line.strip():
            before = ""
        else:
            item, heading = _ITEM.match(line), not line.split(maxsplit=1)[0].strip("#")
            indent = len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4))
            # A line with a code span is rather a paragraph, and an item begins no block.
            # In an item, a block is indented from its text on.
            indented = (indented or not (before or item)) and indent >= width + 4 and "`" not in line
            width = width if indented else len(item[0].expandtabs(4)) if item else min(width, indent)
            yield from _block_commands(line if indented else "", "", number)
            before = "" if item or heading else before
            if not item and (heading or line.rstrip().endswith(":")):
                lead = line[:_LONGEST_CONTEXT]
                is_condition = lead.lstrip("#*_ ").startswith(("If ", "When the ", "When you "))
                lead = _OTHER_CLAUSES.sub("", lead) if is_condition else lead
            if not (item and _NOT_BEFORE.search(lead)):
                yield from _span_commands(line, number, before)
            before = (before + " " + line)[-_LONGEST_CONTEXT:]
    if fence:
        yield from _block_commands("\n".join(block), info, start)


def _block_commands(text: str, info: str, start: int) -> Iterator[Command]:
    if re.split(r"[\s{,:]", info, maxsplit=1)[0] in _SHELL_INFO:
        # A prompt is not part of the command; a comment without a prompt stays a comment.
        prompts = any(row.lstrip().startswith("$ ") for row in text.split("\n"))
        yield from parse_commands(_PROMPT.sub(r"\1", text) if prompts else text, start)


def _span_commands(line: str, number: int, before: str) -> Iterator[Command]:
    """Yield the commands in a line's code spans, except those that a sentence forbids."""
    row = end = 0
    for span in _SPAN.finditer(line):
        start, last = span.start(), end
        row = row if last and _IN_ROW.fullmatch(line, last, start) else start
        end = span.end()
        sentence = _SENTENCE.split(before + " " + line[max(0, row - _LONGEST_CONTEXT) : row])[-1]
        rest = line[end : end + _LONGEST_CONTEXT]
        if _forbids(sentence, rest) or _NOT_AFTER.match(_SENTENCE.split(rest)[0]):
            continue
        continues = _CONTINUATION.match(rest)
        first = row <= _LONGEST_CONTEXT and (not before or _ITEM.match(line))
        begins = first and continues and _LINE_START.match(line[:row])
        is_instruction = bool(begins or ((continues or row == start) and _INSTRUCTION.search(sentence)))
        for command in parse_commands(span[2].removeprefix("$ ").strip(), number):
            command.is_instruction = is_instruction
            yield command


def _forbids(sentence: str, rest: str) -> bool:
    """True if a sentence has a negation before a code span, not before an instruction of its own."""
    clause = _OTHER_CLAUSES.sub("", sentence)
    is_own = _INSTRUCTION.search(clause) and not rest.startswith((", or ", ", nor "))
    return _NOT_BEFORE.search(clause if is_own else sentence) is not None
