"""Text to Ekman: the shipped files, what they say of clear sentences, and what they refuse."""

import shutil

import numpy as np
import pytest

pytest.importorskip("tokenizers")

from emsync.errors import MissingPartError
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts import Line
from emsync_server.spotting.experts.text_emotion import (
    EMOTIONS,
    TEXT_EMOTION_FILE,
    TOKENIZER_FILE,
    TextEmotionExpert,
)


@pytest.fixture(scope="module")
def expert():
    return TextEmotionExpert()


def lines(*texts):
    return [Line(float(at), at + 1.0, text) for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("I am so happy for you, congratulations!", "joy"),
        ("I hate you, you ruined everything!", "anger"),
        ("I'm terrified, something is moving in the dark.", "fear"),
        ("She died last night and I cannot stop crying.", "sadness"),
        ("Wow, I did not expect that at all!", "surprise"),
        ("That is disgusting, it makes me sick.", "disgust"),
        ("The meeting is at noon in room four.", "neutral"),
    ],
    ids=("joy", "anger", "fear", "sadness", "surprise", "disgust", "neutral"),
)
def test_clear_sentences_are_told_apart(expert, text, emotion):
    (reading,) = expert.read(lines(text))
    found = {name: getattr(reading.ekman, name) for name in EMOTIONS}
    assert max(found, key=found.get) == emotion
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-3)


def test_a_line_reads_the_same_alone_and_beside_a_longer_one(expert):
    short, long = (
        "I am so happy!",
        "It was, as far as I can tell, an ordinary day in the office. " * 3,
    )
    (alone,) = expert.read(lines(short))
    beside, _ = expert.read(lines(short, long))
    assert beside.ekman.six() == pytest.approx(alone.ekman.six(), abs=1e-4)


def test_a_foreign_line_is_not_read_and_an_unsure_one_counts_less(expert):
    text = "I hate you, you ruined everything!"
    foreign, unsure = expert.read([Line(0, 1, text, "de"), Line(0, 1, text, "en", certainty=0.6)])
    assert foreign is None
    assert unsure.certainty == 0.6


def test_other_scripts_and_nothing_give_no_reading(expert):
    assert expert.read(lines("שלום עולם, מה שלומך היום", "", "   ", "今日は とても 悲しい")) == [
        None, None, None, None,
    ]  # fmt: skip


def test_a_line_of_any_length_is_read(expert):
    (reading,) = expert.read(lines("happy " * 100_000))
    assert reading.ekman.joy > 0.5


@pytest.mark.parametrize("name", [TEXT_EMOTION_FILE, TOKENIZER_FILE])
def test_truncated_files_are_refused_in_a_sentence(tmp_path, name):
    for each in (TEXT_EMOTION_FILE, TOKENIZER_FILE):
        shutil.copy(MODELS_FOLDER / each, tmp_path / each)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MissingPartError, match=r"cannot be used"):
        TextEmotionExpert(tmp_path)


def test_probabilities_are_numbers_from_0_to_1(expert):
    found = expert.probabilities(expert.encoded(["yes", "no!", "???", "a" * 500]))
    assert found.shape == (4, len(EMOTIONS))
    assert np.all((found >= 0) & (found <= 1))
