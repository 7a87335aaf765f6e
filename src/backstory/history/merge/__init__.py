"""Commits that are taken over, decided again, or taken back."""
