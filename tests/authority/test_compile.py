"""An authority becomes one policy: what several places say is merged, and what guards is asked at once."""

import json
import marshal
import re
from pathlib import Path
from typing import Any

import pytest

from specguard.authority.layers import Merged, toml_layer
from specguard.authority.policy import Guards, Policy
from specguard.declaration.patterns import Covering, Guarding, Selecting
from specguard.declaration.regular_expressions import Expression
from specguard.declaration.rule import Commits
from specguard.errors import MissingFact, SeveralErrors, SpecguardError
from specguard.model import Origin
from specguard.reporters.json import error_report
from specguard.work.kinds import WorkKind
from tests.authority.conftest import Load
from tests.outcomes import there
from tests.rows import recorded, rows

DATA = Path(__file__).parent / "data"
AUTHORITY = (DATA / "compiled.md").read_text()


def test_an_authority_becomes_a_policy(load: Load) -> None:
    policy = load(AUTHORITY)
    assert policy.merge == "squash"
    assert policy.require_work_item == Selecting.of("phase-*")
    locked = there(policy.rule("PTH002"))
    assert locked.settings["paths"].patterns == ("one/", "two/", "docs/api/**", "SPEC_AUTHORITY.md", "ci/")
    assert str(policy.cite("locked-path", "paths.0")) == "preset:one:3"
    assert str(policy.cite("locked-path", "paths.1")) == "preset:two:3"
    assert str(policy.cite("locked-path", "paths.2")) == "SPEC_AUTHORITY.md:5"
    assert str(policy.cite("locked-path", "paths.4")) == "SPEC_AUTHORITY.md:19"
    assert str(policy.cite("work-item-mismatch", "work.phase.branch")) == "preset:two:5"
    assert str(policy.cite("work-item-mismatch", "work.phase.commits.at_most")) == "SPEC_AUTHORITY.md:28"
    assert policy.cite("work-item-mismatch", "") is None
    assert str(policy.origin("merge")) == "preset:two:1"
    assert not any(map(policy.origin, ("base", "rules.stale-base", "work.track")))

    message = there(policy.rule("commit-message"))
    assert (message.severity, message.default_severity) == ("warning", "error")
    assert message.stages == ["commit-msg"]
    assert message.settings["pattern"] == Expression("^(feat|fix): ")
    assert message.load() == message.load()
    forbidden = there(policy.rule("forbidden-path"))
    assert (forbidden.unset, forbidden.active, forbidden.configured) == ("paths", False, False)


def test_a_policy_survives_marshal(load: Load) -> None:
    policy = load(AUTHORITY)
    again = Policy(marshal.loads(marshal.dumps({**policy.data})))
    phase = WorkKind(branch="p-{number}", commits=Commits(at_most=3), commit="feat: {number}")
    assert again.declared("work_kinds") == {"phase": phase}
    assert [rule.code for rule in again.rules] == [rule.code for rule in policy.rules]
    assert again.guards.find(b"docs/API/x") is not None
    assert again.origins == policy.origins
    with pytest.raises(MissingFact):
        again.declared("nothing")
    with pytest.raises(ValueError, match="another version"):
        Policy({"format": 0})


def test_guards_are_forbidden_before_locked_and_excluded(load: Load) -> None:
    policy = load.toml(
        '[rules.forbidden-path]\npaths = ["a/b/", "a/c/d", "**/*.pem"]\n'
        '[rules.locked-path]\npaths = ["a/"]\nexclude = ["a/c"]'
    )
    expected = {
        "a/b/x": ("PTH001", "rules.forbidden-path.paths.0"),
        "k/x.pem": ("PTH001", "rules.forbidden-path.paths.2"),
        "a/x": ("PTH002", "rules.locked-path.paths.0"),
        # An exception is its own rule's alone, and has one case.
        "a/c/x": None,
        "a/c/d": ("PTH001", "rules.forbidden-path.paths.1"),
        "A/C": ("PTH002", "rules.locked-path.paths.0"),
        "b": None,
    }
    found = {path: policy.guards.find(path.encode()) for path in expected}
    assert {path: guard and (guard.code, guard.key) for path, guard in found.items()} == expected
    assert not load.toml('base = "main"').guards


def test_commands_are_bound_to_the_rules_that_hold_them(load: Load) -> None:
    found = {statement.text: [statement.line, statement.rules] for statement in load(AUTHORITY).statements}
    assert found == recorded(__file__, "bound_commands")


HELD = recorded(__file__, "held")


def test_a_sentence_is_held_by_what_is_in_force_alone(load: Load) -> None:
    table = "\n```toml specguard\n[rules.locked-path]\npaths = ['docs/api/', 'ci/']\n"
    table += "[work.phase]\nbranch = 'p-{number}'\ncommits = 1\n"
    policy = load("# A\n\n" + "\n\n".join(HELD) + "\n" + table + "```\n")
    found = {one.text: ", ".join(one.rules) for one in policy.statements}
    assert found == {" ".join(text.replace("`", "").split()): code for text, code in HELD.items()}
    on = "[rules.commit-message]\nconventional = true\n[rules.missing-trailer]\n"
    more = on + "require = [{key = 'Signed-off-by', by_author = true}]\n"
    policy = load("# A\n\n" + "\n\n".join(HELD) + "\n" + table + more + "```\n")
    found = {one.text: ", ".join(one.rules) for one in policy.statements}
    assert found["All commits MUST follow Conventional Commits."] == "CMT002"
    assert found["Each commit shall be signed off."] == "CMT006"


def test_a_sentence_that_nothing_holds_comes_with_the_setting_that_would(load: Load) -> None:
    text = (
        "# A\n\nA dev-only test. Never edit `src/gen/`. Do not commit to `main`. Commits must be signed off. "
        "Only be quick. Must commits be signed off? Is `docs/api/` immutable?\n"
    )
    assert [one.settings for one in load(text).statements] == rows(__file__, "settings_that_would")


def test_the_identity_depends_on_settings_alone(load: Load) -> None:
    one = load.toml('base = "main"')
    assert re.fullmatch("[0-9a-f]{64}", one.policy_id)
    same = load('# Other words\n\nText.\n\n```toml specguard\nbase = "main"\nmerge = "rebase"\n```\n')
    assert same.policy_id == one.policy_id
    assert load.toml('base = "dev"').policy_id != one.policy_id
    off = load.toml('base = "main"\n[rules.commit-form]\nseverity = "off"')
    assert off.policy_id != one.policy_id


def errors(load: Load, settings: str, **options: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(SeveralErrors) as caught:
        load.toml(settings, **options)
    return [(one.place, one.message, one.help) for one in caught.value.errors()]


@pytest.mark.parametrize(("settings", "line", "said", "help"), rows(__file__, "an_error_says_what_to_write"))
def test_an_error_says_what_to_write(load: Load, settings: str, line: int, said: str, help: str) -> None:
    assert errors(load, settings) == [(f"SPEC_AUTHORITY.md:{line}", said, help)]


def test_all_errors_are_told_at_once_with_their_lines(load: Load) -> None:
    found = errors(load, recorded(__file__, "with_errors"))
    assert [(origin.removeprefix("SPEC_AUTHORITY.md:"), message) for origin, message, _ in found] == [
        ("4", "`bsae` is not known"),
        ("5", "`ruls` is not known"),
        ("6", "`rules.comit-form` is not known"),
        ("7", "`rules.PTH001` is not known"),
        ("9", '`rules.commit-form.subject_max` is "x", and must be a whole number'),
        ("10", "`rules.commit-form.limt` is not known"),
        ("11", "`rules.commit-form.severity` is \"fatal\", and must be 'off', 'info', 'warning' or 'error'"),
        ("13", "`rules.locked-path.paths.1` is wrong: the pattern 'b//c' has two slashes in a row"),
        ("15", found[8][1]),
        ("16", "`work.phase.commits.at_most` is 0, and must be greater than or equal to 1"),
        ("16", "`work.phase.commits.atleast` is not known"),
        ("17", "`work.phase.gates.0.run` is missing"),
    ]
    helps = [help for *_, help in found]
    assert helps[:4] == rows(__file__, "helps")
    assert "subject_max" in helps[5]
    assert helps[10] == "did you mean 'at_least'?"


def test_several_errors_are_one_message(load: Load) -> None:
    with pytest.raises(SeveralErrors) as caught:
        load.toml("a = 1\nb = 2")
    assert caught.value.message == (
        "2 errors in the policy: SPEC_AUTHORITY.md:4: `a` is not known; SPEC_AUTHORITY.md:5: `b` is not known"
    )
    told = json.loads(error_report(caught.value))["errors"]
    said = [(one["message"], one["location"]["line"]) for one in told]
    assert said == [("`a` is not known", 4), ("`b` is not known", 5)]
    with pytest.raises(SeveralErrors) as caught:
        load.toml("a = 1")
    one = caught.value
    assert (one.path, one.line, one.message) == ("SPEC_AUTHORITY.md", 4, "`a` is not known")


def test_two_values_in_the_projects_documents_are_an_error(load: Load) -> None:
    [(origin, _, help)] = errors(load, 'base = "main"', files={"specguard.toml": '\nbase = "dev"\n'})
    assert (origin, help) == ("specguard.toml:2", "keep one of them: SPEC_AUTHORITY.md:4 or specguard.toml:2")
    policy = load.toml('base = "main"', files={"specguard.toml": 'base = "main"\nmerge = "squash"\n'})
    assert str(policy.origin("base")) == "SPEC_AUTHORITY.md:4"
    assert str(policy.origin("merge")) == "specguard.toml:2"


def test_settings_of_pyproject_are_read_from_its_table(load: Load) -> None:
    text = '[project]\nname = "x"\n\n[tool.specguard]\nbase = "dev"\n'
    text += '[tool.specguard.rules.locked-path]\npaths = ["a"]\n'
    policy = load(files={"pyproject.toml": text})
    assert policy.base == "dev"
    assert str(policy.cite("locked-path", "paths.0")) == "pyproject.toml:7"
    assert [path for path, _ in policy.documents] == ["pyproject.toml"]


def test_no_authority_at_all_is_none(load: Load) -> None:
    assert load.maybe({}) is None
    for text in ("", "\n", "[project]\n", "[broken", "# specguard\n[project]\n"):
        assert load.maybe({"pyproject.toml": text}) is None


def test_further_documents_are_read(load: Load) -> None:
    files = {"docs/AI.md": "## Forbidden paths\n\n- `x/`\n", "more.toml": 'merge = "merge"\n'}
    policy = load.toml('documents = ["docs/AI.md", "more.toml"]', files=files)
    assert [path for path, _ in policy.documents] == ["SPEC_AUTHORITY.md", "docs/AI.md", "more.toml"]
    assert str(policy.cite("forbidden-path", "paths.0")) == "docs/AI.md:3"
    assert policy.merge == "merge"


DOCUMENT = "SPEC_AUTHORITY.md"


@pytest.mark.parametrize(
    ("files", "mode", "words", "path", "line"),
    [
        *rows(__file__, "an_authority_that_cannot_be_read"),
        ({DOCUMENT: b"a\nb\xff\n"}, 0, "not UTF-8", DOCUMENT, 2),
    ],
)
def test_an_authority_that_cannot_be_read_is_no_policy(
    load: Load, files: dict[str, str | bytes], mode: int, words: str, path: str, line: int
) -> None:
    with pytest.raises(SpecguardError) as caught:
        load.maybe(files, modes={DOCUMENT: mode} if mode else {})
    assert words in caught.value.message
    assert (caught.value.path, caught.value.line) == (path, line or None)


def test_another_authority_can_be_given(load: Load, tmp_path: Any) -> None:
    file = tmp_path / "other.md"
    file.write_text("## Forbidden paths\n\n- x/\n")
    policy = load.toml('base = "main"', authority=str(file))
    assert policy.base is None
    assert policy.guards.find(b"x/y") is not None
    assert policy.documents == [(str(file), "")]
    for wrong in (tmp_path, tmp_path / "none.md"):
        with pytest.raises(SpecguardError):
            load.toml("", authority=str(wrong))


def test_a_rule_can_be_approved_only_where_it_says_so_itself(load: Load) -> None:
    policy = load.toml("[rules.forbidden-path]\napprovable = true\n[rules.locked-path]\napprovable = false")
    for name, approvable in (("forbidden-path", False), ("locked-path", False), ("deceptive-path", True)):
        assert there(policy.rule(name)).approvable is approvable


def test_a_severity_is_a_ceiling(load: Load) -> None:
    policy = load.toml(
        '[rules.commit-form]\nseverity = "info"\n[rules.locked-path]\nseverity = "off"\npaths = ["a"]'
    )
    form, locked = there(policy.rule("commit-form")), there(policy.rule("locked-path"))
    assert (form.severity, locked.severity, locked.active) == ("info", "off", False)
    assert not policy.guards


SETTINGS = "```toml specguard\n[rules.locked-path]\npaths = ['a/']\n```\n"


@pytest.mark.parametrize(
    ("before", "line"),
    [("```text\nnever closed\n\n", 6), ("~~~\n\n", 5), ("1. one\n\n   ```\n   x\n\n", None)],
)
def test_settings_in_a_block_that_is_not_closed_before_them_are_unread(
    load: Load, before: str, line: int | None
) -> None:
    policy = load(f"# Authority\n\n{before}{SETTINGS}")
    # What ends a list ends the block in it.
    assert bool(policy.guards) is (line is None)
    assert [one.line for one in policy.unread] == ([] if line is None else [1, line])
    assert all("is indented, or not closed before it" in one.reason for one in policy.unread[1:])


@pytest.mark.parametrize("fence", ["````markdown", "~~~"])
def test_settings_that_are_shown_as_an_example_are_no_settings(load: Load, fence: str) -> None:
    end = fence.removesuffix("markdown")
    policy = load(f"# Authority\n\n{fence}\n{SETTINGS}{end}\n\n{SETTINGS.replace('a/', 'b/')}")
    assert [guard.pattern for guard in policy.guards.all] == ["b/"]
    assert not policy.unread


def merge(*texts: str) -> Merged:
    """Merge texts, called a, b, c; one that begins with `# preset` is a preset."""
    names = (
        f"{'preset:' * text.startswith('# preset')}{name}"
        for name, text in zip("abcdef", texts, strict=False)
    )
    return Merged(map(toml_layer, texts, names))


@pytest.mark.parametrize(
    ("rule", "setting"),
    [("locked-path", "paths"), ("forbidden-path", "paths"), ("protected-branch", "branches")],
)
def test_every_setting_that_guards_adds_up(rule: str, setting: str, load: Load) -> None:
    files = {"specguard.toml": f'[rules.{rule}]\n{setting} = ["b"]\n'}
    policy = load.toml(f'[rules.{rule}]\n{setting} = ["a"]', files=files)
    [made] = [one for one in policy.rules if one.name == rule]
    assert made.settings[setting].patterns == ("a", "b")
    origins = [str(policy.origin(f"rules.{rule}.{setting}.{index}")) for index in range(2)]
    assert origins == ["SPEC_AUTHORITY.md:5", "specguard.toml:2"]


def test_other_lists_are_replaced() -> None:
    merged = merge('# preset\n[rules.x]\na = ["p", "q"]\nb = ["k"]', '[rules.x]\na = ["r"]')
    assert merged.data == {"rules": {"x": {"a": ["r"], "b": ["k"]}}}
    assert merged.origin(("rules", "x", "a", 1)) == Origin("b", 2)
    assert merged.origin(("rules", "x", "b", 0)) == Origin("preset:a", 4)
    assert ("rules", "x", "a", 1) not in merged.origins


def test_two_values_of_the_project_cite_both_lines() -> None:
    merged = merge("# preset\nx.y = 0", "x.y = 1\nz = true", "x.y = 1\nz = true", "\nx.y = 2\nz = 1")
    assert [(str(one.origin), one.message) for one in merged.problems] == [
        ("d:2", "`x.y` has another value than in b:1"),
        ("d:3", "`z` has another value than in b:2"),
    ]


def test_a_table_and_a_value_replace_each_other() -> None:
    merged = merge("# preset\n[work.p]\ncommits = {exactly = 1}", "work.p.commits = 2")
    assert merged.data == {"work": {"p": {"commits": 2}}}
    assert ("work", "p", "commits", "exactly") not in merged.origins
    merged = merge("# preset\ncommits = 1", "commits = {at_most = 2}")
    assert merged.data == {"commits": {"at_most": 2}}
    assert len(merge("commits = 1", "commits = {at_most = 2}").problems) == 1


FORBIDDEN = ("PTH001", "forbidden-path", Guarding.of("docs/api/", "**/*.pem"), None)
LOCKED = ("PTH002", "locked-path", Guarding.of("Docs/", "a/b/*.md", "LICENSE"), Covering.of("docs/notes/"))


def test_a_folder_that_guarded_paths_lie_in() -> None:
    guards = Guards([FORBIDDEN, LOCKED])
    for folder, pattern in {
        b"docs": "docs/api/",
        b"DOCS": "docs/api/",
        b"a": "a/b/*.md",
        b"a/b": "a/b/*.md",
        b"A/B": "a/b/*.md",
    }.items():
        guard = guards.below(folder)
        assert guard is not None, folder
        assert guard.pattern == pattern
    # What is guarded itself, what has no guarded path, and what a wildcard alone may reach.
    for folder in (b"docs/api", b"a/b/c", b"src", b"LICENSE", b"k"):
        assert guards.below(folder) is None, folder
    wild = Guards([("PTH001", "forbidden-path", Guarding.of("x/[ab]/c/", "y?/z/", "w/**/v/"), None)])
    folders = (b"x", b"x/a", b"y1", b"w", b"w/u")
    assert [folder for folder in folders if wild.below(folder) is not None] == [b"x", b"w"]
