"""The desktop application over :mod:`apbundle`: build bundles, look into them, watch them page."""
