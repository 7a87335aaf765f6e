"""Questions to a history: bisect, searches, lists of commits, entities and counts."""
