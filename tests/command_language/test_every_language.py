"""What is the same in every language: tables of sentences, a language a line."""

from __future__ import annotations

import pytest

from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.types import MOVES, Intent

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
hi:घन के अलावा कोई चीज़ उठाओ:not_noun=cube
hi:जो नीला नहीं है वो उठाओ:not_colour=blue
zh:拿不是蓝色的那个:not_colour=blue
zh:除了红色的随便拿一个:not_colour=red
zh:拿一个红色以外的方块:noun=cube;not_colour=red"""


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
    """open the gripper 30 degrees|open two by two centimetres|open another two centimetres to four centimetres
move two centimetres and open|open, go up two centimetres|open four|open the door two centimetres
open the door a little|go up halfway|open it not halfway|don't open it two centimetres
open it a little, no, halfway|open it halfway and go home|don't open it a little|let go halfway""".replace(
        "\n", "|"
    ).split("|"),
)
def test_an_opening_that_is_not_known_is_no_command(said: str) -> None:
    assert parse_command(said) is None


WIDTHS = """en:open:width_m=0.02:open the gripper two centimetres|open it to 20 mm|open it to about 2 cm
en:open:distance_m=0.02:open the gripper by two centimetres|open it two centimetres more|open another 20 mm
en:close:width_m=0.005:close the gripper to half a centimetre
de:open:width_m=0.02:öffne den Greifer auf zwei Zentimeter|mach die Hand auf 2 cm auf
de:open:distance_m=0.02:mach den Greifer um zwei Zentimeter auf|öffne die Hand noch 2 cm weiter
es:close:width_m=0.02:cierra la pinza hasta dos centímetros
fr:open:width_m=0.02:ouvre la pince à deux centimètres
fr:open:distance_m=0.02:ouvre la pince de deux centimètres
it:open:width_m=0.02:apri la pinza a due centimetri
it:open:distance_m=0.02:apri la pinza di due centimetri
pt:open:distance_m=0.02:abre a garra mais dois centímetros
ru:open:width_m=0.02:открой захват до двух сантиметров
ru:close:distance_m=0.02:закрой захват на два сантиметра
ja:open:width_m=0.02:グリッパーを2センチまで開いて
ko:open:distance_m=0.02:그리퍼를 이 센티미터 더 열어
zh:open:width_m=0.02:夹爪张开到两厘米
zh:open:distance_m=0.02:夹爪再张开两厘米
ar:open:distance_m=0.02:افتح القابض بمقدار 2 سم
hi:open:distance_m=0.02:ग्रिपर दो सेंटीमीटर और खोलो"""


@pytest.mark.parametrize("row", WIDTHS.splitlines())
def test_a_hand_opens_to_a_width_or_by_what_is_added_to_it(row: str) -> None:
    tag, intent, slot, said = row.split(":")
    for sentence in said.split("|"):
        command = parse_command(sentence, tag)
        assert command is not None and (command.intent.name.lower(), command.slots) == (intent, dict([slot.split("=")]))


NOT_FIRST = """es:la taza no, el tazón:noun=bowl;not_noun=cup|pt:o vermelho não, o amarelo:colour=yellow;not_colour=red
it:la verde no, voglio la palla blu:colour=blue;noun=ball;not_colour=green
en:not the bottle, I said the can:noun=can;not_noun=bottle|zh:不是瓶子，我要的是罐子:noun=can;not_noun=bottle"""


@pytest.mark.parametrize("row", NOT_FIRST.replace("\n", "|").split("|"))
def test_a_correction_keeps_what_the_object_is_not(row: str) -> None:
    tag, said, slots = row.split(":")
    command = parse_command(said, tag)
    assert command is not None and command.intent is Intent.CORRECT
    assert command.slots == dict(pair.split("=") for pair in slots.split(";"))


PLACED = """zh:把黄色的柠檬放进小碗里:colour=yellow;noun=lemon;relation=in;ref_size=small;ref_noun=bowl
ko:노란 레몬을 작은 그릇 안에 넣어 주세요:colour=yellow;noun=lemon;relation=in;ref_size=small;ref_noun=bowl
hi:पीला नींबू छोटे कटोरे में डाल दीजिए:colour=yellow;noun=lemon;relation=in;ref_size=small;ref_noun=bowl
ja:黄色いレモンを小さいボウルに入れてください:colour=yellow;noun=lemon;relation=in;ref_size=small;ref_noun=bowl"""


@pytest.mark.parametrize("row", PLACED.splitlines())
def test_what_is_put_into_something_is_not_taken_for_what_it_is_put_into(row: str) -> None:
    tag, said, slots = row.split(":")
    command = parse_command(said, tag)
    assert command is not None and command.intent is Intent.PLACE
    assert command.slots == dict(pair.split("=") for pair in slots.split(";"))


NEVER = "en:never, the cube|es:nunca, el cubo rojo|it:mai, il cubo rosso|pt:nunca, o cubo vermelho|ar:أبدا، المكعب"
OPPOSITE = (
    "zh:不是蓝色的那个|zh:除了红色的都拿|zh:拿红色的不是蓝色的|zh:不是拿红色的那个|zh:你抓到球了吗|zh:他拿了红色的杯子"
)
NARRATED = "ru:он взял чашку|ru:робот поднял куб|ar:رفعت الكوب|ar:الروبوت أخذ المكعب|fr:j'ai posé la tasse sur la table"


@pytest.mark.parametrize("said", f"{NEVER}|{OPPOSITE}|{NARRATED}".split("|"))
def test_never_what_it_is_not_and_what_was_done_move_nothing(said: str) -> None:
    tag, _, sentence = said.partition(":")
    command = parse_command(sentence, tag)
    assert command is None or command.intent not in MOVES


NOT_ASKED_FOR = """de|ich möchte nicht, dass du den roten würfel nimmst|ich will nicht dass du den roten würfel nimmst
de|es wäre nett, wenn du den roten würfel nicht nehmen würdest|es wäre schön, wenn du den roten würfel liegen lässt
de|würde es dir etwas ausmachen, den roten würfel nicht zu nehmen|du solltest den roten würfel nicht nehmen
de|ich möchte den roten würfel nicht haben|ich will den roten ball nicht haben
de|ich würde mich freuen, wenn du nicht den roten würfel nimmst|du darfst den roten würfel nicht nehmen
de|es wäre nicht gut, wenn du den roten würfel nimmst|wäre es möglich, den roten würfel nicht zu nehmen
de|deine aufgabe ist es nicht, den roten würfel zu nehmen
es|no me gustaría que cogieras el cubo rojo|me gustaría que no cogieras el cubo rojo
es|no quisiera que cogieras el cubo rojo|preferiría que no cogieras el cubo rojo|no deberías coger el cubo rojo
es|te importaría no coger el cubo rojo|no es posible coger el cubo rojo|no quiero que cojas el cubo rojo
es|quiero que no cojas el cubo rojo|intenta no coger el cubo rojo|no puedo tener el cubo rojo
fr|je ne voudrais pas que tu prennes le cube rouge|je voudrais que tu ne prennes pas le cube rouge
fr|tu ne devrais pas prendre le cube rouge|tu devrais ne pas prendre le cube rouge
fr|ce serait bien de ne pas prendre le cube rouge|ce serait bien si tu ne prenais pas le cube rouge
fr|essaie de ne pas prendre le cube rouge|ça te dérangerait de ne pas prendre le cube rouge
fr|je te demande de ne pas prendre le cube rouge|ce ne serait pas bien de prendre le cube rouge
fr|je ne peux pas avoir le cube rouge|il ne faut pas prendre le cube rouge|je veux pas que tu prennes le cube rouge
fr|tu dois pas prendre le cube rouge
it|non vorrei che tu prendessi il cubo rosso|vorrei che tu non prendessi il cubo rosso
it|non dovresti prendere il cubo rosso|cerca di non prendere il cubo rosso
it|ti dispiacerebbe non prendere il cubo rosso|ti chiedo di non prendere il cubo rosso
it|sarebbe bello se non prendessi il cubo rosso|non posso avere il cubo rosso
it|non sarebbe bello se prendessi il cubo rosso|non ti va di prendere il cubo rosso
pt|não gostaria que você pegasse o cubo vermelho|gostaria que você não pegasse o cubo vermelho
pt|não deverias pegar o cubo vermelho|tenta não pegar o cubo vermelho|não quero que você pegue o cubo vermelho
pt|seria bom se você não pegasse o cubo vermelho|que tal não pegar o cubo vermelho
pt|peço que você não pegue o cubo vermelho
ru|я не хочу, чтобы ты взял красный куб|я хочу, чтобы ты не брал красный куб|я хочу, чтобы ты не взял красный куб
ru|ты не должен брать красный куб|было бы хорошо, если бы ты не взял красный куб|помоги мне не взять красный куб
ru|как насчёт того, чтобы не брать красный куб|я бы не хотел, чтобы ты взял красный куб
ru|ты не должен взять красный куб
ja|赤い立方体を取らないでくれると嬉しい|赤い立方体を取らないでいただけないでしょうか|赤い立方体を取ってほしくない|赤い立方体を取らないことです|赤い立方体は必要ない
ko|빨간 큐브를 집지 않으면 좋겠어|빨간 큐브를 안 집어 주면 좋겠어|빨간 큐브를 집지 말아 주세요|빨간 큐브가 필요 없어
zh|你不应该拿红色的方块|如果你不拿红色的方块就好了|我不想要红色的方块|要不你别拿红色的方块|不如你不要拿红色的方块|你的任务不是拿红色的方块
ar|أرجو ألا تأخذ المكعب الأحمر|أرجو أن لا تأخذ المكعب الأحمر|سأكون ممتنا لو لم تأخذ المكعب الأحمر
ar|يجب ألا تأخذ المكعب الأحمر|لا يجب أن تأخذ المكعب الأحمر|لا أرجو أن تأخذ المكعب الأحمر
ar|ليس عليك أن تأخذ المكعب الأحمر
hi|मैं नहीं चाहता हूँ कि तुम लाल घन उठाओ|मैं चाहता हूँ कि तुम लाल घन मत उठाओ|मैं चाहता हूँ कि तुम लाल घन न उठाओ
hi|अच्छा होगा अगर तुम लाल घन न उठाओ|मुझे लाल घन नहीं चाहिए|तुम्हें लाल घन नहीं उठाना है|लाल घन उठाने की कोशिश मत करो
en|would it be possible not to take the red cube|I'd be glad if you didn't take the red cube
en|and you must not take the red cube|can you not take the red cube|could you not pick up the red cube
en|and you not pick up the red cube|good you cannot open the gripper|hero bot never open the gripper
en|don't open the gripper halfway|never close it a little|do not open it even a bit"""


@pytest.mark.parametrize("row", NOT_ASKED_FOR.splitlines())
def test_a_request_not_to_take_something_takes_nothing(row: str) -> None:
    tag, *said = row.split("|")
    commands = {sentence: parse_command(sentence, tag) for sentence in said}
    assert [each for each, command in commands.items() if command is not None and command.intent in MOVES] == []
