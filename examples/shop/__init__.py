"""A shop that reacts: cards that are charged, mails that are sent once, reminders after days, and live pages."""
