"""Ten tasks for whoever writes code with Backstory, person or assistant, each with a checker."""
