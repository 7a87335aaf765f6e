"""Removal for good: logs that nothing needs, and parts that are withheld."""
