"""Inspect: what is in a bundle, where, and whether it is sound."""
