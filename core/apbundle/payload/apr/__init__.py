"""The layouts behind the `.apr` magics."""
