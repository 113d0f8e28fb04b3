"""Readings, and how they are gathered into shots."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.emotion import ValenceArousal
from emsync_server.spotting.experts import EkmanProbabilities, Estimate, Reading, Tag, by_shot
from emsync_server.spotting.experts.by_shot import gather, with_heads
from emsync_server.spotting.experts.expert import ExpertRow, Sense, Tier
from emsync_server.spotting.experts.packing import pack, unpack

moments = st.floats(0, 100, allow_nan=False)


def reading(start_s, end_s=None, **more):
    return Reading("e", start_s, start_s if end_s is None else end_s, **more)


@given(st.lists(moments, min_size=1, max_size=20), st.integers(1, 9))
def test_every_moment_is_told_in_exactly_one_shot(times, shots):
    edges = list(np.linspace(0, 100, shots + 1))
    rows = [Reading(f"e{at}", time, time) for at, time in enumerate(times)]
    found = gather(rows, edges)
    assert sum(len(shot.by_expert) for shot in found) == len(times)
    for shot in found:
        for each in shot.by_expert.values():
            assert shot.start_s <= each.start_s <= shot.end_s


def test_who_read_nothing_in_a_shot_is_not_in_it():
    first, second = gather([reading(1.0)], [0, 5, 9])
    assert set(first.by_expert) == {"e"}
    assert second.by_expert == {}


def test_a_window_over_a_cut_counts_where_enough_of_it_lies():
    shots = gather([reading(4.9, 7.9)], [0, 5, 6, 20])
    assert ["e" in shot.by_expert for shot in shots] == [False, True, True]


def test_more_readings_of_one_expert_make_it_no_surer():
    estimate = Estimate(ValenceArousal(0.5, -0.5), (0.1, 0.2))
    rows = [reading(time, estimate=estimate) for time in (1.0, 2.0, 3.0)]
    found = gather(rows, [0, 5])[0].by_expert["e"].estimate
    assert found.variance == pytest.approx((0.1, 0.2))
    assert found.mean.valence == pytest.approx(0.5)


def test_an_unsure_reading_counts_less():
    happy = EkmanProbabilities(0, 0, 0, 1, 0, 0)
    sad = EkmanProbabilities(0, 0, 0, 0, 1, 0)
    rows = [reading(1.0, ekman=happy, certainty=0.9), reading(2.0, ekman=sad, certainty=0.1)]
    found = gather(rows, [0, 5])[0].by_expert["e"]
    assert found.ekman.joy == pytest.approx(0.9)
    assert found.certainty == pytest.approx(0.5)


def test_an_absent_embedding_is_no_zero():
    rows = [reading(1.0, embedding=np.full(3, 2, np.float16)), reading(2.0)]
    found = gather(rows, [0, 5])[0].by_expert["e"].embedding
    assert found.dtype == np.float32
    assert found.tolist() == [2, 2, 2]


def test_words_are_joined_once_and_tags_averaged():
    rows = [
        reading(1.0, text="PRESENTS", tags=(Tag("loud", 0.8),)),
        reading(2.0, text="PRESENTS", tags=(Tag("loud", 0.4), Tag("soft", 0.2))),
    ]
    found = gather(rows, [0, 5])[0].by_expert["e"]
    assert found.text == "PRESENTS"
    assert [(tag.name, round(tag.probability, 3)) for tag in found.tags] == [
        ("loud", 0.6),
        ("soft", 0.1),
    ]


class Head:
    def read(self, items):
        return [replace(next(iter(item.by_expert.values())), expert="head") for item in items]


def test_heads_read_only_shots_in_which_their_sources_spoke():
    row = ExpertRow("head", Tier.BUILT_IN, Sense.READINGS, Head, sources=("e",))
    shots = with_heads(gather([reading(1.0)], [0, 5, 9]), [(row, Head())])
    assert ["head" in shot.by_expert for shot in shots] == [True, False]


def test_heads_are_shown_so_many_shots_at_once_and_answer_each(monkeypatch):
    monkeypatch.setattr(by_shot, "MOST_AT_ONCE", 3)
    asked = []

    class Counting(Head):
        def read(self, items):
            asked.append(len(items))
            return super().read(items)

    row = ExpertRow("head", Tier.BUILT_IN, Sense.READINGS, Counting, sources=("e",))
    spoken = [reading(at + 0.5, text=str(at)) for at in range(8) if at != 4]
    shots = with_heads(gather(spoken, list(range(9))), [(row, Counting())])
    assert asked == [3, 3, 1]
    said = [shot.by_expert["head"].text if "head" in shot.by_expert else None for shot in shots]
    assert said == ["0", "1", "2", "3", None, "5", "6", "7"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: reading(2.0, 1.0), "from 2.0 s to 1.0 s"),
        (lambda: reading(0.0, embedding=np.array([math.nan])), "not numbers"),
        (lambda: reading(0.0, certainty=math.nan), "certainty"),
        (lambda: Estimate(ValenceArousal(0, 0), (0.0, 1.0)), "above 0"),
        (lambda: EkmanProbabilities(0.5, 0.5, 0.5, 0, 0, 0), "sum to 1"),
        (lambda: EkmanProbabilities(math.nan, 0, 0, 1, 0, 0), "lie in"),
    ],
    ids=["time", "embedding", "certainty", "variance", "sum", "NaN"],
)
def test_values_that_contradict_themselves_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_packed_readings_come_back_the_same():
    rows = [
        reading(1.0, embedding=np.arange(5, dtype=np.float16), certainty=0.5),
        reading(1.0, 2.5, text="שלום", language="he", tags=(Tag("loud", 0.25),)),
        reading(3.0, ekman=EkmanProbabilities(0.5, 0, 0, 0.25, 0, 0, neutral=0.25)),
        reading(4.0, estimate=Estimate(ValenceArousal(0.5, -1), (0.25, 0.5))),
    ]
    found = unpack(*pack(rows))
    for before, after in zip(rows, found, strict=True):
        for name in ("expert", "start_s", "end_s", "text", "language", "tags", "ekman",
                     "estimate", "certainty"):  # fmt: skip
            assert getattr(before, name) == getattr(after, name)
    assert found[0].embedding.tolist() == [0, 1, 2, 3, 4]
