"""Reading the examples of a rule's docstring."""

from typing import ClassVar

import pytest

from specguard.rules import Rule
from specguard.testing import check_rule, examples


class Sample(Rule):
    """A sample.

        ```toml fails
        indented = "as code is text, not an example"
        ```

    ```toml fails
    policy = '''
    [rules.sample]
      deep = true
    '''
    expect = [{path = "a"}]
    ```

    ```toml passes
    branch = "x"
    ```

    ```toml
    other = 1
    ```
    """

    code: ClassVar[str] = "XYZ001"
    name: ClassVar[str] = "sample"


class Undocumented(Rule):
    """A rule that has one example.

    ```toml fails
    ```
    """

    code: ClassVar[str] = "XYZ002"
    name: ClassVar[str] = "undocumented"


def test_examples_are_found_with_their_indentation_taken_away() -> None:
    found = examples(Sample)
    assert [example.name for example in found] == ["XYZ001-fails-1", "XYZ001-passes-2"]
    assert found[0].case.policy == "[rules.sample]\n  deep = true\n"
    assert found[0].case.expect == [{"code": "XYZ001", "path": "a"}]
    assert found[1].case.states == {"XYZ001": "passed"}
    assert list(found[1].case.args) == ["--select=XYZ001"]


def test_a_rule_without_an_example_of_each_kind_is_refused() -> None:
    with pytest.raises(AssertionError, match="XYZ002 undocumented has no example that passes"):
        check_rule(Undocumented)
