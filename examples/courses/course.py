"""A course: opened with a capacity, which may change, but not below the seats that are taken."""

from __future__ import annotations

from backstory import Refused, State, Tag, command, invariant
from examples.courses.events import CourseOpened, CourseResized, Enrolled, Left, Seats


class Course(State):
    course: Tag[str]
    capacity: int = 0
    taken: int = 0

    def apply(self, event: CourseOpened | CourseResized | Enrolled | Left) -> None:
        match event:
            case CourseOpened(capacity=capacity) | CourseResized(capacity=capacity):
                self.capacity = capacity
            case Enrolled():
                self.taken += 1
            case Left():
                self.taken -= 1

    @invariant
    def never_overbooked(self) -> bool:
        return 0 <= self.taken <= self.capacity


@command
def open_course(course: Course, capacity: Seats) -> CourseOpened:
    if course.capacity:
        raise Refused("open already")
    return CourseOpened(course.course, capacity)


@command
def resize(course: Course, capacity: Seats) -> CourseResized | None:
    if not course.capacity:
        raise Refused("no such course")
    if capacity < course.taken:
        raise Refused("more seats are taken", taken=course.taken)
    return CourseResized(course.course, capacity) if capacity != course.capacity else None
