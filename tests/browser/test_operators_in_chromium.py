"""The operators page and the check page in Chromium: linked maps, a narrow screen, an upload."""

from app_page import IDLE, AppPage
from conftest import Open
from photographs import jpeg
from playwright.sync_api import expect

TOO_WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"


def written_out(app: AppPage, words: str) -> None:
    assert app.page.get_by_test_id("stCode").filter(has_text=words).count() == 1


def test_a_click_on_the_operator_s_map_chooses_its_output(open_app: Open) -> None:
    app = open_app("operators", {"operator": "dilation", "sample": "address"}).settle()
    app.click_cell("operator", 3, 5)
    app.wait_for_place(3, 5)
    app.settle()
    app.eventually(lambda: written_out(app, "output (3, 5) of filter 0: Dilation"))


def test_another_operator_takes_the_place_of_the_map(open_app: Open) -> None:
    app = open_app("operators", {"operator": "l1-distance", "operator_shown": "values"}).settle()
    mounts = app.panel("operator").get_attribute("data-mounts")
    before = app.z("operator")
    app.widget("operator").locator("input").fill("adder")
    app.widget("operator").locator("input").press("Enter")
    app.page.wait_for_url("**operator=adder**")

    def is_negative() -> None:
        app.settle()
        assert app.z("operator").equal(-before)

    app.eventually(is_negative)
    assert app.panel("operator").get_attribute("data-mounts") == mounts


def test_pictures_are_added_and_checked(open_app: Open) -> None:
    app = open_app(
        "check",
        {"check_dtypes": "float32", "check_channels": "grey"},
        viewport={"width": 390, "height": 844},
    )
    expect(app.alert("The check agrees")).to_be_visible()
    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    app.widget("check_upload").locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(app.alert("All 2 checks agree")).to_be_visible()
    app.page.wait_for_selector(IDLE)
    assert app.page.evaluate(TOO_WIDE) <= 0
