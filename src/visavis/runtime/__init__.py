"""Running an ONNX graph: where it comes from, how it is folded, cached and compiled.

The lowest room: it knows nothing of faces. ``photos`` runs its detector and ``models`` its
encoders and heads through it.
"""

from visavis.runtime.network import Network, RuntimeName, open_network

__all__ = ["Network", "RuntimeName", "open_network"]
