"""Fields of generated code: their types, a value of each for a test, and the value before any event."""

from __future__ import annotations

from typing import NamedTuple

from backstory.errors import ScaffoldError
from backstory.scaffold.names import snake


class Kind(NamedTuple):
    """A type: a value of it for a test, the value before any event (empty: None), the import that it needs."""

    sample: str
    empty: str
    imported: str = ""


KINDS = {
    "str": Kind("", '""'),
    "int": Kind("1", "0"),
    "float": Kind("1.5", "0.0"),
    "bool": Kind("True", "False"),
    "date": Kind("date(2026, 1, 31)", "", "datetime.date"),
    "datetime": Kind("datetime(2026, 1, 31, 12, tzinfo=UTC)", "", "datetime.datetime"),
    "Decimal": Kind('Decimal("1.50")', "", "decimal.Decimal"),
    "UUID": Kind("UUID(int=1)", "", "uuid.UUID"),
}
"""The types that a field may have."""

TAKEN = {"apply", "everywhere", "inside", "query", "self", "snapshot_every", "version"}
"""Names of other parts of a state's class."""


class Field(NamedTuple):
    """A field by its name and the name of its type."""

    name: str
    type: str = "str"

    @classmethod
    def of(cls, text: str) -> Field:
        """`cents:int`, or `customer` for text. Raises `ScaffoldError`."""
        name, _, kind = text.partition(":")
        if (kind or "str") not in KINDS:
            raise ScaffoldError(f"{text}: a type is one of {', '.join(KINDS)}")
        name = snake(name, "a field")
        if name in TAKEN:
            raise ScaffoldError(f"a state has a part {name} of its own; name the field otherwise")
        is_of_python = name in KINDS and not KINDS[name].imported
        if is_of_python:  # in a class, its own names go before those of Python
            raise ScaffoldError(f"{name} is the name of a type; name the field otherwise")
        return cls(name, kind or "str")

    @property
    def sample(self) -> str:
        """A value for a test, as Python writes it."""
        return KINDS[self.type].sample or f'"{self.name}-1"'

    @property
    def in_state(self) -> str:
        """The annotation and the default of a state's field that events fill."""
        empty = KINDS[self.type].empty
        return f"{self.name}: {self.type} = {empty}" if empty else f"{self.name}: {self.type} | None = None"

    @property
    def imports(self) -> set[str]:
        """The full names that the annotation needs."""
        return {KINDS[self.type].imported} - {""}

    @property
    def sample_imports(self) -> set[str]:
        """The full names that the value of a test needs."""
        return self.imports | ({"datetime.UTC"} if self.type == "datetime" else set())
