"""How a decision looks that was tried, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.show import commits
from backstory.decide.parameters import each_state
from backstory.documents.decisions import preview_document, refusal_document
from backstory.documents.states import name_of
from backstory.history.compare.diff import diff
from backstory.history.compare.patch import lines
from backstory.told import plain
from backstory.values.codec import PLAIN

if TYPE_CHECKING:
    from backstory.cli.show.output import Output
    from backstory.decide.call import Command
    from backstory.decide.execution import Preview
    from backstory.errors import Refused


def refusal(refused: Refused, command: Command, out: Output) -> None:
    """The reason, the code and the details: on standard error, or as the document."""
    document = refusal_document(command, refused)
    if out.json:
        out.document("refusal", **document)
        return
    out.say(f"backstory: {plain(str(command))} was refused: {plain(refused.reason)}")
    if refused.code != refused.reason:
        out.say(f"  code: {plain(refused.code)}")
    for name, value in document["details"].items():
        out.say(f"  {name}: {plain(str(value))}")


def preview(seen: Preview, command: Command, out: Output) -> None:
    """The events that the command would give, and their changes of each state that it read."""
    encoded = [PLAIN.encode(event) for event in seen.events]
    if out.json:
        out.document("preview", **preview_document(command, seen, encoded))
        return
    out.line(
        f"{plain(str(command))} would append:" if encoded else f"{plain(str(command))} would append nothing"
    )
    for event in encoded:
        tags = out.paint("  ".join(map(plain, event.tags)), "green")
        out.line(f"  {out.paint(plain(event.type), 'bold')}  {tags}".rstrip())
        out.line(f"    {commits.data_line(event)}")
    after = dict(each_state(seen.after))
    for name, before in each_state(seen.before):
        difference = diff(before, after[name]).masked()
        title = out.paint(plain(name_of(before)), "bold")
        out.line(title if difference else f"{title}  no change")
        out.lines(f"  {plain(str(line))}" for line in lines(difference))
