"""Results for people: lines, tables, colours, and the streams that they go to."""
