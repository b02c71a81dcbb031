"""The steps of CI files: GitHub workflows, composite actions and GitLab's `.gitlab-ci.yml`.

Which of them a file is shows in its structure, not in its name.
"""

from __future__ import annotations

from specguard_rules.content._yaml_nodes import YamlError, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard_rules.content._yaml_nodes import Node

GITLAB_KEYWORDS: Final = frozenset(
    [
        "after_script", "before_script", "cache", "default", "image", "include", "pages:deploy", "services",
        "spec", "stages", "types", "variables", "workflow",
    ]
)  # fmt: skip
"""Keys at the top of `.gitlab-ci.yml` that are no jobs (docs.gitlab.com/ci/yaml)."""

EXTENDS_DEPTH: Final = 11
"""GitLab's own limit of nesting for `extends`."""


class Step:
    """What one shell of a CI job runs, or an action that it uses.

    Attributes:
        job: the job's name; empty in a composite action.
        line: where it is in the file, from 1.
        script: the texts that are run one after the other in one shell; none for a step that uses an action.
        uses: the action that a step uses, with the name, text and line of each of its `inputs`.
        shell: what reads the script, such as `bash` or `python`; empty for the default.
        folder: the working directory, relative to the repository's root; empty for the root.
        contained: whether the job runs in a container; None where an included file may say so.
        variables: the variables that are set for the step.
    """

    __slots__ = ("contained", "folder", "inputs", "job", "line", "script", "shell", "uses", "variables")

    def __init__(
        self,
        job: str,
        line: int,
        *,
        contained: bool | None,
        variables: Mapping[str, str],
        script: Sequence[Node] = (),
    ) -> None:
        self.job = job
        self.line = line
        self.script = script
        self.uses = ""
        self.inputs: list[tuple[str, str, int]] = []
        self.shell = ""
        self.folder = ""
        self.contained = contained
        self.variables = variables


def steps(data: bytes) -> Iterator[Step]:
    """The steps of a CI file, in its order.

    Raises:
        YamlError: the file cannot be read, see `yaml_nodes.read`.
    """
    top = read(data)
    if top.kind != "mapping":
        raise YamlError("it is no mapping", top.line)
    if top.get("jobs") is not None:
        yield from _workflow(top)
    elif top.get("runs") is not None:
        yield from _action(top)
    else:
        yield from _gitlab(top)


def _variables(*nodes: Node | None) -> dict[str, str]:
    """The variables of several tables, a later one over an earlier."""
    variables: dict[str, str] = {}
    for node in nodes:
        for name, value in node.fields.items() if node is not None else ():
            # GitLab also has `NAME: {value: TEXT, description: TEXT}`.
            variables[name] = value.text if value.kind == "scalar" else value.string("value")
    return variables


def _workflow(top: Node) -> Iterator[Step]:
    jobs = top.get("jobs")
    for name, job in jobs.fields.items() if jobs is not None else ():
        contained = job.get("container") is not None
        for item in _items(job.get("steps")):
            variables = _variables(top.get("env"), job.get("env"), item.get("env"))
            step = _github_step(name, item, contained, variables)
            for defaults in (job, top):
                step.shell = step.shell or defaults.string("defaults", "run", "shell")
                step.folder = step.folder or defaults.string("defaults", "run", "working-directory")
            yield step


def _action(top: Node) -> Iterator[Step]:
    # Where a composite action runs is its caller's affair; it may be a job without a container.
    for item in _items(top.get("runs", "steps")):
        yield _github_step("", item, False, _variables(item.get("env")))


def _github_step(job: str, item: Node, contained: bool, variables: Mapping[str, str]) -> Step:
    run = item.get("run")
    script = [run] if run is not None else []
    step = Step(job, item.line, contained=contained, variables=variables, script=script)
    step.uses = item.string("uses")
    step.shell = item.string("shell")
    step.folder = item.string("working-directory")
    inputs = item.get("with")
    if inputs is not None:
        step.inputs = [(name, node.text, inputs.key_lines[name]) for name, node in inputs.fields.items()]
    return step


def _gitlab(top: Node) -> Iterator[Step]:
    common = top.get("default")
    included = top.get("include") is not None
    for name, job in top.fields.items():
        # A hidden job (`.name`) runs only where another one extends it.
        if name in GITLAB_KEYWORDS or name.startswith(".") or job.kind != "mapping":
            continue
        chain = [job, *_extended(top, job)]
        inherited = [*chain, *([common] if common is not None else []), top]
        contained: bool | None = any(node.get("image") is not None for node in inherited)
        if not contained and included:
            contained = None
        variables = _variables(top.get("variables"), *(node.get("variables") for node in reversed(chain)))
        # The first two are one shell, with one set of variables.
        for keys in (("before_script", "script"), ("after_script",)):
            script: list[Node] = []
            for key in keys:
                holders = chain if key == "script" else inherited
                node = next((found for holder in holders if (found := holder.get(key)) is not None), None)
                script += _texts(top, node, set())
            yield Step(name, job.line, contained=contained, variables=variables, script=script)


def _extended(top: Node, job: Node) -> list[Node]:
    """The jobs that a job extends, nearest first, as far as they are in the same file."""
    found: list[Node] = []
    waiting = [job]
    for _ in range(EXTENDS_DEPTH):
        names: list[str] = []
        for one in waiting:
            extends = one.get("extends")
            if extends is not None:
                # Of several a later one overrides an earlier.
                names += (
                    [extends.text] if extends.kind == "scalar" else [n.text for n in reversed(extends.items)]
                )
        waiting = [node for name in names if (node := top.get(name)) is not None and node not in found]
        found += waiting
    return found


def _texts(top: Node, node: Node | None, followed: set[int]) -> Iterator[Node]:
    """The texts of a script: one, a list of them, or lists within it; each `!reference` is followed once."""
    if node is None:
        return
    if node.kind == "scalar":
        yield node
    elif node.tag == "!reference":
        target = top.get(*(item.text for item in node.items))
        if target is not None and id(target) not in followed:
            followed.add(id(target))
            yield from _texts(top, target, followed)
    elif node.kind == "list":
        for item in node.items:
            yield from _texts(top, item, followed)


def _items(node: Node | None) -> list[Node]:
    return node.items if node is not None else []
