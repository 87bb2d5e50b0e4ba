//! An authenticator in software, written from the specification's other side, that can also do what no honest one does.
//! Shared with the tests of the API.

#![allow(dead_code)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Present, verified, and one that stays on its device.
pub(crate) const GOOD: u8 = 0x05;

pub(crate) enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// One passkey.
pub(crate) struct Soft {
    pub(crate) id: Vec<u8>,
    pub(crate) count: u32,
    pub(crate) aaguid: [u8; 16],
    pub(crate) key: Key,
}

/// What the page, or the authenticator, makes of it.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) kind: String,
    pub(crate) rp_id: String,
    pub(crate) origin: String,
    pub(crate) challenge: String,
    pub(crate) flags: u8,
    /// Further members of the client data, with a leading comma.
    pub(crate) more: String,
}

impl Scene {
    pub(crate) fn new(kind: &str, rp_id: &str, origin: &str, challenge: &str) -> Self {
        Self {
            kind: format!("webauthn.{kind}"),
            rp_id: rp_id.to_owned(),
            origin: origin.to_owned(),
            challenge: challenge.to_owned(),
            flags: GOOD,
            more: r#","crossOrigin":false,"other_keys_can_be_added_here":"do not compare clientDataJSON against a template""#
                .to_owned(),
        }
    }

    pub(crate) fn client_data(&self) -> Vec<u8> {
        let Self { kind, challenge, origin, more, .. } = self;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#).into_bytes()
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A head of canonical CBOR.
pub(crate) fn head(major: u8, n: usize) -> Vec<u8> {
    match n {
        0..=23 => vec![major << 5 | n as u8],
        24..=255 => vec![major << 5 | 24, n as u8],
        _ => vec![major << 5 | 25, (n >> 8) as u8, n as u8],
    }
}

pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len()), value.to_vec()].concat()
}

pub(crate) fn string(value: &str) -> Vec<u8> {
    [head(3, value.len()), value.as_bytes().to_vec()].concat()
}

impl Soft {
    fn with(key: Key, seed: u8) -> Self {
        Self { id: vec![seed; 32], count: 0, aaguid: [0; 16], key }
    }

    pub(crate) fn p256() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref()).unwrap();
        let seed = key.public_key().as_ref()[1];
        let mut soft = Self::with(Key::P256(key), seed);
        soft.id = sha256(soft.cose().as_slice());
        soft
    }

    pub(crate) fn ed25519() -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let mut soft = Self::with(Key::Ed25519(key), 0);
        soft.id = sha256(soft.cose().as_slice());
        soft
    }

    /// As long as a passkey that somebody else copied: same key, same id, its own counter.
    pub(crate) fn cose(&self) -> Vec<u8> {
        match &self.key {
            Key::P256(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = (bytes(&point[1..33]), bytes(&point[33..]));
                [vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21], x, vec![0x22], y].concat()
            }
            Key::Ed25519(key) => {
                [vec![0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21], bytes(key.public_key().as_ref())]
                    .concat()
            }
        }
    }

    fn auth_data(&self, scene: &Scene, attested: bool) -> Vec<u8> {
        let flags = scene.flags | if attested { 0x40 } else { 0 };
        let mut data = sha256(scene.rp_id.as_bytes());
        data.push(flags);
        data.extend(self.count.to_be_bytes());
        if attested {
            data.extend(self.aaguid);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            data.extend(self.cose());
        }
        data
    }

    /// Client data and attestation object.
    pub(crate) fn create(&self, scene: &Scene) -> (Vec<u8>, Vec<u8>) {
        let data = self.auth_data(scene, true);
        let object = [
            vec![0xa3],
            string("fmt"),
            string("none"),
            string("attStmt"),
            vec![0xa0],
            string("authData"),
            bytes(&data),
        ];
        (scene.client_data(), object.concat())
    }

    /// Client data, authenticator data and signature. Counts, as most hardware keys do.
    pub(crate) fn get(&mut self, scene: &Scene) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        self.count += 1;
        self.sign(scene)
    }

    /// The same without counting.
    pub(crate) fn sign(&self, scene: &Scene) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let (client, data) = (scene.client_data(), self.auth_data(scene, false));
        let message = [data.clone(), sha256(&client)].concat();
        let signature = match &self.key {
            Key::P256(key) => key.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec(),
            Key::Ed25519(key) => key.sign(&message).as_ref().to_vec(),
        };
        (client, data, signature)
    }
}
