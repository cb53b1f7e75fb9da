"""Partners of their own for tests of the merchant console, and people who are signed in for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from tests.api.street import PROGRAMME, Regular
from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City

MAPPING = """
programme = "CITY"
scene = "food"
create_members = true
[key]
column = "invoice"
[member]
column = "customer"
[spend]
column = "amount"
unit = "decimal"
currency = "CNY"
"""


@dataclass
class Shop:
    """A partner that no other test uses, with a key and a browser in which somebody is signed in for it."""

    city: City
    code: str
    key: str
    browser: Browser

    def regular(self) -> Regular:
        """A member of the shop's own."""
        return self.city.street.new_member(self.key)

    def sign_in(self) -> Browser:
        """Another browser in which somebody is signed in for the shop."""
        return self.city.sign_in(to="/merchant", **claims_of(self.code))


def claims_of(code: str) -> dict[str, object]:
    """What the identity provider says of somebody who works for a partner."""
    return {"sub": f"clerk-{code}", "citypoints_roles": ["merchant"], "citypoints_partner": code}


def open_shop(city: City, *programmes: str) -> Shop:
    """A shop that nobody has used, in the street's programme or in others."""
    code = f"SHOP-{uuid4().hex[:8].upper()}"
    key = city.service.add_partner(code, list(programmes or [PROGRAMME]))
    return Shop(city, code, key, city.sign_in(to="/merchant", **claims_of(code)))


@contextmanager
def lasting_shop(city: City) -> Iterator[Shop]:
    """A shop whose browser stays open from test to test."""
    shop = open_shop(city)
    city.browsers.remove(shop.browser)
    yield shop
    shop.browser.client.close()


def upload(browser: Browser, content: bytes, name: str = "sales.csv", **fields: str) -> Page:
    """Send the form of an import as a browser does: the token first, then the mapping, then the file."""
    form = browser.get("/merchant/imports").form("/merchant/imports")
    parts = {"csrf": form["csrf"], "mapping": MAPPING, **fields}
    headers = {"Origin": browser.base_url, "Sec-Fetch-Site": "same-origin"}
    files = {"file": (name, content, "text/csv")}
    return Page(browser.client.post("/merchant/imports", data=parts, files=files, headers=headers))
