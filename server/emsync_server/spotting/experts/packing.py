"""Readings as arrays and JSON, and back: what the cache keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync.emotion import ValenceArousal
from emsync_server.models import list_models
from emsync_server.spotting.experts.expert import ExpertRow
from emsync_server.spotting.experts.readings import (
    Ekman,
    EkmanProbabilities,
    Estimate,
    Reading,
    Tag,
)

__all__ = ["identities", "identity_of", "pack", "unpack"]


def identity_of(rows: Sequence[ExpertRow]) -> list[list[object]]:
    """What readings of these experts rest on beside the film: names, versions, weights, windows."""
    hashes = {model.name: model.sha256 for model in list_models()}
    return [[row.name, row.version, hashes.get(row.model or ""), str(row.windows)] for row in rows]


def identities(rows: Sequence[ExpertRow]) -> dict[str, str]:
    """One word for each expert: another one where its readings may be others. Whose weights were
    put in place by hand, so that nobody noted their hash, is left out."""
    unknown = {each.name for each in list_models() if None in dict(each.expected).values()}
    return {
        row.name: hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
        for row, parts in zip(rows, identity_of(rows), strict=True)
        if row.model not in unknown
    }


def pack(readings: Sequence[Reading]) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """Embeddings as one array for each expert, the rest as JSON values."""
    told: list[dict[str, Any]] = []
    rows: dict[str, list[NDArray[np.floating]]] = {}
    for each in readings:
        row = _told(each)
        if each.embedding is not None:
            name = f"{each.expert}.{len(each.embedding)}"
            row["at"] = [name, len(rows.setdefault(name, []))]
            rows[name].append(each.embedding)
        told.append(row)
    arrays: dict[str, NDArray[Any]] = {name: np.stack(found) for name, found in rows.items()}
    return arrays, told


def unpack(arrays: dict[str, NDArray[Any]], told: Sequence[dict[str, Any]]) -> list[Reading]:
    """The readings again; raises KeyError, TypeError or ValueError where they are damaged."""
    return [_reading(row, arrays) for row in told]


def _told(each: Reading) -> dict[str, Any]:
    row: dict[str, Any] = {"expert": each.expert, "span_s": [each.start_s, each.end_s]}
    if each.certainty != 1.0:
        row["certainty"] = each.certainty
    if each.estimate is not None:
        mean = each.estimate.mean
        row["estimate"] = [mean.valence, mean.arousal, *each.estimate.variance]
    if each.ekman is not None:
        row["ekman"] = [*map(float, each.ekman.six()), each.ekman.neutral]
    if each.tags:
        row["tags"] = [[tag.name, tag.probability] for tag in each.tags]
    if each.text:
        row["text"], row["language"] = each.text, each.language
    return row


def _reading(row: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Reading:
    embedding = None
    if "at" in row:
        name, index = row["at"]
        embedding = arrays[name][index]
    estimate = ekman = None
    if "estimate" in row:
        valence, arousal, *variance = row["estimate"]
        estimate = Estimate(ValenceArousal(valence, arousal), (variance[0], variance[1]))
    if "ekman" in row:
        *six, neutral = row["ekman"]
        named = {each.value: value for each, value in zip(Ekman, six, strict=True)}
        ekman = EkmanProbabilities(**named, neutral=neutral)
    start_s, end_s = row["span_s"]
    return Reading(
        row["expert"],
        start_s,
        end_s,
        embedding=embedding,
        estimate=estimate,
        ekman=ekman,
        tags=tuple(Tag(name, probability) for name, probability in row.get("tags", ())),
        text=row.get("text", ""),
        language=row.get("language"),
        certainty=row.get("certainty", 1.0),
    )
