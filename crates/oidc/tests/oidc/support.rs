//! Certificates, keys that sign, a provider that says what it is told to, and a browser of sorts.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wk_domain::{ProviderId, Timestamp};
use wk_egress::Egress;
use wk_identity::outside::{Departure, Here, Outside, Provider, ProviderKind as _, Refusal, Returned};
use wk_oidc::Oidc;
use wk_seal::Secret;

pub(crate) const CLIENT: &str = "watchkeep";
pub(crate) const SECRET: &str = "a client's secret: %+ and all";

pub(crate) fn b64(raw: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(raw)
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap())
}

/// An authority, and a certificate of it for `localhost`.
pub(crate) struct Tls {
    pub(crate) ca_pem: String,
    pub(crate) cert_pem: String,
    pub(crate) key_pem: String,
    cert: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Tls {
    pub(crate) fn new() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca_pem = params.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let cert = params.signed_by(&key, &issuer).unwrap();
        Self {
            ca_pem,
            cert_pem: cert.pem(),
            key_pem: key.serialize_pem(),
            cert: cert.der().clone(),
            key: key.serialize_der(),
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.cert.clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// An RSA key that signs tokens.
pub(crate) struct Signer {
    pair: RsaKeyPair,
    pub(crate) kid: &'static str,
}

impl Signer {
    pub(crate) fn new(kid: &'static str) -> Self {
        Self { pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), kid }
    }

    fn public(&self) -> (String, String) {
        let key = self.pair.public_key();
        let (n, e) = (key.modulus().big_endian_without_leading_zero(), key.exponent());
        (b64(n), b64(e.big_endian_without_leading_zero()))
    }

    pub(crate) fn jwk(&self) -> Value {
        let (n, e) = self.public();
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": n, "e": e})
    }

    pub(crate) fn sign(&self, head: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", b64(head.to_string()), b64(claims.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", b64(signature))
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"}), claims)
    }

    /// Signed with what everybody knows: the public key as a shared one.
    pub(crate) fn with_public_key_as_secret(&self, claims: &Value, secret: &[u8]) -> String {
        let head = json!({"alg": "HS256", "kid": self.kid, "typ": "JWT"});
        let signed = format!("{}.{}", b64(head.to_string()), b64(claims.to_string()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        format!("{signed}.{}", b64(hmac::sign(&key, signed.as_bytes())))
    }
}

/// What the provider answers on one path.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
}

impl Reply {
    pub(crate) fn json(body: &Value) -> Self {
        Self { status: 200, location: None, body: body.to_string().into_bytes(), delay: Duration::ZERO }
    }
}

/// What it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) form: Returned,
}

/// A provider that says what it is told to say.
pub(crate) struct Op {
    pub(crate) issuer: String,
    pub(crate) tls: Tls,
    pub(crate) replies: Arc<Mutex<HashMap<String, Reply>>>,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
}

impl Op {
    /// One that behaves, with this signer's key.
    pub(crate) async fn new(signer: &Signer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let tls = Tls::new();
        let op = Self { issuer, replies: Arc::default(), asked: Arc::default(), tls };
        op.put("/.well-known/openid-configuration", Reply::json(&op.discovery()));
        op.put("/jwks", Reply::json(&json!({"keys": [signer.jwk()]})));
        let (acceptor, replies, asked) = (op.tls.acceptor(), Arc::clone(&op.replies), Arc::clone(&op.asked));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, replies, asked) = (acceptor.clone(), Arc::clone(&replies), Arc::clone(&asked));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(tcp).await else { return };
                    let service = service_fn(|request| answer(request, &replies, &asked));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        op
    }

    pub(crate) fn discovery(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/auth"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"),
            "authorization_response_iss_parameter_supported": true,
            "code_challenge_methods_supported": ["S256"],
        })
    }

    pub(crate) fn put(&self, path: &str, reply: Reply) {
        self.replies.lock().insert(path.to_owned(), reply);
    }

    pub(crate) fn fetched(&self, path: &str) -> usize {
        self.asked.lock().iter().filter(|asked| asked.path == path).count()
    }

    pub(crate) fn last(&self, path: &str) -> Asked {
        self.asked.lock().iter().rfind(|asked| asked.path == path).cloned().unwrap()
    }

    pub(crate) fn provider(&self) -> Provider {
        self.provider_with(json!({}))
    }

    pub(crate) fn provider_with(&self, more: Value) -> Provider {
        let mut config = json!({"issuer": self.issuer, "client_id": CLIENT, "root_pem": self.tls.ca_pem});
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        Provider {
            id: ProviderId::from_uuid(uuid::Uuid::from_u128(7)),
            name: "Test".to_owned(),
            config,
            secret: Some(Secret::new(SECRET.as_bytes().to_vec())),
        }
    }

    /// Claims that count for this nonce.
    pub(crate) fn claims(&self, nonce: &str) -> Value {
        let s = now().as_ms() / 1000;
        json!({
            "iss": self.issuer, "aud": CLIENT, "sub": "7", "nonce": nonce, "iat": s, "exp": s + 300,
            "preferred_username": "ada", "name": "Ada L", "email": "ada@op.example", "groups": ["ops"],
        })
    }

    pub(crate) fn gives(&self, id_token: &str) {
        let body = json!({"access_token": "at", "token_type": "Bearer", "id_token": id_token});
        self.put("/token", Reply::json(&body));
    }
}

async fn answer(
    request: Request<Incoming>,
    replies: &Mutex<HashMap<String, Reply>>,
    asked: &Mutex<Vec<Asked>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let authorization = request.headers().get("authorization").map(|v| v.to_str().unwrap().to_owned());
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let form = Returned::parse(&String::from_utf8_lossy(&body)).unwrap_or_default();
    asked.lock().push(Asked { path: path.clone(), authorization: authorization.unwrap_or_default(), form });
    let reply = replies.lock().get(&path).cloned();
    let none = Reply { status: 404, location: None, body: b"{}".to_vec(), delay: Duration::ZERO };
    let reply = reply.unwrap_or(none);
    tokio::time::sleep(reply.delay).await;
    let mut response = Response::builder().status(reply.status).header("content-type", "application/json");
    if let Some(location) = reply.location {
        response = response.header("location", location);
    }
    Ok(response.body(Full::new(Bytes::from(reply.body))).unwrap())
}

/// A browser that was sent away.
pub(crate) struct Gone {
    pub(crate) departure: Departure,
    pub(crate) query: Returned,
}

pub(crate) fn here(provider: &Provider) -> Here {
    Here::of("https://watch.example", provider.id, now())
}

pub(crate) async fn leave(kind: &Oidc, provider: &Provider) -> Result<Gone, Refusal> {
    let departure = kind.begin(provider, &here(provider), false).await?;
    let (_, query) = departure.url.split_once('?').unwrap();
    let query = Returned::parse(query).unwrap();
    Ok(Gone { departure, query })
}

impl Gone {
    pub(crate) fn asked(&self, name: &str) -> &str {
        self.query.one(name).unwrap()
    }

    /// What a well-meaning provider sends back.
    pub(crate) fn returned(&self, issuer: &str) -> Returned {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = vec![pair("code", "c-1"), pair("state", self.asked("state")), pair("iss", issuer)];
        Returned { pairs }
    }

    pub(crate) async fn back(
        &self,
        kind: &Oidc,
        provider: &Provider,
        with: &Returned,
    ) -> Result<Outside, Refusal> {
        kind.finish(provider, &here(provider), Some(&self.departure.kept), with).await
    }
}

pub(crate) fn kind() -> Oidc {
    Oidc::new(Egress::new(Vec::new()))
}
