"""Speech for the stop channel, sounds mixed of it, and a network that learns from them and runs as it was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from autoglm_embodied.errors import CheckpointError, ConfigError, SetupError
from autoglm_embodied.train.stop_encodings import SHAPE, EncodedBatches, EncodedSounds, draw_sounds, encoder_windows
from autoglm_embodied.train.stop_network import WEIGHTS, EncoderHead, StopNetwork, stop_losses
from autoglm_embodied.train.stop_sounds import (
    ENCODER_SHAPE,
    LOG_MEL_SHAPE,
    NOISES,
    SoundMixer,
    SoundShape,
    noise,
)
from autoglm_embodied.train.stop_speech import (
    ENGINES,
    PART,
    Engine,
    SpeechClip,
    draw_text,
    load_clips,
    place_of_word,
    sentences,
    sounds_like_it,
    spoken,
    synthesise_clips,
)
from autoglm_embodied.train.stop_training import CHECKPOINT, StopTraining, mistaken, train_stop_network
from autoglm_embodied.voice.recording import RATE_HZ
from autoglm_embodied.voice.stop_features import BANDS, ENCODED, POSITIONS, WIDTH, SpeechEncoder
from autoglm_embodied.voice.stop_spotter import ENCODED_EVERY, STEP, STEP_FRAMES

SHAPES = {"log-mel": LOG_MEL_SHAPE, "encoder": ENCODER_SHAPE}
OTHERS = ["the weather is fine today", "put the red cube on the table", "what a long road this was"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[SpeechClip]:
    folder = tmp_path_factory.mktemp("speech")
    done: list[int] = []
    synthesise_clips(ENGINES["espeak-ng"], folder, PART, OTHERS, seed=0, report=done.append)
    first = (folder / "0000.npz").read_bytes()
    synthesise_clips(ENGINES["espeak-ng"], folder, PART, OTHERS, seed=1, report=done.append)
    assert (folder / "0000.npz").read_bytes() == first  # what is there is kept
    assert done == [PART, PART]
    return load_clips(folder)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoglm_embodied.train.stop_encodings.PART", 8)
    monkeypatch.setattr("autoglm_embodied.train.stop_encodings.SHAPE", (8, *SHAPE[1:]))


def test_given_sentences_are_spoken_as_they_are_and_in_order(tmp_path: Path) -> None:
    said = ["pick up the red cube", "stop", "go home"]
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        synthesise_clips(ENGINES["flite"], folder, len(said), (), seed, lambda _: None, given=said)
        assert [clip.text for clip in load_clips(folder)] == said
    with pytest.raises(ConfigError, match="sentences"):
        synthesise_clips(ENGINES["flite"], tmp_path / "none", 1, (), 0, lambda _: None)


def test_a_text_says_where_the_word_is() -> None:
    places = {
        "[stop]!": "alone",
        "robot, [stop]": "end",
        "[stop] the arm": "start",
        "please [stop] it": "middle",
        "[stop], [stop]": "repeated",
        "start": "none",
    }
    assert {text: place_of_word(text) for text in places} == places
    assert spoken("please [stop] it") == "please stop it"


def test_words_that_sound_like_it_are_known_as_whole_words() -> None:
    assert sounds_like_it("take the next step now") and not sounds_like_it("stepping stones")


def test_drawn_texts_hold_the_word_where_they_say_and_nowhere_else() -> None:
    rng = np.random.default_rng(0)
    texts = [draw_text(rng, OTHERS) for _ in range(500)]
    assert {place_of_word(text) for text in texts} == {"alone", "end", "start", "middle", "repeated", "none"}
    assert all("stop" not in text.replace("[stop]", "") for text in texts)


def test_sentences_with_a_form_of_the_word_are_left_out() -> None:
    text = "It was raining. He stopped\nthe car there. Never mind the non-stop noise! We went on\nto the sea."
    assert sentences(text) == ["it was raining", "we went on to the sea"]


def test_clips_are_of_the_texts_that_say_them_and_without_silence(clips: list[SpeechClip]) -> None:
    assert len(clips) == PART
    assert {"alone", "none"} < {clip.place for clip in clips}
    for clip in clips:
        assert min(abs(clip.samples[0]), abs(clip.samples[-1])) > 5e-4
    alone = [len(clip.samples) / 16000 for clip in clips if clip.place == "alone"]
    assert 0.15 < min(alone) < max(alone) < 1.5


def test_engines_that_cannot_speak_are_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no-such-program is not installed"):
        synthesise_clips(Engine("no-such-program {wav}", ["a"]), tmp_path, 1, OTHERS, 0, print)
    with pytest.raises(SetupError, match="true said 0 of 1 lines"):
        synthesise_clips(Engine("true {text} {wav}", ["a"]), tmp_path, 1, OTHERS, 0, print)
    for command in ("true {speed}", "true {0}", "true '"):
        with pytest.raises(ConfigError, match="its fields are stretch, words_per_minute"):
            synthesise_clips(Engine(command, ["a"]), tmp_path, 1, OTHERS, 0, print)
    with pytest.raises(ConfigError, match="--voice"):
        synthesise_clips(ENGINES["piper"], tmp_path, 1, OTHERS, 0, print)
    (tmp_path / "0000.npz").write_bytes(b"something else")
    with pytest.raises(ConfigError, match="make it again"):
        load_clips(tmp_path)


def test_every_noise_has_a_level_of_one() -> None:
    for kind in NOISES:
        made = noise(kind, 16000, np.random.default_rng(0))
        assert made.shape == (16000,) and float(np.sqrt(np.mean(made**2))) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(
    ("shape", "frames"),
    [
        (LOG_MEL_SHAPE, (BANDS, 110 * STEP_FRAMES)),
        (ENCODER_SHAPE, (ENCODED + 5 * ENCODED_EVERY * STEP,)),
    ],
    ids=SHAPES,
)
def test_sounds_say_where_the_word_is_to_be_spotted(
    clips: list[SpeechClip], shape: SoundShape, frames: tuple[int, ...]
) -> None:
    mixer = SoundMixer(clips, np.random.default_rng(0), shape)
    sounds = [mixer.draw() for _ in range(40)]
    said = [sound for sound in sounds if (sound.target == 1).any()]
    assert 10 < len(said) < 30
    for sound in sounds:
        assert sound.features.shape == frames and np.isfinite(sound.features).all()
        where = np.flatnonzero(sound.target == 1)
        assert not where.size or np.array_equal(where, np.arange(where[0], where[-1] + 1))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("text", ["[stop] what you are doing", "no no [stop] moving at once now"])
def test_a_word_within_a_clip_is_to_be_spotted_about_where_it_is_said(text: str, shape: SoundShape) -> None:
    samples = np.random.default_rng(0).normal(0.0, 0.1, round(1.5 * RATE_HZ)).astype(np.float32)
    said = [SpeechClip(samples, text, "a"), SpeechClip(samples, "go", "a")]
    mixer = SoundMixer(said, np.random.default_rng(0), shape)
    lasting = [np.count_nonzero(mixer.draw().target == 1) * shape.step_s for _ in range(20)]
    assert 0.4 < min(filter(None, lasting)) <= max(lasting) < 0.9


def test_speech_that_is_mistaken_for_the_word_is_drawn_more_often() -> None:
    silent, loud = (SpeechClip(np.full(RATE_HZ, level, np.float32), "go home", "a") for level in (0.1, 0.2))
    mixer = SoundMixer([silent, loud], np.random.default_rng(0), LOG_MEL_SHAPE)
    assert mixer.others == [silent, loud]
    assert {mixer.draw_other().samples[0] for _ in range(50)} == {silent.samples[0], loud.samples[0]}
    mixer.prefer(np.array([0.0, 1.0]))
    assert {mixer.draw_other().samples[0] for _ in range(50)} == {loud.samples[0]}


def test_a_sound_is_as_much_mistaken_as_its_likeliest_step() -> None:
    torch.manual_seed(0)
    network = StopNetwork().eval()
    frames = np.random.default_rng(0).normal(-4.0, 3.0, (BANDS, 30 * STEP_FRAMES)).astype(np.float32)
    with torch.inference_mode():
        logits, _ = network(torch.from_numpy(frames)[None], network.first_state(1))
    assert mistaken(network, [frames, frames]) == pytest.approx([float(logits.max().sigmoid())] * 2)


def test_the_loss_wants_one_step_of_the_window_and_none_outside() -> None:
    target = torch.tensor([[0, 0, 1, 1, -1, 0]])

    def loss(*high: int) -> float:
        logits = torch.full((1, 6), -8.0)
        logits[0, list(high)] = 8.0
        return float(stop_losses(logits, target).mean())

    assert loss(2) == pytest.approx(loss(2, 3, 4), abs=1e-3)
    assert loss(2) < 0.1 < min(loss(), loss(2, 0), loss(5), loss(4))


def test_steps_of_a_stream_give_what_the_whole_sound_gives() -> None:
    torch.manual_seed(0)
    network = StopNetwork().eval()
    features = torch.randn(1, BANDS, 20 * STEP_FRAMES)
    with torch.inference_mode():
        whole = network.whole(features)
        state, steps = network.first_state(1), []
        for frames in features.split(STEP_FRAMES, dim=2):
            logit, state = network(frames, state)
            steps.append(logit)
    assert torch.allclose(torch.cat(steps, 1), whole, atol=1e-5)


def test_the_encoder_is_given_what_the_stream_gives_it_at_each_step() -> None:
    sound = np.random.default_rng(0).normal(0.0, 0.05, ENCODER_SHAPE.samples).astype(np.float32)
    windows = encoder_windows(sound)
    ends = [ENCODED + step * ENCODED_EVERY * STEP for step in range(ENCODER_SHAPE.steps)]
    assert np.array_equal(windows, np.stack([sound[end - ENCODED : end] for end in ends]))
    encoder = SpeechEncoder()
    together = encoder(windows)
    assert together.shape == (6, POSITIONS, WIDTH)
    assert np.allclose(together[3], encoder(windows[3:4])[0], atol=0.05 * float(np.abs(together).max()))


def test_drawn_sounds_are_kept_and_the_rest_is_drawn_as_if_nothing_had_been_stopped(
    clips: list[SpeechClip], tmp_path: Path
) -> None:
    whole = draw_sounds(clips, 14, tmp_path / "whole", 3, lambda _: None)
    draw_sounds(clips, 8, tmp_path / "parts", 3, lambda _: None)
    kept = (tmp_path / "parts" / "0000.npz").read_bytes()
    done: list[int] = []
    parts = draw_sounds(clips, 14, tmp_path / "parts", 3, done.append)
    assert (tmp_path / "parts" / "0000.npz").read_bytes() == kept and done == [8, 14]
    assert whole.encodings.shape == (14, 6, POSITIONS, WIDTH) and whole.targets.shape == (14, 6)
    assert np.array_equal(parts.encodings, whole.encodings) and np.array_equal(parts.targets, whole.targets)
    (tmp_path / "parts" / "0001.npz").write_bytes(b"PK cut off")
    with pytest.raises(ConfigError, match="holds no drawn sounds"):
        draw_sounds(clips, 14, tmp_path / "parts", 3, done.append)
    np.savez(tmp_path / "parts" / "0001.npz", encodings=np.zeros((8, 3, 3)), targets=np.zeros((8, 3)))
    with pytest.raises(ConfigError, match="sounds of another network"):
        draw_sounds(clips, 14, tmp_path / "parts", 3, done.append)


def test_what_the_head_has_wrong_is_learned_from_the_more_often_and_each_member_has_sounds_of_its_own() -> None:
    which = np.arange(4, dtype=np.float16).reshape(4, 1, 1, 1)
    batches = EncodedBatches(EncodedSounds(which, np.zeros((4, 1), np.int8)), 800, np.random.default_rng(0))
    encodings, target = batches.draw()
    assert target.shape == (800, 1) and 0.4 < float((encodings % 2).mean()) < 0.6
    batches.tell((encodings[:, 0, 0, 0] % 2).numpy())  # every other one is wrong
    encodings, _ = batches.draw()
    assert 0.8 < float((encodings % 2).mean()) < 0.95
    assert {*encodings[:400].unique().tolist()} == {0, 1} and {*encodings[400:].unique().tolist()} == {2, 3}


def test_each_member_of_the_head_learns_from_its_own_part_of_a_batch_and_their_mean_judges() -> None:
    head, encodings = EncoderHead(), torch.randn(4, 3, POSITIONS, WIDTH)
    head.train().whole(encodings)[:2].sum().backward()
    first, second = head.members
    assert first.embed.weight.grad.abs().sum() > 0 and second.embed.weight.grad.abs().sum() == 0
    head.eval()
    with torch.inference_mode():
        mean = torch.stack([member(encodings[:, 1]) for member in head.members]).mean(0)
        assert torch.allclose(head.whole(encodings)[:, 1], mean, atol=1e-5)


@pytest.mark.slow
def test_a_head_learns_is_exported_and_spots_as_it_was_trained(clips: list[SpeechClip], tmp_path: Path) -> None:
    import onnxruntime as ort

    losses: list[float] = []
    training = StopTraining("encoder", sounds=40, steps=60, batch=8)

    def report(step: int, figures: dict[str, float]) -> None:
        losses.extend([figures["loss"]] if step else [])

    train_stop_network(clips, training, tmp_path, report)
    assert np.mean(losses[-15:]) < 0.8 * np.mean(losses[:15])
    head = EncoderHead().eval()
    head.load_state_dict(load_file(tmp_path / WEIGHTS))
    session = ort.InferenceSession(str(tmp_path / "stop.onnx"), providers=["CPUExecutionProvider"])
    encodings = torch.randn(1, POSITIONS, WIDTH)
    (found,) = session.run(None, {"encodings": encodings.numpy()})
    with torch.inference_mode():
        assert np.allclose(found, head(encodings).numpy(), atol=1e-4)


@pytest.mark.slow
def test_a_network_learns_is_exported_and_spots_as_it_was_trained(clips: list[SpeechClip], tmp_path: Path) -> None:
    import onnxruntime as ort

    losses: list[float] = []
    training = StopTraining(steps=100, batch=8)
    train_stop_network(clips, training, tmp_path, lambda _, figures: losses.append(figures["loss"]))
    assert np.mean(losses[-20:]) < 0.8 * np.mean(losses[:20])
    network = StopNetwork().eval()
    network.load_state_dict(load_file(tmp_path / WEIGHTS))
    session = ort.InferenceSession(str(tmp_path / "stop.onnx"), providers=["CPUExecutionProvider"])
    frames, state = torch.randn(1, BANDS, STEP_FRAMES), torch.rand_like(network.first_state(1))
    found = session.run(None, {"features": frames.numpy(), "state": state.numpy()})
    with torch.inference_mode():
        for given, wanted in zip(found, network(frames, state), strict=True):
            assert np.allclose(given, wanted.numpy(), atol=1e-4)


@pytest.mark.parametrize("features", SHAPES)
def test_a_training_that_was_stopped_goes_on(clips: list[SpeechClip], tmp_path: Path, features: str) -> None:
    training = StopTraining(features, sounds=8, steps=4, batch=2)
    seen: list[int] = []

    def see(step: int, _: dict[str, float]) -> None:
        seen.extend([step] if step else [])

    def stop_at_2(step: int, _: dict[str, float]) -> None:
        see(step, _)
        if step == 3:  # the state of step 2 has been written
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_stop_network(clips, training, tmp_path, stop_at_2)
    train_stop_network(clips, training, tmp_path, see)
    assert seen == [1, 2, 3, 3, 4]
    weights = (tmp_path / WEIGHTS).read_bytes()
    train_stop_network(clips, training, tmp_path, see)
    assert seen == [1, 2, 3, 3, 4] and (tmp_path / WEIGHTS).read_bytes() == weights
    with pytest.raises(ConfigError, match="name another --out"):
        train_stop_network(clips, StopTraining(features, sounds=8, steps=5, batch=2), tmp_path, lambda *_: None)
    (tmp_path / CHECKPOINT).write_bytes(b"PK")
    with pytest.raises(ConfigError, match="holds no training"):
        train_stop_network(clips, training, tmp_path, lambda *_: None)


@pytest.mark.parametrize("damage", ["missing", "no weights", "other weights"])
def test_what_cannot_be_begun_from_is_named(clips: list[SpeechClip], tmp_path: Path, damage: str) -> None:
    start = tmp_path / WEIGHTS
    if damage == "no weights":
        start.write_bytes(b"PK")
    elif damage == "other weights":
        save_file({"head.bias": torch.zeros(3)}, start)
    with pytest.raises(CheckpointError, match="holds no weights of the stop channel's network"):
        train_stop_network(clips, StopTraining(steps=1, batch=2), tmp_path / "out", lambda *_: None, start)


def test_a_network_on_other_features_is_named() -> None:
    with pytest.raises(ConfigError, match="no network on 'mfcc'; choose log-mel or encoder"):
        StopTraining("mfcc")
