"""Which acceptance scenarios, and which lines of items, map to no gate or test by name."""

from __future__ import annotations

from specguard.documents.content import plain_words
from specguard.model import Finding, path_text, shortened
from specguard.waves.scenarios import Scenarios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.waves.proofs import Proofs
    from specguard.waves.scenarios import Scenario
    from specguard.work.sources import Source


def unmapped_scenarios(
    path: bytes, found: Sequence[Scenario], proofs: Proofs, setting: str
) -> Iterator[Finding]:
    """The scenarios of a document that map to nothing.

    Raises:
        MissingFact: something that must be read is not there.
    """
    folder = path.rpartition(b"/")[0]
    for scenario in found:
        problem = proofs.unmapped(scenario, folder)
        if problem:
            yield Finding(
                f"the scenario {shortened(scenario.text, 80)!r} {problem}",
                help="Name beside it, in a code span, the gate or the test that shows it.",
                path=path,
                line=scenario.line,
                key=scenario.words[:100],
                setting=setting,
            )


def unmapped_lines(
    source: Source, mapped: Mapping[bytes, Sequence[Scenario]], setting: str
) -> Iterator[Finding]:
    """The acceptance lines of a source's items that no document has.

    Args:
        source: the file that lists the items.
        mapped: the documents that map them, each with what it has.
        setting: the key of the setting that asks for it.

    Raises:
        MissingFact: the source cannot be read.
    """
    stated = [(item, line) for item in source.items for line in item.acceptance]
    if stated and not mapped:
        yield Finding(
            f"{path_text(source.path)} has {len(stated)} lines of acceptance, and no document maps them to "
            "gates or tests",
            help="Write the document, with a row for each line: what must hold, and the test that shows it.",
            path=source.path,
            key="no document",
            setting=setting,
        )
        return
    places = " and ".join(path_text(place) for place in list(mapped)[:2])
    known = Scenarios(one for found in mapped.values() for one in found)
    for item, line in stated:
        if known.say(line.text):
            continue
        yield Finding(
            f"the acceptance {shortened(line.text, 80)!r} of {item} is mapped to no gate or test: it is no "
            f"scenario of {places}",
            help="Add it there, by its id or in the same words, with the gate or the test that shows it.",
            path=source.path,
            line=line.line,
            key=f"{item.id}: {plain_words(line.text)[:100]}",
            setting=setting,
        )
