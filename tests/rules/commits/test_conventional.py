import pytest

from specguard_rules.commits.messages import SubjectForm, footer_problems

FORMS = ("feat!: send an email", "feat(api)!: send an email", "Fix: rule 15", "feat(api,ui): x", "fix: a: b")
NO_FORMS = ("", "add a page", "Add the page: now", " feat: add", "feat : add", "feat(): add", "feat!(a): add",
            "feat:add", "feat:  add", "fe\u200bat: add")  # fmt: skip


def test_the_form() -> None:
    said = [SubjectForm().subject_problem(subject)[0] for subject in (*FORMS, *NO_FORMS)]
    assert said[: len(FORMS)] == [""] * len(FORMS)
    assert all("does not begin with a type" in problem for problem in said[len(FORMS) :])


@pytest.mark.parametrize(
    ("form", "subject", "problem"),
    [
        (SubjectForm(types=["feat", "fix"]), "feature: x", "its type 'feature' is not one of feat, fix"),
        (SubjectForm(types=["feat"], type_case="lower"), "Feat: x", "types are in lower case"),
        (SubjectForm(types=["feat"], type_case="lower"), "WIP: x", "is not one of feat"),
        (SubjectForm(scope="required"), "feat: x", "it has no scope"),
        (SubjectForm(scope="forbidden"), "feat(a): x", "none is wanted"),
        (SubjectForm(scopes=["api", "ui"]), "feat(api, ui): x", ""),
        (SubjectForm(scopes=["api", "ui"]), "feat(api,db): x", "its scope 'db' is not one of api, ui"),
        (SubjectForm(description_case="lower"), "feat: Add", "begins with the capital letter 'A'"),
        (SubjectForm(description_case="lower"), "feat(a)!: \u01c5", "begins with the capital letter"),
        (SubjectForm(description_case="upper"), "feat: add", "begins with the small letter 'a'"),
        (SubjectForm(description_case="upper"), "feat: \u65e5", ""),
    ],
)
def test_settings_of_the_form(form: SubjectForm, subject: str, problem: str) -> None:
    found = form.subject_problem(subject)[0]
    assert (problem in found) if problem else found == ""


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ([], []),
        (["", "text", "", "BREAKING CHANGE: it is gone"], []),
        (["", "BREAKING-CHANGE: it is gone"], []),
        (["", "BREAKING CHANGE #12"], []),
        (["", "Breaking change: it is gone"], [3]),
        (["", "BREAKING CHANGE:it is gone"], [3]),
        (["", "breaking changes # 1\r"], [3]),
        (["", "This is no breaking change: it only moves a file"], []),
    ],
)
def test_what_stands_below_the_subject(body: list[str], problems: list[int]) -> None:
    assert [line for line, _ in footer_problems("\n".join(["feat: x", *body]))] == problems


def test_the_next_step_has_the_form_of_the_settings() -> None:
    def step(subject: str, form: SubjectForm) -> str:
        return form.subject_step(form.subject_problem(subject)[1])

    either = "Write it as 'type(scope): description'"
    assert step("add", SubjectForm()) == either
    assert step("fix(api): x", SubjectForm(scope="forbidden")) == "Write it as 'type: description'"
    kinds = SubjectForm(types=["feat", "fix"])
    assert step("add", kinds) == f"{either}, with a type of feat, fix"
    # The problem lists them already.
    assert step("docs: x", kinds) == either


def test_a_huge_subject_takes_no_time() -> None:
    for piece in ("feat: x", "a(", "a-", "((", " ", ":", "!"):
        SubjectForm().subject_problem(piece * 100_000)
