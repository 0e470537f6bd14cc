"""Which addresses only this machine reaches. Pure."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
