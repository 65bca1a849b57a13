"""Deep checks: decode and render again, each in a child process that may die without harm."""
