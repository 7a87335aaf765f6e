"""Blame: the event that gave each part of a state its value."""
