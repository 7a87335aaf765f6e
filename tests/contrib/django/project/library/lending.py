"""Decisions of the library as commands, which its makers add when they want them."""

from __future__ import annotations

from collections.abc import Iterator

from backstory import Event, Refused, State, Tag, command


class CopyLent(Event, name="library.CopyLent"):
    copy: Tag[str]
    member: str


class CopyBack(Event, name="library.CopyBack"):
    copy: Tag[str]


class Copy(State):
    copy: Tag[str]
    member: str = ""

    def apply(self, event: CopyLent | CopyBack) -> None:
        self.member = event.member if isinstance(event, CopyLent) else ""


@command
def lend_copy(copy: Copy, member: str) -> Iterator[CopyLent]:
    if copy.member:
        raise Refused(f"{copy.copy} is lent to {copy.member}")
    yield CopyLent(copy.copy, member)


@command
def take_back_copy(copy: Copy) -> Iterator[CopyBack]:
    if not copy.member:
        raise Refused(f"{copy.copy} is not lent")
    yield CopyBack(copy.copy)
