"""Signatures, and addresses that a message may be sent to."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from backstory.errors import DefinitionError
from backstory.outbox import Message, Webhook, WrongSignature, sign, verify
from backstory.outbox.addresses import is_public
from backstory.outbox.signatures import WINDOW
from tests.outbox.receiver import OTHER, SECRET

ID, TIME, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
RIGHT = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""The example of the specification of Standard Webhooks."""


def headers(signature: str = RIGHT, **others: str) -> dict[str, str]:
    return {"Webhook-Id": ID, "Webhook-Timestamp": str(TIME), "Webhook-Signature": signature} | others


def test_a_signature_is_that_of_the_specification() -> None:
    assert sign(ID, TIME, BODY, SECRET) == RIGHT
    assert sign(ID, TIME, BODY, SECRET.removeprefix("whsec_")) == RIGHT
    assert verify(headers(), BODY, SECRET, now=TIME + 1) == ID


def test_while_a_secret_is_replaced_both_are_used_and_either_is_enough() -> None:
    both = sign(ID, TIME, BODY, [OTHER, SECRET])
    assert both.split(" ")[1] == RIGHT
    for known in (SECRET, OTHER, [OTHER, SECRET]):
        assert verify(headers(both), BODY, known, now=TIME) == ID
    assert verify(headers(f"v2,abc {RIGHT}"), BODY, [OTHER, SECRET], now=TIME) == ID


@pytest.mark.parametrize(
    ("given", "body", "secret", "now"),
    [
        (headers(), BODY + b" ", SECRET, TIME),
        (headers(), BODY, OTHER, TIME),
        (headers("v1,"), BODY, SECRET, TIME),
        (headers("ü"), BODY, SECRET, TIME),
        (headers(**{"Webhook-Id": "msg_1"}), BODY, SECRET, TIME),
        (headers(**{"Webhook-Timestamp": str(TIME + 1)}), BODY, SECRET, TIME),
        (headers(**{"Webhook-Timestamp": "now"}), BODY, SECRET, TIME),
        (headers(**{"Webhook-Timestamp": "9" * 400}), BODY, SECRET, TIME),
        (headers("\udc80"), BODY, SECRET, TIME),
        (headers(**{"Webhook-Id": "\udc80"}), BODY, SECRET, TIME),
        ({}, BODY, SECRET, TIME),
        (headers(), BODY, SECRET, TIME + WINDOW + 1),
        (headers(), BODY, SECRET, TIME - WINDOW - 1),
    ],
)
def test_what_was_changed_or_is_old_is_refused(
    given: dict[str, str], body: bytes, secret: str, now: float
) -> None:
    with pytest.raises(WrongSignature):
        verify(given, body, secret, now=now)


@pytest.mark.parametrize("wrong", ["", "whsec_", "secret!", [], [SECRET, "not base64!"]])
def test_a_secret_that_is_none_is_refused_and_not_shown(wrong: str) -> None:
    with pytest.raises(DefinitionError) as told:
        sign(ID, TIME, BODY, wrong)
    assert "not base64!" not in str(told.value)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_internet_may_be_sent_to(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::", "::127.0.0.1", "fec0::1", "64:ff9b:1::a00:1",
        "::ffff:0:10.0.0.1", "192.0.0.8", "5f00::1", "3fff::1",
    ],
)  # fmt: skip
def test_an_address_inside_of_a_network_may_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://", "ftp://crm.example", "https://crm.example:port", "https://crm.example:0", "https://[::1",
        "https://crm.example/a b", "https://crm.example/\nX: y", "https://crm.example/\u00fc", "https://ann:pass-word@crm.example",
        "https://ann@crm.example",
    ],
)  # fmt: skip
def test_an_address_that_no_request_can_be_sent_to_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(DefinitionError) as told:
        Webhook("crm", url, secret=SECRET)
    assert "webhook crm" in str(told.value)
    assert "pass-word" not in str(told.value)


def test_a_receiver_that_answers_without_an_end_is_left_when_the_time_is_over() -> None:
    message = Message("msg_1", "paid", datetime.now(UTC), None, b"{}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not gone.wait(0.01):  # each piece comes long before a read would be given up
                    connection.sendall(b"x")
            gone.set()

        thread = threading.Thread(target=drip)
        thread.start()
        hook = Webhook(
            "crm", f"http://127.0.0.1:{server.getsockname()[1]}", secret=SECRET, private=True, timeout=1
        )
        try:
            with pytest.raises(TimeoutError, match=r"no whole answer in 1 s"):
                hook.send([message])
        finally:
            gone.set()
            thread.join()
