"""What failed tries say of what is hidden: the same in any order, another thing for another scene."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.policy.attempt_memory import AttemptMemory, Expected, Felt, HiddenPrior, Hypotheses
from autoglm_embodied.types import FloatArray, TryOutcome

GRID = Hypotheses(HiddenPrior())
J, K = len(GRID.offset_m), len(GRID.hidden)
HEAVY = 0.5  # kg


def expected(held: FloatArray) -> Expected:
    """A grasp that holds with this probability (J, K), and else collides or misses alike."""
    rest = np.broadcast_to((1 - held)[..., None] / 3, (J, K, 3))
    probability = np.concatenate([rest, np.broadcast_to(held, (J, K))[..., None]], axis=-1)
    return Expected(probability, np.full((J, K), 0.01), np.full((J, K), 0.03))


TO_THE_RIGHT = expected(np.where(GRID.offset_m[:, :1] > 0, 0.9, 0.1) * np.ones(K))
IF_LIGHT = expected(np.where(GRID.hidden[:, 0] < HEAVY, 0.9, 0.1) * np.ones((J, 1)))
MISSED = Felt(TryOutcome.NOTHING)


def after(*tries: tuple[int, Expected, Felt]) -> AttemptMemory:
    memory = AttemptMemory(GRID)
    for obj, grasp, felt in tries:
        memory.note(obj, GRID.log_likelihood(grasp, felt))
    return memory


def held(memory: AttemptMemory, grasp: Expected, obj: int = 0) -> float:
    return float((memory.weights(obj) * grasp.probability[..., TryOutcome.TARGET.value]).sum())


def test_a_failed_try_makes_what_it_relied_on_less_likely() -> None:
    other_side = expected(np.where(GRID.offset_m[:, :1] > 0, 0.1, 0.9) * np.ones(K))
    before, then = AttemptMemory(GRID), after((0, TO_THE_RIGHT, MISSED))
    assert held(then, TO_THE_RIGHT) < held(before, TO_THE_RIGHT) - 0.1
    assert held(then, other_side) > held(before, other_side)


def test_the_camera_is_the_same_for_all_objects_but_their_weight_is_their_own() -> None:
    then = after((1, TO_THE_RIGHT, MISSED), (1, IF_LIGHT, MISSED))
    before = AttemptMemory(GRID)
    assert held(then, TO_THE_RIGHT, obj=0) < held(before, TO_THE_RIGHT, obj=0) - 0.1
    np.testing.assert_allclose(then.weights(0).sum(axis=0), before.weights(0).sum(axis=0))
    assert held(then, IF_LIGHT, obj=1) < held(before, IF_LIGHT, obj=1) - 0.1


def test_a_weight_that_was_felt_is_believed_and_that_of_another_object_is_not() -> None:
    mass = {
        outcome: float(after((0, IF_LIGHT, Felt(outcome, weight_n=5.4))).weights(0).sum(axis=0) @ GRID.hidden[:, 0])
        for outcome in (TryOutcome.NOTHING, TryOutcome.ANOTHER)
    }
    assert mass[TryOutcome.NOTHING] == pytest.approx(0.54, abs=0.04) and mass[TryOutcome.ANOTHER] < 0.45


def test_tries_count_the_same_in_any_order() -> None:
    tries = [(0, TO_THE_RIGHT, MISSED), (0, IF_LIGHT, Felt(TryOutcome.COLLIDED, 0.02)), (2, TO_THE_RIGHT, MISSED)]
    first, *others = (after(*order).weights(0) for order in permutations(tries))
    for weights in others:
        np.testing.assert_allclose(weights, first, rtol=1e-12)


felt = st.builds(
    Felt,
    st.sampled_from(list(TryOutcome)),
    *(st.one_of(st.just(math.nan), st.floats(-1e3, 1e3)) for _ in range(3)),
)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([TO_THE_RIGHT, IF_LIGHT]), felt), max_size=9))
def test_whatever_is_felt_or_not_the_weights_are_probabilities(tries: list[tuple[int, Expected, Felt]]) -> None:
    for obj in range(3):
        weights = after(*tries).weights(obj)
        assert weights.shape == (J, K) and (weights > 0).all() and weights.sum() == pytest.approx(1)


def test_what_was_not_felt_says_nothing() -> None:
    told = Expected(TO_THE_RIGHT.probability, GRID.offset_m[:, :1] * np.ones(K), GRID.offset_m[:, :1] * np.ones(K))
    for outcome in TryOutcome:
        same = GRID.log_likelihood(told, Felt(outcome)), GRID.log_likelihood(TO_THE_RIGHT, Felt(outcome))
        np.testing.assert_array_equal(*same)


def test_a_camera_that_is_exact_leaves_one_offset() -> None:
    np.testing.assert_array_equal(Hypotheses(HiddenPrior(offset_sigma_m=0.0)).offset_m, np.zeros((1, 2)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"offset_sigma_m": math.nan}, "offset_sigma_m must be from 0 to 0.05, got nan"),
        ({"mass_kg": (0.0, 0.6)}, "mass_kg must be from 0.01 to 5, got"),
    ],
)
def test_an_impossible_prior_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        HiddenPrior(**wrong)  # type: ignore[arg-type]
