"""Item models and pure text formatting: no widgets, no file access."""
