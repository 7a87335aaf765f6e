"""Examples of addresses for each page, and of forms for each action: whoever adds one adds its examples here.

All tests of the pages together, with a browser and without, and `benchmarks/web.py` ask these addresses. In braces:
`refund`, the position of the commit of the story that paid too much back; `hash`, the beginning of its hash; `head`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

WRONG = quote("refunded_cents > paid_cents")

ADDRESSES: Mapping[str, Sequence[str]] = {
    "log": (
        "/log",
        "/log?patch=1",
        "/log?type=RefundIssued&tag=order:o-1042",
        "/log?author=carl&grep=goodwill",
        "/log?since=yesterday&until=1+hour+ago",
        "/log?S=refunded_cents%3D9350&of=Order&of=o-1042",
        "/log?n=5&before=100",
        "/log?after=150",
        "/log?at=refund-cap",
        "/log?at={hash}",
        "/log?author=nobody",
    ),
    "e": (
        "/e",
        "/e/Order",
        "/e/Order/o-1042",
        "/e/Order/o-1042?at={refund}",
        "/e/Order/o-1042?at=refund-cap",
        "/e/Order/o-1042/blame?at={refund}",
        "/e/Order/o-1042/blame?assertions=1",
        "/e/order:o-1042",
        "/e/Item/notebook",
        "/e/Order/o-9999",
    ),
    "c": ("/c/{refund}", "/c/h/{hash}", "/c/170", "/c/5", "/c/{refund}?at=refund-cap"),
    "diff": (
        "/diff",
        "/diff/q3-prices/HEAD",
        "/diff/q3-prices/HEAD?kind=Order",
        "/diff/%23100/HEAD?kind=Item&only=changed&field=in_stock",
        "/diff/refund-cap/main?kind=Order",
    ),
    "blame": ("/blame",),
    "bisect": (
        "/bisect",
        f"/bisect?of=Order&where={WRONG}",
        f"/bisect?of=Order&id=o-1042&where={WRONG}",
        f"/bisect?of=Order&where={WRONG}&good=%23100&bad=HEAD",
    ),
    "branches": ("/branches",),
    "merge": ("/merge/price-review/main", "/merge/refund-cap/main"),
    "model": ("/model", "/model?at={refund}", "/model?at=refund-cap"),
    "models": ("/models", "/models/order_search", "/models/tell_customer"),
    "search": (
        "/search",
        "/search?q=o-1042",
        "/search?q=%23{refund}",
        "/search?q=goodwill",
        "/search?q=order:o-1042",
    ),
    "act": (
        "/act/branch?base={hash}",
        "/act/mark",
        "/act/revert?commit={hash}",
        "/act/delete?name=refund-cap",
    ),
    "do": ("/do", "/do/pay_back"),
}
"""By the first part of the address, as `pages.PAGES` has it. A part without a page is of one that is still made."""

FORMS: Mapping[str, Sequence[tuple[str, Mapping[str, str]]]] = {
    "models": (
        ("/models/order_search", {"do": "rebuild", "sure": "1"}),
        ("/models/tell_customer", {"do": "retry", "position": "all"}),
    ),
    "merge": (("/merge/price-review/main", {"sure": "1"}),),
    "act": (
        ("/act/branch", {"name": "trial", "base": "{hash}", "sure": "1"}),
        ("/act/mark", {"name": "here", "base": "{hash}", "sure": "1"}),
        ("/act/revert", {"commit": "{hash}", "reason": "twice", "sure": "1"}),
    ),
    "do": (("/do/add_note", {"p.order": "o-1042", "p.text": "late", "do": "append", "sure": "1"}),),
}
"""By the first part of the address, as `actions.ACTIONS` has it: an address, and its form without the token."""


def examples(parts: Iterable[str], places: Mapping[str, str]) -> list[str]:
    """The addresses of the pages that there are."""
    return [each.format(**places) for part in parts for each in ADDRESSES[part]]


def forms(parts: Iterable[str], places: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The forms of the actions that there are."""
    return [
        (path.format(**places), {name: value.format(**places) for name, value in fields.items()})
        for part in parts
        for path, fields in FORMS[part]
    ]
