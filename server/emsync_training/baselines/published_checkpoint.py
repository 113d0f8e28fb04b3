"""A person's own `midi_model.pt` in our words: modules are recognised by shape, then by what their
names hint at, then by their order."""

from __future__ import annotations

import pickle
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emsync_training.networks.published import PublishedGenerator

Kind = tuple[tuple[int, ...], bool]
"""Shape of a module's weight, and whether it has a bias."""
Module = tuple[Tensor, Tensor | None]

_HINTS: tuple[tuple[str, ...], ...] = (
    (r"query|(^|[._])w?_?q$|q_proj", r"key|(^|[._])w?_?k$|k_proj",
     r"value|(^|[._])w?_?v$|v_proj", r"out|fc|(^|[._])w?_?o$|o_proj"),
    (r"valence|(^|[._])v(al)?([._]|$)", r"arousal|(^|[._])a(ro)?([._]|$)"),
)  # fmt: skip
"""What names of like modules say, in our order."""


def load_published(path: Path) -> PublishedGenerator:
    """The generator with a checkpoint's weights. Nothing but tensors is unpickled."""
    try:
        data = torch.load(path, weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as err:
        raise ValueError(f"{path} holds no weights that can be read safely: {err}") from err
    network = PublishedGenerator()
    network.load_state_dict(adopted(tensors_of(data), network.state_dict(), str(path)))
    return network.eval()


def adopted(
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    source: str,
    *,
    network: str = "the published generator",
) -> dict[str, Tensor]:
    """Their tensors under our names."""
    found, wanted = _by_kind(theirs), _by_kind(ours)
    out: dict[str, Tensor] = {}
    for kind, names in wanted.items():
        modules = found.get(kind, {})
        if len(modules) != len(names):
            raise ValueError(
                f"{source} is not {network}: it has {len(modules)} modules of shape "
                f"{kind[0]}{' with a bias' if kind[1] else ''}, there should be {len(names)}."
            )
        for our_name, their_name in zip(_in_order(names), _in_order(modules), strict=True):
            weight, bias = modules[their_name]
            mine = our_name if our_name in ours else f"{our_name}.weight"
            out[mine] = weight.reshape(ours[mine].shape)
            if bias is not None:
                out[f"{our_name}.bias"] = bias
    return out


def tensors_of(data: Any) -> dict[str, Tensor]:  # noqa: ANN401 - whatever the file holds
    """The largest mapping of names to tensors, at the top or one level below."""
    mappings = [data, *data.values()] if isinstance(data, Mapping) else []
    states = [
        {str(name): value for name, value in one.items() if isinstance(value, Tensor)}
        for one in mappings
        if isinstance(one, Mapping)
    ]
    return max(states, key=len, default={})


def _by_kind(state: Mapping[str, Tensor]) -> dict[Kind, dict[str, Module]]:
    """Modules by kind, in the order of the state: a linear layer or norm is one, a parameter that
    stands alone too.
    """
    out: dict[Kind, dict[str, Module]] = defaultdict(dict)
    for name, tensor in state.items():
        if name.endswith(".bias"):
            continue
        module = name.removesuffix(".weight")
        bias = state.get(f"{module}.bias")
        shape = list(tensor.shape)
        while len(shape) > 1 and shape[0] == 1:
            shape.pop(0)
        out[tuple(shape), bias is not None][module] = (tensor.float(), bias)
    return out


def _in_order(modules: Mapping[str, Module]) -> list[str]:
    """As they stand in the file; where the names of like modules tell them apart, as those do."""
    names = list(modules)
    for hints in _HINTS:
        size = len(hints)
        if len(names) % size:
            continue
        groups = [names[start : start + size] for start in range(0, len(names), size)]
        roles = [[_role(name, hints) for name in group] for group in groups]
        if all(sorted(group) == list(range(size)) for group in roles):
            return [
                group[role.index(wanted)]
                for group, role in zip(groups, roles, strict=True)
                for wanted in range(size)
            ]
    return names


def _role(name: str, hints: tuple[str, ...]) -> int:
    """Which hint a name's last words match, or -1."""
    last = ".".join(name.lower().split(".")[-2:])
    found = [index for index, hint in enumerate(hints) if re.search(hint, last)]
    return found[0] if len(found) == 1 else -1
