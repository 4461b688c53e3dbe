"""The page that packs files into a bundle."""
