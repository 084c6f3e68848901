"""Whether the API can be served here: started, asked for its health, stopped."""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
import time
from pathlib import Path

from visavis.errors import DataError
from visavis.models.model import Model


def check_api(model: Model | None = None) -> str:
    """Serve on a free port of this machine, with an empty gallery that is thrown away.

    Args:
        model: the default model where it is ``None``.

    Returns:
        What was found, in a sentence; also where the packages of the extra are not installed,
        which is no fault.

    Raises:
        DataError: it does not answer as it should.
    """
    try:
        from visavis.serving.run import Address, listen, make_server
        from visavis.serving.service import Service
    except ImportError as error:
        return f"not installed ({error.name}); pip install 'visavis[serve]'"
    with (
        tempfile.TemporaryDirectory(prefix="visavis-") as folder,
        listen(Address("127.0.0.1", 0)) as listener,
    ):
        place = Path(folder)
        service = Service(model or Model.load(), str(place / "people.db"), place / "tokens.json")
        server = make_server(service, Address("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            begun = time.perf_counter()
            status, answer = _health(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
    if status != 200:
        raise DataError(f"the API answers {status}: {answer['error']['message']}")
    return f"healthy after {time.perf_counter() - begun:.1f} s on a port of 127.0.0.1"


def _health(port: int) -> tuple[int, dict[str, dict[str, str]]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/v1/health")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, ValueError) as error:
        raise DataError(f"the API does not answer on 127.0.0.1: {error}") from None
    finally:
        connection.close()
