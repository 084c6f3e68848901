"""The log: one JSON object a line, with no face, name, token or address of a person in it."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO

LOG = logging.getLogger("visavis.serving")


class JsonLines(logging.Formatter):
    """A record as one JSON object; what went wrong is told by type and place, never by text.

    Messages of exceptions may name people and files, so only where they were raised is told.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            frames = traceback.extract_tb(error.__traceback__)
            fields["error"] = type(error).__name__
            fields["where"] = [f"{frame.filename}:{frame.lineno}" for frame in frames[-8:]]
        return json.dumps(fields)


def log_to(stream: TextIO = sys.stderr) -> None:
    """Send the server's log, uvicorn's included, to a stream.

    A terminal gets warnings and errors only: a line for each request would push the address away.
    """
    level = logging.WARNING if stream.isatty() else logging.INFO
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for name in ("visavis.serving", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler] if name != "uvicorn.error" else []
        logger.propagate = name == "uvicorn.error"
        logger.setLevel(level)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of clients' mistakes
    # uvicorn's own line for each request would hold paths, and with them names.
    logging.getLogger("uvicorn.access").handlers = []
    logging.getLogger("uvicorn.access").propagate = False
