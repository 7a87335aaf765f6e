"""Courses with a capacity, students with a limit: one decision over two entities, and no aggregate that owns both."""
