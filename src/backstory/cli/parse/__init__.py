"""Parsing of a command line: options, words, values, files; and the session that they name."""
