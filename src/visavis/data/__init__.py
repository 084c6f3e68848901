"""People, pairs and splits: sources of photos become ``FaceSet`` and ``PairSet``."""
