"""A pickle of features, such as the published `features.pkl`, read without running what is in it.

A pickle is a program. This reader knows containers, text, numbers and numpy's arrays of numbers;
whatever else a file names is refused before it is looked up.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from emsync.errors import InputError, LimitError, NotFoundError

__all__ = ["BROKEN_PICKLE", "read_pickle"]

MOST_BYTES = 32 << 30
BROKEN_PICKLE = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    MemoryError, OverflowError, RuntimeError, struct.error,
)  # fmt: skip
"""What reading a pickle raises that is damaged, nested without end or none, PyTorch's too."""
_NUMPY = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric",
          "numpy._core.numeric")  # fmt: skip
_MULTIARRAY = np.empty(0).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]
_FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]
_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "dict"): dict,
    ("builtins", "list"): list,
    ("builtins", "set"): set,
    **{(module, "ndarray"): np.ndarray for module in _NUMPY},
    **{(module, "dtype"): np.dtype for module in _NUMPY},
    **{(module, "_reconstruct"): _MULTIARRAY for module in _NUMPY},
    **{(module, "scalar"): _SCALAR for module in _NUMPY},
    **{(module, "_frombuffer"): _FROM_BUFFER for module in _NUMPY},
}


class _Reader(pickle.Unpickler):
    """Looks up only what is known."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as pickle has it
        """A class or function that the file names."""
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it wants to run '{module}.{name}'")
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401
        """Refused: it would read other files."""
        raise pickle.UnpicklingError("it refers to something outside itself")


def read_pickle(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """What a pickle holds. Raises InputError, NotFoundError, LimitError in a sentence."""
    if not path.is_file():
        raise NotFoundError(f"There is no file '{path}'.")
    if path.stat().st_size > MOST_BYTES:
        raise LimitError(f"'{path}' is larger than {MOST_BYTES >> 30} GB.")
    try:
        found = _Reader(io.BytesIO(path.read_bytes())).load()
    except pickle.UnpicklingError as err:
        raise InputError(
            f"'{path}' is not read: {err}. Only numbers, text, lists, dictionaries and numpy "
            "arrays of numbers are taken from a pickle."
        ) from err
    except BROKEN_PICKLE as err:
        raise InputError(f"'{path}' is not a complete pickle ({type(err).__name__}).") from err
    return found
