"""Changing a bundle that is there: say what is to change, learn what that costs, do it in place or as a new file."""
