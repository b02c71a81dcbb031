import pytest

from specguard.artifacts.contracts import Contract
from specguard.errors import SpecguardError
from tests.fuzz.policies import load


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "an artifact has a `path` or a `root`, one of the two"),
        ('path = "a.md"\nroot = "b/"', "one of the two"),
        ('path = "a.md"\nmembers = ["b.md"]', "`members` are the files of a `root`"),
        ('root = "a/"', "a `root` needs `members`"),
        ('root = "a/"\nmembers = ["b.md"]\nsections = ["X"]', "a `root` has only `members`; `sections`"),
        ('path = "a.yaml"\nsections = ["X"]', "a.yaml is structured, and has no `sections`"),
        ('path = "a.md"\nauthor_not = "packet"', "`author_not` is the name of a kind or of an artifact"),
        ('path = "a.md"\nfields = {posture = []}', "the field 'posture' has no value that it may have"),
        ('path = "a.md"\nsections = ["Risks"]\naliases = {Risk = ["Hazards"]}', "`aliases` has 'Risk'"),
        ('path = "a/{x}.md"\nclosure = ["b/{y}/"]', "`closure` has {y}, which `path` does not have"),
        (
            'path = "a.md"\nfindings = {severities = ["high"], must_close = ["critical"]}',
            "`findings.must_close` has 'critical', which is not one of its severities: there is high",
        ),
        ('path = "a/{x"', "has a '{' that starts or ends no placeholder"),
        ('path = "a.md"\ncompanions = ["../b.md"]', "has the segment '..'"),
        ('path = "a.md"\nclosure = ["a/../b/"]', "has the segment '..'"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(table: str, problem: str) -> None:
    with pytest.raises(SpecguardError) as error:
        load({"specguard.toml": f"[artifacts.x]\n{table}"})
    assert problem in "; ".join(one.message for one in error.value.each())


def test_aliases_are_found_however_they_are_written() -> None:
    contract = Contract(path="a.md", aliases={"Unresolved Questions": ["Open"], "last_review": ["reviewed"]})
    assert contract.aliases_of("unresolved questions") == ["Open"]
    assert contract.aliases_of("Last review") == ["reviewed"]
    assert contract.aliases_of("Risks") == []
