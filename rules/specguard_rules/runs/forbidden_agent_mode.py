"""RUN005: runs whose agent worked in a mode, or with a model, that the policy does not allow."""

from __future__ import annotations

from specguard.rules import Finding, Rule, shortened
from specguard_rules.runs._cited import TABLES, judged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, ClassVar

    from specguard.rules import AgentSettings, Commit, Models, RunRecords
    from specguard.runs.record import RunRecord


class ForbiddenAgentMode(Rule):
    r"""A run's agent had high trust or a model that is not allowed.

    In the agent's command, high-trust options such as `--yolo` must be in `allow_flags` of `[agents.<name>]`.
    The model must fit `[models]`, and the approval policy `approval_policies` of `[runs]`.

    Why is this bad? Such an agent asks nobody, and nothing holds it back.

    How to fix it: repeat the run without that option, or allow it by name.

    See also: `forbidden-model`

    ```text
    error: .runs/12/1/manifest.json:2: the agent of the run 12/1 called the model 'gemini-3-flash',
      which may not be used: '(?i)flash' denies it
    ```

    ```toml fails
    policy = '''
    [models]
    deny = ["(?i)flash"]

    [runs]
    keep = "tree"
    gates = ["tests"]

    [agents.codex]
    command = ["codex", "exec", "-"]
    '''

    [[commits]]
    message = "docs: runs"

    [commits.files]
    ".runs/12/1/manifest.json" = '''
    {"task_id": "12", "status": "succeeded",
     "command": ["codex", "exec", "--sandbox", "danger-full-access", "-m", "gemini-3-flash", "-"]}
    '''

    [[expect]]
    code = "RUN005"
    path = ".runs/12/1/manifest.json"
    line = 2
    message = "had danger-full-access"

    [[expect]]
    code = "RUN005"
    path = ".runs/12/1/manifest.json"
    message = "the model 'gemini-3-flash'"
    ```

    ```toml passes
    policy = '''
    [runs]
    keep = "tree"
    gates = ["tests"]

    [agents.codex]
    command = ["codex", "exec", "-"]
    allow_flags = ["danger-full-access"]
    '''

    [[commits]]
    message = "docs: runs"

    [commits.files]
    ".runs/12/1/manifest.json" = '''
    {"task_id": "12", "status": "succeeded",
     "command": ["codex", "exec", "--sandbox", "danger-full-access", "-"]}
    '''
    ```
    """

    code: ClassVar[str] = "RUN005"
    name: ClassVar[str] = "forbidden-agent-mode"
    tables: ClassVar[tuple[str, ...]] = TABLES
    condition: ClassVar[str] = "every agent worked in a mode and with a model that the policy allows"

    def check(
        self,
        run_records: RunRecords,
        agents: Mapping[str, AgentSettings],
        models: Models,
        whole: bool,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Read the words of each agent's command."""

        def forbidden(run: RunRecord, commit: Commit | None) -> Iterator[Finding]:
            shown = run_records.shown(run)
            found: dict[str, tuple[str, tuple[str | int, ...], str]] = {}
            for name, words, place in _agents(run):
                for what, setting in (*_flags(run, name, words, agents), *_models(words, models)):
                    found.setdefault(what, (setting, place, what))
            agent = run.value.get("agent")
            asked = agent.get("approval_policy") if isinstance(agent, dict) else None
            if isinstance(asked, str) and asked not in run_records.settings.approval_policies:
                what = f"had the approval policy {shortened(asked, 80)!r}, which the policy does not name"
                found[what] = "runs.approval_policies", ("agent", "approval_policy"), f"approval {asked}"
            for what, (setting, place, key) in found.items():
                yield Finding(
                    f"the agent of the run {shown} {what}",
                    help="Do it again without that, or let the policy allow it by name.",
                    path=run_records.path(run),
                    line=run.line(*place),
                    commit=commit.oid if commit else None,
                    key=f"{shown} {key}",
                    setting=setting,
                )

        yield from judged(commits, run_records, forbidden, whole=whole)


def _agents(run: RunRecord) -> Iterator[tuple[str, Sequence[str], tuple[str | int, ...]]]:
    """The commands of a run's agents: the name that is told, the words, and where they stand."""
    agent, commands = run.value.get("agent"), run.value.get("commands")
    if isinstance(agent, dict):
        name = agent.get("name")
        yield name if isinstance(name, str) else "", _words(agent.get("command")), ("agent", "command")
    for key in ("command", "cmd", "argv"):
        yield "", _words(run.value.get(key)), (key,)
    for number, one in enumerate(commands if isinstance(commands, list) else ()):
        if isinstance(one, dict) and (one.get("kind") == "agent" or not run.native):
            yield "", _words(one.get("command") or one.get("cmd") or one.get("argv")), ("commands", number)


def _words(command: Any) -> Sequence[str]:
    if not isinstance(command, str):
        return [str(word) for word in command] if isinstance(command, list) else ()
    import shlex

    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _flags(
    run: RunRecord, name: str, words: Sequence[str], agents: Mapping[str, AgentSettings]
) -> Iterator[tuple[str, str]]:
    """The words of high trust that are not allowed, with the setting that could."""
    programs = [word.rpartition("/")[2] for word in words[:4]]
    own = (one for one in agents if agents[one].command[0].rpartition("/")[2] in programs or one in programs)
    known = name if name in agents else next(own, "")
    for word in run.high_trust(words, agents[known].allow_flags if known else ()):
        setting = f"agents.{known}.allow_flags" if known else "agents"
        yield f"had {word}, which nothing asks about and nothing holds", setting


def _models(words: Sequence[str], models: Models) -> Iterator[tuple[str, str]]:
    """The models that may not be used, with the setting that says so."""
    from specguard.rules import model_words

    for name in model_words.models_in(words):
        refused = models.refusal(*model_words.forms_of(name))
        if refused is None and not name.isascii():
            refused = "a model's name has only ASCII letters", "models.allow"
        if refused is not None:
            yield f"called the model {name!r}, which may not be used: {refused[0]}", refused[1]
