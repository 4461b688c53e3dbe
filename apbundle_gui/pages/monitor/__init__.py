"""Watch a bundle page within a memory limit."""
