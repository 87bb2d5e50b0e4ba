"""A real mail server for the tests: aiosmtpd with TLS, told on its command line how to misbehave.

Prints one JSON object a line: first the port, then every event. Ends with its standard input.
"""

import argparse
import asyncio
import base64
import json
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult


def say(**event):
    print(json.dumps(event), flush=True)


class Handler:
    def __init__(self, args):
        self.data = args.data.split(",") if args.data else []
        self.rcpt = dict(item.split("=") for item in args.rcpt)
        self.delay = args.delay
        self.per_connection = args.per_connection
        self.password = b""

    async def handle_RCPT(self, server, session, envelope, address, options):
        code = self.rcpt.get(address)
        if code:
            return f"{code} no such mailbox {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        code = self.data.pop(0) if self.data else "250"
        if code == "echo":
            # A server that repeats the password it was given.
            code = "451 busy, " + self.password.decode()
        say(
            event="mail",
            code=code,
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            content=base64.b64encode(envelope.original_content).decode(),
            tls=session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            user=getattr(session, "user", None),
        )
        session.mails = getattr(session, "mails", 0) + 1
        if self.per_connection and session.mails >= self.per_connection:
            # Ends the conversation right after its answer, without a word, as many servers do.
            asyncio.get_running_loop().call_soon(server.transport.close)
        if self.delay:
            await asyncio.sleep(self.delay)
        if code == "drop":
            server.transport.abort()
            return "250 OK"
        return code if " " in code else f"{code} as told"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--login", help="user:password")
    parser.add_argument("--data", help="replies to mails, in turn; then 250")
    parser.add_argument("--rcpt", action="append", default=[], help="address=code")
    parser.add_argument("--per-connection", type=int, default=0, help="mails, then it closes")
    parser.add_argument("--delay", type=float, default=0)
    args = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    handler = Handler(args)

    def authenticate(server, session, envelope, mechanism, data):
        user, password = data.login.decode(), data.password.decode()
        session.user = user
        handler.password = data.password
        good = args.login == f"{user}:{password}"
        say(event="login", mechanism=mechanism, user=user, good=good)
        if good:
            return AuthResult(success=True)
        # Says the password back, in the clear and encoded, as a careless server may.
        said = f"535 wrong: {password} {base64.b64encode(data.password).decode()}"
        return AuthResult(success=False, handled=False, message=said)

    def factory():
        say(event="connection")
        return SMTP(
            handler,
            hostname="mail.test",
            loop=loop,
            tls_context=context if args.starttls else None,
            require_starttls=args.starttls,
            auth_required=bool(args.login),
            # Over TLS from the first byte this version does not notice that there is TLS.
            auth_require_tls=args.starttls,
            authenticator=authenticate if args.login else None,
        )

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    server = loop.run_until_complete(
        loop.create_server(factory, "127.0.0.1", args.port, ssl=None if args.starttls else context)
    )
    say(event="ready", port=server.sockets[0].getsockname()[1])

    def until_stdin_ends():
        sys.stdin.read()
        loop.call_soon_threadsafe(loop.stop)

    threading.Thread(target=until_stdin_ends, daemon=True).start()
    loop.run_forever()


main()
