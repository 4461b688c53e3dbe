"""Pickles, walked without running them."""
