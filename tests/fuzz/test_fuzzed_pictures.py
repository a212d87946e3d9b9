"""A short run of the fuzzing of pictures: read or refused, and nothing else."""

import pytest
from pictures import CORPORA, Finding, answers

from rfviz.io.pictures.picture import load_picture

COUNT = 200


@pytest.mark.parametrize("kind", CORPORA)
def test_whole_files_of_the_corpus_are_read(kind: str) -> None:
    for data in CORPORA[kind]():
        # One of them is turned upright.
        assert load_picture(data).shape[1:] in ((30, 40), (40, 30))


@pytest.mark.parametrize("kind", CORPORA)
def test_broken_files_are_read_or_refused(kind: str) -> None:
    found = list(answers(kind, COUNT))
    assert [(each.number, each.what) for each in found if isinstance(each, Finding)] == []
    assert set(found) == {"read", "refused"}
