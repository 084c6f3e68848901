"""The model folder, the encoder that runs it, and what a card's calibration says."""
