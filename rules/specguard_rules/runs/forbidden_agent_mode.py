"""RUN005: runs whose agent worked in a mode, or with a model, that the policy does not allow."""

from __future__ import annotations

from specguard.rules import Finding, Rule, shortened
from specguard_rules.runs._cited import judged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar

    from specguard.rules import AgentSettings, Commit, Models, RunRecords, Stage
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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = (
        "runs.require", "runs.grade", "runs.gates", "runs.quick_gates", "runs.full_gates"
    )  # fmt: skip
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
            told: set[str] = set()
            for name, words, key in _agents(run):
                found = [*_flags(run, name, words, agents), *_models(words, models)]
                for message, setting in found:
                    if message in told:
                        continue
                    told.add(message)
                    yield Finding(
                        f"the agent of the run {run_records.shown(run)} {message}",
                        help="Do it again without that, or let the policy allow it by name.",
                        path=run_records.path(run),
                        line=run.line(*key),
                        commit=commit.oid if commit else None,
                        key=f"{run_records.shown(run)} {message}",
                        setting=setting,
                    )
            agent = run.value.get("agent")
            asked = agent.get("approval_policy") if isinstance(agent, dict) else None
            if isinstance(asked, str) and asked not in run_records.settings.approval_policies:
                yield Finding(
                    f"the agent of the run {run_records.shown(run)} had the approval policy "
                    f"{shortened(asked, 80)!r}, which the policy does not name",
                    help="Do it again with one of them.",
                    path=run_records.path(run),
                    line=run.line("agent", "approval_policy"),
                    commit=commit.oid if commit else None,
                    key=f"{run_records.shown(run)} approval {asked}",
                    setting="runs.approval_policies",
                )

        yield from judged(commits, run_records, forbidden, whole=whole)


def _agents(run: RunRecord) -> Iterator[tuple[str, Sequence[str], tuple[str | int, ...]]]:
    """The commands of a run's agents: the name that is told, the words, and where they stand."""
    agent = run.value.get("agent")
    if isinstance(agent, dict):
        name = agent.get("name")
        words = _words(agent.get("command"))
        if words:
            yield name if isinstance(name, str) else "", words, ("agent", "command")
    for key in ("command", "cmd", "argv"):
        words = _words(run.value.get(key))
        if words:
            yield "", words, (key,)
    commands = run.value.get("commands")
    for number, one in enumerate(commands if isinstance(commands, list) else ()):
        if isinstance(one, dict) and (one.get("kind") == "agent" or not run.native):
            words = _words(one.get("command") or one.get("cmd") or one.get("argv"))
            if words:
                yield "", words, ("commands", number)


def _words(command: object) -> Sequence[str]:
    if isinstance(command, list):
        return [str(word) for word in command]
    if not isinstance(command, str):
        return ()
    import shlex

    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _flags(
    run: RunRecord, name: str, words: Sequence[str], agents: Mapping[str, AgentSettings]
) -> Iterator[tuple[str, str]]:
    """The words of high trust that are not allowed, with the setting that could."""
    known = name if name in agents else _known_by(words, agents)
    allowed = agents[known].allow_flags if known else ()
    for word in run.high_trust(words, allowed):
        setting = f"agents.{known}.allow_flags" if known else "agents"
        yield f"had {word}, which nothing asks about and nothing holds", setting


def _known_by(words: Sequence[str], agents: Mapping[str, AgentSettings]) -> str:
    """The agent of the policy whose program a command starts; empty where it is none."""
    programs = [word.rpartition("/")[2] for word in words[:4]]
    for name, settings in agents.items():
        if settings.command[0].rpartition("/")[2] in programs or name in programs:
            return name
    return ""


def _models(words: Sequence[str], models: Models) -> Iterator[tuple[str, str]]:
    """The models that may not be used, with the setting that says so."""
    from specguard.rules import model_words

    for name in model_words.models_in(words):
        refused = models.refusal(*model_words.forms_of(name))
        if refused is None and not name.isascii():
            refused = "a model's name has only ASCII letters", "models.allow"
        if refused is not None:
            yield f"called the model {name!r}, which may not be used: {refused[0]}", refused[1]
