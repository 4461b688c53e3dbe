"""Read, write, verify and page ``.apbundle`` files: several machine-learning models in one file."""
