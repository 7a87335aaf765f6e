"""Questions to a history: what Git has verbs for."""
