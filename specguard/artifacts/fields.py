"""The required fields of an artifact: their values, revisions, times and authors."""

from __future__ import annotations

import re
from bisect import bisect_right
from unicodedata import category

from specguard.artifacts.sections import titles_of
from specguard.documents.blocks import List, all_texts, fences, texts
from specguard.documents.completeness import content_of, content_of_text, is_bare_nothing, plain_words
from specguard.documents.data import walk
from specguard.documents.fields import Field, find_fields, normal_name
from specguard.documents.list_items import without_box
from specguard.model import TYPE_CHECKING, cached_method, folders_of, path_text, shortened
from specguard.work.name_templates import path_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any, Final

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.documents.dates import Stamp
    from specguard.model import Finding, Severity
    from specguard.work.named_items import Work, WorkItem


ANY: Final = "any"
DATE: Final = "date"
REVISIONS: Final = "revisions"
TICKED: Final = "ticked"

LONGEST_VALUE: Final = 1000
"""A longer value, in characters, does not match any of a list."""

# The beginning of a remark: "ready (all gates passed)", "ready - see below", "not ready: two open",
# "ready since 2026-01-31".
_REMARK: Final = re.compile(
    r"\s*[(\[;,:\uff08]\s*|\s+[-\u2013\u2014]+\s+|\.(?:\s+|$)"
    r"|\s+(?:(?:on|since|as of)\s+)?[0-9]{4}-[0-9]{2}-[0-9]{2}(?=\s*(?:$|[(\[;,:.]))",
    re.IGNORECASE,
)
# A remark that takes a good value back: "ready, pending sign-off", "none, except the till".
_TAKEN_BACK: Final = re.compile(
    r"(?i)(?:ready|none|done|final|closed|approved|accepted|completed?|passed|resolved)\b[^.]*?"
    r"(?:[(\[;,:\uff08]|\s[-\u2013\u2014]+)\s*(?:but|except|apart from|besides|blocked|other than|unless|if"
    r"|conditional|pending|provided|subject to|once|(?:almost|not yet)(?=\W*$)|TBD|TODO(?! list is empty))\b"
)
# An empty box with the text behind it, and a ticked box by itself.
_BOX: Final = re.compile(r"\[ ?\](?!\()[^\[]*|\[[xX]\](?!\()")
_UNFILLED: Final = re.compile(r"\{\{[^{}\n]{0,300}\}\}")
_NEGATIONS: Final = frozenset("-!~\u00ac\u2212\u2610\u26d4\u2716\u274c\u274e\u2717\u2718\u2b1c\U0001f6ab")
_TICKS: Final = "\u2611\u2705\u2713\u2714\U0001f7e2\ufe0f"
_CHOICE: Final = re.compile(r"\s*[|/,;]\s*|\s+(?:or|and)\s+", re.IGNORECASE)


def invalid_fields(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about fields that are missing, unfilled, contradictory, or have a forbidden value.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    unread: list[str] = []
    flaw = (artifact.data and artifact.data.problem) or artifact.document.problem
    for name, allowed in artifact.contract.fields.items():
        setting, key = f"fields.{name}", normal_name(name)
        if allowed == TICKED:
            yield from _missing_tick(artifact, name)
            continue
        found = find_statements(artifact, name)
        problem = value_problem(found[0].value, allowed, artifact.contract.placeholders) if found else ""
        if not found and flaw:
            unread.append(name)
        elif not found:
            message = f"{path_text(artifact.path)} has no field {name!r}"
            yield artifact.finding(setting, key, message, _fix_text(artifact, name, allowed))
        elif problem:
            help = _fix_text(artifact, name, allowed)
            yield artifact.finding(setting, key, f"{found[0].name} {problem}", help, found[0].line)
        elif clash := _contradiction(artifact, name, allowed, found):
            first, other = (f"{choice(one.value, allowed)!r} in line {one.line}" for one in (found[0], clash))
            message = f"{found[0].name} is {first} and {other}"
            yield artifact.finding(setting, f"again {key}", message, "Leave the one that holds.", clash.line)
    if TICKED in artifact.contract.fields.values():
        for number, line in enumerate(artifact.document.source_lines, start=1):
            if place := _UNFILLED.search(line):
                message = f"{place[0]} is not filled in"
                yield artifact.finding("fields", "to fill", message, "Write what belongs there.", number)
                break
    if unread and flaw:
        names = " and no field ".join(map(repr, unread))
        message = f"{path_text(artifact.path)} has no field {names} that could be read: {flaw.message}"
        help = "Correct that, so that it can be read."
        yield artifact.finding(f"fields.{unread[0]}", "unread", message, help, flaw.line)


def _missing_tick(artifact: Artifact, name: str) -> Iterator[Finding]:
    """Yield a finding if no ticked checklist item begins with a name."""

    def begins(text: str) -> bool:
        return f"{plain_words(text)} ".startswith(f"{plain_words(name)} ")

    if not any(begins(item.words) for item in artifact.document.ticked):
        lines = (text.line for text in texts(artifact.document.blocks) if begins(without_box(text.plain)))
        message = f"{path_text(artifact.path)} has no ticked item {name!r}"
        help = f"Tick it once it is so: '- [x] {name}'."
        yield artifact.finding(f"fields.{name}", normal_name(name), message, help, next(lines, None))


def contradicted_none(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about fields that should be `none` because of another field's value.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    for name, condition in artifact.contract.none_when.items():
        other, _, value = condition.rpartition(".")
        cause = find_statements(artifact, other)[:1]
        if not cause or not choice(cause[0].value, [value]):
            continue
        # A line `Blockers: none` does not answer for a section of that name.
        for field in (*find_statements(artifact, name), *_section_field(artifact, name)):
            if not _says_none(field.value, name):
                message = f"{cause[0].name} is {value!r}, and {field.name} says {shortened(field.value)!r}"
                help = f"Write '{name}: none' once there is none, or another {other}."
                key = f"none {normal_name(name)}"
                yield artifact.finding(f"none_when.{name}", key, message, help, field.line)
                break


def _says_none(value: str, name: str) -> bool:
    """True if a value states that there is none, perhaps with a reason: `No blockers`, `None: all closed`."""
    noun = rf"(?:(?:known|open|outstanding|remaining) )?{re.escape(name.removesuffix('s'))}s?"
    such = rf"(?:there (?:are|is) )?no(?:ne| {noun})(?: remains?)?\b"
    said = re.sub(such, "none", _strip_marks(value[:LONGEST_VALUE]), count=1, flags=re.IGNORECASE)
    first = _REMARK.split(said)[0]
    # A new sentence after "None." makes no exception.
    return is_bare_nothing(first) and not _TAKEN_BACK.match(f"none{said[len(first) :]}")


def find_statements(artifact: Artifact, name: str) -> Sequence[Field]:
    """Return the statements of a field: its fields, or else a section with its name.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    found = find_fields(artifact.values, name, *artifact.contract.aliases_of(name))
    return found or _section_field(artifact, name)


def _section_field(artifact: Artifact, name: str) -> list[Field]:
    """Return the section with a field's name as a field, with its first content as the value.

    The result is empty without such a section. The items of a list become one value, joined with commas; for
    allowed values, only the items of boxes do.
    """
    section = artifact.document.section(name.replace("_", " "), *titles_of(artifact, name))
    if section is None:
        return []
    content = content_of(section.blocks, artifact.contract.placeholders)
    heading, value = " ".join(section.heading.text.plain.split()), content.text
    # A heading with another value, as of a second front matter, is no section of that name.
    stated = heading.partition("(")[0].partition(":")[2].strip()
    if stated and stated.casefold() != value.strip().casefold():
        return []
    first, allowed = next(iter(section.blocks), None), artifact.contract.fields.get(name, ANY)
    if isinstance(first, List) and (_BOX.match(value) or allowed in (ANY, REVISIONS)):
        items = (content_of_text(item.text.plain, artifact.contract.placeholders) for item in first.items)
        value = ", ".join(one.text for one in items if allowed != ANY or one.kind == "content") or value
    return [Field(heading, value, content.line or section.line, "line")]


def value_problem(value: str, allowed: str | Sequence[str], placeholders: Sequence[str] = ()) -> str:
    """Return the problem with a field's value, as a clause; empty if the value is allowed.

    A remark may follow the value, after a bracket, a comma, a semicolon, a colon, a full stop or a dash
    between spaces. A date after the value is a remark too. The existence of revisions is checked by
    `missing_revisions`.

    Args:
        value: the value on one line.
        allowed: `any`, `date`, `revisions`, one value or a list of values, compared by `normal_name`. `any`
            is everything except a placeholder; `none` is an honest value.
        placeholders: texts that do not count as a value.
    """
    if not value.strip():
        return "has no value"
    if allowed in (ANY, DATE, REVISIONS):
        if content_of_text(value, placeholders).kind in {"placeholder", "blank"}:
            return f"has no value, only {shortened(value)!r}"
        if allowed == DATE:
            from specguard.documents.dates import date_problem

            problem = date_problem(value)
            return f"{shortened(value)!r} {problem}" if problem else ""
        return ""
    values = [allowed] if isinstance(allowed, str) else allowed
    if choice(value, values, strict=True):
        return ""
    if len({name for part in _CHOICE.split(value[:LONGEST_VALUE]) if (name := choice(part, values))}) > 1:
        return f"names several of its values: {shortened(value)!r}"
    why = "whose remark denies it" if choice(value, values) else f"which is not one of {', '.join(values)}"
    return f"is {shortened(value)!r}, {why}"


def choice(value: str, allowed: str | Sequence[str], *, strict: bool = False) -> str:
    """Return the one of the allowed values that a text states, ignoring a remark; empty if it states none.

    A text that continues with another allowed value states none: `ready, not-ready` is an unchanged template.
    Nor does a value behind an empty box or, if `strict`, one that its own remark takes back. A demand that
    a value brings with it stays where a remark takes the value back.
    """
    if len(value) > LONGEST_VALUE:
        return ""
    known = {normal_name(one): one for one in ([allowed] if isinstance(allowed, str) else allowed)}
    # Behind a value, a box may be that of the next one.
    plain = _strip_marks(_BOX.sub("", value) if _BOX.match(value) else value)
    # An emoji can be a value itself.
    if whole := known.get(normal_name(value)) or known.get(normal_name(plain)):
        return whole
    first, *rest = _REMARK.split(plain)
    found = known.get(normal_name(_strip_marks(first)), "")
    others = {known.get(normal_name(_strip_marks(part)), found) for part in rest}
    return found if found and others <= {found} and not (strict and _TAKEN_BACK.match(plain)) else ""


def _contradiction(
    artifact: Artifact, name: str, allowed: str | Sequence[str], found: Sequence[Field]
) -> Field | None:
    """Return a second statement of a field with a different value; None without one.

    Candidates are the comment after the first statement, statements in the same part of the document, and the
    section with the field's name. A single other statement counts anywhere if the first one is in front
    matter, which describes the whole document.
    """
    if isinstance(allowed, str):
        return None
    place = _section_line(artifact, found[0])
    anywhere = len(found) == 2 and found[0].form == "front matter"
    others = [Field(name, _comment(artifact, found[0]), found[0].line, "line")]
    others += [other for other in found[1:] if anywhere or _section_line(artifact, other) == place]
    others += _section_field(artifact, name)
    first = choice(found[0].value, allowed)
    return next((one for one in others if choice(one.value, allowed) not in ("", first)), None)


def _comment(artifact: Artifact, field: Field) -> str:
    """Return the comment after a front-matter field: only readers of the source lines see it."""
    if field.form != "front matter":
        return ""
    line = artifact.document.source_lines[field.line - 1]
    before, mark, comment = line[:LONGEST_VALUE].replace("\t#", " #").partition(" #")
    # Within quotation marks it is part of the value.
    return comment if mark and before.rstrip(" \t\"'").endswith(field.value) else ""


def _section_line(artifact: Artifact, field: Field) -> int:
    """Return the first line of the section around a field; 0 for the head of the document.

    The head includes the title and the text directly below it.
    """
    if field.form in {"front matter", "data"}:
        return 0
    sections = artifact.document.sections
    # The last section that begins above a line is the innermost one around it.
    position = bisect_right(sections, field.line, key=lambda section: section.line) - 1
    return 0 if position < 0 or (position == 0 and sections[0].level == 1) else sections[position].line


_EXAMPLES: Final = {ANY: "...", DATE: "2026-01-31", REVISIONS: "main, 3f1c2d4, main..work"}


def _fix_text(artifact: Artifact, name: str, allowed: str | Sequence[str]) -> str:
    values = [allowed] if isinstance(allowed, str) else allowed
    value = _EXAMPLES.get(values[0], " or ".join(values))
    if artifact.structured:
        such = ": 'none' is one" if allowed == ANY else f" such as {value}"
        return f"Give the key {name!r} a value{such}."
    advice = f"State it in front matter, or on a line '{name}: {_EXAMPLES.get(values[0], values[0])}'"
    if allowed == ANY:
        return f"{advice}; 'none' is a value, 'TBD' is not."
    return f"{advice}." if values[0] in _EXAMPLES else f"{advice}, as {value}."


def _strip_marks(text: str) -> str:
    """Return a value without a leading emoji or tick, and without a trailing tick or punctuation."""
    start = next((position for position, char in enumerate(text) if char.isalnum()), 0)
    # A minus or a negation before a word is part of the word.
    return (text if _NEGATIONS & set(text[:start]) else text[start:]).rstrip(_TICKS + " .!;,:")


_BETWEEN: Final = re.compile(r"[,;\s]+(?:and[,;\s]+)?")
_ASIDE: Final = re.compile(r"\([^()]*\)")
# An abbreviated object id has at least seven digits, as git itself abbreviates them.
_OBJECT_ID: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])", re.IGNORECASE)


def missing_records(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about files whose current object id the artifact does not contain.

    Raises:
        MissingFact: an object is missing.
    """
    name = path_text(artifact.path)
    named = _object_ids(artifact) if artifact.contract.records else set()
    for index, template in enumerate(artifact.contract.records):
        files = _recorded_files(artifact, template)
        shown = path_template(template).show(artifact.fields)
        if not files:
            message = f"{name} must name the object id of {shown}, which is not there"
            help = f"Add {shown}, and name what `git hash-object` says of it."
            yield artifact.finding(f"records.{index}", f"record {shown}", message, help)
        for path in files:
            entry = artifact.artifacts.documents.tree.find(path)
            if path == artifact.path or entry is None or any(map(entry.oid.startswith, named)):
                continue
            why = "names another object id than that" if named else "names no object id"
            help = f"Read its present state, and name it: {entry.oid[:12]}."
            message = f"{name} {why} of {path_text(path)}"
            yield artifact.finding(f"records.{index}", f"record {path_text(path)}", message, help)


def _recorded_files(artifact: Artifact, *templates: str) -> Sequence[bytes]:
    """Return the files of templates of `records`: a plain name is relative to the artifact's folder."""
    places = artifact.artifacts.places
    texts = [f"/{one.removeprefix('/')}" if "/" in one else one for one in templates]
    found = [path for text in texts for path in places.files_beside(artifact.folder, text, artifact.fields)]
    return _of_last_passes(artifact, found)


def _of_last_passes(artifact: Artifact, paths: Sequence[bytes]) -> Sequence[bytes]:
    """Return the paths without those in passes that a later one with another of the paths supersedes."""
    over = artifact.artifacts.wave_passes.superseded(paths)
    return [path for path in paths if over.isdisjoint(folders_of(path))]


def missing_revisions(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about revisions in a field that are not right, if the change touches the artifact.

    An untouched or archived one was checked when it was added; its branches may have been deleted since.

    Raises:
        MissingFact: a commit may be one that a shallow clone lacks.
    """
    for name, allowed in artifact.contract.fields.items() if artifact.rewritten else ():
        for field in find_statements(artifact, name)[:1] if allowed == REVISIONS else ():
            if value_problem(field.value, allowed, artifact.contract.placeholders):
                continue
            value = _ASIDE.sub("", field.value.replace("`", " ")[:LONGEST_VALUE])
            parts = dict.fromkeys(filter(None, _BETWEEN.split(value.strip())))
            for part in parts:
                if problem := _revision_problem(artifact, part, only=len(parts) == 1):
                    help = "Name commits, branches or ranges (main..work), with commas; remarks in brackets."
                    key, message = f"{name} {part[:60]}", f"{field.name} has {problem}"
                    yield artifact.finding(f"fields.{name}", key, message, help, field.line)


def _revision_problem(artifact: Artifact, part: str, *, only: bool) -> str:
    """Return what is wrong with a revision or a range, as a clause; empty for a good one.

    The only revision of a field, if it is a commit's id, is the state that was read: it has the files of
    `records`.
    """
    from specguard.change.repository import is_oid

    sides = part.replace("...", "..").split("..")
    if "" in sides or len(sides) > 2:
        return f"{part!r}, not a range between two revisions"
    found = [artifact.artifacts.revision(side) for side in sides]
    if "" in found:
        return f"{sides[found.index('')]!r}, not a commit or branch"
    # The branches of closed work are merged, and `main..work` has no commit any more: names are compared.
    if len(set(found)) < len(found):
        return f"the empty range {part!r}"
    git = artifact.artifacts.change.git
    if only and len(found) == 1 and is_oid(found[0], git.repository.oid_digits):
        for path in _recorded_files(artifact, *artifact.contract.records):
            # It may be archived by the same change.
            if not any(map(git.tree_at(found[0]).has_file, artifact.artifacts.moved.get(path, [path]))):
                return f"{part!r}, a commit without {path_text(path)}"
    return ""


def _object_ids(artifact: Artifact) -> set[str]:
    """Return every text in the visible parts of an artifact that looks like an object id."""
    data = artifact.data
    found = [str(one) for _, one in walk(data.value if data else None) if not isinstance(one, dict | list)]
    found += (text.raw for text in all_texts(artifact.document.blocks))
    found += (fence.content for fence in fences(artifact.document.blocks))
    return {one.lower() for text in found for one in _OBJECT_ID.findall(text)}


def unordered_timestamps(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about the times of an artifact's entries.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    from specguard.documents.dates import as_utc, read_times

    times = read_times(artifact.document)
    if not times.stamps and not times.unclear:
        help = "Begin each entry with its time, as in '- 2026-01-31 14:05Z ...'."
        message = f"{path_text(artifact.path)} has no entry with a time"
        yield artifact.finding("timestamps", "no time", message, help)
        return
    for unclear in times.unclear:
        message = f"the time {unclear.text!r} {unclear.problem}"
        yield artifact.finding("timestamps", "unclear time", message, "", unclear.at)
    for line in times.untimed:
        message = "an entry has no time, while others of its list or table have one"
        help = "Write when it was, as the others do."
        yield artifact.finding("timestamps", "entry without a time", message, help, line)
    stamps = sorted([*times.stamps, *times.days], key=lambda one: one.at)
    if artifact.contract.timestamps == "ascending":
        for stamp, before in _out_of_order(stamps):
            message = f"{stamp.text} comes after {before.text} of line {before.at}, and is earlier"
            help = "Put entries in the order of their times; a late one has the time of its writing."
            yield artifact.finding("timestamps", "time out of order", message, help, stamp.at)
    for stamp in stamps:
        if _is_future(as_utc(stamp.moment), artifact.artifacts):
            help = "Write the time at which the entry was made."
            message = f"the time {stamp.text} is in the future"
            yield artifact.finding("timestamps", "time in the future", message, help, stamp.at)


def _out_of_order(stamps: Sequence[Stamp]) -> Iterator[tuple[Stamp, Stamp]]:
    """Yield each entry that is earlier than one before it, with that one; each break of the order once."""
    latest: list[Stamp] = []
    # A labelled time of the whole document may precede the entries.
    head = len(stamps) > 1 and stamps[0].labelled and not any(one.labelled for one in stamps[1:])
    for stamp in stamps[head:]:
        before = next((one for one in latest if stamp.before(one)), None)
        if before is not None:
            yield stamp, before
            latest = [stamp]
            continue
        # Times with and without an offset are compared separately, so the latest of each kind is kept.
        same = [one for one in latest if (one.moment.tzinfo is None) == (stamp.moment.tzinfo is None)]
        if not same or same[0].moment < stamp.moment:
            latest = [one for one in latest if one not in same] + [stamp]


def _is_future(moment: datetime, artifacts: Artifacts) -> bool:
    """True if a time is more than 14 hours ahead, the maximum difference between local clocks.

    The current time is read only if the day does not decide, since no later check can reuse an outcome that
    depends on it. If `--today` is another day, the end of that day is used.
    """
    import datetime

    from specguard.documents.dates import MOST_AHEAD

    day = artifacts.today()
    if moment <= datetime.datetime.combine(day, datetime.time.min, datetime.UTC) + MOST_AHEAD:
        return False
    now = artifacts.now()
    if day != now.date():
        now = datetime.datetime.combine(day, datetime.time.max, datetime.UTC)
    return moment > now + MOST_AHEAD


_PEOPLE: Final = re.compile(r"[,;&+/]|\band\b|\bund\b")
_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;]{1,64}@[^\s<>()\[\],;]{1,200}")
_BRACKETS: Final = re.compile(r"[(\[<][^()\[\]<>]*[)\]>]")
_ROLE: Final = re.compile(r"\s[-\u2013\u2014]+\s.*|:.*")
# Words in place of a name, without spaces between them.
_NOBODY: Final = {
    "author", "me", "myself", "nobody", "noone", "pending", "self", "somebody", "someone", "theauthor",
    "theowner", "unassigned",
}  # fmt: skip


def wrong_authors(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings if the author is somebody whom `author_not` excludes, by an artifact or a work item.

    Raises:
        MissingFact: an object is missing.
    """
    name, _, key = artifact.contract.author_not.partition(".")
    is_contract = name in artifact.artifacts.contracts
    work, unread = None if is_contract else artifact.artifacts.work(), ""
    if is_contract:
        related = artifact.artifacts.related(artifact, name)
        last = _of_last_passes(artifact, [one.path for one in related])
        others = [(path_text(one.path), _people_of(one, key)) for one in related if one.path in last]
    elif work is not None and name in work.kinds:
        items, unread = related_items(artifact, work, name)
        others = [(str(item), _people(item.fields.get(key, ""))) for item in items]
    else:
        yield _finding(artifact, f"{name!r} is neither a kind of work item nor an artifact", "unknown")
        return
    if unread or not others:
        message = f"no {name} is found whose {key} could be compared with its author"
        message = f"{unread!r} is not the id of one {name}" if unread else message
        step = f"Have the {name} in its folder, or let both paths have a placeholder in common."
        help = f"State on a line '{name}s: ...' which it is about: ids with commas, a title in brackets."
        # Where the field is missing or unfilled, that is what is to be told.
        same = [f"ART009 {normal_name(name)}s"]
        yield _finding(artifact, message, f"no {name}", step if is_contract else help, same_as=same)
    names = artifact.contract.author
    own = [field for name in names for field in find_statements(artifact, name)]
    for other, people in others:
        whose = f"{key} of {other}"
        if not people:
            help = f"State it there in one text, with commas between several: '{key}: ann, bob'."
            yield _finding(artifact, f"the {whose} is not stated, and must not be its author", "nobody", help)
        elif not any(_people(field.value) for field in own):
            help = f"State on a line '{names[0]}: ...' who wrote it ({' or '.join(names[:3])})."
            message = f"it does not say who its author is, who must not be the {whose}"
            same = [f"ART009 {normal_name(one)}" for one in names]
            yield _finding(artifact, message, "author", help, same_as=same)
            return
        elif wrong := [field for field in own if not people.isdisjoint(_people(field.value))]:
            message = f"its author {wrong[0].value!r} is the {whose}"
            yield _finding(artifact, message, "author", "Let somebody else write it.", line=wrong[0].line)


@cached_method
def _people_of(artifact: Artifact, key: str) -> set[str]:
    """Return the people that a field of an artifact names; cached, since it is compared with many others."""
    names = artifact.contract.author if normal_name(key) == "author" else [key]
    # A reviewer counts as the author only if no author is stated.
    fields = next((found for name in names if (found := find_statements(artifact, name))), ())
    return {person for field in fields for person in _people(field.value)}


def related_items(artifact: Artifact, work: Work, kind: str) -> tuple[list[WorkItem], str]:
    """Return the items that an artifact or its path names, or else the item of the change.

    The second value is a part of such a field that names none, or several without a comma or *and* between.
    """
    found, unread = [], ""
    # What a list has is known without its branch; of any other word, a complete name shows that it is an id.
    named = not work.kinds[kind].source
    fields = find_fields(artifact.values, kind, f"{kind}s", f"{kind} id")
    stated = fields or [one for end in ("", "s", " id") for one in find_statements(artifact, kind + end)]
    names = [artifact.fields[kind]] if kind in artifact.fields else [field.value for field in stated]
    listed = _BRACKETS.sub(" ", ",".join(names)[:LONGEST_VALUE]).replace(";", ",")
    for part in filter(str.strip, listed.split(",")):
        most = 0
        for piece in part.replace("&", " and ").split(" and "):
            words = [word.strip(":.") for word in piece.split()]
            read = {word: work.with_id(kind, word, artifact.fields, named=named) for word in words}
            # A number in a title is no id.
            items = [one for word, one in read.items() if one is not None and word in (words[0], one.id)]
            found += items
            most = max(most, len(items))
        unread = unread if most == 1 else part.strip()
    # A section may describe what it is about, and name nothing.
    is_named = fields or kind in artifact.fields or found
    own = artifact.artifacts.item() if artifact.touched and not is_named else None
    return found if own is None or own.kind != kind else [own], unread if is_named else ""


def _people(text: str) -> set[str]:
    """Return the people that a text names, each by name, address and handle; empty for `nobody` and `N/A`."""
    from specguard.declaration.look_alikes import reading

    # Look-alike letters do not make another person. A dash is like a letter, so it is replaced first.
    text = reading(text[:LONGEST_VALUE].replace("\u2013", "-").replace("\u2014", "-"))
    found: set[str] = set(map(str.casefold, _ADDRESS.findall(text)))
    for part in _PEOPLE.split("" if is_bare_nothing(text) else _BRACKETS.sub(" ", _ADDRESS.sub(" ", text))):
        plain = _ROLE.sub("", part).strip().removeprefix("@")
        name = "".join(char for char in normal_name(plain) if category(char)[0] not in "PS")
        # `Agent 3`, `AGENT_3` and `3` are one agent.
        name = name.removeprefix("agent") or name
        if name and name not in _NOBODY and content_of_text(plain).kind == "content":
            found.add(name)
    return found


def _finding(artifact: Artifact, message: str, key: str, help: str = "", **more: Any) -> Finding:
    help = help or f"See {artifact.setting('author_not')} for who it must not be."
    severity: Severity | None = None if artifact.touched else "warning"
    return artifact.finding("author_not", f"author {key}", message, help, severity=severity, **more)
