"""Apart: footage is parsed and decoded in child processes, and what they say is checked here."""
