"""No models: the outbox and the log are tables that are none of the project's. Django wants this module all the same."""
