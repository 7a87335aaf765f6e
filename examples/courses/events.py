"""The events of a university."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from backstory import Event, Tag

Seats = Annotated[int, Meta(gt=0)]


class CourseOpened(Event, name="courses.course_opened"):
    course: Tag[str]
    capacity: Seats


class CourseResized(Event, name="courses.course_resized"):
    course: Tag[str]
    capacity: Seats


class StudentRegistered(Event, name="courses.student_registered"):
    student: Tag[str]


class Enrolled(Event, name="courses.enrolled"):
    course: Tag[str]
    student: Tag[str]


class Left(Event, name="courses.left"):
    course: Tag[str]
    student: Tag[str]
