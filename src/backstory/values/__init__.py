"""Events, queries, drafts and commits: their stored form, and the form in which they are shown."""
