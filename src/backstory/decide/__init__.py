"""States and commands: folds, decisions, and the execution of a decision."""
