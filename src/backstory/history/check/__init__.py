"""Checks of a history, of heads that somebody kept, and of snapshots."""
