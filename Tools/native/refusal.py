"""Why a native file is refused."""


class Refusal(Exception):
    """A cause, before the file is known."""


def require(holds, cause):
    """Raises a Refusal unless something holds."""
    if not holds:
        raise Refusal(cause)
