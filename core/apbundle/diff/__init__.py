"""What two bundles, or two models, differ in: structure, metadata, tensors, and how far the numbers lie apart."""
