"""A student: registered once, in no more courses than one can follow."""

from __future__ import annotations

from backstory import Refused, State, Tag, command, invariant
from examples.courses.events import Enrolled, Left, StudentRegistered

LIMIT = 3
"""Courses that a student may follow at a time."""


class Student(State):
    student: Tag[str]
    registered: bool = False
    courses: set[str] = set()

    def apply(self, event: StudentRegistered | Enrolled | Left) -> None:
        match event:
            case StudentRegistered():
                self.registered = True
            case Enrolled(course=course):
                self.courses.add(course)
            case Left(course=course):
                self.courses.remove(course)

    @invariant
    def never_overloaded(self) -> bool:
        return len(self.courses) <= LIMIT


@command
def register(student: Student) -> StudentRegistered:
    if student.registered:
        raise Refused("registered already")
    return StudentRegistered(student.student)
