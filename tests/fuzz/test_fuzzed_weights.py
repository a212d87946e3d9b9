"""A short run of the mutator; `python tests/fuzz/weights.py --count 100000` is a long one."""

import pytest
import torch
from weights import ENDINGS, mutated, run, seeds, tried

from rfviz.io.weights.file import WeightsFile


@pytest.mark.parametrize("name", ENDINGS)
def test_broken_files_are_read_or_refused(name: str) -> None:
    tally = run(name, 0, 300)
    assert tally.faults == []
    assert tally.read >= 10
    assert tally.refused >= 100


@pytest.mark.parametrize("name", ENDINGS)
def test_seeds_are_read(name: str) -> None:
    assert all(tried(data, ENDINGS[name]) == (True, "") for data in seeds(name))


@pytest.mark.parametrize("name", sorted(ENDINGS.keys() - {"legacy"}))
def test_mutations_are_the_same_in_each_run(name: str) -> None:
    corpus = seeds(name)
    assert [mutated(corpus, name, n) for n in range(20)] == [
        mutated(seeds(name), name, n) for n in range(20)
    ]


def test_a_tensor_of_other_numbers_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = WeightsFile({"w": torch.full((3,), 1234.5)})
    monkeypatch.setattr("weights.read_weights", lambda *_: wrong)
    assert "not in the file" in tried(seeds("npy")[0], ".npy")[1]
