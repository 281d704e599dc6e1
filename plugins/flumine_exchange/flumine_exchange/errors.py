"""What an API answers instead of a result."""

from flumine_core.errors import FlumineCoreError


class ApiError(FlumineCoreError):
    """An APINGException (or AccountAPINGException) to be sent; `code` is one of the documented error codes."""

    def __init__(self, code: str, details: str = "") -> None:
        super().__init__(f"{code}: {details}" if details else code)
        self.code = code
        self.details = details


class ProtocolError(FlumineCoreError):
    """A JSON-RPC error below the API: `number` -32700, -32601, -32602 or -32603, with its text."""

    def __init__(self, number: int, text: str, details: str = "") -> None:
        super().__init__(text)
        self.number = number
        self.text = text
        self.details = details
