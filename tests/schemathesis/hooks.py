"""What every answer must obey beside the document itself: nobody gets more than the policy table gives his role."""

import os
import re
from pathlib import Path

import schemathesis

ROLE = os.environ["WATCHKEEP_ROLE"]
ROOT = Path(__file__).resolve().parents[2]


def table() -> dict[str, set[str]]:
    """The committed page of permissions: action to the roles that may."""
    allowed: dict[str, set[str]] = {}
    roles: list[str] = []
    for line in (ROOT / "docs/src/reference/permissions.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] == "action":
            roles = cells[1:]
        elif re.fullmatch(r"`[a-z_]+(\.[a-z_]+)?`", cells[0]):
            marks = dict(zip(roles, cells[1:]))
            allowed[cells[0].strip("`")] = {role for role, mark in marks.items() if mark not in ("", "no", "-")}
    if "host.write" not in allowed or "admin" not in allowed["host.write"] or "viewer" in allowed["host.write"]:
        raise RuntimeError("the page of permissions reads otherwise than this check expects")
    return allowed


TABLE = table()


@schemathesis.check
def policy(ctx, response, case):
    """No success where the table says no; 401 for strangers and 403 for the rest."""
    action = case.operation.definition.raw["x-permission"]
    if action == "public":
        return
    status = response.status_code
    if ROLE == "anonymous":
        # What is malformed may be refused before anybody is asked who he is.
        if status not in (400, 401, 404, 405, 406, 413, 414, 415, 421, 429, 431):
            raise AssertionError(f"{action} answered a stranger with {status}")
    elif action not in TABLE:
        raise AssertionError(f"the page of permissions does not list {action}")
    elif ROLE not in TABLE[action] and status < 400:
        raise AssertionError(f"{action} is not for {ROLE}, and was answered with {status}")


@schemathesis.check
def no_secret_and_no_inside(ctx, response, case):
    """An error never carries what is inside: a path of the program, a statement, a panic."""
    if response.status_code >= 400:
        text = response.text
        for word in ("panicked", "src/", "SELECT ", "INSERT ", "sqlite", "argon2id$", "BEGIN PRIVATE"):
            if word in text:
                raise AssertionError(f"an error tells {word!r}")
