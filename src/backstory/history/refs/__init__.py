"""Names for points of a history: branches, marks, revisions and times; and the reflog of these names."""
