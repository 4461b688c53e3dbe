"""The file format: what the bytes mean, how they are laid out, read, written and verified."""
