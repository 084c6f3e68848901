"""Open a photo safely; detect, align and crop its faces."""
