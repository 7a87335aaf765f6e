"""What a command line says: options, words, values, files; and the session that they name."""
