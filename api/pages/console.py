"""What the consoles share: the frame with their sections, wider than the portal, and numbers as people read them."""

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus

from litestar import Response
from litestar.datastructures import Cookie

from api.pages import formats
from api.pages.console_texts import CONSOLE
from api.pages.frame import NavigationEntry, Texts, framed, language_of
from api.pages.frame_texts import SIGN_IN
from api.pages.texts import in_language
from api.requests import CityRequest


def console_page(
    request: CityRequest,
    template: str,
    texts: Texts,
    *,
    sections: Sequence[NavigationEntry],
    status_code: int = HTTPStatus.OK,
    back: str | None = None,
    cookies: list[Cookie] | None = None,
    **context: object,
) -> Response[str]:
    """Render a page of a console. ``template`` extends ``console/frame.html`` and may import ``console/pieces.html``.

    ``sections`` name their texts ``nav_…``; ``back`` is where a switch of language leads after a form was sent.
    """
    merged: Mapping[str, tuple[str, str]] = {**CONSOLE, **texts}
    return framed(
        request,
        template,
        merged,
        status_code=status_code,
        navigation=tuple(sections),
        back=back,
        cookies=cookies,
        headers=None,
        number=formats.number,
        signed=formats.signed,
        money=formats.money,
        who=partial(person_called, language=language_of(request)),
        **context,
    )


def person_called(name: str, language: str) -> str:
    """How somebody is called on a page: somebody who signs in under the name of a role by that role's words."""
    return in_language(SIGN_IN, language).get(f"role_{name}", name)
