"""Leaving: it matters only whether this student is in this course, so nobody else is ever in the way."""

from __future__ import annotations

from backstory import Refused, State, Tag, command
from examples.courses.events import Enrolled, Left


class Enrolment(State):
    course: Tag[str]
    student: Tag[str]
    active: bool = False

    def apply(self, event: Enrolled | Left) -> None:
        self.active = isinstance(event, Enrolled)


@command
def leave(enrolment: Enrolment) -> Left:
    if not enrolment.active:
        raise Refused("not enrolled")
    return Left(enrolment.course, enrolment.student)
