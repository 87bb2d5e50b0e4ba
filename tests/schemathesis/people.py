"""Claims a new server and lets one person in for each role, as their browsers would."""

import base64
import hashlib
import hmac
import http.cookies
import json
import ssl
import time
import urllib.request
from urllib.parse import urlsplit

PASSWORD = "lantern quarry ember tidal 41"

# The server under test has a certificate of its own authority and listens on loopback.
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


def totp(secret: str) -> str:
    """RFC 6238 with SHA-1, six digits and 30 s."""
    padded = secret + "=" * (-len(secret) % 8)
    counter = int(time.time() // 30).to_bytes(8, "big")
    mac = hmac.new(base64.b32decode(padded), counter, hashlib.sha1).digest()
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 1_000_000).zfill(6)


class Person:
    """A browser with one session."""

    def __init__(self, base: str):
        self.base = base
        self.cookies: dict[str, str] = {}

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def ask(self, method: str, path: str, body=None):
        request = urllib.request.Request(self.base + "/api/v1" + path, method=method)
        request.add_header("User-Agent", "schemathesis-people")
        if self.cookies:
            request.add_header("Cookie", self.cookie)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, context=TLS, timeout=30) as answer:
            for line in answer.headers.get_all("Set-Cookie") or []:
                for name, morsel in http.cookies.SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            text = answer.read()
        return json.loads(text) if text else None

    def enter(self, link: str, name: str) -> "Person":
        """Uses a one-time link: password, first code, session."""
        token = urlsplit(link).fragment
        begun = self.ask(
            "POST",
            "/claim/begin",
            {"token": token, "name": name, "display_name": name, "password": PASSWORD},
        )
        self.ask("POST", "/claim/finish", {"token": token, "code": totp(begun["secret"])})
        return self


def everybody(claim: str) -> dict[str, Person]:
    """A session for each of the roles that the policy table is checked against."""
    base = claim.split("/claim#")[0]
    people = {"admin": Person(base).enter(claim, "schema.admin")}
    for role in ("viewer", "operator"):
        name = f"schema.{role}"
        link = people["admin"].ask("POST", "/users", {"name": name, "display_name": name, "role": role})
        people[role] = Person(base).enter(link["path"], name)
    return people
