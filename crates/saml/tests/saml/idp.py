"""An identity provider that is not ours: pysaml2 with xmlsec1, behind a plain HTTP port of this machine.

    idp.py FOLDER [BASE]  makes its key and metadata in FOLDER (idp.xml), says `port N`, waits for sp.xml there, and serves

GET /mode/NAME changes how it answers, GET /sso takes AuthnRequests, GET /begin sends somebody who did not ask,
GET /logout?index=... asks that a session be ended. It checks the signature of what it is asked.
"""
import functools, http.server, os, subprocess, sys, threading, urllib.parse

import saml2
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, saml, sigver, xmldsig
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT, TIMESYNCTOKEN
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT, NameID
from saml2.samlp import STATUS_SUCCESS
from saml2.server import Server

folder = sys.argv[1]
# Its own default is 3DES in CBC, which we refuse.
sigver.pre_encryption_part.__kwdefaults__["msg_enc"] = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
sigver.CryptoBackendXmlSec1.encrypt_assertion.__defaults__ = ("aes-256", None, None)
sigver.SecurityContext.encrypt_assertion.__defaults__ = ("aes-256", None)

key, certificate = os.path.join(folder, "idp.key"), os.path.join(folder, "idp.pem")
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=idp.test",
     "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)

state = {"mode": "assertion", "server": None, "asked": []}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, text, kind="text/html; charset=utf-8", location=None):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        try:
            self.get()
        except Exception as error:
            self.answer(400, f"{type(error).__name__}: {error}")

    def get(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        idp = state["server"]
        if url.path.startswith("/mode/"):
            state["mode"] = url.path.split("/")[2]
            return self.answer(200, state["mode"])
        if idp is None:
            idp = state["server"] = serve()
        if url.path == "/sso":
            asked = idp.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT)
            name = asked.message.issuer.text
            if "Signature" not in query:
                return self.answer(400, "the request is not signed")
            keys = idp.metadata.certs(name, "spsso", "signing")
            signed = {field: query[field] for field in ("SAMLRequest", "SigAlg", "Signature")}
            keys = [cert if isinstance(cert, str) else cert[1] for cert in keys]
            if not any(sigver.verify_redirect_signature(signed, idp.sec.sec_backend, cert) for cert in keys):
                return self.answer(400, "the request's signature does not hold")
            to = idp.response_args(asked.message)
            return self.assert_to(idp, to["destination"], name, to["in_response_to"])
        if url.path == "/begin":
            name = next(iter(idp.metadata.service_providers()))
            to = idp.metadata.assertion_consumer_service(name, BINDING_HTTP_POST)[0]["location"]
            return self.assert_to(idp, to, name, None)
        if url.path == "/logout":
            name = next(iter(idp.metadata.service_providers()))
            to = idp.metadata.single_logout_service(name, BINDING_HTTP_POST, "spsso")[0]["location"]
            who = NameID(format=NAMEID_FORMAT_PERSISTENT, text="ada-7f3a")
            asked, request = idp.create_logout_request(
                to, name, name_id=who, sign=True, session_indexes=[query["index"]] if "index" in query else None,
                sign_alg=xmldsig.SIG_RSA_SHA256, digest_alg=xmldsig.DIGEST_SHA256)
            state["asked"].append(asked)
            return self.answer(200, "".join(idp.apply_binding(BINDING_HTTP_POST, request, to, "")["data"]))
        if url.path == "/slo":
            name = next(iter(idp.metadata.service_providers()))
            said = idp.parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT)
            keys = [cert if isinstance(cert, str) else cert[1] for cert in idp.metadata.certs(name, "spsso", "signing")]
            fields = ("SAMLResponse", "RelayState", "SigAlg", "Signature")
            signed = {field: query[field] for field in fields if field in query}
            if not any(sigver.verify_redirect_signature(signed, idp.sec.sec_backend, cert) for cert in keys):
                return self.answer(400, "the answer's signature does not hold")
            if said.in_response_to not in state["asked"] or said.response.status.status_code.value != STATUS_SUCCESS:
                return self.answer(400, "the answer answers nothing")
            return self.answer(200, "ended")
        self.answer(404, "nothing here")

    def assert_to(self, idp, to, name, in_response_to):
        mode = state["mode"]
        persistent = "transient" not in mode
        who = NameID(format=NAMEID_FORMAT_PERSISTENT if persistent else NAMEID_FORMAT_TRANSIENT, text="ada-7f3a")
        sha1 = "sha1" in mode
        answer = idp.create_authn_response(
            {"uid": ["ada"], "displayName": ["Ada Lovelace"], "mail": ["ada@example.test"], "eduPersonAffiliation": ["ops", "dba & co"]},
            in_response_to, to, "https://somebody-else.test" if "audience" in mode else name, name_id=who,
            authn={"class_ref": TIMESYNCTOKEN if "factor" in mode else PASSWORDPROTECTEDTRANSPORT},
            sign_response="response" in mode, sign_assertion="assertion" in mode, encrypt_assertion="encrypted" in mode,
            encrypt_assertion_self_contained=True,
            sign_alg=xmldsig.SIG_RSA_SHA1 if sha1 else xmldsig.SIG_RSA_SHA256,
            digest_alg=xmldsig.DIGEST_SHA1 if sha1 else xmldsig.DIGEST_SHA256)
        self.answer(200, "".join(idp.apply_binding(BINDING_HTTP_POST, str(answer), to, "", response=True)["data"]))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
port = server.server_address[1]
# Whoever puts a name in front of the port says so.
base = sys.argv[2] if len(sys.argv) > 2 else f"https://127.0.0.1:{port}"


def config(*metadata):
    return IdPConfig().load({
        "entityid": f"{base}/idp",
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [(f"{base}/sso", BINDING_HTTP_REDIRECT)],
                          "single_logout_service": [(f"{base}/slo", BINDING_HTTP_REDIRECT)]},
            "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None,
                                   "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
            # With this on, it looks for a signature inside the XML, which a redirect does not have; `get` checks the
            # redirect's.
            "want_authn_requests_signed": False,
        }},
        "key_file": key, "cert_file": certificate, "xmlsec_binary": "/usr/bin/xmlsec1",
        "encryption_keypairs": [], "metadata": {"local": list(metadata)} if metadata else {},
        "debug": False,
    })


def serve():
    return Server(config=config(os.path.join(folder, "sp.xml")))


with open(os.path.join(folder, "idp.xml"), "w") as file:
    file.write(str(entity_descriptor(config())))
print(f"port {port}", flush=True)
# Ends with whoever started it.
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
