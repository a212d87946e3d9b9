"""A series of questions as a page asks it: what was answered, the score, and the explanations."""

from dataclasses import dataclass, field

import streamlit as st

from rfviz.conv.practice import LARGEST_SEED, LEVELS, MOST_QUESTIONS, practice_series
from rfviz.conv.questions import Question

LARGEST_ANSWER = 10**9


@dataclass
class Progress:
    """Where a person is in a series, and all that was answered, by question."""

    at: int = 0
    given: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    revealed: set[int] = field(default_factory=set)

    def tries(self, index: int) -> list[tuple[int, ...]]:
        """The answers to a question, in order."""
        return self.given.get(index, [])

    def right_at_once(self, questions: list[Question]) -> int:
        """Questions whose first answer was right."""
        return sum(
            bool(tries) and tries[0] == questions[index].answer
            for index, tries in self.given.items()
        )

    def solved(self, questions: list[Question], index: int) -> bool:
        """Whether a question has been answered rightly."""
        return questions[index].answer in self.tries(index)


def series_widgets() -> tuple[list[Question], Progress]:
    """Draw the choice of a series; return its questions, and how far the person is in it."""
    cells = st.columns(3)
    with cells[0]:
        seed = st.number_input(
            "Series", 0, LARGEST_SEED, 1, key="practice_seed", bind="query-params",
            help="The same number gives everybody the same questions: share the address.",
        )  # fmt: skip
    with cells[1]:
        level = st.selectbox(
            "Level", [str(grade) for grade in LEVELS], key="practice_level", bind="query-params",
            help="1: small numbers, 2: any stride, 3: dilation and deeper stacks.",
        )  # fmt: skip
    with cells[2]:
        count = st.number_input(
            "Questions", 1, MOST_QUESTIONS, 10, key="practice_count", bind="query-params"
        )
    all_progress: dict[tuple[int, ...], Progress] = st.session_state.setdefault("practice", {})
    progress = all_progress.setdefault((int(seed), int(level), int(count)), Progress())
    return practice_series(int(seed), int(level), int(count)), progress


def score_line(questions: list[Question], progress: Progress) -> None:
    """Say how many are answered, and how many of them at the first try."""
    answered = len(progress.given)
    solved = sum(progress.solved(questions, index) for index in range(len(questions)))
    st.progress(
        answered / len(questions),
        f"{answered} of {len(questions)} answered, {solved} right, "
        f"{progress.right_at_once(questions)} of them at the first try",
    )


def ask(questions: list[Question], progress: Progress) -> None:
    """The present question as a form, and what has come of the answers to it."""
    index = progress.at
    question = questions[index]
    st.subheader(f"Question {index + 1} of {len(questions)}")
    st.markdown(question.text)
    state = st.session_state
    place = f"{state['practice_seed']}-{state['practice_level']}-{index}"
    with (
        st.form(f"practice-form-{place}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        numbers = [
            st.number_input(
                label, -LARGEST_ANSWER, LARGEST_ANSWER, None, 1, width=160,
                key=f"practice-{place}-{label}",
            )
            for label in question.labels
        ]  # fmt: skip
        asked = st.form_submit_button("Answer", type="primary")
    if asked:
        if None in numbers:
            st.warning("Write a whole number into every field, then press Answer or Enter.")
        else:
            given = tuple(int(number) for number in numbers if number is not None)
            progress.given.setdefault(index, []).append(given)
    show_verdict(question, progress, index)


def show_verdict(question: Question, progress: Progress, index: int) -> None:
    """Whether the last answer is right, else where it comes from; the arithmetic when asked."""
    tries = progress.tries(index)
    if not tries:
        return
    if tries[-1] == question.answer:
        st.success(f"{shown(tries[-1])}: right.")
        progress.revealed.add(index)
    else:
        st.error(f"{shown(tries[-1])} is not right. {question.explain(tries[-1])}")
    if index in progress.revealed:
        st.code(question.solution, language=None, wrap_lines=True)
    else:
        st.button(
            "Show the solution",
            key="practice-reveal",
            on_click=progress.revealed.add,
            args=(index,),
        )


def move_buttons(questions: list[Question], progress: Progress) -> None:
    """To the question before and the next one; nothing is lost by moving."""

    def move(step: int) -> None:
        progress.at = max(0, min(len(questions) - 1, progress.at + step))

    with st.container(horizontal=True):
        st.button(
            "Previous question", on_click=move, args=(-1,), disabled=progress.at == 0,
            key="practice-back",
        )  # fmt: skip
        st.button(
            "Next question", on_click=move, args=(1,), key="practice-next",
            disabled=progress.at == len(questions) - 1,
        )  # fmt: skip


def shown(answer: tuple[int, ...]) -> str:
    """An answer as text.

    >>> shown((-1, 1234))
    '−1 and 1,234'
    """
    return " and ".join(f"{number:,}".replace("-", "−") for number in answer)
