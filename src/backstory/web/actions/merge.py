"""A merge, after its preview: exactly what was looked at, or nothing."""

from __future__ import annotations

from backstory.errors import HeadMoved, MergeConflict, RefMoved
from backstory.failing import theirs
from backstory.web import merging, verdicts
from backstory.web.actions import Form, need
from backstory.web.actions.fields import is_sure, one, pairs
from backstory.web.ask import Ask
from backstory.web.page import Answer, Elsewhere


def act(ask: Ask, form: Form) -> Answer:
    """Judge the merge with the answers of the form; with `sure`, do it if they are those that were judged."""
    need(ask, "append")
    answers = merging.answers_of(pairs(form))
    asked = merging.looked(ask, answers)
    if merging.waiting(ask, asked) > merging.MOST_JUDGED:
        return verdicts.too_many(asked)
    ends = merging.ends_of(form)
    note = ""
    if is_sure(form) and one(form, "judged") == answers.signed and ends is not None:
        seen = merging.Looked(asked.source, asked.target, answers, ends)
        try:
            report = merging.judged(ask, seen)
            if merging.is_ready(seen, report):
                with theirs("a command of the application"):
                    ask.whole.switch(asked.target).merge(asked.source, merging.options(ask, seen, report))
                return Elsewhere(ask.url("log", at=asked.target))
        except (HeadMoved, MergeConflict, RefMoved) as moved:
            note = merging.is_gone_on(moved)
            asked = merging.looked(ask, answers)
    return verdicts.page_of(ask, asked, merging.judged(ask, asked), note)
