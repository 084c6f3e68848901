"""Torch modules only: backbones, encoder, pair heads, losses. Imports nothing else of visavis."""
