//! Checkpoints: how large the log was and what its root was, as a signed note that other people's tools read.
//!
//! Formats: c2sp.org/tlog-checkpoint, c2sp.org/signed-note, and c2sp.org/tlog-cosignature version 1 for witnesses.
//! Signatures by keys one does not know are carried along and prove nothing. Keys are made and kept elsewhere.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Hash;

/// Bytes of a note: a checkpoint with all signatures it may have is a tenth of it.
pub const NOTE_MAX: usize = 64 * 1024;
/// Signature lines of a note.
pub const SIGNATURES_MAX: usize = 16;
/// Lines a checkpoint may have after the three that everybody knows.
const EXTENSIONS_MAX: usize = 8;
const NAME_MAX: usize = 200;
const SIGNATURE_START: &str = "— ";

/// What a log claims to be at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: a name that no other log has, such as `watchkeep.example/audit/<random>`.
    pub origin: String,
    /// Entries.
    pub size: u64,
    pub root: Hash,
    /// Further lines, not empty.
    pub extensions: Vec<String>,
}

/// Why a note, a key or a checkpoint is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("a note has at most {NOTE_MAX} bytes")]
    TooLong,
    #[error("not a signed note: {0}")]
    Form(&'static str),
    #[error("not a checkpoint: {0}")]
    Checkpoint(&'static str),
    #[error("not a key: {0}")]
    Key(&'static str),
    #[error("the note carries no signature of {name}")]
    NotSigned { name: String },
    #[error("the signature of {name} does not match the text")]
    BadSignature { name: String },
}

impl Checkpoint {
    /// A checkpoint without further lines.
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// The text that is signed; ends with a line break.
    pub fn body(&self) -> String {
        let mut body = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0));
        for line in &self.extensions {
            body.push_str(line);
            body.push('\n');
        }
        body
    }

    /// Reads the text of a note as a checkpoint.
    ///
    /// # Errors
    /// [`NoteError::Checkpoint`] says which line is wrong.
    pub fn parse(body: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Checkpoint;
        let body = body.strip_suffix('\n').ok_or(bad("it does not end with a line break"))?;
        let mut lines = body.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(bad("the origin is empty"))?;
        let size = lines.next().ok_or(bad("there is no size"))?;
        let digits = !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit());
        if !digits || (size.len() > 1 && size.starts_with('0')) {
            return Err(bad("the size is not a plain number"));
        }
        let size = size.parse().map_err(|_| bad("the size is too large"))?;
        let root = lines.next().ok_or(bad("there is no root"))?;
        let root = STANDARD.decode(root).map_err(|_| bad("the root is not base64"))?;
        let root = Hash(root.try_into().map_err(|_| bad("the root has not 32 bytes"))?);
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.len() > EXTENSIONS_MAX || extensions.iter().any(String::is_empty) {
            return Err(bad("the further lines are too many or empty"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// The note: the checkpoint with a signature.
    pub fn sign(&self, key: &SigningKey) -> String {
        let body = self.body();
        let signature = key.signature_line(&body);
        format!("{body}\n{signature}")
    }
}

/// A text with signatures, not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    body: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

impl Note {
    /// Takes a note apart.
    ///
    /// # Errors
    /// [`NoteError`] when it is none.
    pub fn parse(raw: &[u8]) -> Result<Self, NoteError> {
        let bad = NoteError::Form;
        if raw.len() > NOTE_MAX {
            return Err(NoteError::TooLong);
        }
        let text = std::str::from_utf8(raw).map_err(|_| bad("it is not UTF-8"))?;
        if text.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(bad("it holds control characters"));
        }
        let at = text.rfind("\n\n").ok_or(bad("there is no blank line before the signatures"))?;
        let (body, signatures) = (&text[..=at], &text[at + 2..]);
        let signatures = signatures.strip_suffix('\n').ok_or(bad("it does not end with a line break"))?;
        let signatures = signatures
            .split('\n')
            .map(Signature::parse)
            .collect::<Option<Vec<_>>>()
            .ok_or(bad("a signature line"))?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(bad("it has too many signatures"));
        }
        Ok(Self { body: body.to_owned(), signatures })
    }

    /// The signed text.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Names on the signature lines. Nobody has verified them.
    pub fn claimed_signers(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|signature| signature.name.as_str())
    }

    /// Adds a signature, such as a witness's.
    #[must_use]
    pub fn cosign(&self, key: &SigningKey, unix_time: u64) -> String {
        let lines: String = self.signatures.iter().map(ToString::to_string).collect();
        format!("{}\n{lines}{}", self.body, key.signature_line_at(&self.body, unix_time))
    }

    /// Checks the signature of `key`. For a witness's key gives the time it saw the note, in seconds since 1970.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`] without a line of that name and key id, [`NoteError::BadSignature`] when one is there
    /// and does not match.
    pub fn verify(&self, key: &VerifyingKey) -> Result<Option<u64>, NoteError> {
        let ours = |signature: &&Signature| signature.name == key.name && signature.key_id == key.id;
        let mut ours = self.signatures.iter().filter(ours).peekable();
        if ours.peek().is_none() {
            return Err(NoteError::NotSigned { name: key.name.clone() });
        }
        // One line that does not hold spoils the note, also beside one that does.
        let mut time = None;
        for signature in ours {
            time = key
                .verify(&self.body, &signature.bytes)
                .ok_or_else(|| NoteError::BadSignature { name: key.name.clone() })?;
        }
        Ok(time)
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(SIGNATURE_START)?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, bytes) = bytes.split_first_chunk::<4>()?;
        let good = is_name(name) && !bytes.is_empty();
        good.then(|| Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_owned() })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.key_id.as_slice(), &self.bytes].concat();
        writeln!(f, "{SIGNATURE_START}{} {}", self.name, STANDARD.encode(bytes))
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && !name.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control())
}

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    /// The text itself: the log's own key.
    Note,
    /// The text as seen at a time: a witness's key.
    Cosignature,
}

impl KeyUse {
    const fn byte(self) -> u8 {
        match self {
            Self::Note => 1,
            Self::Cosignature => 4,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Note),
            4 => Some(Self::Cosignature),
            _ => None,
        }
    }
}

/// The public half of a signer's key: what an auditor holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    usage: KeyUse,
    public: [u8; 32],
}

impl VerifyingKey {
    /// A key under a name.
    ///
    /// # Errors
    /// [`NoteError::Key`] when the name is empty, too long, or holds white space or `+`.
    pub fn new(name: &str, usage: KeyUse, public: [u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Key("a name without white space and +, at most 200 bytes"));
        }
        let digest = Hash::of_parts(&[name.as_bytes(), b"\n", &[usage.byte()], &public]);
        let mut id = [0; 4];
        id.copy_from_slice(&digest.0[..4]);
        Ok(Self { name: name.to_owned(), id, usage, public })
    }

    /// The signer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn verify(&self, body: &str, signature: &[u8]) -> Option<Option<u64>> {
        let key = UnparsedPublicKey::new(&ED25519, self.public);
        match self.usage {
            KeyUse::Note => key.verify(body.as_bytes(), signature).ok().map(|()| None),
            KeyUse::Cosignature => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                key.verify(cosigned(body, time).as_bytes(), signature).ok().map(|()| Some(time))
            }
        }
    }
}

fn cosigned(body: &str, unix_time: u64) -> String {
    format!("cosignature/v1\ntime {unix_time}\n{body}")
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

impl fmt::Display for VerifyingKey {
    /// The form one hands to auditors: `name+keyid+base64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.usage.byte()], self.public.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex(self.id), STANDARD.encode(key))
    }
}

impl FromStr for VerifyingKey {
    type Err = NoteError;

    fn from_str(raw: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Key;
        if raw.len() > NAME_MAX + 100 {
            return Err(bad("it is too long"));
        }
        let (name, rest) = raw.split_once('+').ok_or(bad("expected name+keyid+key"))?;
        let (id, encoded) = rest.split_once('+').ok_or(bad("expected name+keyid+key"))?;
        let (usage, public) = take_key(encoded)?;
        let key = Self::new(name, usage, public)?;
        // The id guards against a typing error in the rest.
        if id == hex(key.id) { Ok(key) } else { Err(bad("the key id does not belong to name and key")) }
    }
}

fn take_key(encoded: &str) -> Result<(KeyUse, [u8; 32]), NoteError> {
    let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Key("the key is not base64"))?;
    let (usage, key) = bytes.split_first().ok_or(NoteError::Key("the key is empty"))?;
    let usage =
        KeyUse::from_byte(*usage).ok_or(NoteError::Key("the key is for an algorithm we do not know"))?;
    let key = key.try_into().map_err(|_| NoteError::Key("the key has not 32 bytes"))?;
    Ok((usage, key))
}

/// A signer's key. Its secret half can be used and neither read nor printed.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: VerifyingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {}, ..)", self.public.name, hex(self.public.id))
    }
}

impl SigningKey {
    /// The key that grows from a secret seed of 32 random bytes.
    ///
    /// # Errors
    /// [`NoteError::Key`] for a name that cannot be one.
    pub fn from_seed(name: &str, usage: KeyUse, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key("the seed was refused"))?;
        let public =
            pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key("the public key's size"))?;
        Ok(Self { public: VerifyingKey::new(name, usage, public)?, pair })
    }

    /// From the text form that note tools use: `PRIVATE+KEY+name+keyid+base64`.
    ///
    /// # Errors
    /// [`NoteError::Key`] says what is wrong, and never repeats the text.
    pub fn from_text(raw: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Key("expected PRIVATE+KEY+name+keyid+key");
        let rest = raw.strip_prefix("PRIVATE+KEY+").ok_or_else(|| bad.clone())?;
        let (name, rest) = rest.split_once('+').ok_or_else(|| bad.clone())?;
        let (id, encoded) = rest.split_once('+').ok_or(bad)?;
        let (usage, seed) = take_key(encoded)?;
        let key = Self::from_seed(name, usage, &seed)?;
        if id == hex(key.public.id) {
            Ok(key)
        } else {
            Err(NoteError::Key("the key id does not belong to name and key"))
        }
    }

    /// The public half.
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    fn signature_line(&self, body: &str) -> String {
        self.signature_line_at(body, 0)
    }

    fn signature_line_at(&self, body: &str, unix_time: u64) -> String {
        let bytes = match self.public.usage {
            KeyUse::Note => self.pair.sign(body.as_bytes()).as_ref().to_vec(),
            KeyUse::Cosignature => {
                let signature = self.pair.sign(cosigned(body, unix_time).as_bytes());
                [&unix_time.to_be_bytes(), signature.as_ref()].concat()
            }
        };
        Signature { name: self.public.name.clone(), key_id: self.public.id, bytes }.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From the documentation of Go's golang.org/x/mod/sumdb/note.
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SKEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn key(name: &str, usage: KeyUse) -> SigningKey {
        SigningKey::from_seed(name, usage, &[7; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint::new("watchkeep.example/audit", 12, Hash::of(b"root"))
    }

    #[test]
    fn the_known_note_verifies_and_is_what_we_would_sign() {
        let note = format!("{TEXT}\n{LINE}");
        let parsed = Note::parse(note.as_bytes()).unwrap();
        assert_eq!(parsed.body(), TEXT);
        let vkey: VerifyingKey = VKEY.parse().unwrap();
        assert_eq!(vkey.to_string(), VKEY);
        assert_eq!(parsed.verify(&vkey), Ok(None));
        let skey = SigningKey::from_text(SKEY).unwrap();
        assert_eq!(skey.verifying_key(), &vkey);
        assert_eq!(skey.signature_line(TEXT), LINE);
        let changed = note.replacen("answer", "Answer", 1);
        let name = "PeterNeumann".to_owned();
        assert_eq!(
            Note::parse(changed.as_bytes()).unwrap().verify(&vkey),
            Err(NoteError::BadSignature { name })
        );
    }

    #[test]
    fn a_checkpoint_goes_there_and_back() {
        let signer = key("watchkeep.example/audit", KeyUse::Note);
        let text = checkpoint().sign(&signer);
        assert!(text.starts_with("watchkeep.example/audit\n12\n"), "{text}");
        let note = Note::parse(text.as_bytes()).unwrap();
        assert_eq!(note.verify(signer.verifying_key()), Ok(None));
        assert_eq!(Checkpoint::parse(note.body()), Ok(checkpoint()));
        let stranger = SigningKey::from_seed("watchkeep.example/audit", KeyUse::Note, &[8; 32]).unwrap();
        let name = "watchkeep.example/audit".to_owned();
        assert_eq!(note.verify(stranger.verifying_key()), Err(NoteError::NotSigned { name }));
    }

    #[test]
    fn a_witness_adds_its_signature_with_a_time() {
        let (log, witness) = (key("log", KeyUse::Note), key("agent-1", KeyUse::Cosignature));
        let note = Note::parse(checkpoint().sign(&log).as_bytes()).unwrap();
        let cosigned = Note::parse(note.cosign(&witness, 1_795_262_400).as_bytes()).unwrap();
        assert_eq!(cosigned.claimed_signers().collect::<Vec<_>>(), ["log", "agent-1"]);
        assert_eq!(cosigned.verify(log.verifying_key()), Ok(None));
        assert_eq!(cosigned.verify(witness.verifying_key()), Ok(Some(1_795_262_400)));
        // The same secret in another role is another key.
        assert!(note.verify(witness.verifying_key()).is_err());
        let as_note = key("agent-1", KeyUse::Note);
        assert!(cosigned.verify(as_note.verifying_key()).is_err());
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let root = STANDARD.encode([0; 32]);
        for bad in [
            "".to_owned(),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n\n{root}\n"),
            format!("o\n99999999999999999999\n{root}\n"),
            "o\n1\n".to_owned(),
            "o\n1\nAAAA\n".to_owned(),
            format!("o\n1\n{}\n", root.trim_end_matches('=')),
            format!("o\n1\n{root}"),
            format!("o\n1\n{root}\n\n"),
            format!("o\n1\n{root}\n{}", "x\n".repeat(9)),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
        assert_eq!(Checkpoint::parse(&format!("o\n0\n{root}\nmore\n")).unwrap().extensions, ["more"]);
    }

    #[test]
    fn what_is_no_note_or_key_is_refused() {
        let good = format!("{TEXT}\n{LINE}");
        for bad in [
            String::new(),
            TEXT.to_owned(),
            format!("{TEXT}{LINE}"),
            format!("{TEXT}\n"),
            good.trim_end().to_owned(),
            good.replace('—', "-"),
            good.replace("PeterNeumann", "Peter+Neumann"),
            good.replace("AnAM=", "AnAM"),
            good.replace("problem,", "problem\r"),
            format!("{TEXT}\n{}", LINE.repeat(17)),
            "x".repeat(NOTE_MAX + 1),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err() || !bad.contains("AnAM="), "{bad:?}");
        }
        assert!(Note::parse(b"\xff\n\n").is_err());
        for bad in [
            "",
            "a",
            "a+b",
            "a+00000000+",
            &VKEY.replace("c74f20a3", "c74f20a4"),
            &VKEY.replace("+AR", "+BR"),
        ] {
            assert!(bad.parse::<VerifyingKey>().is_err(), "{bad:?}");
        }
        assert!(VerifyingKey::new("two words", KeyUse::Note, [0; 32]).is_err());
    }

    #[test]
    fn a_secret_key_does_not_print() {
        let key = SigningKey::from_text(SKEY).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(PeterNeumann c74f20a3, ..)");
        let error = SigningKey::from_text(&SKEY.replace("c74f20a3", "c74f20a4")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("AYEKFALV"));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_in_a_signed_checkpoint_is_refused(bit: prop::sample::Index) {
            let signer = key("log", KeyUse::Note);
            let mut text = checkpoint().sign(&signer).into_bytes();
            let bit = bit.index(text.len() * 8);
            text[bit / 8] ^= 1 << (bit % 8);
            let verified = Note::parse(&text).and_then(|note| note.verify(signer.verifying_key()));
            prop_assert!(verified.is_err());
        }

        #[test]
        fn any_bytes_are_survived(raw in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,50}\n\n— [a-z+]{0,4} [A-Za-z0-9+/=]{0,12}\n") {
            for raw in [raw.as_slice(), text.as_bytes()] {
                if let Ok(note) = Note::parse(raw) {
                    let _ = Checkpoint::parse(note.body());
                    let vkey: VerifyingKey = VKEY.parse().unwrap();
                    prop_assert!(note.verify(&vkey).is_err());
                }
            }
        }
    }
}
