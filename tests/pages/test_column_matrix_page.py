"""The page of the column matrix: files, its sentence, and a copy that is looked at."""

from opened import OpenedPage

from rfviz.ui.column_matrix.files import MOST_ENTRIES


def labels(page: OpenedPage) -> list[str]:
    return [button.proto.help for button in page.at.get("download_button")]


def test_the_page_offers_the_window_and_the_whole_matrix() -> None:
    page = OpenedPage("column_matrix", {"sample": "glyph", "window": "20"})
    page.check_answers()
    said = labels(page)
    assert "Download columns as .npy" in said
    assert sum("as .csv" in label for label in said) == 2


def test_a_matrix_too_large_for_a_file_is_offered_in_parts_with_its_numbers() -> None:
    page = OpenedPage("column_matrix", {"sample": "scene", "kernel": "11"})
    page.check_answers()
    assert "Download columns as .npy" not in labels(page)
    said = next(each for each in page.captions if "one file holds at most" in each)
    assert f"{MOST_ENTRIES:,}" in said
    assert "363 × " in said
