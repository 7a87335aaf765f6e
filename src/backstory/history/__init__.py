"""Questions to a history: those for which Git has verbs."""
