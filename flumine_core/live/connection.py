"""HTTP connections to the exchange: kept alive, one caller each, given up before the exchange closes them."""

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _Connection(HTTPSConnection):
    """One that sends a request as a whole, where its base sends headers and body one after the other."""

    _held: list[bytes] | None = None

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request."""
        held = self._held = []
        try:
            super().request(*arguments, **options)
        finally:
            self._held = None
        super().send(b"".join(held))

    def send(self, data: Any) -> None:
        """Send data, or hold them back while their request is being made."""
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _Pool}


class Session(requests.Session):
    """A session of `requests` that works out once what goes with every call to a URL, for one caller at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.mount("https://", _Adapter())
        self._calls: dict[str, tuple[Mapping[str, str], requests.PreparedRequest, dict[str, Any]]] = {}

    def call(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout: tuple[float, float]
    ) -> requests.Response:
        """Post a body; proxies, certificates and the like of the environment are those of the first call.

        :raises requests.RequestException: where there is no answer.
        """
        known = self._calls.get(url)
        if known is None or known[0] != headers:
            prepared = self.prepare_request(requests.Request("POST", url, headers, data=body))
            options = self.merge_environment_settings(url, {}, None, None, None)
            known = self._calls[url] = (headers, prepared, dict(options))
        _, request, options = known
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        return self.send(request, timeout=timeout, allow_redirects=False, **options)


class Connections:
    """A pool of sessions of `requests`; the one used last is used next, so that the others may age and go.

    :param session: the APIClient's own session, whose `verify`, `trust_env`, `proxies` and adapters new ones take over.
    :param ca_file: certificates that are trusted in place of the system's, whatever the environment says.
    :param idle_seconds: a connection that was not used for so long is closed instead of used.
    """

    def __init__(self, session: Any, idle_seconds: float, ca_file: str | None = None) -> None:
        self._template = session if isinstance(session, requests.Session) else None
        self._idle_seconds = idle_seconds
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._free: list[tuple[Session, float]] = []
        self._is_closed = False

    def new(self) -> Session:
        """Return a session of its own, for the caller to close."""
        session = Session()
        if self._template is not None:
            session.verify = self._template.verify
            session.trust_env = self._template.trust_env
            session.proxies = dict(self._template.proxies)
        if self._ca_file is not None:
            session.trust_env, session.verify = False, self._ca_file
        return session

    def take(self) -> Session:
        """Return a session that nobody else uses until it is given back."""
        stale: list[Session] = []
        found: Session | None = None
        with self._lock:
            oldest = monotonic() - self._idle_seconds
            while self._free and self._free[0][1] < oldest:
                stale.append(self._free.pop(0)[0])
            if self._free:
                found = self._free.pop()[0]
        for session in stale:
            session.close()
        return self.new() if found is None else found

    def give_back(self, session: Session) -> None:
        """Keep a session, in good order, for the next caller."""
        with self._lock:
            if not self._is_closed:
                self._free.append((session, monotonic()))
                return
        session.close()

    def close(self) -> None:
        """Close what is free; what is in use is closed when it is given back."""
        with self._lock:
            self._is_closed = True
            free, self._free = self._free, []
        for session, _ in free:
            session.close()
