"""Templates to HTML answers with strict headers."""

from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import State

from api.pages.static_files import static_url
from api.pages.texts import LANGUAGE_TAGS, LANGUAGES, texts_in

PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Content security policy of every page: nothing inline, nothing from elsewhere.

Pico and Swagger UI draw their small arrows and marks as ``data:`` pictures.
"""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What every page says about this service."""

    version: str
    sandbox: bool = False
    demo: bool = False
    sign_in: bool = False
    demo_sign_in: bool = False
    other_ledger: str | None = None
    """Where the pages of the sandbox are that belongs to this ledger; of a sandbox, those of the live ledger."""


_templates = Environment(
    loader=PackageLoader("api", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["static_url"] = static_url
_templates.globals["languages"] = LANGUAGES
_templates.globals["language_tags"] = LANGUAGE_TAGS


PAGE_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def render(template: str, **context: object) -> str:
    """The HTML of a template; whatever is put into it is escaped."""
    return _templates.get_template(template).render(**context)


def page(
    request: Request[Any, Any, State],
    template: str,
    *,
    lang: str,
    status_code: int = 200,
    **context: object,
) -> Response[str]:
    """Render a public page in one of our languages (English for any other).

    The application's state must carry the ``Site``.
    """
    language = lang if lang in LANGUAGES else "en"
    html = render(
        template,
        site=request.app.state.site,
        language=language,
        texts=texts_in(language),
        path=request.scope["path"],
        **context,
    )
    return Response(
        html,
        status_code=status_code,
        media_type=MediaType.HTML,
        headers={**PAGE_HEADERS, "Cache-Control": "no-cache"},
    )
