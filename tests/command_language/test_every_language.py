"""What is the same in every language: tables of sentences, a language a line."""

from __future__ import annotations

import pytest

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.types import Intent

LIFTED = """ar|اصعد|ارفع الشيء|اصعد بالشيء|حرك الشيء إلى أعلى
de|fahr hoch|heb das Ding hoch|beweg das Objekt nach oben|hoch mit dem Gegenstand
en|lift it|lift the object up|raise the object|lift one|move that thing to the left|higher with the thing
es|súbelo|sube el objeto|levanta la cosa|alza la cosa|mueve el objeto hacia arriba
fr|monte|monte l'objet|soulève l'objet|lève la chose|déplace la chose vers le haut
hi|ऊपर जाओ|वस्तु ऊपर उठाओ|चीज़ को ऊपर ले जाओ
it|sali|sali l'oggetto|alza la cosa|solleva l'oggetto|sposta l'oggetto in alto
ja|上がって|物を上げて|物体を持ち上げて|物を上に動かして
ko|올라가|물건을 올려|물체를 위로 움직여
pt|sobe|sobe o objeto|levanta a coisa|ergue a coisa|move o objeto para cima
ru|поднимись|подними предмет|передвинь предмет вверх
zh|向上|举高东西|抬高物体|把东西向上移动"""


@pytest.mark.parametrize("row", LIFTED.splitlines())
def test_a_thing_that_is_to_be_lifted_is_no_motion_of_the_tool_in_any_language(row: str) -> None:
    tag, tool, *things = row.split("|")
    moved = parse_command(tool, tag)
    assert moved is not None and (moved.intent, moved.slots) == (Intent.JOG, {"direction": "up"})
    assert [thing for thing in things if parse_command(thing, tag) is not None] == []


EXCLUDED = """en:pick up the one that is not blue:not_colour=blue
en:pick up anything but the red one:not_colour=red
en:pick up something that isn't a cube:not_noun=cube
en:grab something that isn't red:not_colour=red
en:take the one that's not a cube:not_noun=cube
en:take one that is not a ball:not_noun=ball
en:pick up anything except the red cube:not_colour=red;not_noun=cube
en:take anything other than the ball:not_noun=ball
en:bring me the object which is not green:not_colour=green
en:give me something other than the mug:not_noun=mug
de:nimm etwas, das kein Würfel ist:not_noun=cube
de:nimm irgendetwas außer dem roten:not_colour=red
de:nimm das Ding, das nicht blau ist:not_colour=blue
es:coge el que no es rojo:not_colour=red
es:coge algo que no sea un cubo:not_noun=cube
es:coge cualquier cosa menos el rojo:not_colour=red
fr:prends celui qui n'est pas rouge:not_colour=red
fr:prends quelque chose qui n'est pas un cube:not_noun=cube
fr:prends n'importe quoi sauf le rouge:not_colour=red
it:prendi quello che non è rosso:not_colour=red
it:prendi qualcosa che non sia un cubo:not_noun=cube
it:prendi qualsiasi cosa tranne quello rosso:not_colour=red
pt:pega o que não é vermelho:not_colour=red
pt:pega algo que não seja um cubo:not_noun=cube
pt:pega qualquer coisa menos o vermelho:not_colour=red
ru:возьми тот, который не красный:not_colour=red
ru:возьми что-нибудь, кроме куба:not_noun=cube
ru:возьми любой предмет кроме красного:not_colour=red
ja:赤くないものを取って:not_colour=red
ja:立方体以外のものを取って:not_noun=cube
ko:빨간색이 아닌 것을 집어 줘:not_colour=red
ko:큐브가 아닌 물건을 집어 줘:not_noun=cube
ar:التقط الذي ليس أحمر:not_colour=red
ar:خذ شيئا غير المكعب:not_noun=cube
hi:घन के अलावा कोई चीज़ उठाओ:not_noun=cube"""


@pytest.mark.parametrize("row", EXCLUDED.splitlines())
def test_an_object_may_be_asked_for_by_what_it_is_not(row: str) -> None:
    tag, said, slots = row.split(":")
    command = parse_command(said, tag)
    assert command is not None and command.intent is Intent.GRASP
    assert command.slots == dict(pair.split("=") for pair in slots.split(";"))
    again = parse_command(command.instruction)  # which is what the policy is told
    assert again is not None and (again.intent, again.slots) == (Intent.GRASP, command.slots)


FORBIDDEN = """en:do not pick up the one that is not blue|en:take everything but the red one|en:take all but the red one
en:take the thing not the red one|en:take not the red one|en:pick up the one that isn't|en:pick nothing but the red one
en:don't take anything but the red one|en:take anything but small|en:take anything but don't break it
en:I want anything but a book|en:I need something other than this book|en:he took something that isn't a cube
de:nimm das Ding nicht, das rote|de:nimm das Ding nicht das rote|de:nimm den nicht, den roten
de:nimm alles außer dem roten
es:no cojas el que no es rojo|es:coge la cosa no la roja|es:no coge cualquier cosa menos el rojo
fr:ne prends rien sauf le rouge|fr:ne prends pas celui qui n'est pas rouge|it:non prendere niente tranne il rosso
pt:não pegue o que não é vermelho|ru:не бери предмет кроме красного|ja:赤くないものを取らないで
ko:빨간색이 아닌 것을 집지 마|zh:别拿不是红色的东西|ar:لا تأخذ شيئا غير الأحمر|hi:लाल के अलावा कुछ मत उठाओ"""


@pytest.mark.parametrize("said", FORBIDDEN.replace("\n", "|").split("|"))
def test_what_forbids_or_asks_for_all_but_one_takes_nothing(said: str) -> None:
    tag, _, sentence = said.partition(":")
    assert parse_command(sentence, tag) is None


PARTLY = """en:open:little:open the gripper a little|open it a tiny bit|open the gripper a little more
en:close:little:close your hand slightly|could you close the gripper a bit
en:open:half:open the hand half way|open it half|open the gripper halfway please
en:close:half:close it halfway
de:open:little:öffne den Greifer ein bisschen
de:open:half:mach die Hand halb auf
de:close:half:schließ den Greifer zur Hälfte
es:open:little:abre un poco la pinza
es:open:half:abre la pinza a medias
es:close:half:cierra la mano hasta la mitad
fr:open:little:ouvre un peu la pince
fr:close:half:ferme la pince à moitié
it:open:little:apri un po' la pinza
it:close:half:chiudi la pinza a metà
pt:open:little:abre um pouco a garra
pt:close:half:fecha a garra até a metade
ru:open:little:открой захват немного
ru:close:half:закрой захват наполовину
ja:open:little:グリッパーを少し開いて
ja:close:half:グリッパーを半分閉じて
ko:open:little:그리퍼를 조금 열어 줘
ko:close:half:그리퍼를 반만 닫아 줘
zh:open:little:把夹爪张开一点
zh:close:half:把夹爪闭合一半
ar:open:little:افتح القابض قليلا
ar:close:half:أغلق القابض إلى النصف
hi:open:little:हाथ थोड़ा खोलो
hi:close:half:हाथ आधा बंद करो"""


@pytest.mark.parametrize("row", PARTLY.splitlines())
def test_a_hand_that_is_to_open_or_close_in_part_says_how_far(row: str) -> None:
    tag, intent, amount, said = row.split(":")
    for sentence in said.split("|"):
        command = parse_command(sentence, tag)
        assert command is not None and (command.intent.name.lower(), command.slots) == (intent, {"amount": amount})


@pytest.mark.parametrize(
    "said",
    """open the gripper two centimetres|open the gripper half a centimetre|open the door a little|go up halfway
open it not halfway
open it a little, no, halfway|open it halfway and go home|don't open it a little|let go halfway""".replace(
        "\n", "|"
    ).split("|"),
)
def test_an_opening_that_is_not_known_is_no_command(said: str) -> None:
    assert parse_command(said) is None
