"""Findings, and the rules by their codes: why each matters, and how to mend what it finds."""

from __future__ import annotations

import msgspec

from backstory.model.elements import Place


class Rule(msgspec.Struct, frozen=True):
    """A rule: what it finds, why that matters, and how to mend it."""

    finds: str
    why: str
    mend: str


class Finding(msgspec.Struct, frozen=True):
    """A finding: the code of its rule, the element, its line, and what is the matter.

    `element` is the id of an element of the model; after a `/` a part of it: a field, a column, the code of a refusal.
    """

    code: str
    element: str
    place: Place | None
    what: str

    @property
    def rule(self) -> Rule:
        """Its rule."""
        return RULES[self.code]


class Silence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that somebody accepts: its code, its element, and the reason.

    An element stands for its parts, too. `app` is for a project with several applications: silences of the others are
    passed over.
    """

    code: str
    element: str
    reason: str
    app: str | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether it is about a finding."""
        named = finding.element == self.element or finding.element.startswith(f"{self.element}/")
        return finding.code == self.code and named


RULES: dict[str, Rule] = {
    "BM001": Rule(
        "an event that nobody reads",
        "It is written for ever, and nothing that the application shows or decides would be different without it.",
        "Let a state, a projection or a reaction take it; or silence this with the reason for which it is kept.",
    ),
    "BM002": Rule(
        "an event that no command gives and no import brings",
        "The states and read models that wait for it will never see one.",
        "Let a command give it, or take the class out; if another program brings it, import a first one, or silence"
        " this with where it comes from.",
    ),
    "BM003": Rule(
        "a field of a state that no event can fill",
        "It has its default for ever, and what is decided on it is decided once and for all.",
        "Let apply set it from an event, or take it out.",
    ),
    "BM004": Rule(
        "a column of a read model that no event can fill",
        "It is empty in every row, and who reads it believes that there is nothing.",
        "Let apply write it, or take it out and raise the projection's version.",
    ),
    "BM005": Rule(
        "a command without a scenario",
        "Nobody has said what it should give, so nobody hears when it gives something else.",
        "Write given(...).when(...).then(...), and run: pytest --scenarios scenarios.json",
    ),
    "BM006": Rule(
        "a refusal without a scenario",
        "It is a rule of the business, and nothing fails if the rule goes away.",
        "Write given(...).when(...).then_refused(code), and run: pytest --scenarios scenarios.json",
    ),
    "BM007": Rule(
        "a reaction that can trigger itself without end",
        "Its commands give an event that starts it again, and nothing on the way looks at whether it is enough.",
        "Let one of the commands decide on a state that sees the event, and refuse or give nothing when it is enough.",
    ),
    "BM008": Rule(
        "a command that reads more than it uses",
        "Its boundary is wider than its decision: it conflicts with events that could not change what it decides.",
        "Take the id as an argument (order: str), and leave the state out; or use what the state says.",
    ),
    "BM009": Rule(
        "a command that decides on states which cannot see the events that it gives",
        "It does not know what it has decided before: what is refused today may be allowed twice.",
        "Let one of the states that it reads apply one of the events that it gives.",
    ),
    "BM010": Rule(
        "two commands with one name",
        "Commits record the name: a merge, a back-test or a subject cannot tell which of the two decided.",
        'Give one of them another name: @command(name="...").',
    ),
    "BM011": Rule(
        "a type in the store that no class knows",
        "States and projections pass over these events, as if they had not happened.",
        "Bring the class back under this name, or say that it was given up: backstory schema lock --retire TYPE",
    ),
    "BM012": Rule(
        "a version in the store that its class cannot read",
        "A state that reads such an event fails.",
        "The log was written by newer code: update this one, or raise the version and write the upcaster.",
    ),
    "BM013": Rule(
        "a command that gave an event which it does not declare",
        "The picture says less than what happens; whoever trusts it overlooks an effect.",
        "Add the event to the return annotation; if the command gave it only in the past, silence this and say until"
        " when.",
    ),
    "BM014": Rule(
        "a command in the store that the application does not have",
        "Its commits cannot be decided again, so they stop a merge and cannot be tried out.",
        'If it has another name now: @command(name="the old one"). If it is gone for good, silence this and say so.',
    ),
    "BM015": Rule(
        "an event that does not fit its published schema",
        "Stored events could not be read as they were meant.",
        "backstory schema check shows the fields, the remedy and the upcaster.",
    ),
    "BM016": Rule(
        "an application whose scenarios are not recorded",
        "Whether each command and each refusal has a scenario is known only to the tests, while they run.",
        "pytest --scenarios scenarios.json, in the folder of pyproject.toml; put it into addopts, so that each run"
        " records them.",
    ),
    "BM017": Rule(
        "a silence that silences nothing",
        "It would hide a finding that comes later, which nobody has looked at.",
        "Take it out of pyproject.toml.",
    ),
    "BM018": Rule(
        "a command that gives an event without the look that others take before they give it",
        "What the others refuse comes in by this one, and its decision is not protected by theirs.",
        "Let it read the state, too, and refuse what the others refuse.",
    ),
}
"""The rules. A code keeps its meaning for ever."""
