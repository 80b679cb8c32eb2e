"""How people say which object they mean among others: every kind of phrase in many combinations keeps its slots."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autoglm_embodied.command_language.description import Slots
from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.command_language.language import language
from autoglm_embodied.command_language.near_miss import correct_tokens
from autoglm_embodied.types import MOVES, Intent

REQUESTS = """pick up {}|bring me {}|hand me {} please|could you get {} for me|would you please go and fetch {}
i need {}
let me have {}|what i want is {}|your target is {}|find and pick up {}|find {} and pick it up|i'm looking for {}
i'd like you to grab {}|can you bring me {}|go get {}|lift {}|raise {} for me, please|would you mind fetching me {}
please locate and grasp {}|reach over and take {}|kindly pass me {}|i would like to have {}|may i have {}|retrieve {}
why don't you grab {}|your task is to pick up {}|i would appreciate it if you could get {}|secure {}|take hold of {}"""

COLOURS = """the {colour} {noun}|the {noun} in {colour}|the {noun} that is {colour}|the {colour}-coloured {noun}
the {noun} coloured {colour}|the {noun} of {colour} colour|the {noun} with the {colour} colour
the {noun} in the colour {colour}
the {noun} whose colour is {colour}|the {noun} which is {colour}|the {noun} that has a {colour} colour
the {noun} painted {colour}"""

SIZES = {
    "small": "the smaller {}|the littler {}|the smaller one of the two {}|the smaller of the two {}|"
    "of the two {}, the smaller one|"
    "the tiny {}|the lesser {}|the {} that is smaller",
    "large": "the bigger {}|the larger {}|the greater {}|the larger of both {}|the {} which is the bigger one|"
    "the huge {}",
    "smallest": "the smallest {}|the {} that's smallest in size|the most compact {}|the {} of the smallest size|"
    "the tiniest {}|"
    "out of the {} the smallest one|the smallest of all the {}|the smallest among the {}",
    "largest": "the biggest {}|the {} that is the largest|the {} with the greatest size|the largest one of the {}|"
    "among the {}, the biggest|the very largest {}",
}

SIDE = """the {side}most {}|the {} furthest to the {side}|the {} on the far {side}|the {} most to the {side}
the {} on the {side} end
the {side}-hand-most {}|the {} on the {side}-hand side|the {} at the extreme {side}|the {} that is farthest {side}
the {side}-hand {}
the {} at the {side} edge of the table|the {} on the {side} side of the table|the {} all the way to the {side}
the {} whose position is furthest to the {side}|the {side}most of the {}|the one of the {} that lies furthest {side}"""
PLACES = {
    "left": SIDE.replace("{side}", "left"),
    "right": SIDE.replace("{side}", "right"),
    "front": "the {} nearest to the front|the {} closest to you|the {} closest to the robot|the {} nearest the base|"
    "the frontmost {}|the {} furthest to the front|the nearest {}|the {} at the front of the table|"
    "the {} in the very front|"
    "the {} least far from the robot|the {} on the near side|the {} that is closest to your base|the foremost {}",
    "back": "the {} furthest from the robot|the {} furthest away|the {} at the very back|the {} in the rear|"
    "the rearmost {}|"
    "the {} at the far end of the table|the {} most distant from you|the {} on the far side|the {} furthest back|"
    "the {} that sits furthest to the back|the farthest {}|the {} furthest away from the base",
    "middle": "the {} in the middle|the middle {}|the {} in the centre of the table|the central {}",
}

BESIDE = """{side} of|to the {side} of|on the {side}-hand side of|located {side} of|that is lying to the {side} of
just {side} of
sitting on the {side} side of|which stands {side} of|positioned at the {side} side of|more to the {side} than
further {side} than
that's placed directly to the {side} of"""
RELATIONS = {
    "left_of": BESIDE.replace("{side}", "left"),
    "right_of": BESIDE.replace("{side}", "right"),
    "in_front_of": "in front of|right in front of|that lies in front of|nearer to the robot than|closer to you than|"
    "on the near side of|closer to the base than|placed directly in front of|which is ahead of",
    "behind": "behind|right behind|directly behind|in the back of|in back of|further back than|further away than|"
    "on the far side of|at the rear of|that is located behind|farther from the robot than|beyond",
    "next_to": "next to|right beside|closest to|nearest to|nearest|by|adjacent to|at the shortest distance from|"
    "close to|"
    "alongside|that is nearest to|with the shortest distance to|in the vicinity of|just next to",
}
OWNED = {
    "left_of": "on {}'s left|to {}'s left side|with {} on its right|that has {} to its right",
    "right_of": "on {}'s right|at {}'s right hand side|with {} on its left",
    "in_front_of": "with {} behind it",
    "behind": "with {} in front of it",
}
ANCHORS = {
    "the banana": {"ref_noun": "banana"},
    "the red cube": {"ref_colour": "red", "ref_noun": "cube"},
    "the can": {"ref_noun": "can"},
    "the blue thing": {"ref_colour": "blue"},
    "the orange one": {"ref_colour": "orange"},
}
THINGS = {
    "cube": {"noun": "cube"},
    "object": {},
    "thing": {},
    "can": {"noun": "can"},
    "yellow ball": {"colour": "yellow", "noun": "ball"},
    "orange one": {"colour": "orange"},
    "orange": {"noun": "orange"},
}


def split(text: str) -> list[str]:
    return [each for line in text.splitlines() for each in line.split("|") if each]


def described() -> list[tuple[str, Slots]]:
    """Every way to say a colour, a size, a place and a relation, of several things."""
    found: list[tuple[str, Slots]] = []
    for phrase, colour, noun in product(split(COLOURS), ("red", "orange"), ("cube", "object", "can")):
        slots = {"colour": colour} | THINGS[noun]
        found.append((phrase.format(colour=colour, noun=noun), slots))
    for slot, phrases in (("size", SIZES), ("place", PLACES)):
        for value, thing in product(phrases, THINGS):
            said = [phrase for phrase in split(phrases[value]) if thing != "orange" or " one" not in phrase]
            found += [(phrase.format(thing), {slot: value} | THINGS[thing]) for phrase in said]
    things, anchors = list(THINGS), list(ANCHORS)
    for value, phrases in RELATIONS.items():
        for at, phrase in enumerate(split(phrases)):
            for step in range(3):
                thing, anchor = things[(at + step) % len(things)], anchors[(at + 2 * step) % len(anchors)]
                found.append((f"the {thing} {phrase} {anchor}", {"relation": value} | THINGS[thing] | ANCHORS[anchor]))
    for value, phrase_list in OWNED.items():
        for phrase, anchor in product(split(phrase_list), ANCHORS):
            found.append((f"the cube {phrase.format(anchor)}", {"noun": "cube", "relation": value} | ANCHORS[anchor]))
    return found


def test_every_kind_of_phrase_keeps_its_slots_in_every_request() -> None:
    requests = split(REQUESTS)
    wrong = []
    for at, (phrase, slots) in enumerate(described()):
        said = requests[at % len(requests)].format(phrase)
        command = parse_command(said)
        if command is None or (command.intent, command.slots) != (Intent.GRASP, slots):
            wrong.append((said, slots, command and command.slots))
    assert wrong == []


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        (
            "bring me the smaller cube in orange that is closest to the red ball",
            {"size": "small", "colour": "orange", "noun": "cube"}
            | {"relation": "next_to", "ref_colour": "red", "ref_noun": "ball"},
        ),
        (
            "take the cube left of the banana, the smaller one",
            {"size": "small", "noun": "cube", "relation": "left_of", "ref_noun": "banana"},
        ),
        (
            "left of the banana there is a red cube, grab it",
            {"colour": "red", "noun": "cube", "relation": "left_of", "ref_noun": "banana"},
        ),
        (
            "hand me the cube next to the mug, the one furthest to the back",
            {"noun": "cube", "relation": "next_to", "ref_noun": "mug", "place": "back"},
        ),
        ("grab the ball in the red box", {"noun": "ball", "relation": "in", "ref_colour": "red", "ref_noun": "box"}),
        ("fetch the cup from the table", {"noun": "cup"}),
        ("lift the can", {"noun": "can"}),
    ],
)
def test_colour_size_place_and_relation_go_to_the_object_they_are_said_of(said: str, slots: Slots) -> None:
    command = parse_command(said)
    assert command is not None and (command.intent, command.slots) == (Intent.GRASP, slots)


@pytest.mark.parametrize(
    "said",
    """can|grab the thing|grab the cube left of the ball that is smallest|get the one next to the left bowl
grab the one furthest from the banana|grab the one smaller than the banana|which red cube should I take
take the red cube in blue|get the leftmost cube on the right|pick up two cubes
grab the smallest of the biggest cubes|the cube that is red|is the red cube the one to grab|find the red cube
grab the cube left of the ball right of the mug""".replace("\n", "|").split("|"),
)
def test_what_is_ambiguous_or_no_request_is_no_grasp(said: str) -> None:
    command = parse_command(said)
    assert command is None or command.intent is Intent.QUESTION


def test_a_place_without_a_thing_stays_a_motion() -> None:
    for said, direction in {"go to the front": "forward", "move to the left": "left", "lift the arm": "up"}.items():
        command = parse_command(said)
        assert command is not None and (command.intent, command.slots) == (Intent.JOG, {"direction": direction})


NO_OBJECTS = "the gripper|your hand|my hand|the arm|the claw|it|that|your left hand|the end effector".split("|")
PUT = "put it {}|drop it {}|release it {}|let go of the cube {}|open the gripper {}|go home {}"
PUT += "|no, the one {}|I meant the cube {}"


@settings(max_examples=100)
@given(
    said=st.sampled_from([*(request.format("the cube {}") for request in split(REQUESTS)), *PUT.split("|")]),
    relation=st.sampled_from([each for phrases in RELATIONS.values() for each in split(phrases) if each != "by"]),
    anchor=st.sampled_from(NO_OBJECTS),
)
def test_a_relation_to_what_is_no_object_moves_nothing(said: str, relation: str, anchor: str) -> None:
    command = parse_command(said.format(f"{relation} {anchor}"))
    assert command is None or command.intent not in MOVES


@pytest.mark.parametrize(
    "said",
    """en:pick up the cube behind me|en:take the cube in front of you|en:take the cube beside it
en:take the cube next to me|en:take the cube with your left hand
en:take the cube left of|en:take the cube in your hand|en:drop it behind me
en:take the cube that is not near the ball|en:take the cube, not the small red one
en:take the cube, not the wooden red one|de:nimm den Würfel neben dem Greifer
de:nimm den Würfel, nicht den kleinen roten|de:lass ihn neben dem Greifer los
es:coge el cubo más cercano a la pinza|es:suéltalo junto a la pinza|it:prendi il cubo vicino alla pinza
fr:prends le cube le plus proche de la pince|fr:prends le cube derrière moi|pt:pega o cubo perto da garra
ru:возьми куб рядом с захватом|ru:возьми куб позади меня|zh:拿起夹爪旁边的方块
zh:拿起我后面的方块|zh:拿起机器人旁边的方块
ja:グリッパーの隣の立方体を取って|ja:私の後ろの立方体を取って
ko:그리퍼 옆에 있는 큐브를 집어 줘|ar:التقط المكعب بجانب القابض
hi:हाथ के बगल वाला घन उठाओ|hi:मेरे पीछे वाला घन उठाओ""".replace("\n", "|").split("|"),
)
def test_what_a_description_cannot_carry_is_not_left_out_in_any_language(said: str) -> None:
    tag, _, sentence = said.partition(":")
    command = parse_command(sentence, tag)
    assert command is None or command.intent not in MOVES


MODIFIED = (
    "the {} red cube|the cube which is red and {}|the red cube {}|the ball left of the {} red cube|the red {} cube"
)


@settings(max_examples=60)
@given(
    request=st.sampled_from(split(REQUESTS)),
    described=st.sampled_from(MODIFIED.split("|")),
    word=st.one_of(
        st.sampled_from("wooden empty broken fallen hollow sticky later".split()),
        st.text("abcdefghiklmnoprstuvwz", min_size=4, max_size=9),
    ),
)
def test_a_word_that_is_not_known_stays_with_its_object(request: str, described: str, word: str) -> None:
    lexicon = language("en").lexicon
    assume(not any(token.readings for token in lexicon.tokens(word)))
    assume(not any(token.readings for token in correct_tokens(lexicon.tokens(f"{word} cube"), lexicon)[:-1]))
    command = parse_command(request.format(described.format(word)))
    if command is not None and command.intent in MOVES:
        nouns = f"{command.slots.get('noun', '')} {command.slots.get('ref_noun', '')}"
        assert set(word.split()) <= set(nouns.split()) and word in command.instruction
