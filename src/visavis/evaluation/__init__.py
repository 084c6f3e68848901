"""Run a model over pairs; fit thresholds and calibration; state figures with intervals."""
