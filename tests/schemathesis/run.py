"""Runs schemathesis over the committed OpenAPI document, as a stranger and as three roles.

WATCHKEEP_CLAIM is the one-time link of a server that was just started; give role names to run only those.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from people import everybody

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "openapi/watchkeep.json"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "policy",
    "no_secret_and_no_inside",
]
EXAMPLES = os.environ.get("WATCHKEEP_SCHEMA_EXAMPLES", "6")
# A stream without an end, and what ends the session that the rest is tested with: on purpose, or by guessing wrong too
# often. The suite of the API has these as every role.
LEFT_OUT = [
    "getLive",
    "deleteSession",
    "deleteMeElevate",
    "deleteMeSessions",
    "deleteMeSessionsId",
    "postMeElevate",
    "postMePassword",
    "postMeTotpFinish",
    "deleteUsersIdSessions",
    "postUsersIdDisable",
    "postUsersIdRequireChange",
    "postUsersIdReset",
    # The door is made anew with other certificates, which ends connections that come in meanwhile.
    "putConsoleClients",
]


def without_cookies(folder: str) -> str:
    """The document without its way to sign in: the session is ours to give, not to be made up."""
    document = json.loads(DOCUMENT.read_text())
    document["components"].pop("securitySchemes")
    for path in document["paths"].values():
        for operation in path.values():
            operation.pop("security", None)
    copy = Path(folder) / "openapi.json"
    copy.write_text(json.dumps(document))
    return str(copy)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        return run(without_cookies(folder))


def run(document: str) -> int:
    claim = os.environ["WATCHKEEP_CLAIM"]
    base = claim.split("/claim#")[0]
    people = everybody(claim)
    failed = []
    for role in sys.argv[1:] or ["anonymous", "viewer", "operator", "admin"]:
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            document,
            f"--url={base}",
            "--tls-verify=false",
            f"--checks={','.join(CHECKS)}",
            # Without an order of its own a run could not be repeated.
            "--seed=20",
            # Every value at its bounds for who may do everything; for the others what counts is whether they are let in.
            f"--phases={'coverage,fuzzing' if role == 'admin' else 'fuzzing'}",
            f"--max-examples={EXAMPLES}",
            "--rate-limit=45/s" if role == "anonymous" else "--rate-limit=90/s",
            "--request-timeout=30",
            "--suppress-health-check=all",
            "--no-color",
        ]
        if role == "anonymous":
            command.append("--exclude-operation-id=getLive")
        else:
            command += [f"--exclude-operation-id={name}" for name in LEFT_OUT]
            command.append(f"--header=Cookie: {people[role].cookie}")
        print(f"== {role}", flush=True)
        environment = os.environ | {"WATCHKEEP_ROLE": role, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
        if subprocess.run(command, cwd=HERE, env=environment).returncode != 0:
            failed.append(role)
        if role != "anonymous":
            # A session that broke on the way would have made everything 401, and nothing of it seen.
            people[role].ask("GET", "/me")
    if failed:
        print("failed as: " + ", ".join(failed))
    return 1 if failed else 0


sys.exit(main())
