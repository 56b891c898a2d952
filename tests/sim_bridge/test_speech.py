from collections.abc import Iterator

from sim_bridge.messages import Instruction, InstructionMode, Observation
from sim_bridge.speech import ANSWERS_KEPT, COMMENTARY_PAUSE_US, QUESTIONS_WAITING_MAX, Speech
from tests.fakes import MoodyDriver, SteadyDriver, StraightRoad


def observation(sim_time_us: int = 0, episode: int = 1) -> Observation:
    seen = StraightRoad().reset(0)
    return Observation(episode, seen.tick, sim_time_us, seen.ego, seen.frames, seen.target_points_xy_in_ego)


def spoken(speech: Speech, seen: Observation, instruction: Instruction | None = None, pieces: int = 20) -> None:
    for _ in range(pieces):
        if not speech.advance(seen, instruction):
            return


def test_commentary_grows_piece_by_piece_and_ends() -> None:
    speech = Speech(SteadyDriver())
    heard = []
    while speech.advance(observation(), None):
        heard.append((speech.commentary.text, speech.commentary.is_final))
    assert heard == [
        ("I ", False),
        ("I keep ", False),
        ("I keep my ", False),
        ("I keep my lane.", False),
        ("I keep my lane.", True),
    ]


def test_the_next_sentence_waits_until_the_last_could_be_read() -> None:
    speech = Speech(SteadyDriver())
    spoken(speech, observation())
    assert not speech.advance(observation(COMMENTARY_PAUSE_US - 1), None)
    assert speech.advance(observation(COMMENTARY_PAUSE_US), None)


def test_a_changed_instruction_is_commented_at_once() -> None:
    speech = Speech(SteadyDriver())
    speech.advance(observation(), None)
    asked = Instruction("stop", InstructionMode.SAFETY, 1)
    spoken(speech, observation(), asked)
    assert speech.commentary.text == "I keep my wits."


def test_an_answer_goes_before_the_commentary_and_is_about_the_moment_of_asking() -> None:
    speech = Speech(SteadyDriver())
    speech.advance(observation(), None)
    assert speech.ask("which tick?", 7, observation()) == ""
    assert speech.answers[0].question == "which tick?" and not speech.answers[0].is_final
    said = speech.commentary
    for _ in range(4):
        speech.advance(observation(50_000), None)
    answer = speech.answers[0]
    assert (answer.text, answer.is_final, answer.question_id) == ("Tick 0.", True, 7)
    assert speech.commentary == said
    speech.advance(observation(50_000), None)
    assert speech.commentary.text == "I keep "


def test_a_question_about_an_earlier_episode_gets_an_error_not_an_answer() -> None:
    speech = Speech(SteadyDriver())
    speech.ask("which tick?", 1, observation(episode=1))
    spoken(speech, observation(episode=2))
    assert speech.answers[0].is_final and "reset" in speech.answers[0].error


def test_a_driver_lost_for_words_ends_the_answer_with_the_reason() -> None:
    driver = MoodyDriver()
    driver.mood = "raises"
    speech = Speech(driver)
    speech.ask("what do you see?", 1, observation())
    spoken(speech, observation())
    assert speech.answers[0].is_final and "lost for words" in speech.answers[0].error


class Mute(SteadyDriver):
    """Fails before it has an iterator to hand out."""

    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        raise OSError("no voice")

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        raise OSError("no voice")


def test_a_driver_that_fails_as_it_begins_to_speak_is_heard_to_fail() -> None:
    speech = Speech(Mute())
    speech.ask("what do you see?", 1, observation())
    spoken(speech, observation())
    assert speech.answers[0].is_final and speech.answers[0].error == "The driver could not answer: OSError: no voice"
    assert speech.commentary.is_final and speech.trouble == "The driver could not comment: OSError: no voice"


class Babbler(SteadyDriver):
    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        while True:
            yield "on and "


def test_a_sentence_without_end_is_cut_off() -> None:
    speech = Speech(Babbler())
    spoken(speech, observation(), pieces=1000)
    assert speech.commentary.is_final and len(speech.commentary.text) == 1000


def test_only_so_many_questions_wait() -> None:
    speech = Speech(SteadyDriver())
    lines = [speech.ask("why?", k, observation()) for k in range(QUESTIONS_WAITING_MAX + 1)]
    assert lines[:-1] == [""] * QUESTIONS_WAITING_MAX
    assert "waiting" in lines[-1]
    refused = speech.answers[-1]
    assert (refused.question_id, refused.is_final, refused.error) == (QUESTIONS_WAITING_MAX, True, lines[-1])


def test_an_open_answer_is_kept_however_many_come_after_it() -> None:
    speech = Speech(SteadyDriver())
    for k in range(3 * ANSWERS_KEPT):
        speech.ask("why?", k, observation())
    kept = [answer.question_id for answer in speech.answers]
    assert kept[:QUESTIONS_WAITING_MAX] == list(range(QUESTIONS_WAITING_MAX))
    assert kept[QUESTIONS_WAITING_MAX:] == list(range(2 * ANSWERS_KEPT, 3 * ANSWERS_KEPT))


def test_words_that_came_with_a_plan_end_an_earlier_complaint() -> None:
    speech = Speech(Mute())
    spoken(speech, observation())
    assert speech.trouble
    speech.says_first("I stop.", tick=7)
    assert (speech.trouble, speech.commentary.text) == ("", "I stop.")
