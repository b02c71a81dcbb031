"""Reading configuration out of scripts without running them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.importing.script import Unreadable, read_script


def plain(value: Any) -> Any:
    """A value with the texts of what could not be read."""
    if isinstance(value, Unreadable):
        return f"<{value.text}>"
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def read(text: str) -> Any:
    data = read_script(text, {"Level.Error": 2})
    assert data.problem is None, data.problem
    return plain(data.value)


@pytest.mark.parametrize(
    "text",
    [
        "module.exports = {a: [1, 'x']};",
        "export default {a: [1, 'x']}",
        "/** @type {X} */\nmodule.exports = {\n  a: [1, 'x',],\n};\n",
        "import x from 'y'\nconst c = {a: [1, 'x']}\n\nexport default c\n",
        "const c: X<Y> = {\n  a: [1, 'x'],\n}\nmodule.exports = c;",
        "export default { a: [1, 'x'] } as const;",
        "export default { a: [1, 'x'] } satisfies X;",
        "export default ({ 'a': [1, \"x\"] });",
        "export = {a: [+1, `x`]}",
        "const list = [1, 'x'];\nexport default {a: list};",
        "const rest = ['x'];\nexport default {a: [1, ...rest]};",
        "const a = [1, 'x'];\nexport default {a};",
        "const base = {a: 0};\nexport default {...base, a: [1, 'x']};",
        "// module.exports = {b: 1}\n/* export default {b: 2} */ module.exports = {a: [1, 'x']};",
        "const t = 'export default {b: 1}'; module.exports = {a: [1, 'x']}",
        "const r = /[}'\"/]/; module.exports = {a: [1, 'x']}",
        "\ufeffmodule.exports = {a: [1, '\\x78']}",
        "module.exports = {a: [1, '\\u0078'], }",
    ],
)
def test_a_literal_is_read_however_it_is_exported(text: str) -> None:
    assert read(text) == {"a": [1, "x"]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("-1", -1), ("0x10", 16), ("1e3", 1000.0), ("1_000", 1000), ("true", True), ("null", None),
        ("undefined", None), ("Infinity", float("inf")), ("Level.Error", 2), ("'a\\'b'", "a'b"),
        ("'a\\\nb'", "ab"), ('"\\u{1F600}"', "\U0001f600"), ("[, 1]", [1]), ("({b: 1})", {"b": 1}),
        ("[[[]]]", [[[]]]),
    ],
)  # fmt: skip
def test_values(value: str, expected: object) -> None:
    assert read(f"module.exports = {{a: {value}}}") == {"a": expected}


@pytest.mark.parametrize(
    "value",
    [
        "f(1, {b: 2})", "() => [2, 'x']", "async ctx => ({b: [1]})", "function () { return {a: 1} }",
        "process.env.X", "1 + 1", "x ? [1] : [2]", "`a${b}`", "/x[,}]/g", "new Set([1])", "list.map(f)",
        "unknown", "Level.Other", "!x", "[1].concat(y)", "require('x').rules",
    ],
)  # fmt: skip
def test_what_only_running_it_would_give_is_unreadable(value: str) -> None:
    found = read(f"const list = [1];\nmodule.exports = {{a: {value}, b: 1}}")
    assert found["a"].startswith("<")
    assert found["b"] == 1


@pytest.mark.parametrize(
    "change",
    [
        "c.a.push(1)", "c.a[0] = 1", "c['a'] = 1", "c.a = 1", "Object.assign(c, x)", "c.a.b.splice(0)",
        "const c = {}",
    ],
)  # fmt: skip
def test_what_code_alters_is_unreadable(change: str) -> None:
    text = f"const c = {{a: [2]}};\n{change};\nexport default c;"
    problem = read_script(text).problem
    assert problem is not None
    assert "made by code" in problem.message


def test_reading_from_it_does_not_alter_it() -> None:
    assert read("const c = {a: 1};\nconsole.log(c.a, c['a'] == 2, c.a === 3);\nexport default c;") == {"a": 1}


def test_methods_and_computed_keys_are_unreadable() -> None:
    found = read("module.exports = {a() { return {x: 1} }, get b() { return 1 }, [c]: 2, d: 1, async e() {}}")
    assert found == {
        "a": "<a() { return {x: 1} }>",
        "get": "<get b() { return 1 }>",
        "[c]": "<[c]: 2>",
        "d": 1,
        "async": "<async e() {}>",
    }


def test_every_key_has_its_line() -> None:
    text = (
        "module.exports = {\n  a: {\n    b:\n      [\n        1,\n      2,\n    ],\n  },\n  c: f(\n  ),\n}\n"
    )
    data = read_script(text)
    assert [data.line(key) for key in (("a",), ("a", "b"), ("a", "b", 1), ("c",))] == [2, 3, 6, 9]


@pytest.mark.parametrize(
    "text", ["", "const a = {b: 1}", "exports.a = 1", "export const a = {}", "f({a: 1})"]
)
def test_nothing_that_is_exported_is_a_problem(text: str) -> None:
    problem = read_script(text).problem
    assert problem is not None
    assert "exports no object" in problem.message


def test_an_export_that_is_made_by_code_is_a_problem_with_its_line() -> None:
    problem = read_script("import {c} from 'x';\n\nexport default c;").problem
    assert problem is not None
    assert (problem.line, "c" in problem.message) == (3, True)


@pytest.mark.parametrize(
    "text",
    [
        "module.exports = " + "[" * 100_000,
        "module.exports = " + "(" * 100_000,
        "module.exports = {a: " * 20_000,
        "module.exports = [" + "f(," * 50_000,
        "module.exports = " + "/*" * 100_000,
        "module.exports = " + "'" * 100_001,
        "".join(f"const a{n} = [a{n + 1}];\n" for n in range(5_000)) + "export default a0;",
        "const a = [a];\nexport default a;",
        "module.exports = [" + "x." * 50_000 + "]",
        "module.exports = [" + "1,{}," * 50_000 + "]",
    ],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    read_script(text)


@given(st.text(alphabet="{}[]()'\"`/\\,:;.= \nabc1$*", max_size=60))
def test_any_text_is_read(text: str) -> None:
    read_script(text)
    read_script(f"module.exports = {text}")
