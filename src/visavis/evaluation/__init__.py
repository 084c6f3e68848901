"""Evaluation: run a model over pairs, fit thresholds and calibration, state figures."""

from visavis.evaluation.calibrate import Calibrated, calibrate
from visavis.evaluation.evaluation import Evaluation, GroupRates, OperatingPoint
from visavis.evaluation.figures import Estimate, Figures
from visavis.evaluation.gate import Gate
from visavis.evaluation.population import compare_all
from visavis.evaluation.protocol import evaluate

__all__ = [
    "Calibrated",
    "Estimate",
    "Evaluation",
    "Figures",
    "Gate",
    "GroupRates",
    "OperatingPoint",
    "calibrate",
    "compare_all",
    "evaluate",
]
