"""Opening a file from a bank as if it were hostile, and reading its elements by name."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ledger.errors import BankFileInvalid
from ledger.rules.money import MINOR_PLACES
from settlement.bank_files.payment_rules import shown

LARGEST_FILE_BYTES = 20 * 1024 * 1024
_LONGEST_TEXT = 1_000
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3})\.[0-9]{3}\.[0-9]{2}", re.ASCII)
_TAG = re.compile(r"\{([^}]*)\}(.+)", re.DOTALL)
_AMOUNT = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,18}))?", re.ASCII)
_CHINESE_ENCODING = re.compile(rb"""\s*<\?xml[^>]*\sencoding=["'](?:gbk|gb2312|gb18030)["'][^>]*\?>""", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Node:
    """An element and its path in the file; only elements of the file's own namespace are seen."""

    def __init__(self, element: Element, namespace: str, path: str) -> None:
        self._element = element
        self._namespace = namespace
        self.path = path

    def each(self, name: str) -> Iterator["Node"]:
        """The children of that name, in the order of the file."""
        for number, element in enumerate(self._element.findall(f"{{{self._namespace}}}{name}"), start=1):
            yield Node(element, self._namespace, f"{self.path}/{name}[{number}]")

    def find(self, path: str) -> "Node | None":
        """The first element at the path, such as ``Acct/Id``; None where there is none."""
        node: Node | None = self
        for name in path.split("/"):
            if node is None:
                return None
            node = next(node.each(name), None)
        return node

    def need(self, path: str) -> "Node":
        """The first element at the path; raises BankFileInvalid where there is none."""
        node = self.find(path)
        if node is None:
            raise BankFileInvalid(f"{self.path}/{path}", "missing", "an element")
        return node

    def own_text(self) -> str:
        """The element's text, each stretch of blanks as one space; raises BankFileInvalid where it is too long."""
        text = " ".join((self._element.text or "").split())
        if len(text) > _LONGEST_TEXT:
            raise BankFileInvalid(self.path, f"{len(text)} characters", f"at most {_LONGEST_TEXT}")
        return text

    def text(self, *paths: str) -> str:
        """The text at the first of the paths that has one, or ""."""
        for path in paths:
            node = self.find(path)
            if node is not None and (text := node.own_text()):
                return text
        return ""

    def needed_text(self, *paths: str) -> str:
        """As ``text``; raises BankFileInvalid where no path has one."""
        text = self.text(*paths)
        if not text:
            raise BankFileInvalid(f"{self.path}/{' or '.join(paths)}", "missing", "a text")
        return text

    def day(self, *paths: str) -> date | None:
        """The day at the first of the paths, each a choice of ``Dt`` and ``DtTm``; None where there is none."""
        text = self.text(*(f"{path}/{choice}" for path in paths for choice in ("Dt", "DtTm")))
        if not text:
            return None
        return self._as_day(text, paths[0])

    def plain_day(self, path: str) -> date | None:
        """The day at the path, written there itself; None where there is none."""
        text = self.text(path)
        return self._as_day(text, path) if text else None

    def _as_day(self, text: str, path: str) -> date:
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            raise BankFileInvalid(f"{self.path}/{path}", shown(text), "a day, such as 2026-11-23") from None

    def instant(self, path: str, zone: tzinfo) -> int:
        """The time at the path in microseconds since 1970 UTC; one without offset is read in ``zone``."""
        text = self.needed_text(path)
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=zone)
            return (moment - _EPOCH) // timedelta(microseconds=1)
        except (ValueError, OverflowError):
            wanted = "a time, such as 2026-11-23T18:00:00+08:00"
            raise BankFileInvalid(f"{self.path}/{path}", shown(text), wanted) from None

    def whole_number(self, *paths: str) -> int | None:
        """The number at the first of the paths that has one; None where there is none."""
        text = self.text(*paths)
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
            raise BankFileInvalid(f"{self.path}/{paths[0]}", shown(text), "a whole number")
        return int(text)

    def amount(self) -> tuple[int, str]:
        """The element's amount in minor units, and its currency.

        Raises BankFileInvalid for an unknown currency, and for an amount that is not whole minor units of it.
        """
        currency = self._element.get("Ccy", "")
        places = MINOR_PLACES.get(currency)
        if places is None:
            raise BankFileInvalid(f"{self.path}/@Ccy", shown(currency), "an ISO 4217 code in capitals, such as CNY")
        text = self.own_text()
        match = _AMOUNT.fullmatch(text)
        # Banks fill up with zeros: 12.30000 is twelve yuan thirty, 12.345 is no amount in CNY.
        decimals = ((match[2] or "") if match is not None else "").rstrip("0")
        if match is None or len(decimals) > places:
            raise BankFileInvalid(self.path, shown(text), f"an amount of {currency} with {places} decimal places")
        return int(match[1] + decimals.ljust(places, "0")), currency


def open_document(content: bytes, largest_bytes: int = LARGEST_FILE_BYTES) -> tuple[str, Node]:
    """The kind of message, such as ``camt.053``, and its body.

    Document type definitions and with them all entities are refused, as are files larger than ``largest_bytes``.
    Raises BankFileInvalid for these, and for what is broken, cut off, or no ISO 20022 message.
    """
    if len(content) > largest_bytes:
        raise BankFileInvalid("the file", f"{len(content)} bytes", f"at most {largest_bytes}")
    if not content.strip():
        raise BankFileInvalid("the file", "empty", "an ISO 20022 message")
    root = _parse(content)
    tag = _TAG.fullmatch(root.tag)
    family = _NAMESPACE.fullmatch(tag[1]) if tag is not None else None
    if tag is None or family is None or tag[2] != "Document":
        wanted = "a Document in a namespace such as urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
        raise BankFileInvalid("the outermost element", shown(root.tag), wanted)
    bodies = [child for child in root if child.tag.startswith(f"{{{tag[1]}}}")]
    if len(bodies) != 1:
        raise BankFileInvalid("Document", f"{len(bodies)} messages", "exactly one")
    name = bodies[0].tag.removeprefix(f"{{{tag[1]}}}")
    return family[1], Node(bodies[0], tag[1], f"Document/{name}")


def _parse(content: bytes) -> Element:
    try:
        return fromstring(_in_unicode(content), forbid_dtd=True)
    except DefusedXmlException as error:
        got = f"a document type definition or an entity ({type(error).__name__})"
        raise BankFileInvalid("the file", got, "plain XML without them") from None
    except (ParseError, ValueError, LookupError) as error:
        raise BankFileInvalid("the file", f"broken or cut off: {error}", "well-formed XML") from None


def _in_unicode(content: bytes) -> bytes:
    """The file in UTF-8 where a Chinese bank wrote it in a Chinese encoding, which the parser does not know."""
    declaration = _CHINESE_ENCODING.match(content)
    return content if declaration is None else content[declaration.end() :].decode("gb18030").encode()
