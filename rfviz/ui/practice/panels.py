"""A series of questions as a page asks it: what was answered, the score, and the explanations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import streamlit as st

from rfviz.conv.practice.question import Board, Question
from rfviz.conv.practice.series import LARGEST_SEED, LEVELS, MOST_QUESTIONS, practice_series
from rfviz.explorer.components import show_panel
from rfviz.figures.practice_board import board_figure

LARGEST_ANSWER = 10**9
BOARD_HEIGHT = 380
# The page on which a kind of question can be looked at.
PAGES_ABOUT: Mapping[str, str] = MappingProxyType({
    "output size": "Output shape", "same": "Output shape",
    "pixels": "Receptive field", "receptive field": "Receptive field",
    "column": "Column matrix", "position": "Column matrix", "entry": "Column matrix",
    "reads": "Column matrix", "stack": "Stack of layers", "jump": "Stack of layers",
})  # fmt: skip


@dataclass
class Progress:
    """Where a person is in a series, and all that was answered, by question."""

    at: int = 0
    given: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    revealed: set[int] = field(default_factory=set)
    seen_before: set[int] = field(default_factory=set)
    clicked: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def tries(self, index: int) -> list[tuple[int, ...]]:
        """The answers to a question, in order."""
        return self.given.get(index, [])

    def right_at_once(self, questions: list[Question]) -> int:
        """Questions whose first answer was right, and given before the solution was looked at."""
        return sum(
            bool(tries) and tries[0] == questions[index].answer and index not in self.seen_before
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
    above = st.container()
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
    if question.board is not None:
        # Drawn last, since it shows the answer once that is told.
        with above:
            show_board(question.board, question, progress, place)


def show_board(board: Board, question: Question, progress: Progress, place: str) -> None:
    """The panel ``practice``: a click chooses a cell, and the last one needed fills the fields."""
    index = progress.at
    clicked = progress.clicked.setdefault(index, [])

    def click(row: int, column: int) -> None:
        if row not in board.rows or column not in board.columns:
            return
        if len(clicked) == board.n_clicks:
            clicked.clear()
        clicked.append((row, column))
        for label, number in zip(question.labels, board.answer(clicked) or (), strict=False):
            st.session_state[f"practice-{place}-{label}"] = number

    answer = question.answer if index in progress.revealed else None
    figure = board_figure(board, clicked, answer)
    size = (len(board.rows), len(board.columns))
    with st.container(width=460):
        show_panel(figure, name="practice", height=BOARD_HEIGHT, size=size, on_cell=click)
    if len(clicked) < board.n_clicks:
        rest = "the opposite corner" if clicked else "one corner"
        st.caption(f"Click on {rest if board.n_clicks > 1 else 'the output'}.")
    else:
        told = " Dashed: the right answer." if answer is not None else ""
        st.caption(f"Press Answer, or click anew.{told}")


def show_verdict(question: Question, progress: Progress, index: int) -> None:
    """Whether the last answer is right, else where it comes from; the arithmetic when asked."""
    tries = progress.tries(index)
    if not tries:
        _offer_solution(question, progress, index)
        return
    if tries[-1] == question.answer:
        st.success(f"{shown(tries[-1])}: right.")
        progress.revealed.add(index)
    else:
        st.error(f"{shown(tries[-1])} is not right. {question.explain(tries[-1])}")
    _offer_solution(question, progress, index)


def _offer_solution(question: Question, progress: Progress, index: int) -> None:
    """The solution where it was asked for; else a button, before any answer as well."""

    def reveal() -> None:
        progress.revealed.add(index)
        if not progress.tries(index):
            progress.seen_before.add(index)

    if index in progress.revealed:
        st.code(question.solution, language=None, wrap_lines=True)
    else:
        st.button(
            "Show the solution",
            key="practice-reveal",
            on_click=reveal,
            help="Before an answer too; the question then no longer counts as right at first try.",
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


def summary(questions: list[Question], progress: Progress) -> None:
    """Once all are answered: every question with the first answer, and what it came from."""
    if len(progress.given) < len(questions):
        return
    st.subheader("The series, answered")
    lines = []
    for index, question in enumerate(questions):
        first = progress.tries(index)[0]
        lines.append(
            {
                "question": index + 1,
                "on": question.kind,
                "first answer": shown(first),
                "right": shown(question.answer),
                "tries": len(progress.tries(index)),
                "what it came from": question.explain(first),
                "to see it": PAGES_ABOUT[question.kind],
            }
        )
    st.dataframe(lines, hide_index=True, height=min(420, 38 + 35 * len(lines)))
    missed = sorted(
        {each.kind for i, each in enumerate(questions) if progress.tries(i)[0] != each.answer}
    )
    if missed:
        st.markdown(f"To go over again: {', '.join(missed)}.")
    else:
        st.markdown("All right at the first try.")

    def another() -> None:
        st.session_state["practice_seed"] = (st.session_state["practice_seed"] + 1) % LARGEST_SEED

    st.button("Another series", key="practice-another", on_click=another)


def shown(answer: tuple[int, ...]) -> str:
    """An answer as text.

    >>> shown((-1, 1234)), shown((0, 2, 2, 4))
    ('−1 and 1,234', '0, 2, 2 and 4')
    """
    *first, last = (f"{number:,}".replace("-", "−") for number in answer)
    return f"{', '.join(first)} and {last}" if first else last
