"""Credentials from the environment or a private file, and a client made of plain options."""

import json
from pathlib import Path
from typing import Any

import pytest

from flumine_core import FlumineCoreError
from flumine_core.live.client import betfair_client
from flumine_core.live.credentials import read_credentials

SECRET = 'username = "me"\npassword = "very-secret"\napp_key = "key-secret"\n'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "credentials.toml"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


def test_a_private_file(secret: Path) -> None:
    found = read_credentials(str(secret))
    assert (found.username, found.password, found.app_key) == ("me", "very-secret", "key-secret")
    assert "secret" not in repr(found)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(FlumineCoreError, match="chmod 600") as raised:
        read_credentials(str(secret))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('username = "me"\npassword = "very-secret"\n', "app_key"),
        ("username = very-secret\n", "TOML"),
        (SECRET + 'pin = "secret"\n', "pin"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_without_its_values(secret: Path, text: str, told: str) -> None:
    secret.write_text(text)
    with pytest.raises(FlumineCoreError, match=told) as raised:
        read_credentials(str(secret))
    assert "secret" not in str(raised.value).replace(str(secret), "")
    assert raised.value.__cause__ is None


def test_the_environment() -> None:
    environment = {"BETFAIR_USERNAME": "me", "BETFAIR_PASSWORD": "p", "BETFAIR_APP_KEY": "k"}
    assert read_credentials(None, None, environment).password == "p"
    assert read_credentials(None, "other", environment).username == "other"
    with pytest.raises(FlumineCoreError, match="BETFAIR_APP_KEY"):
        read_credentials(None, None, {"BETFAIR_USERNAME": "me", "BETFAIR_PASSWORD": "p"})


def test_a_client_of_plain_options_hides_what_is_secret(secret: Path) -> None:
    client = betfair_client(credentials=str(secret), api_uri="https://127.0.0.1:1/exchange/", paper_trade=True)
    assert client.betting_client.api_uri == "https://127.0.0.1:1/exchange/" and client.paper_trade
    assert client.betting_client.app_key == "key-secret"
    assert "secret" not in repr(client) + str(client.info) + repr(client.endpoints)


def test_a_local_exchange_by_what_it_prints(tmp_path: Path) -> None:
    path = tmp_path / "exchange.json"
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    details: dict[str, Any] = {
        "username": "trader",
        "password": "p",
        "app_key": "k",
        "certs_dir": str(tmp_path),
        "ca_file": str(ca),
        "identity_uri": "https://127.0.0.1:1/api/",
        "api_uri": "https://127.0.0.1:1/exchange/",
        "navigation_uri": "https://127.0.0.1:1/menu.json",
        "stream_host": "127.0.0.1",
        "stream_port": 2,
    }
    path.write_text(json.dumps(details))
    client = betfair_client(exchange=str(path))
    assert client.endpoints.stream_port == client.endpoints.sports_data_port == 2
    assert client.betting_client.identity_cert_uri == "https://127.0.0.1:1/api/"
    for change, told in (({"stream_host": "stream-api.betfair.com"}, "this machine"), ({"app_key": None}, "app_key")):
        path.write_text(json.dumps({name: value for name, value in {**details, **change}.items() if value is not None}))
        with pytest.raises(FlumineCoreError, match=told):
            betfair_client(exchange=str(path))
    with pytest.raises(FlumineCoreError, match="cannot be read"):
        betfair_client(exchange=str(tmp_path / "none.json"))
