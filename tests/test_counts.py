"""The script that counts runs, and what it counts is as much as it promises, and right."""

from counts import Count, checkpoints, messages, single_calls, table


def test_messages_checkpoints_and_single_calls_are_counted_and_none_is_wrong() -> None:
    counts = [checkpoints(), messages(), single_calls()]
    for count in counts:
        assert count.tried >= count.at_least, count.what
        assert count.wrong == ()
    assert len(counts[1].refused) < 5
    assert counts[2].refused == ()


def test_what_is_wrong_or_refused_stands_below_the_table() -> None:
    said = table([Count("letters", 3, ("b: is c",), ("z: is none",), 2)])
    assert "letters" in said
    assert "wrong: b: is c" in said
    assert "refused: z: is none" in said
