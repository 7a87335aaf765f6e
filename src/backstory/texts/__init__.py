"""Texts that people type, on the command line and in forms: values, states and calls of commands."""
