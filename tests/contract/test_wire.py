"""Laws of values as JSON: nothing is lost, and protobuf agrees."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, json_format
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emsync import wire
from emsync.errors import CueSheetError
from emsync.v1 import (
    composition_pb2,
    cue_pb2,
    progress_pb2,
    rendering_pb2,
    score_pb2,
    spotting_pb2,
    stem_pb2,
    system_pb2,
)
from emsync.wire.shapes import PAIRS, enum_names, field_shapes
from tests.contract.values import VALUES

MESSAGES: dict[str, type[Message]] = {
    "CueSheet": cue_pb2.CueSheet,
    "Take": score_pb2.Take,
    "Score": score_pb2.Score,
    "StemSet": stem_pb2.StemSet,
    "SpotMediaRequest": spotting_pb2.SpotMediaRequest,
    "ComposeCueRequest": composition_pb2.ComposeCueRequest,
    "RenderTakeRequest": rendering_pb2.RenderTakeRequest,
    "Takes": composition_pb2.Takes,
    "ProgressReport": progress_pb2.Progress,
    "ServerInfo": system_pb2.GetServerInfoResponse,
    "ModelList": system_pb2.ListModelsResponse,
}
KINDS = [pytest.param(kind, id=kind.__name__) for kind in VALUES]
LAW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@LAW
def test_a_value_comes_back_from_its_json(kind: type[Any], data: st.DataObject) -> None:
    value = data.draw(VALUES[kind])
    for data_of_file in (json.loads(wire.dumps(value)), wire.to_dict(value)):
        assert wire.from_dict(kind, data_of_file, origin="it") == value


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@LAW
def test_a_value_comes_back_through_protobuf(kind: type[Any], data: st.DataObject) -> None:
    value = data.draw(VALUES[kind])
    message = json_format.ParseDict(wire.to_dict(value), MESSAGES[kind.__name__]())
    sent = MESSAGES[kind.__name__].FromString(message.SerializeToString())
    received = json_format.MessageToDict(sent, preserving_proto_field_name=True)
    assert wire.from_dict(kind, received, origin="it") == value


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_messages_have_the_same_fields_and_choices(kind: type[Any]) -> None:
    differences = list(_differences(kind, MESSAGES[kind.__name__].DESCRIPTOR, kind.__name__, set()))
    assert differences == []


def _differences(kind: type[Any], descriptor: Any, place: str, seen: set[str]) -> list[str]:
    """What a value has and its message has not, or the other way round, all the way down."""
    if descriptor.full_name in seen:
        return []
    seen.add(descriptor.full_name)
    found = []
    theirs = descriptor.fields_by_name
    if set(field_shapes(kind)) != set(theirs):
        found.append(f"{place}: {sorted(field_shapes(kind))} against {sorted(theirs)}")
    for shape in field_shapes(kind).values():
        inside = f"{place}.{shape.name}"
        if shape.name not in theirs:
            continue
        field = theirs[shape.name]
        if shape.repeated != (shape.name in _repeated(descriptor)):
            found.append(f"{inside}: one against many")
        has_default = shape.default is not None and not _is_zero(shape.default())
        is_choice = isinstance(shape.kind, type) and issubclass(shape.kind, Enum)
        must_differ = shape.optional or (has_default and not is_choice)
        if must_differ and not shape.repeated and not field.has_presence:
            found.append(f"{inside}: left out and zero look the same")
        if is_choice:
            names = set(enum_names(shape.kind))
            theirs_names = {value.name for value in field.enum_type.values if value.number}
            if names != theirs_names:
                found.append(f"{inside}: {sorted(names ^ theirs_names)}")
        elif shape.kind not in PAIRS and is_dataclass(shape.kind):
            found += _differences(shape.kind, field.message_type, inside, seen)
    return found


def _repeated(descriptor: Any) -> set[str]:
    """The fields that are lists; said by the message's own proto, alike in all protobufs."""
    proto = descriptor_pb2.DescriptorProto()
    descriptor.CopyToProto(proto)
    return {field.name for field in proto.field if field.label == field.LABEL_REPEATED}


def _is_zero(value: object) -> bool:
    """Whether proto3 means the same by leaving it out; a message always tells the difference."""
    return is_dataclass(value) or value in (0, "", (), None)


def _edits(data: Any) -> st.SearchStrategy[Any]:
    """The same JSON with anything at all in one place of it."""
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
        max_leaves=4,
    )
    if isinstance(data, dict) and data:
        return anything | st.sampled_from(sorted(data)).flatmap(
            lambda name: _edits(data[name]).map(lambda part: {**data, name: part})
        )
    if isinstance(data, list) and data:
        return anything | st.integers(0, len(data) - 1).flatmap(
            lambda at: _edits(data[at]).map(lambda part: [*data[:at], part, *data[at + 1 :]])
        )
    return anything


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@LAW
def test_whatever_a_person_types_is_a_value_or_a_sentence(
    kind: type[Any], data: st.DataObject
) -> None:
    edited = data.draw(_edits(wire.to_dict(data.draw(VALUES[kind]))))
    try:
        value = wire.from_dict(kind, edited, origin="The file")
    except CueSheetError as err:
        assert err.sentence.startswith("The file cannot be used: ")
    else:
        assert wire.from_dict(kind, wire.to_dict(value), origin="it") == value
