"""HTTP connections to the exchange: kept alive, one caller each, given up before the exchange closes them."""

import threading
from time import monotonic
from typing import Any

import requests


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
        self._free: list[tuple[requests.Session, float]] = []
        self._is_closed = False

    def new(self) -> requests.Session:
        """Return a session of its own, for the caller to close."""
        session = requests.Session()
        if self._template is not None:
            session.verify = self._template.verify
            session.trust_env = self._template.trust_env
            session.proxies = dict(self._template.proxies)
        if self._ca_file is not None:
            session.trust_env, session.verify = False, self._ca_file
        return session

    def take(self) -> requests.Session:
        """Return a session that nobody else uses until it is given back."""
        stale: list[requests.Session] = []
        found: requests.Session | None = None
        with self._lock:
            oldest = monotonic() - self._idle_seconds
            while self._free and self._free[0][1] < oldest:
                stale.append(self._free.pop(0)[0])
            if self._free:
                found = self._free.pop()[0]
        for session in stale:
            session.close()
        return self.new() if found is None else found

    def give_back(self, session: requests.Session) -> None:
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
