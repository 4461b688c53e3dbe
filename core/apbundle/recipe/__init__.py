"""Recipes: a bundle to be built, described in a TOML file that people read, edit and keep beside their models."""
