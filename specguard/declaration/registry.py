"""The registry of plugins, the checks of what they register, and the built-in formats of reports."""

from __future__ import annotations

import re

from specguard.declaration.rule import LAST, Declaration, Rule, fact_names, import_path, is_code, load
from specguard.errors import SpecguardError, failure_text
from specguard.model import SEVERITIES, STAGES, TYPE_CHECKING, OutputOnStderr, Record, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    Need = Literal["fingerprint", "quotes", "hunks", "rules"]

FAMILIES: Final = {
    "PTH": "paths",
    "CMT": "commits",
    "BRN": "branches",
    "PRQ": "pull requests",
    "WRK": "work items",
    "SPC": "specs",
    "ART": "artifacts",
    "PLN": "plans",
    "CNT": "content",
    "APR": "approvals",
    "RUN": "runs",
    "CFG": "the policy itself",
}
"""The families of rules that ship with specguard; a plugin may use its own letters."""

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
KEBAB_CASE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""The form of the names of rules and formats."""


class PluginError(SpecguardError):
    """The error about a plugin that cannot be used, with its name and the problem."""

    code = "plugin-failed"


class Registered(Record):
    """A rule and its plugin."""

    rule: type[Rule]
    plugin: str


class Format(Record):
    """A format of reports; its code is imported only to make a report.

    Attributes:
        name: the name in options.
        target: the function of `specguard.reporters` that makes a report of verdicts, as `module:function`.
        error_target: the function that makes a report of an error without a verdict; empty for none.
        needs: data that only some formats read: the change's `fingerprint`, `quotes` of the authority, the
            `hunks` of files with findings, the texts of the `rules`.
        takes_list: True if the functions take a list of everything to report: findings, rules that could not
            be judged, or errors.
    """

    name: str
    target: str
    error_target: str = ""
    needs: Sequence[Need] = ()
    takes_list: bool = False

    def render(self, verdicts: Sequence[Verdict]) -> str:
        """Return the report of the verdicts, ending in a newline."""
        return self._make(self.target, verdicts, "list_entries")

    def error_report(self, error: SpecguardError) -> str:
        """Return the report of an error without a verdict; empty if the format has none, or it crashes."""
        try:
            return self._make(self.error_target, error, "error_entries") if self.error_target else ""
        except Exception:  # noqa: BLE001 - the reporter itself may be broken, and stderr has the error
            return ""

    def _make(self, target: str, subject: Any, lister: str) -> str:
        content = load(f"{_REPORTERS}.wording:{lister}")(subject) if self.takes_list else subject
        return str(load(f"{_REPORTERS}.{target}")(content))


class PluginFormat(Format):
    """A format from a plugin, made of the same data as the JSON report.

    Attributes:
        target: its function, as `module:function` from the top.
        plugin: the plugin's distribution.
    """

    plugin: str = ""

    def render(self, verdicts: Sequence[Verdict]) -> str:
        """Return the report of the verdicts.

        Raises:
            SpecguardError: the plugin's code fails, or does not return text.
        """
        report = load(f"{_REPORTERS}.json:report")
        try:
            with OutputOnStderr():
                text = load(self.target)([report(verdict) for verdict in verdicts])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            problem = failure_text(error)
        else:
            if isinstance(text, str):
                return text
            problem = f"it returned a {type(text).__name__}"
        message = f"the format {self.name!r} of plugin {self.plugin!r} cannot be made: {problem}"
        raise PluginError(message, help="ask for another format, and inform the plugin's author")


_REPORTERS: Final = "specguard.reporters"


_BUILT_IN: Final = (
    Format("text", "text:render"),
    Format("json", "json:render", "json:error_report", ["fingerprint"]),
    Format("github", "platforms:render_github", "platforms:error_report_github"),
    Format("markdown", "platforms:render_markdown", "platforms:error_report_markdown"),
    Format("concise", "concise_and_agent:render_concise"),
    Format("agent", "concise_and_agent:render_agent", needs=["quotes"]),
    Format("html", "html:render", "html:error_report", ["fingerprint", "quotes", "hunks"]),
    Format("sarif", "sarif:render", "sarif:error_report", ["rules"]),
    Format("sarif-github", "sarif:render_open", "sarif:error_report", ["rules"]),
    Format("gitlab", "platforms:gitlab", "platforms:gitlab", takes_list=True),
    Format("junit", "platforms:render_junit", "platforms:error_report_junit"),
    Format("rdjson", "platforms:rdjson", "platforms:rdjson", ["rules"], takes_list=True),
    Format("checkstyle", "platforms:checkstyle", "platforms:checkstyle", takes_list=True),
    Format("azure", "platforms:render_azure", "platforms:error_report_azure"),
)

FORMATS: Final[Mapping[str, Format]] = {one.name: one for one in _BUILT_IN}
"""The formats that ship with specguard, in the order of their listing."""


class Registry:
    """Everything that plugins add: rules, declarations, presets and formats of reports.

    A plugin gets this object in its hook `specguard_register(registry)`.

    Args:
        facts: the name of each fact that a rule may ask for, with its annotation as written.
    """

    def __init__(self, facts: Mapping[str, str]) -> None:
        self._facts = dict(facts)
        self.by_code: dict[str, Registered] = {}
        self.rules: dict[str, Registered] = {}
        self.declarations: dict[str, Declaration] = {}
        self.presets: dict[str, str] = {}
        self.formats: dict[str, PluginFormat] = {}
        self.plugin = "?"

    def add_rule(self, rule: type[Rule]) -> None:
        """Add a rule.

        Raises:
            PluginError: the rule lacks a code, a text, examples, stages or a condition. Or it asks for an
                unknown fact, or for one with another type. Or its code or name is taken.
        """
        if problem := next(filter(None, self._problems(rule)), ""):
            raise PluginError(f"plugin {self.plugin!r}: rule {rule.__module__}.{rule.__qualname__} {problem}")
        self.rules[rule.name] = self.by_code[rule.code] = Registered(rule, self.plugin)

    def add_declaration(self, declaration: Declaration) -> None:
        """Add a table at the top of the policy.

        Rules that are registered later can ask for its fact.

        Raises:
            PluginError: the table's name or its fact is taken.
        """
        if declaration.name in self.declarations or declaration.fact in self._facts:
            raise PluginError(f"plugin {self.plugin!r}: the table [{declaration.name}] or its fact is taken")
        self.declarations[declaration.name] = declaration
        types = {"table": "{}", "tables": "Mapping[str, {}]", "list": "Sequence[{}]"}
        self._facts[declaration.fact] = types[declaration.shape].format(declaration.settings.__name__)

    def add_preset(self, name: str, text: str) -> None:
        """Add a policy that an authority may extend, as TOML text.

        Raises:
            PluginError: the name is taken, or the policy is not text.
        """
        if name in self.presets or not isinstance(text, str):
            raise PluginError(f"plugin {self.plugin!r}: the preset {name!r} is taken, or not text")
        self.presets[name] = text

    def add_format(self, name: str, target: str) -> None:
        """Add a format of reports.

        Args:
            name: the name for `--output-format` and `--output`, in kebab case.
            target: the function that makes a report, as `module:function`; it is imported on use. The
                argument is a list of reports in the form of the JSON report (`specguard.report/1`), one for
                each verdict. The function returns the text, ending in a newline.

        Raises:
            PluginError: the name is taken or not in kebab case, or the target has another form.
        """
        if name in FORMATS or name in self.formats or not KEBAB_CASE.fullmatch(name):
            raise PluginError(f"plugin {self.plugin!r}: the format {name!r} is taken, or not in kebab case")
        if not _TARGET.fullmatch(target):
            raise PluginError(f"plugin {self.plugin!r}: {target!r} is not a module:function of a format")
        self.formats[name] = PluginFormat(name, target, plugin=self.plugin)

    def _problems(self, rule: type[Rule]) -> Iterator[str]:
        """Yield problems with a rule, each as a clause; later ones may follow from earlier ones."""
        absent = [one for one in ("code", "condition", "stages") if not getattr(rule, one, None)]
        yield from (f"has no {attribute}" for attribute in absent)
        if not is_code(rule.code):
            yield f"has the code {rule.code!r}, which is not three capital letters and three digits"
        if not KEBAB_CASE.fullmatch(rule.name):
            yield f"has the name {rule.name!r}, which is not in kebab case"
        for taken in (self.by_code.get(rule.code), self.rules.get(rule.name)):
            if taken is not None:
                other = f"{import_path(taken.rule)} of plugin {taken.plugin!r}"
                yield f"takes {rule.code} {rule.name}, which is {other}"
        if rule.severity not in SEVERITIES:
            yield f"has the severity {rule.severity!r}"
        shadowed = {*Rule.__annotations__, "exclude"}.intersection(rule._notes)
        yield from (f"has a setting {name!r}, which every rule has already" for name in sorted(shadowed))
        try:
            rule.condition.format_map(dict.fromkeys(rule._fields, ""))
        except (KeyError, ValueError) as error:
            yield f"has a condition that its settings do not fill: {failure_text(error)}"
        unknown = [stage for stage in rule.stages if stage not in STAGES]
        yield from (f"has the stage {stage!r}, which is not one of {', '.join(STAGES)}" for stage in unknown)
        text = (rule.__dict__.get("__doc__") or "").expandtabs()
        if not text.strip():
            yield "has no docstring, which is its manual page (python -OO and PYTHONOPTIMIZE=2 drop it)"
        indents = [len(line) - len(line.lstrip()) for line in text.split("\n")[1:] if line.strip()]
        margin = " " * min(indents, default=0)
        missing = [kind for kind in ("fails", "passes") if f"\n{margin}```toml {kind}\n" not in text]
        for kind in missing:
            yield f"has no example that {kind} (```toml {kind} in its docstring, indented like its text)"
        yield from self._problems_of_methods(rule)

    def _problems_of_methods(self, rule: type[Rule]) -> Iterator[str]:
        for field in rule.requires:
            if field not in rule._fields and field not in self.declarations:
                yield f"requires {field!r}, which is not one of its settings, and no table"
        for key in rule.tables:
            if key.partition(".")[0] not in {"authority", *self.declarations}:
                yield f"needs the table [{key}], which nothing declares"
        if bool(rule.fixes) != (rule.fix is not None):
            yield "has only one of `fix` and `fixes`, which belong together"
        check = getattr(rule, "check", None)
        yield self._facts_problem(rule, check, 1) if hasattr(check, "__code__") else "has no method check"
        if rule.fix is not None:
            fix = rule.fix.__code__
            if fix.co_varnames[1 : fix.co_argcount][:1] != ("finding",):
                yield "has a method fix that does not take a finding first"
            yield self._facts_problem(rule, rule.fix, 2)

    def _facts_problem(self, rule: type[Rule], method: Any, first: int) -> str:
        """Return the problem with the facts that a method asks for, from its parameter of this number on."""
        names, required = fact_names(method, first)
        for position, parameter in enumerate(names):
            if parameter == "approvals" and not rule.code.startswith(LAST):
                return f"asks for approvals, which are judged after all rules but those of the family {LAST}"
            wanted = self._facts.get(parameter)
            if wanted is None:
                return f"asks for {parameter!r}, not a fact; facts are {', '.join(sorted(self._facts))}"
            if position >= required:
                wanted = f"{wanted} | None"
            annotation = method.__annotations__.get(parameter)
            if annotation != wanted:
                return f"asks for {parameter}: {annotation}, but the fact is {parameter}: {wanted}"
        return ""
