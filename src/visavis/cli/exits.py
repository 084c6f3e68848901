"""Exit codes that are no error; those of errors are in ``visavis.errors``."""

SAME = 0
DIFFERENT = 1
SOME_SKIPPED = 4
INTERRUPTED = 130
