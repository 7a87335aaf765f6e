"""The formats that history is read from and written to."""
