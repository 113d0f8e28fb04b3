"""The published generator: its size, its attention, its tokens, and a person's own checkpoint."""

import math
from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.training

from emsync_training.baselines.published_checkpoint import adopted, load_published  # noqa: E402
from emsync_training.baselines.published_events import (  # noqa: E402
    PlayedNote,
    played,
    published_vocabulary,
    score_of,
)
from emsync_training.baselines.published_sampling import (  # noqa: E402
    TOP_P,
    WINDOW,
    Wish,
    _window,
    generate,
    nucleus,
)
from emsync_training.networks.published import (  # noqa: E402
    HEAD_SIZE,
    HEADS,
    PARAMETERS,
    ROWS,
    VOCABULARY,
    WIDTH,
    PublishedGenerator,
    RelativeAttention,
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return PublishedGenerator().eval()


@torch.no_grad()
def logits(network, tokens, offset_s=None, valence=0.5, arousal=-0.5):
    offset_s = torch.full((1, len(tokens)), 8.0) if offset_s is None else offset_s
    emotion = [None if v is None else torch.tensor([v]) for v in (valence, arousal)]
    return network(torch.tensor([tokens]), offset_s, *emotion)[0]


def test_it_has_as_many_parameters_as_published(network):
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS == 37_178_355


def test_relative_attention_equals_its_definition():
    torch.manual_seed(0)
    attention, x, time = RelativeAttention(), torch.randn(1, 7, WIDTH), 7
    rows = attention.distances
    with torch.no_grad():
        query, key, value = (
            project(x)[0].view(time, HEADS, HEAD_SIZE)
            for project in (attention.query, attention.key, attention.value)
        )
        mixed = torch.zeros(time, HEADS, HEAD_SIZE)
        for head in range(HEADS):
            for now in range(time):
                scores = torch.tensor([
                    float(query[now, head] @ (key[then, head] + rows[ROWS - 1 - now + then]))
                    for then in range(now + 1)
                ])  # fmt: skip
                weights = (scores / math.sqrt(HEAD_SIZE)).softmax(0)
                mixed[now, head] = weights @ value[: now + 1, head]
        expected = attention.out(mixed.reshape(1, time, WIDTH))
        assert torch.allclose(attention(x), expected, atol=1e-4)


def test_the_future_changes_nothing_before_it_and_the_boundary_is_heard(network):
    offset_s = torch.full((1, 6), 8.0)
    before = logits(network, [1, 2, 3, 4, 5, 6], offset_s)
    near = offset_s.clone()
    near[0, 4:] = 1.0
    after = logits(network, [1, 2, 3, 4, 9, 6], near)
    assert torch.allclose(before[:4], after[:4], atol=1e-4)
    assert not torch.allclose(before[4:], after[4:], atol=1e-2)
    beyond = offset_s + 90.0  # clamped at 8 s
    assert torch.allclose(before, logits(network, [1, 2, 3, 4, 5, 6], beyond), atol=1e-5)


def test_emotion_is_heard_and_may_be_unknown(network):
    rows = [logits(network, [1, 2], valence=v, arousal=a) for v, a in
            ((0.5, 0.5), (-0.5, 0.5), (0.5, -0.5), (None, 0.5), (None, None))]  # fmt: skip
    for index, one in enumerate(rows):
        assert all(not torch.allclose(one, other, atol=1e-3) for other in rows[index + 1 :])


def test_the_longest_sequence_is_read():
    assert len(_window(10_000)) == WINDOW == ROWS - 2
    assert _window(10_000)[:2] == [0, 10_000 - WINDOW + 1]
    assert _window(WINDOW) == list(range(WINDOW))


def foreign(network, order=("Wq", "Wk", "Wv", "fc")):
    """The same weights as other people would name them."""
    ours = network.state_dict()
    out = {"model.embedding.weight": ours["embedding.weight"],
           "model.pos.embedding": ours["positions.weight"]}  # fmt: skip
    named = dict(zip(("Wq", "Wk", "Wv", "fc"), ("query", "key", "value", "out"), strict=True))
    for layer in range(11):
        mine, their = f"layers.{layer}.", f"model.enc_layers.{layer}."
        for name in order:
            for end in ("weight", "bias"):
                out[f"{their}rga.{name}.{end}"] = ours[f"{mine}attention.{named[name]}.{end}"]
        out[f"{their}rga.E"] = ours[f"{mine}attention.distances"]
        out[f"{their}rga.mask"] = torch.zeros(3, 3)
        for name, other in (("FFN_pre", "inner"), ("FFN_suf", "outer"),
                            ("norm1", "norm_attention"), ("norm2", "norm_feed")):  # fmt: skip
            for end in ("weight", "bias"):
                out[f"{their}{name}.{end}"] = ours[f"{mine}{other}.{end}"]
    for name, other in (
        ("bound", "boundary"),
        ("fc_arousal", "arousal"),
        ("fc_valence", "valence"),
    ):
        for part in ("0.weight", "0.bias", "2.weight", "2.bias"):
            out[f"model.{name}.{part}"] = ours[f"{other}.{part}"]
    out["model.null_arousal"] = ours["no_arousal"][None]
    out["model.null_valence"] = ours["no_valence"][None]
    out["model.fc.weight"], out["model.fc.bias"] = ours["output.weight"], ours["output.bias"]
    return out


@pytest.mark.parametrize("order", [("Wq", "Wk", "Wv", "fc"), ("fc", "Wv", "Wk", "Wq")], ids=str)
def test_a_checkpoint_with_other_names_and_another_order_is_understood(network, order):
    state = adopted(foreign(network, order), network.state_dict(), "midi_model.pt")
    for name, tensor in network.state_dict().items():
        assert torch.equal(state[name], tensor), name


def test_a_checkpoint_is_read_from_its_file(network, tmp_path):
    torch.save({"epoch": 3, "model": foreign(network)}, tmp_path / "midi_model.pt")
    loaded = load_published(tmp_path / "midi_model.pt")
    assert torch.equal(logits(loaded, [1, 2, 3]), logits(network, [1, 2, 3]))


def test_weights_of_something_else_are_refused_in_a_sentence(network):
    state = foreign(network)
    del state["model.enc_layers.4.rga.E"]
    with pytest.raises(ValueError, match=r"has 10 modules of shape .1216, 64., there should be 11"):
        adopted(state, network.state_dict(), "midi_model.pt")


class Hostile:
    def __reduce__(self):
        return print, ("this must never be run",)


@pytest.mark.parametrize("content", ["hostile", "truncated", "empty"])
def test_files_that_are_no_weights_are_refused(tmp_path, capsys, content):
    path = tmp_path / "midi_model.pt"
    torch.save({"a": Hostile() if content == "hostile" else torch.zeros(99)}, path)
    if content != "hostile":
        path.write_bytes(path.read_bytes()[: 200 if content == "truncated" else 0])
    with pytest.raises(ValueError, match=r"midi_model\.pt"):
        load_published(path)
    assert "never" not in capsys.readouterr().out


def names_to_tokens(*names):
    vocabulary = published_vocabulary()
    return [vocabulary.index(name) for name in names]


def test_tokens_say_notes():
    tokens = names_to_tokens(
        "MORE", "START", "BAR", "CHORD", "ON_PIANO_60", "ON_DRUMS_36", "SHIFT_1000", "OFF_DRUMS_36",
        "ON_PIANO_60", "SHIFT_8", "OFF_PIANO_60", "OFF_BASS_40", "ON_STRINGS_67", "SHIFT_96",
    )  # fmt: skip
    assert played(tokens) == [
        PlayedNote("DRUMS", 36, 0, 1000),
        PlayedNote("PIANO", 60, 0, 1000),
        PlayedNote("PIANO", 60, 1000, 1008),
        PlayedNote("STRINGS", 67, 1008, 1104),
    ]


def test_a_score_keeps_every_note_at_its_millisecond():
    notes = [PlayedNote("DRUMS", 36, 8, 500), PlayedNote("BASS", 40, 1000, 1016)]
    score = score_of(notes)
    assert [part.is_drums for part in score.parts] == [False, True]
    bass = score.parts[0].notes[0]
    assert score.tempo_map.seconds_at(bass.start_q) == 1
    assert score.tempo_map.seconds_at(bass.start_q + bass.length_q) == Fraction(1016, 1000)
    assert score.tempo_map.end_s == Fraction(1016, 1000)
    assert score_of([]).parts == ()


def test_the_vocabulary_is_as_large_as_published_and_has_no_doubles():
    assert len(set(published_vocabulary())) == VOCABULARY == 1011


def test_only_the_likeliest_are_drawn():
    rng = np.random.default_rng(0)
    mass = torch.tensor([0.4, 0.3, 0.2, 0.1]).log() * 1.35
    drawn = [nucleus(mass, rng) for _ in range(2000)]
    assert set(drawn) == {0, 1}  # 0.4 is less than 0.6, 0.7 is not
    assert np.mean(np.array(drawn) == 0) == pytest.approx(4 / 7, abs=0.04)
    assert TOP_P == 0.6


def test_it_writes_until_the_wished_length_and_the_same_from_the_same_seed(network):
    wish = Wish(seconds=1.0, valence=0.3, arousal=0.2, boundaries_s=(0.5,), most_tokens=12)
    one, other = (generate(network, wish, np.random.default_rng(3)) for _ in range(2))
    assert one == other
    assert one[:3] == names_to_tokens("MORE", "START", "BAR")
    assert 0 not in one  # PAD
    assert len(one) <= 12
