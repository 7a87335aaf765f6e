"""The verbs: a module each, found by `backstory.cli.load`. None imports another one."""
