"""The paging engine: which units are in memory under a limit."""
