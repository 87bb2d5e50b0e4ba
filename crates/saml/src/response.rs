//! Reading what an identity provider answers: from bytes to a person, or to one reason why not.
//!
//! Nothing is read from a part that no signature covers, but for what can only lead to a refusal. The shape is settled
//! first: one Response, one assertion right below it, signatures only where SAML has them, all ids different. What moves a
//! signed part elsewhere, or puts another beside it, fails there, before any key is used.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wk_domain::Timestamp;
use wk_domain::text::clean_line;

use crate::dsig::{self, DS, SignatureError};
use crate::enc::{self, DecryptError};
use crate::key::{IdpCertificate, OwnKey, hex};
use crate::time;
use crate::xml::{Document, NodeId, SIZE_MAX, XmlError};

pub(crate) const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const ENTITY_FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
/// A name that is new each time.
pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// A name that is an address.
pub const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

/// Longest name of a person, entity or attribute, in characters (core, 8.3 says 256 for persistent names, 1024 for entities).
const NAME_MAX: usize = 1_024;
/// Attributes of a person, and values of one.
const ATTRIBUTES_MAX: usize = 200;
const VALUES_MAX: usize = 2_000;

/// This server, as the provider knows it.
#[derive(Debug)]
pub struct ServiceProvider {
    /// Our name: the audience of an assertion.
    pub entity_id: String,
    /// Where answers are to be sent, exactly.
    pub acs_url: String,
    /// Where requests to end a session are to be sent, exactly.
    pub logout_url: String,
    /// Our keys, the newest first. Others encrypt for the newest; older ones may still decrypt.
    pub keys: Vec<OwnKey>,
}

/// How long a new key is only shown before it signs: until then providers have loaded our metadata anew.
pub const SIGNS_AFTER: Duration = Duration::from_secs(7 * 86_400);

impl ServiceProvider {
    /// The key that signs: the newest that has been shown long enough, or else the oldest.
    pub fn signing_key(&self, now: Timestamp) -> Option<&OwnKey> {
        self.keys.iter().find(|key| now.since(key.made) >= SIGNS_AFTER).or(self.keys.last())
    }
}

/// The identity provider, as configured here.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    pub entity_id: String,
    /// Where people are sent (HTTP-Redirect).
    pub sso_url: String,
    /// Several while it changes from one to the next.
    pub certificates: Vec<IdpCertificate>,
}

/// What the answer must be an answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect<'a> {
    /// The request of this id, made for the browser that brings the answer.
    Answer(&'a str),
    /// Nothing was asked; only for providers that may begin by themselves.
    Unsolicited,
}

/// A step of the reading, for the person who tests a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub title: &'static str,
    pub ok: bool,
    pub detail: String,
}

/// An attribute of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub friendly_name: Option<String>,
    pub values: Vec<String>,
}

/// What a provider says, proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub name_id: String,
    /// Empty where the provider gives none.
    pub name_id_format: String,
    pub attributes: Vec<Attribute>,
    /// When the person proved it, and how.
    pub authenticated_at: Timestamp,
    pub contexts: Vec<String>,
    pub session_index: Option<String>,
    /// When the provider wants the session to end at the latest.
    pub session_until: Option<Timestamp>,
    /// Names this assertion among all; it counts once.
    pub once: String,
    /// From when on it would be refused anyway.
    pub once_until: Timestamp,
}

impl Verified {
    /// All values of the attributes of this name, or of this friendly name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.attributes
            .iter()
            .filter(move |a| a.name == name || a.friendly_name.as_deref() == Some(name))
            .flat_map(|a| a.values.iter().map(String::as_str))
    }
}

/// Why an answer is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the answer is not base64, or too long")]
    Encoding,
    #[error("the answer is not accepted as XML: {0}")]
    Xml(#[from] XmlError),
    #[error("the answer does not have the shape of a SAML response: {0}")]
    Shape(&'static str),
    #[error("the provider says no: {0}")]
    Status(String),
    #[error("the signature of the {part}: {source}")]
    Signature { part: &'static str, source: SignatureError },
    #[error("neither the response nor the assertion is signed")]
    Unsigned,
    #[error("the encrypted assertion: {0}")]
    Decrypt(#[from] DecryptError),
    #[error("the issuer is `{found}`, and `{expected}` is configured")]
    Issuer { found: String, expected: String },
    #[error("it is addressed to `{found}`; this server is `{expected}`")]
    Destination { found: String, expected: String },
    #[error("it answers another request than this browser's, or none")]
    InResponseTo,
    #[error(
        "nobody asked for it here, and this provider may not begin by itself; begin at this server's sign-in page"
    )]
    Unsolicited,
    #[error("it is for `{found}`, and this server is `{expected}`")]
    Audience { found: String, expected: String },
    #[error("the subject is not confirmed: {0}")]
    Confirmation(String),
    #[error("{0}; look whether the clocks of both machines are right")]
    Time(String),
    #[error("the assertion has a condition that is not known here")]
    Condition,
    #[error("the subject has no name that can be used: {0}")]
    Subject(&'static str),
}

/// The reading and how it went.
#[derive(Debug)]
pub struct Reading {
    pub steps: Vec<Step>,
    pub result: Result<Verified, Refusal>,
}

/// Decodes the form field `SAMLResponse` or `SAMLRequest`.
///
/// # Errors
/// [`Refusal::Encoding`].
pub fn decode_post(field: &str) -> Result<Vec<u8>, Refusal> {
    if field.len() > SIZE_MAX * 3 / 2 {
        return Err(Refusal::Encoding);
    }
    let text: String = field.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(text).map_err(|_| Refusal::Encoding)
}

/// Reads a response. `skew`: how far the two clocks may be apart.
pub fn read_response(
    bytes: &[u8],
    sp: &ServiceProvider,
    idp: &IdentityProvider,
    expect: Expect<'_>,
    now: Timestamp,
    skew: Duration,
) -> Reading {
    let skew_ms = i64::try_from(skew.as_millis()).unwrap_or(0);
    let mut reader = Reader { sp, idp, expect, now_ms: now.as_ms(), skew_ms, steps: Vec::new(), title: "" };
    let result = reader.read(bytes);
    if let Err(refusal) = &result {
        reader.steps.push(Step {
            title: reader.title,
            ok: false,
            detail: clean_line(refusal.to_string(), 500),
        });
    }
    Reading { steps: reader.steps, result }
}

struct Reader<'a> {
    sp: &'a ServiceProvider,
    idp: &'a IdentityProvider,
    expect: Expect<'a>,
    now_ms: i64,
    skew_ms: i64,
    steps: Vec<Step>,
    title: &'static str,
}

fn shown(text: &str) -> String {
    clean_line(text, 200)
}

impl Reader<'_> {
    fn begin(&mut self, title: &'static str) {
        self.title = title;
    }

    fn done(&mut self, detail: impl AsRef<str>) {
        self.steps.push(Step { title: self.title, ok: true, detail: clean_line(detail.as_ref(), 500) });
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Verified, Refusal> {
        self.begin("Read the answer");
        let mut response = Document::parse(bytes)?;
        let root = response.root();
        if !response.element(root).is_some_and(|e| e.is(SAMLP, "Response")) {
            return Err(Refusal::Shape("it is not a Response"));
        }
        if !dsig::ids_are_unique(&response) {
            return Err(Refusal::Shape("two elements have the same id"));
        }
        self.done(format!("{} bytes of XML", bytes.len()));

        self.begin("The provider's status");
        status(&response, root)?;
        self.done("success");

        self.begin("Shape");
        let (assertion, encrypted) = one_assertion(&response)?;
        self.done(if encrypted { "one encrypted assertion" } else { "one assertion" });

        self.begin("Signature of the response");
        let signed = response.named(root, DS, "Signature").next().is_some();
        if signed {
            let content = self.verify(&response, root, "response")?;
            response = Document::parse(&content)?;
            self.done("made by a configured certificate");
        } else {
            self.done("none; the assertion's must hold");
        }
        // Ids of nodes are those of the new document now.
        let root = response.root();
        let (assertion_at, _) = if signed { one_assertion(&response)? } else { (assertion, encrypted) };

        let document = if encrypted {
            self.begin("Decrypt the assertion");
            let plain = enc::decrypt(&response, assertion_at, &self.sp.keys)?;
            lone_assertion(&plain)?;
            self.done("with this server's key");
            Some(plain)
        } else {
            None
        };
        let (holder, at) = document.as_ref().map_or((&response, assertion_at), |plain| (plain, plain.root()));

        self.begin("Signature of the assertion");
        let content = if holder.named(at, DS, "Signature").next().is_some() {
            let content = self.verify(holder, at, "assertion")?;
            self.done("made by a configured certificate");
            Some(Document::parse(&content)?)
        } else if signed {
            self.done("none; the response's covers it");
            None
        } else {
            return Err(Refusal::Unsigned);
        };
        let (holder, at) = content.as_ref().map_or((holder, at), |content| (content, content.root()));

        self.header(&response, root, signed)?;
        self.assertion(holder, at)
    }

    fn verify(&self, document: &Document, at: NodeId, part: &'static str) -> Result<Vec<u8>, Refusal> {
        dsig::verify(document, at, &self.idp.certificates)
            .map_err(|source| Refusal::Signature { part, source })
    }

    fn issuer(&self, document: &Document, at: NodeId) -> Result<(), Refusal> {
        let found = document.text(at).unwrap_or_default();
        let format = document.attribute(at, "Format").unwrap_or(ENTITY_FORMAT);
        if found.trim() != self.idp.entity_id || format != ENTITY_FORMAT {
            let expected = self.idp.entity_id.clone();
            return Err(Refusal::Issuer { found: shown(&found), expected });
        }
        Ok(())
    }

    fn header(&mut self, response: &Document, root: NodeId, signed: bool) -> Result<(), Refusal> {
        self.begin("Whom the response is for");
        if response.attribute(root, "Version") != Some("2.0") {
            return Err(Refusal::Shape("the response is not of version 2.0"));
        }
        match response.attribute(root, "Destination") {
            Some(found) if found == self.sp.acs_url => {}
            // Optional only where nothing is signed that could be sent on to another server.
            None if !signed => {}
            found => {
                let found = shown(found.unwrap_or_default());
                return Err(Refusal::Destination { found, expected: self.sp.acs_url.clone() });
            }
        }
        match response.only(root, SAML, "Issuer") {
            Some(issuer) => self.issuer(response, issuer)?,
            None if response.named(root, SAML, "Issuer").next().is_some() => {
                return Err(Refusal::Shape("the response has two issuers"));
            }
            None => {}
        }
        self.answers(response.attribute(root, "InResponseTo"))?;
        self.done(&self.sp.acs_url);
        Ok(())
    }

    fn answers(&self, in_response_to: Option<&str>) -> Result<(), Refusal> {
        match (self.expect, in_response_to) {
            (Expect::Answer(id), Some(found)) if !id.is_empty() && id == found => Ok(()),
            (Expect::Unsolicited, None) => Ok(()),
            (Expect::Answer(_), None) => Err(Refusal::Unsolicited),
            _ => Err(Refusal::InResponseTo),
        }
    }

    fn not_before(&self, what: &str, at: Timestamp) -> Result<(), Refusal> {
        if at.as_ms() > self.now_ms.saturating_add(self.skew_ms) {
            return Err(Refusal::Time(format!("{what} is {}, which is yet to come", time::write(at))));
        }
        Ok(())
    }

    fn before(&self, what: &str, at: Timestamp) -> Result<(), Refusal> {
        if self.now_ms.saturating_sub(self.skew_ms) >= at.as_ms() {
            return Err(Refusal::Time(format!("{what} was {}", time::write(at))));
        }
        Ok(())
    }

    /// From here on only what a signature covers is read.
    fn assertion(&mut self, document: &Document, at: NodeId) -> Result<Verified, Refusal> {
        let only = |local: &'static str, what: &'static str| {
            document.only(at, SAML, local).ok_or(Refusal::Shape(what))
        };
        self.begin("Who says it");
        if document.attribute(at, "Version") != Some("2.0") {
            return Err(Refusal::Shape("the assertion is not of version 2.0"));
        }
        let id = document.attribute(at, "ID").filter(|id| !id.is_empty() && id.len() <= 256);
        let id = id.ok_or(Refusal::Shape("the assertion has no id"))?;
        let issued =
            instant(document, at, "IssueInstant")?.ok_or(Refusal::Shape("the assertion has no instant"))?;
        self.not_before("the instant of issue", issued)?;
        self.issuer(document, only("Issuer", "the assertion has not exactly one issuer")?)?;
        self.done(&self.idp.entity_id);

        self.begin("Who is meant");
        let subject = only("Subject", "the assertion has not exactly one subject")?;
        let name = document
            .only(subject, SAML, "NameID")
            .ok_or(Refusal::Subject("there is not exactly one NameID"))?;
        let name_id = document.text(name).ok_or(Refusal::Subject("the NameID has elements in it"))?;
        usable(&name_id)?;
        let name_id_format = shown(document.attribute(name, "Format").unwrap_or_default());
        self.done(&name_id);

        self.begin("Confirmation");
        let until = self.confirmed(document, subject)?;
        self.done(format!("bearer, until {}", time::write(until)));

        self.begin("Conditions");
        let conditions = only("Conditions", "the assertion has not exactly one Conditions")?;
        self.conditions(document, conditions)?;
        self.done(format!("for {}", self.sp.entity_id));

        self.begin("How it was proved");
        let mut authenticated_at = None;
        let mut contexts = Vec::new();
        let mut session_index = None;
        let mut session_until = None;
        for statement in document.named(at, SAML, "AuthnStatement") {
            let instant = instant(document, statement, "AuthnInstant")?;
            let instant = instant.ok_or(Refusal::Shape("an AuthnStatement has no instant"))?;
            self.not_before("the instant of the sign-in", instant)?;
            if let Some(end) = self::instant(document, statement, "SessionNotOnOrAfter")? {
                self.before("the end of the provider's session", end)?;
                session_until = Some(session_until.map_or(end, |known: Timestamp| known.min(end)));
            }
            authenticated_at = Some(authenticated_at.map_or(instant, |known: Timestamp| known.min(instant)));
            let index = document.attribute(statement, "SessionIndex").filter(|index| index.len() <= 256);
            session_index = session_index.or(index.map(str::to_owned));
            for context in document.named(statement, SAML, "AuthnContext") {
                let class = document
                    .only(context, SAML, "AuthnContextClassRef")
                    .and_then(|class| document.text(class));
                contexts.extend(class.map(|class| shown(class.trim())));
            }
        }
        let authenticated_at =
            authenticated_at.ok_or(Refusal::Shape("the assertion has no AuthnStatement"))?;
        self.done(format!("{} at {}", contexts.join(", "), time::write(authenticated_at)));

        self.begin("Attributes");
        let attributes = attributes(document, at)?;
        let names: Vec<&str> = attributes.iter().map(|a| a.name.as_str()).collect();
        self.done(if names.is_empty() { "none".to_owned() } else { names.join(", ") });

        let digest = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            format!("{}\n{id}", self.idp.entity_id).as_bytes(),
        );
        Ok(Verified {
            name_id,
            name_id_format,
            attributes,
            authenticated_at,
            contexts,
            session_index,
            session_until,
            once: format!("saml-assertion:{}", hex(digest.as_ref())),
            once_until: Timestamp::from_ms(until.as_ms().saturating_add(self.skew_ms)),
        })
    }

    /// At least one bearer confirmation holds whole; gives the latest end of those that do.
    fn confirmed(&self, document: &Document, subject: NodeId) -> Result<Timestamp, Refusal> {
        let mut why = Refusal::Confirmation("there is no bearer confirmation".to_owned());
        let mut until: Option<Timestamp> = None;
        for confirmation in document.named(subject, SAML, "SubjectConfirmation") {
            if document.attribute(confirmation, "Method") != Some(BEARER) {
                continue;
            }
            match self.bearer(document, confirmation) {
                Ok(end) => until = Some(until.map_or(end, |known| known.max(end))),
                Err(refusal) => why = refusal,
            }
        }
        until.ok_or(why)
    }

    fn bearer(&self, document: &Document, confirmation: NodeId) -> Result<Timestamp, Refusal> {
        let data = document
            .only(confirmation, SAML, "SubjectConfirmationData")
            .ok_or_else(|| Refusal::Confirmation("it has no data".to_owned()))?;
        let recipient = document.attribute(data, "Recipient").unwrap_or_default();
        if recipient != self.sp.acs_url {
            return Err(Refusal::Destination { found: shown(recipient), expected: self.sp.acs_url.clone() });
        }
        if let Some(from) = instant(document, data, "NotBefore")? {
            self.not_before("the confirmation's begin", from)?;
        }
        let until = instant(document, data, "NotOnOrAfter")?
            .ok_or_else(|| Refusal::Confirmation("it does not say until when it holds".to_owned()))?;
        self.before("the confirmation's end", until)?;
        self.answers(document.attribute(data, "InResponseTo"))?;
        Ok(until)
    }

    fn conditions(&self, document: &Document, at: NodeId) -> Result<(), Refusal> {
        if let Some(from) = instant(document, at, "NotBefore")? {
            self.not_before("the assertion's begin", from)?;
        }
        if let Some(until) = instant(document, at, "NotOnOrAfter")? {
            self.before("the assertion's end", until)?;
        }
        let mut audiences = false;
        for (id, condition) in document.children(at) {
            match (condition.ns.as_str(), condition.local.as_str()) {
                (SAML, "AudienceRestriction") => {
                    // Each restriction must name us.
                    audiences = true;
                    let named: Vec<String> = document
                        .named(id, SAML, "Audience")
                        .filter_map(|audience| document.text(audience))
                        .collect();
                    if !named.iter().any(|name| name.trim() == self.sp.entity_id) {
                        let (found, expected) = (shown(&named.join(", ")), self.sp.entity_id.clone());
                        return Err(Refusal::Audience { found, expected });
                    }
                }
                // Each assertion counts once here anyway, and we pass nothing on.
                (SAML, "OneTimeUse" | "ProxyRestriction") => {}
                _ => return Err(Refusal::Condition),
            }
        }
        if !audiences {
            return Err(Refusal::Audience {
                found: "everybody".to_owned(),
                expected: self.sp.entity_id.clone(),
            });
        }
        Ok(())
    }
}

fn status(response: &Document, root: NodeId) -> Result<(), Refusal> {
    let status =
        response.only(root, SAMLP, "Status").ok_or(Refusal::Shape("there is not exactly one Status"))?;
    let code = response
        .only(status, SAMLP, "StatusCode")
        .ok_or(Refusal::Shape("there is not exactly one StatusCode"))?;
    let value = |at| response.attribute(at, "Value").unwrap_or_default().to_owned();
    if value(code) == SUCCESS {
        return Ok(());
    }
    let short = |uri: String| uri.rsplit(':').next().unwrap_or_default().to_owned();
    let mut said = short(value(code));
    if let Some(second) = response.only(code, SAMLP, "StatusCode") {
        said.push_str(", ");
        said.push_str(&short(value(second)));
    }
    if let Some(message) = response.only(status, SAMLP, "StatusMessage").and_then(|at| response.text(at)) {
        said.push_str(": ");
        said.push_str(&message);
    }
    Err(Refusal::Status(shown(&said)))
}

/// Where SAML has signatures: in the element itself, after its issuer.
fn signatures_are_in(document: &Document, places: &[NodeId]) -> bool {
    document
        .elements()
        .filter(|(_, element)| element.ns == DS && element.local == "Signature")
        .all(|(_, element)| element.parent.is_some_and(|parent| places.contains(&parent)))
}

/// The one assertion right below the response, and whether it is encrypted. There is no other anywhere.
fn one_assertion(response: &Document) -> Result<(NodeId, bool), Refusal> {
    let root = response.root();
    if response.elements().filter(|(_, e)| e.ns == SAMLP && e.local == "Response").count() != 1 {
        return Err(Refusal::Shape("there is a response in the response"));
    }
    let mut found = response
        .elements()
        .filter(|(_, e)| e.ns == SAML && matches!(e.local.as_str(), "Assertion" | "EncryptedAssertion"));
    let (at, element) = found.next().ok_or(Refusal::Shape("there is no assertion"))?;
    if found.next().is_some() {
        return Err(Refusal::Shape("there is more than one assertion"));
    }
    if element.parent != Some(root) {
        return Err(Refusal::Shape("the assertion is not where it should be"));
    }
    if !signatures_are_in(response, &[root, at]) {
        return Err(Refusal::Shape("there is a signature where none should be"));
    }
    Ok((at, element.local == "EncryptedAssertion"))
}

/// What was encrypted is an assertion and holds no other.
fn lone_assertion(plain: &Document) -> Result<(), Refusal> {
    let root = plain.root();
    let assertions = plain
        .elements()
        .filter(|(_, e)| e.ns == SAML && matches!(e.local.as_str(), "Assertion" | "EncryptedAssertion"));
    let is_assertion = plain.element(root).is_some_and(|e| e.is(SAML, "Assertion"));
    if !is_assertion || assertions.count() != 1 || !signatures_are_in(plain, &[root]) {
        return Err(Refusal::Shape("what was encrypted is not one assertion"));
    }
    Ok(())
}

/// A name that can be a key. It counts to the letter: cutting blanks off would make one person of two.
fn usable(name_id: &str) -> Result<(), Refusal> {
    if name_id.is_empty() || name_id.chars().count() > NAME_MAX || name_id.chars().any(char::is_control) {
        return Err(Refusal::Subject("the NameID is empty, too long, or has control characters"));
    }
    if name_id.trim() != name_id {
        return Err(Refusal::Subject("the NameID begins or ends with a blank"));
    }
    Ok(())
}

fn instant(document: &Document, at: NodeId, name: &str) -> Result<Option<Timestamp>, Refusal> {
    document
        .attribute(at, name)
        .map(|raw| {
            time::read(raw).ok_or_else(|| Refusal::Time(format!("`{}` is no instant in UTC", shown(raw))))
        })
        .transpose()
}

fn attributes(document: &Document, at: NodeId) -> Result<Vec<Attribute>, Refusal> {
    let mut attributes = Vec::new();
    let mut values_left = VALUES_MAX;
    for statement in document.named(at, SAML, "AttributeStatement") {
        for attribute in document.named(statement, SAML, "Attribute") {
            if attributes.len() >= ATTRIBUTES_MAX {
                return Err(Refusal::Shape("there are too many attributes"));
            }
            let name = document.attribute(attribute, "Name").filter(|name| name.chars().count() <= NAME_MAX);
            let Some(name) = name else { continue };
            let mut values = Vec::new();
            for value in document.named(attribute, SAML, "AttributeValue") {
                values_left =
                    values_left.checked_sub(1).ok_or(Refusal::Shape("there are too many values"))?;
                // One with elements in it, such as a NameID, is not a text, and not ours to guess at.
                let Some(text) = document.text(value) else { continue };
                values.push(text);
            }
            let friendly_name = document.attribute(attribute, "FriendlyName").map(str::to_owned);
            attributes.push(Attribute { name: name.to_owned(), friendly_name, values });
        }
    }
    Ok(attributes)
}

/// A session that the provider has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedOut {
    /// The request's id, for an answer.
    pub id: String,
    pub name_id: String,
    pub session_indexes: Vec<String>,
    /// Names this request among all; it counts once.
    pub once: String,
    pub once_until: Timestamp,
}

/// Longest time for which a request to end a session is remembered, when it does not say until when it holds.
const LOGOUT_LIFE_MS: i64 = 5 * 60 * 1_000;

/// Reads a LogoutRequest that came by HTTP-POST. It must be signed.
///
/// # Errors
/// [`Refusal`].
pub fn read_logout(
    bytes: &[u8],
    sp: &ServiceProvider,
    idp: &IdentityProvider,
    now: Timestamp,
    skew: Duration,
) -> Result<LoggedOut, Refusal> {
    let skew_ms = i64::try_from(skew.as_millis()).unwrap_or(0);
    let reader = Reader {
        sp,
        idp,
        expect: Expect::Unsolicited,
        now_ms: now.as_ms(),
        skew_ms,
        steps: Vec::new(),
        title: "",
    };
    let sent = Document::parse(bytes)?;
    if !sent.element(sent.root()).is_some_and(|e| e.is(SAMLP, "LogoutRequest")) {
        return Err(Refusal::Shape("it is not a LogoutRequest"));
    }
    if !signatures_are_in(&sent, &[sent.root()]) {
        return Err(Refusal::Shape("there is a signature where none should be"));
    }
    let request = Document::parse(&reader.verify(&sent, sent.root(), "request")?)?;
    let root = request.root();
    let destination = request.attribute(root, "Destination").unwrap_or_default();
    if destination != sp.logout_url {
        return Err(Refusal::Destination { found: shown(destination), expected: sp.logout_url.clone() });
    }
    let issuer =
        request.only(root, SAML, "Issuer").ok_or(Refusal::Shape("there is not exactly one issuer"))?;
    reader.issuer(&request, issuer)?;
    let issued =
        instant(&request, root, "IssueInstant")?.ok_or(Refusal::Shape("the request has no instant"))?;
    reader.not_before("the instant of issue", issued)?;
    let latest = Timestamp::from_ms(issued.as_ms().saturating_add(LOGOUT_LIFE_MS));
    let until = instant(&request, root, "NotOnOrAfter")?.map_or(latest, |stated| stated.min(latest));
    reader.before("the request's end", until)?;
    let id = request.attribute(root, "ID").unwrap_or_default().to_owned();
    let name =
        request.only(root, SAML, "NameID").ok_or(Refusal::Subject("there is not exactly one NameID"))?;
    let name_id = request.text(name).ok_or(Refusal::Subject("the NameID has elements in it"))?;
    usable(&name_id)?;
    let session_indexes =
        request.named(root, SAMLP, "SessionIndex").filter_map(|at| request.text(at)).take(100).collect();
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{}\n{id}", idp.entity_id).as_bytes());
    Ok(LoggedOut {
        id,
        name_id,
        session_indexes,
        once: format!("saml-logout:{}", hex(digest.as_ref())),
        once_until: Timestamp::from_ms(until.as_ms().saturating_add(skew_ms)),
    })
}
