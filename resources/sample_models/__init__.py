"""The models of the sample bundle: small, really computed or trained, and the same at every run."""
