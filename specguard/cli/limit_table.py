"""Every limit that a user can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.cli.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_STOPS: Final = "[`{}`](errors/{}.md)"
_SIZE: Final = _STOPS.format("size-limit", "size-limit")
_TIME: Final = _STOPS.format("time-limit", "time-limit")
_SPENT: Final = _STOPS.format("budget-spent", "budget-spent")
_NOTHING: Final = "nothing"
_RUNS: Final = "specguard.runs.settings:RunSettings"
_HOOKS: Final = "specguard.integrations.hooks"

TIMES: Final[Sequence[Limit]] = (
    Limit(
        "a run",
        f"{_RUNS}.timeout",
        "",
        "`timeout` of `[runs]`, `--timeout`",
        f"{_TIME}; the run is `timed-out`",
    ),
    Limit(
        "a command of a run: the agent, a hook, a gate without its own",
        f"{_RUNS}.command_timeout",
        "",
        "`command_timeout` of `[runs]`, `--command-timeout`",
        f"it is ended; an agent's run is `timed-out` ({_TIME}), a gate has failed",
    ),
    Limit(
        "a gate",
        "specguard.work.kinds:Gate.timeout",
        "",
        "`timeout` of `[[work.<kind>.gates]]`",
        "it is ended, and has failed",
    ),
    Limit(
        "the silence of a run",
        f"{_RUNS}.stale_after",
        "",
        "`stale_after` of `[runs]`",
        "it is taken for dead: it can be resumed, and RUN003 finds it",
    ),
    Limit(
        "a process that is asked to end",
        "specguard.executor.children:GRACE",
        "seconds",
        _NOTHING,
        "it is killed",
    ),
    Limit(
        "the answer of a remote",
        "specguard.executor.remote_git:TIMEOUT",
        "seconds",
        "`--command-timeout`",
        _STOPS.format("remote-unreachable", "remote-unreachable"),
    ),
    Limit(
        "the answer of `gh` or `glab`",
        "specguard.executor.platforms:TIMEOUT",
        "seconds",
        _NOTHING,
        "the pull request is not opened: [`push-refused`](errors/push-refused.md)",
    ),
    Limit(
        "the version of an agent's program",
        "specguard.executor.agent_version:LIMIT",
        "seconds",
        _NOTHING,
        _STOPS.format("agent-version", "agent-version"),
    ),
    *(
        Limit(
            f"an agent's hook, {what}",
            f"{_HOOKS}.answering:SECONDS.{moment}",
            "seconds",
            _NOTHING,
            f"what was asked is refused: {_TIME}",
        )
        for moment, what in (
            ("edit", "before an edit"),
            ("command", "before a command"),
            ("after", "after a tool"),
            ("stop", "at the end of a turn"),
            ("start", "at the start of a session"),
        )
    ),
    Limit(
        "a session's base that moved: the remote that confirms it",
        f"{_HOOKS}.pins:PATIENCE",
        "seconds",
        _NOTHING,
        "it is not confirmed",
    ),
    Limit("a signature, to be made", "specguard.approvals.signatures:SIGNING", "seconds", _NOTHING, _TIME),
    Limit(
        "a signature, to be verified",
        "specguard.approvals.signatures:VERIFYING",
        "seconds",
        _NOTHING,
        f"the rules are `indeterminate`: {_TIME}",
    ),
    Limit(
        "a policy in the cache",
        "specguard.authority.cache:MAX_AGE",
        "seconds",
        _NOTHING,
        "it is compiled anew",
    ),
)

COUNTS: Final[Sequence[Limit]] = (
    Limit(
        "rounds of an agent",
        f"{_RUNS}.max_attempts",
        "",
        "`max_attempts` of `[runs]`, `--max-attempts`",
        f"{_SPENT}; the run is `budget-spent`",
    ),
    Limit(
        "output of a command of a run", f"{_RUNS}.output_limit", "MiB", "`output_limit` of `[runs]`", _SPENT
    ),
    Limit("growth of a run's place", f"{_RUNS}.place_limit", "MiB", "`place_limit` of `[runs]`", _SIZE),
)

SIZES: Final[Sequence[Limit]] = (
    Limit(
        "entries of a change, of all its commits, and files of a tree",
        "specguard.change.git:MAX_ENTRIES",
        "",
        "`max_entries` of the base's policy",
        f"git is ended, and the rules that read them are `indeterminate`: {_SIZE}",
    ),
    Limit(
        "directories of a tree within each other",
        "specguard.change.git:DEPTH",
        "",
        _NOTHING,
        f"git is ended, and the rules that read them are `indeterminate`: {_SIZE}",
    ),
    Limit(
        "the name of an entry, on average, where there are as many as there may be",
        "specguard.change.git:NAME_BYTES",
        "bytes",
        _NOTHING,
        f"git is ended, and the rules that read them are `indeterminate`: {_SIZE}",
    ),
    Limit(
        "a file of the working tree",
        "specguard.change.worktree:FILE_LIMIT",
        "bytes",
        "`exclude` of the rule takes a file out",
        f"the rules that read it are `indeterminate`: {_SIZE}",
    ),
    Limit(
        "a file that is read for its lines",
        "specguard.change.lines:TEXT_LIMIT",
        "bytes",
        "`exclude` of the rule",
        f"the rules that read it are `indeterminate`: {_SIZE}",
    ),
    Limit(
        "a file that is compared line by line",
        "specguard.change.lines:COMPARE_LIMIT",
        "bytes",
        "`exclude` of the rule",
        f"the rules that read it are `indeterminate`: {_SIZE}",
    ),
    Limit(
        "a line",
        "specguard.change.blobs:LINE_LIMIT",
        "bytes",
        "`exclude` of the rule",
        f"the rules that read it are `indeterminate`: {_SIZE}",
    ),
    Limit(
        "a file that is read whole: a document, a record",
        "specguard.change.store:DOCUMENT_LIMIT",
        "bytes",
        _NOTHING,
        f"the rules that read it are `indeterminate`: {_SIZE}",
    ),
    Limit(
        "what a symbolic link holds",
        "specguard.change.objects:LINK_LIMIT",
        "bytes",
        _NOTHING,
        "it is not followed",
    ),
    Limit(
        "a patch for `--patch`", "specguard.change.patch:PATCH_LIMIT", "bytes", "`--range` of a commit", _SIZE
    ),
    Limit("a commit message's file", "specguard.change.messages:MESSAGE_LIMIT", "bytes", _NOTHING, _SIZE),
    Limit(
        "what git tells a pre-push or pre-receive hook",
        "specguard.change.push:INPUT_LIMIT",
        "bytes",
        _NOTHING,
        _SIZE,
    ),
    Limit(
        "refs of one push to a server",
        "specguard.change.received:REFS_LIMIT",
        "",
        "push fewer at once",
        _SIZE,
    ),
    Limit("a pull request's body", "specguard.change.given:BODY_LIMIT", "bytes", _NOTHING, _SIZE),
    Limit("a platform's event", "specguard.change.event:EVENT_LIMIT", "bytes", _NOTHING, _SIZE),
    Limit("a list of reviews", "specguard.change.reviews:REVIEWS_LIMIT", "bytes", _NOTHING, _SIZE),
    Limit(
        "the baseline",
        "specguard.authority.baseline:LIMIT",
        "bytes",
        _NOTHING,
        _STOPS.format("broken-baseline", "broken-baseline"),
    ),
    Limit(
        "an approval's record", "specguard.approvals.reading:LIMIT", "bytes", _NOTHING, "it does not count"
    ),
    Limit("all records of one change", "specguard.approvals.log:MOST", "bytes", _NOTHING, _SIZE),
    Limit(
        "structured data: JSON, TOML, YAML",
        "specguard.documents.data:DATA_LIMIT",
        "characters",
        _NOTHING,
        "it is not read, and what reads it says so",
    ),
    Limit("levels of structured data", "specguard.documents.data:MAX_DEPTH", "", _NOTHING, "it is not read"),
    Limit(
        "a Markdown document",
        "specguard.documents.limits:MAX_CHARACTERS",
        "characters",
        _NOTHING,
        "it is not read",
    ),
    Limit(
        "lines of a Markdown document", "specguard.documents.limits:MAX_LINES", "", _NOTHING, "it is not read"
    ),
    Limit(
        "bars of a Markdown document's tables",
        "specguard.documents.limits:MAX_CELLS",
        "",
        _NOTHING,
        "it is not read",
    ),
    Limit(
        "levels of a Markdown document's lists",
        "specguard.documents.limits:MAX_NESTING",
        "",
        _NOTHING,
        "it is not read",
    ),
    Limit(
        "lines of a Markdown document, each counted for its levels",
        "specguard.documents.limits:MAX_LEVELS",
        "",
        _NOTHING,
        "it is not read",
    ),
    Limit(
        "a work item's document",
        "specguard.work.locate:LARGEST_DOCUMENT",
        "bytes",
        _NOTHING,
        "it is not read, and the item does not resolve",
    ),
    Limit("a pointer", "specguard.work.pointers:LARGEST", "bytes", _NOTHING, "it points to nothing"),
    Limit(
        "a run's file, read as text",
        "specguard.runs.files:LARGEST",
        "bytes",
        _NOTHING,
        "it is not read, and the rules of runs say so",
    ),
    Limit(
        "tests that are looked through for a name",
        "specguard.waves.proofs:TEST_LIMIT",
        "bytes",
        _NOTHING,
        "what is behind that is not seen",
    ),
    Limit(
        "settings of another tool, for `import`",
        "specguard.importing.reading:LIMIT",
        "bytes",
        _NOTHING,
        _SIZE,
    ),
    Limit("a script, for `import`", "specguard.importing.script:LIMIT", "bytes", _NOTHING, "it is not read"),
    Limit(
        "levels of a script, for `import`",
        "specguard.importing.script:MAX_DEPTH",
        "",
        _NOTHING,
        "it is not read",
    ),
    Limit("an agent's event", f"{_HOOKS}.event:LIMIT", "bytes", _NOTHING, "it is refused"),
    Limit(
        "a file that an agent edits in part",
        f"{_HOOKS}.calls:READ_LIMIT",
        "bytes",
        _NOTHING,
        "the edit is judged by its path alone",
    ),
    Limit(
        "an answer of `specguard mcp`",
        "specguard.integrations.mcp.bounds:MOST",
        "characters",
        _NOTHING,
        "it is shortened, and says so",
    ),
    Limit(
        "a resource of `specguard mcp`",
        "specguard.integrations.mcp.bounds:LONGEST_PAGE",
        "characters",
        _NOTHING,
        "it is shortened, and says so",
    ),
    Limit(
        "findings of an HTML report",
        "specguard.reporters.html:LIMIT",
        "characters",
        "`--output json=FILE` has all",
        "the rest is counted",
    ),
    Limit(
        "a Markdown summary",
        "specguard.reporters.markdown:SUMMARY_LIMIT",
        "bytes",
        "`--output json=FILE` has all",
        "it is cut, and says so",
    ),
    Limit(
        "a Markdown comment",
        "specguard.reporters.markdown:COMMENT_LIMIT",
        "bytes",
        "`--output json=FILE` has all",
        "it is cut, and says so",
    ),
    Limit(
        "annotations of a kind, GitHub",
        "specguard.reporters.github:MOST",
        "",
        "`--output sarif=FILE` has more",
        "the rest is counted",
    ),
    Limit(
        "results of a SARIF report",
        "specguard.reporters.sarif:MOST",
        "",
        "`--output json=FILE` has all",
        "the most severe are kept",
    ),
    Limit(
        "outcomes that are kept between checks",
        "specguard.engine.kept:LIMIT",
        "bytes",
        _NOTHING,
        "they are not kept, and the next check takes longer",
    ),
    Limit(
        "the cache of policies",
        "specguard.authority.cache:MAX_SIZE",
        "bytes",
        _NOTHING,
        "the oldest are removed",
    ),
    Limit(
        "files of the cache of policies",
        "specguard.authority.cache:MAX_FILES",
        "",
        _NOTHING,
        "the oldest are removed",
    ),
)
