"""Enrolling: the course has a rule and the student has one, and the decision is protected by exactly both."""

from __future__ import annotations

from backstory import Refused, command
from examples.courses.course import Course
from examples.courses.events import Enrolled
from examples.courses.student import LIMIT, Student


@command
def enrol(course: Course, student: Student) -> Enrolled:
    if not course.capacity:
        raise Refused("no such course")
    if not student.registered:
        raise Refused("no such student")
    if course.course in student.courses:
        raise Refused("enrolled already")
    if course.taken == course.capacity:
        raise Refused("the course is full", capacity=course.capacity)
    if len(student.courses) == LIMIT:
        raise Refused("too many courses", limit=LIMIT)
    return Enrolled(course.course, student.student)
