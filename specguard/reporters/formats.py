"""The formats of reports, by name; what makes a report is imported when one is made."""

from __future__ import annotations

from specguard.authority.policy import load
from specguard.declaration.rule import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final, Literal

    from specguard.errors import SpecguardError
    from specguard.model import Verdict

    Need = Literal["fingerprint", "quotes", "hunks", "rules"]


class Format(Record):
    """A format of reports.

    Attributes:
        name: what it is asked for by.
        target: the function that makes a report of verdicts, as `module:function`.
        error_target: the function that makes one of an error, for when there is no verdict; empty for none.
        needs: what is read for it that others do without: the `fingerprint` of the change, `quotes` of the
            authority beside each finding, the `hunks` of the files that findings are about, the texts of
            the `rules`.
    """

    name: str
    target: str
    error_target: str = ""
    needs: Sequence[Need] = ()

    def render(self, verdicts: Sequence[Verdict]) -> str:
        """The report of the verdicts, ending in a newline."""
        return str(load(self.target)(verdicts))

    def error_report(self, error: SpecguardError) -> str:
        """The report that there is no verdict, and why; empty where the format has none, or it crashes."""
        try:
            return self._of_error(error)
        except Exception:  # noqa: BLE001 - what makes the report may be what is wrong, and standard error says it
            return ""

    def _of_error(self, error: SpecguardError) -> str:
        return str(load(self.error_target)(error)) if self.error_target else ""


def _of(name: str, module: str, end: str = "", errors: str | None = None, *needs: Need) -> Format:
    """A format whose functions in a module of this package have names with these ends."""
    home = f"specguard.reporters.{module}"
    target = "" if errors is None else f"{home}:error_report{errors}"
    return Format(name, f"{home}:render{end}", target, needs)


class ListFormat(Format):
    """A format of which the target makes one report of what is told: findings, and what has no verdict."""

    def render(self, verdicts: Sequence[Verdict]) -> str:
        """The report of the verdicts, ending in a newline."""
        from specguard.reporters.wording import told_of

        return str(load(self.target)(told_of(verdicts)))

    def _of_error(self, error: SpecguardError) -> str:
        from specguard.reporters.wording import told_errors

        return str(load(self.target)(told_errors(error)))


_LISTS: Final = "specguard.reporters.platforms"
_ALL: Final = (
    _of("text", "text"),
    _of("json", "json", "", "", "fingerprint"),
    _of("github", "platforms", "_github", "_github"),
    _of("markdown", "platforms", "_markdown", "_markdown"),
    _of("concise", "brief", "_concise"),
    _of("agent", "brief", "_agent", None, "quotes"),
    _of("html", "html", "", "", "fingerprint", "quotes", "hunks"),
    _of("sarif", "sarif", "", "", "fingerprint", "quotes", "rules"),
    _of("sarif-github", "sarif", "_open", "", "fingerprint", "quotes", "rules"),
    ListFormat("gitlab", f"{_LISTS}:gitlab"),
    _of("junit", "platforms", "_junit", "_junit"),
    ListFormat("rdjson", f"{_LISTS}:rdjson", needs=("rules",)),
    ListFormat("checkstyle", f"{_LISTS}:checkstyle"),
    _of("azure", "platforms", "_azure", "_azure"),
)

FORMATS: Final[Mapping[str, Format]] = {one.name: one for one in _ALL}
"""The formats that ship with specguard, in the order in which they are listed."""


def find_format(name: str, plugins: Sequence[str]) -> Format:
    """The format with a name.

    Args:
        name: its name.
        plugins: the distributions whose formats there are beside those of specguard.

    Raises:
        SpecguardError: there is none.
    """
    if name in FORMATS:
        return FORMATS[name]
    from specguard.engine.plugins import load_registry

    registered = load_registry(plugins).formats
    if name not in registered:
        from specguard.errors import SpecguardError, nearest

        known = [*FORMATS, *registered]
        raise SpecguardError(f"there is no format {name!r}", help=nearest(name, known), code="unknown-name")
    return PluginFormat(name=name, target=registered[name].target, plugin=registered[name].plugin)


class PluginFormat(Format):
    """A format that a plugin makes, of the same data as the JSON report.

    Attributes:
        plugin: the distribution that it comes from.
    """

    plugin: str = ""

    def render(self, verdicts: Sequence[Verdict]) -> str:
        """The report of the verdicts.

        Raises:
            SpecguardError: the plugin's code fails, or returns no text.
        """
        from specguard.errors import SpecguardError
        from specguard.reporters.json import report

        try:
            text = load(self.target)([report(verdict) for verdict in verdicts])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is a plugin's
            problem = f"{type(error).__name__}: {error}"
        else:
            if isinstance(text, str):
                return text
            problem = f"it returned a {type(text).__name__}"
        raise SpecguardError(
            f"the format {self.name!r} of plugin {self.plugin!r} cannot be made: {problem}",
            help="ask for another format, and tell the plugin's author",
            code="plugin-failed",
        )
