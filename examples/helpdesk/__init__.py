"""A helpdesk: an API and live pages of one application, on SQLite or on PostgreSQL."""
