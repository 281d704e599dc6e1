"""A local exchange as an object: it runs in a thread of its own, and may be used from any."""

import asyncio
import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from flumine_core.errors import ExecutionError
from loguru import logger

from .certificates import Certificates, make_certificates
from .clock import ExchangeClock
from .controls import ExchangeControls
from .faults import Faults
from .house import House
from .ledger import Ledger
from .scenario import Scenario as Scenario
from .settings import Account as Account
from .settings import ExchangeSettings as ExchangeSettings
from .sockets import HOST

logger.disable("flumine_exchange")

START_SECONDS = 60.0
CALL_SECONDS = 60.0


class LocalExchange(ExchangeControls):
    """Betfair on loopback: identity, betting, account and heartbeat APIs, market, order, race and cricket streams.

    Use it as a context, or call `start` and `stop`. The ledger and the faults outlive `stop`.

    :param markets: paths of recorded files (plain, gz, bz2, zst), synthetic markets or events, scenarios.
    :param speed: 1.0 as recorded, N times as fast, None as fast as they are read.
    :param seed: decides where a fault leaves something to chance.
    :param control: whether there is a control endpoint for other processes.
    :param http_port: 0 for one that the system chooses; `stream_port` likewise.
    """

    def __init__(
        self,
        markets: Sequence[Any] = (),
        speed: float | None = 1.0,
        settings: ExchangeSettings | None = None,
        seed: int = 0,
        control: bool = False,
        http_port: int = 0,
        stream_port: int = 0,
    ) -> None:
        if speed is not None and speed <= 0:
            raise ValueError(f"speed must be above 0, was {speed}")
        self.settings = settings or ExchangeSettings()
        self.ledger = Ledger()
        self.faults = Faults(seed)
        self.control_token = secrets.token_urlsafe(24) if control else None
        self._sources = list(markets)
        self._ports = {"http": http_port, "stream": stream_port}
        self._speed = speed
        self._certificates: Certificates | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._house: House | None = None
        self._stopping: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Load the markets and listen, on ports that the system chooses.

        :raises StreamError: where a recorded file cannot be opened, or holds nothing, or a port is taken.
        :raises SettingsError: where two scenarios are of the same market.
        """
        if self._thread is not None:
            raise ExecutionError("the exchange was started already")
        self._certificates = make_certificates()
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(started)), name="flumine-exchange", daemon=True
        )
        self._thread.start()
        try:
            started.result(START_SECONDS)
        except BaseException:
            self.stop()
            raise

    async def _run(self, started: "Future[None]") -> None:
        try:
            self._loop = asyncio.get_running_loop()
            self._stopping = asyncio.Event()
            assert self._certificates is not None
            self._house = House(
                self.settings,
                ExchangeClock(self._loop),
                self.ledger,
                self.faults,
                self._certificates,
                secrets.token_hex(4),
                self._speed,
                self.control_token,
            )
            house = self._house
            self._loop.set_exception_handler(lambda loop, context: house.state.fail("connection", _error_of(context)))
            self._house.open(self._sources, self._ports)
        except BaseException as error:
            started.set_exception(error)
            if self._house is not None:
                await self._house.shut_down()
            return
        started.set_result(None)
        await self._stopping.wait()
        await self._house.shut_down()

    def stop(self) -> None:
        """End every connection and delete the certificates; a second time does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join(START_SECONDS)
        if self._certificates is not None:
            self._certificates.remove()

    def call(self, operation: str, /, **args: Any) -> Any:
        """Carry out a control operation in the exchange's loop, and return its result.

        :raises ExecutionError: where the exchange does not run.
        """
        house, loop = self._house, self._loop
        if self._thread is None or house is None or loop is None:
            raise ExecutionError("the exchange is not running")

        async def run() -> Any:
            return house.state.run_operation(operation, **args)

        return asyncio.run_coroutine_threadsafe(run(), loop).result(CALL_SECONDS)

    def wait_replayed(self, timeout: float | None = None) -> bool:
        """Wait until every recorded line was played; False where `timeout` (seconds) passes before."""
        house, loop = self._house, self._loop
        if house is None or loop is None:
            raise ExecutionError("the exchange is not running")
        future = asyncio.run_coroutine_threadsafe(house.replay.finished.wait(), loop)
        try:
            return bool(future.result(timeout))
        except TimeoutError:
            future.cancel()
            return False

    def _port(self, server: str) -> int:
        if self._house is None:
            raise ExecutionError("the exchange is not running")
        return self._house.listeners[server].port

    def _files(self) -> Certificates:
        if self._certificates is None:
            raise ExecutionError("the exchange is not running")
        return self._certificates

    @property
    def identity_uri(self) -> str:
        """For `identity_uri` and `identity_cert_uri` of a betfairlightweight client."""
        return f"https://{HOST}:{self._port('http')}/api/"

    @property
    def api_uri(self) -> str:
        """For `api_uri`."""
        return f"https://{HOST}:{self._port('http')}/exchange/"

    @property
    def navigation_uri(self) -> str:
        """For `navigation_uri`."""
        return f"{self.api_uri}betting/rest/v1/en/navigation/menu.json"

    @property
    def control_uri(self) -> str:
        """The control endpoint."""
        return f"https://{HOST}:{self._port('http')}/control"

    @property
    def stream_host(self) -> str:
        """Where every stream is."""
        return HOST

    @property
    def stream_port(self) -> int:
        """The port of every stream."""
        return self._port("stream")

    @property
    def ca_file(self) -> str:
        """The certificate authority to trust."""
        return str(self._files().ca_file)

    @property
    def cert_file(self) -> str:
        """The client's certificate."""
        return str(self._files().cert_file)

    @property
    def key_file(self) -> str:
        """The client's key."""
        return str(self._files().key_file)

    @property
    def certs_dir(self) -> str:
        """The directory of both, for `certs` of a betfairlightweight client."""
        return str(self._files().directory)

    @property
    def username(self) -> str:
        """The first account's name."""
        return self.settings.accounts[0].username

    @property
    def password(self) -> str:
        """The first account's password."""
        return self.settings.accounts[0].password

    @property
    def app_key(self) -> str:
        """The first account's application key."""
        return self.settings.accounts[0].app_key

    def details(self) -> dict[str, Any]:
        """Return everything that a client needs to know, as plain values."""
        names = (
            "identity_uri", "api_uri", "navigation_uri", "stream_host", "stream_port", "ca_file", "cert_file",
            "key_file", "certs_dir", "username", "password", "app_key",
        )  # fmt: skip
        found = {name: getattr(self, name) for name in names}
        if self.control_token is not None:
            found |= {"control_uri": self.control_uri, "control_token": self.control_token}
        return found


def _error_of(context: dict[str, Any]) -> BaseException:
    error = context.get("exception")
    return error if isinstance(error, BaseException) else ExecutionError(str(context.get("message")))
