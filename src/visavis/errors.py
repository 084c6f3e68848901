"""What can go wrong, each with the exit code that the command line gives it.

Every message is one sentence that names the thing at fault and how to mend it.
"""


class VisavisError(Exception):
    """Base of all errors that visavis raises on purpose.

    Attributes:
        exit_code: what the command line exits with (see ``docs/cli.md``).
    """

    exit_code = 2


class PhotoError(VisavisError):
    """A photo cannot be opened: missing, truncated, too large, not an image."""


class UnknownFormatError(PhotoError):
    """A file is no image of a kind that is read here."""


class OversizedPhotoError(PhotoError):
    """A photo has more pixels than are taken."""


class NoFaceError(VisavisError):
    """No face was found in a photo that was read without trouble."""

    exit_code = 3


class CrowdError(VisavisError):
    """Several faces where the caller asked for exactly one."""


class DataError(VisavisError):
    """A data set, list or table is missing, malformed or contradicts itself."""


class UnknownPersonError(DataError):
    """Nobody in the gallery is called so."""


class UnavailableError(DataError):
    """A gallery's database is in use, out of reach, full, damaged or no longer what was opened.

    Whoever asks is not at fault.
    """


class ModelError(VisavisError):
    """A model is unknown, incomplete, damaged or of another version."""


class UnsupportedRateError(VisavisError):
    """A false-match rate that the comparisons at hand are too few to support."""


class GateError(VisavisError):
    """A bound given with ``--gate`` does not hold."""

    exit_code = 1
