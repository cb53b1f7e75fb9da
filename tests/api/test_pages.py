import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.testing import TestClient

from api.pages import Site, page_routes, static_router
from api.pages.static_files import static_url
from api.pages.texts import texts_in
from api.pages.tour import tour_steps
from api.problems import EXCEPTION_HANDLERS, PROBLEM_TYPES

PAGES = ["/", "/docs", "/problems", "/problems/insufficient-points", "/problems/no-such-problem"]
STATIC = Path(__file__).parents[2] / "api" / "static"


def _app(site: Site) -> Litestar:
    return Litestar(
        [*page_routes, static_router],
        state=State({"site": site}),
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=OpenAPIConfig(
            title="City Points Ledger", version="0.1.0", path="/schema", render_plugins=[JsonRenderPlugin()]
        ),
        logging_config=None,
    )


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    with TestClient(_app(Site(version="1.2.3"))) as client:
        yield client


def _commands(html: str) -> list[str]:
    return [unescape(command) for command in re.findall(r"<pre[^>]*><code>(.*?)</code>", html, re.DOTALL)]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_page_is_html_in_the_language_asked_for_and_under_a_strict_policy(
    client: TestClient[Litestar], path: str, lang: str
) -> None:
    response = client.get(path, params={"lang": lang})
    assert response.status_code == (404 if "no-such" in path else 200)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert texts_in(lang)["name"] in response.text
    assert f'<html lang="{"zh-Hans" if lang == "zh" else "en"}">' in response.text
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_page_loads_nothing_from_another_host_and_everything_it_loads_is_there(
    client: TestClient[Litestar], path: str
) -> None:
    html = client.get(path).text
    loaded = [*re.findall(r'src="([^"]*)"', html), *re.findall(r'<link[^>]* href="([^"]*)"', html)]
    assert len(loaded) >= 3
    for address in loaded:
        assert address.startswith("/static/"), address
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_inline_script_or_style(client: TestClient[Litestar], path: str) -> None:
    html = client.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html)


@pytest.mark.parametrize("path", PAGES)
def test_links_between_pages_lead_somewhere(client: TestClient[Litestar], path: str) -> None:
    others = {"/healthz", "/readyz", "/metrics"}
    links = set(re.findall(r'<a [^>]*href="([^"?]*)', client.get(path).text)) - others - {path}
    assert links or path == "/docs"
    for link in links:
        assert client.get(link).status_code == 200, link


def test_unknown_language_is_answered_in_english(client: TestClient[Litestar]) -> None:
    assert texts_in("en")["lead"] in unescape(client.get("/?lang=tlh").text)


def test_start_page_names_every_place(client: TestClient[Litestar]) -> None:
    html = client.get("/").text
    for place in ["/docs", "/schema/openapi.json", "/problems", "/healthz", "/readyz", "/metrics"]:
        assert f"<code>{place}</code>" in html
    assert "1.2.3" in html


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("demo", [True, False])
def test_banner_says_what_is_not_real(sandbox: bool, demo: bool) -> None:
    with TestClient(_app(Site(version="1", sandbox=sandbox, demo=demo))) as client:
        html = client.get("/").text
    assert (texts_in("en")["sandbox_title"] in html) is sandbox
    assert (texts_in("en")["demo_title"] in html) is demo


def test_tour_goes_to_the_address_the_page_was_read_at(client: TestClient[Litestar]) -> None:
    html = client.get("/", headers={"Host": "points.city.example:8443"}).text
    assert "CITY=http://points.city.example:8443\n" in _commands(html)[0]


@pytest.mark.parametrize("host", ["$(id)", "host:1:2", "[::1", ""])
def test_host_that_is_no_host_never_reaches_a_command(client: TestClient[Litestar], host: str) -> None:
    first = _commands(client.get("/", headers={"Host": host}).text)[0]
    assert "CITY=http://127.0.0.1:8000\n" in first


@pytest.mark.parametrize("host", ["x;rm -rf ~", "a`id`", "<script>"])
def test_host_that_cannot_be_one_is_malformed(client: TestClient[Litestar], host: str) -> None:
    problem = client.get("/", headers={"Host": host}).json()
    assert (problem["code"], problem["where"]) == ("malformed-request", "request")
    assert "host" in problem["detail"]


def test_tour_is_counted_right_and_every_step_has_its_words() -> None:
    steps = tour_steps("http://127.0.0.1:8000")
    assert len(steps) == 11
    assert "eleven" in texts_in("en")["tour"]
    assert "十一" in texts_in("zh")["tour"]
    for language in ("en", "zh"):
        assert all(texts_in(language)[f"step_{step.name}"] for step in steps)


def test_tour_is_valid_shell() -> None:
    shell = shutil.which("sh")
    assert shell is not None
    script = "\n".join(step.command for step in tour_steps("http://127.0.0.1:8000"))
    checked = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_both_languages_have_every_text() -> None:
    english, chinese = texts_in("en"), texts_in("zh")
    only_where_needed = {"problems_language"}
    assert [key for key, text in english.items() if not text and key not in only_where_needed] == []
    assert [
        key for key, text in chinese.items() if not re.search(r"[\u4e00-\u9fff]", text) and "OpenAPI" not in text
    ] == []


def test_no_text_is_hidden_by_a_method_of_its_mapping() -> None:
    assert [key for key in texts_in("en") if hasattr(dict, key)] == []


def test_index_lists_every_problem_and_every_problem_has_its_page(client: TestClient[Litestar]) -> None:
    index = client.get("/problems").text
    for code, problem in PROBLEM_TYPES.items():
        assert f'href="/problems/{code}?lang=en"' in index
        page = client.get(f"/problems/{code}")
        assert page.status_code == 200
        text = unescape(page.text)
        for said in [problem.title, problem.meaning, problem.what_to_do, *problem.facts, *problem.facts.values()]:
            assert said in text


def test_unknown_problem_is_a_page_that_echoes_nothing_alive(client: TestClient[Litestar]) -> None:
    response = client.get("/problems/<script>alert(1)<script>")
    assert response.status_code == 404
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;" in response.text


def test_api_browser_reads_the_schema_that_is_served(client: TestClient[Litestar]) -> None:
    address = re.search(r'url: "([^"]*)"', client.get(static_url("docs.js")).text)
    assert address is not None
    assert client.get(address[1]).json()["openapi"].startswith("3.1")


def test_static_files_are_cached_and_their_address_follows_their_content(client: TestClient[Litestar]) -> None:
    address = static_url("site.css")
    assert "max-age=" in client.get(address).headers["cache-control"]
    assert re.fullmatch(r"/static/site\.css\?v=[0-9a-f]{12}", address)
    assert address.split("=")[1] != static_url("copy.js").split("=")[1]


@pytest.mark.parametrize("path", ["/static/nothing.css", "/static/../pages/texts.py", "/static/%2e%2e/pages/texts.py"])
def test_only_static_files_are_served(client: TestClient[Litestar], path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_static_file_is_described_with_its_licence() -> None:
    described = (STATIC / "README.md").read_text()
    files = [file for file in STATIC.rglob("*") if file.is_file() and file.name != "README.md"]
    assert len(files) > 5
    assert [file.name for file in files if file.name not in described] == []
    assert (STATIC / "pico" / "LICENSE.md").read_text().startswith("MIT License")
    assert "Apache License" in (STATIC / "swagger-ui" / "LICENSE").read_text()
