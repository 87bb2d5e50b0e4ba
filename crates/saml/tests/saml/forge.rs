//! A provider that is not ours: responses from a template, signed and encrypted by `xmlsec1`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use wk_domain::Timestamp;
use wk_saml::{Expect, IdentityProvider, OwnKey, Reading, Refusal, ServiceProvider, Verified, read_response};

pub(crate) const NOW_MS: i64 = 1_795_284_000_000;
pub(crate) const ACS: &str = "https://watch.example/api/v1/providers/p1/callback";
pub(crate) const LOGOUT: &str = "https://watch.example/api/v1/providers/p1/logout";
pub(crate) const SP: &str = "https://watch.example/api/v1/providers/p1/metadata";
pub(crate) const IDP: &str = "https://idp.example/saml";
pub(crate) const ASKED: &str = "_5f1c";
pub(crate) const ASSERTION: &str =
    "/*[local-name()='Response']/*[local-name()='Assertion']/*[local-name()='Signature']";
pub(crate) const RESPONSE: &str = "/*/*[local-name()='Signature']";
pub(crate) const SKEW: Duration = Duration::from_secs(60);

/// What a response says; the default is a good one with a signed assertion.
#[derive(Clone)]
pub(crate) struct Say {
    pub(crate) name_id: String,
    pub(crate) name_id_format: String,
    pub(crate) destination: String,
    pub(crate) recipient: String,
    pub(crate) audience: String,
    pub(crate) issuer: String,
    pub(crate) in_response_to: Option<String>,
    pub(crate) not_before: &'static str,
    pub(crate) not_on_or_after: &'static str,
    pub(crate) conditions: String,
    pub(crate) method: &'static str,
    pub(crate) digest: &'static str,
    pub(crate) canonical: String,
    pub(crate) transforms: String,
    pub(crate) status: &'static str,
    pub(crate) attributes: String,
    pub(crate) sign_assertion: bool,
    pub(crate) sign_response: bool,
}

pub(crate) const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

impl Default for Say {
    fn default() -> Self {
        Self {
            name_id: "ada-7f3a".to_owned(),
            name_id_format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned(),
            destination: ACS.to_owned(),
            recipient: ACS.to_owned(),
            audience: SP.to_owned(),
            issuer: IDP.to_owned(),
            in_response_to: Some(ASKED.to_owned()),
            not_before: "2026-11-21T17:59:30Z",
            not_on_or_after: "2026-11-21T18:05:00Z",
            conditions: String::new(),
            method: RSA_SHA256,
            digest: SHA256,
            canonical: format!("<ds:CanonicalizationMethod Algorithm=\"{EXC}\"/>"),
            transforms: format!(
                "<ds:Transform Algorithm=\"{ENVELOPED}\"/><ds:Transform Algorithm=\"{EXC}\"><ec:InclusiveNamespaces \
                 xmlns:ec=\"{EXC}\" PrefixList=\"xs #default\"/></ds:Transform>"
            ),
            status: "urn:oasis:names:tc:SAML:2.0:status:Success",
            attributes: "<saml:Attribute Name=\"groups\"><saml:AttributeValue xsi:type=\"xs:string\">ops</saml:AttributeValue>\
                         <saml:AttributeValue xsi:type=\"xs:string\">dba &amp; co</saml:AttributeValue></saml:Attribute>\
                         <saml:Attribute Name=\"urn:oid:2.16.840.1.113730.3.1.241\" FriendlyName=\"displayName\">\
                         <saml:AttributeValue>Ada L.</saml:AttributeValue></saml:Attribute>"
                .to_owned(),
            sign_assertion: true,
            sign_response: false,
        }
    }
}

impl Say {
    fn signature(&self, id: &str) -> String {
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>{}<ds:SignatureMethod \
             Algorithm=\"{}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>{}</ds:Transforms><ds:DigestMethod \
             Algorithm=\"{}\"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>\
             </ds:SignatureValue><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>",
            self.canonical, self.method, self.transforms, self.digest
        )
    }

    pub(crate) fn template(&self) -> String {
        let answers =
            self.in_response_to.as_ref().map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default();
        let (response, assertion) = ("_r1", "_a1");
        let response_signature = if self.sign_response { self.signature(response) } else { String::new() };
        let assertion_signature = if self.sign_assertion { self.signature(assertion) } else { String::new() };
        let at = "2026-11-21T17:59:58.123Z";
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ID=\"{response}\" Version=\"2.0\" \
             IssueInstant=\"{at}\" Destination=\"{}\"{answers}>\n  <saml:Issuer>{issuer}</saml:Issuer>{response_signature}\n  \
             <samlp:Status><samlp:StatusCode Value=\"{}\"/></samlp:Status>\n  \
             <saml:Assertion xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ID=\"{assertion}\" Version=\"2.0\" IssueInstant=\"{at}\"><saml:Issuer>{issuer}</saml:Issuer>\
             {assertion_signature}<saml:Subject><saml:NameID Format=\"{}\">{}</saml:NameID><saml:SubjectConfirmation \
             Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData Recipient=\"{}\" \
             NotOnOrAfter=\"{after}\"{answers}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions \
             NotBefore=\"{}\" NotOnOrAfter=\"{after}\"><saml:AudienceRestriction><saml:Audience>{}</saml:Audience>\
             </saml:AudienceRestriction>{}</saml:Conditions><saml:AuthnStatement AuthnInstant=\"{at}\" \
             SessionIndex=\"_s1\"><saml:AuthnContext><saml:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>\
             </saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{}</saml:AttributeStatement>\
             </saml:Assertion>\n</samlp:Response>\n",
            self.destination,
            self.status,
            self.name_id_format,
            self.name_id,
            self.recipient,
            self.not_before,
            self.audience,
            self.conditions,
            self.attributes,
            issuer = self.issuer,
            after = self.not_on_or_after,
        )
    }
}

pub(crate) struct Forge {
    dir: TempDir,
    pub(crate) sp: ServiceProvider,
    pub(crate) idp: IdentityProvider,
}

pub(crate) fn pem(kind: &str, base64: &str) -> String {
    let body: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", body.join("\n"))
}

pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "{:?}: {error}. As root:\n  apt-get install -y --no-install-recommends xmlsec1 python3-lxml openssl",
            command.get_program()
        )
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

impl Forge {
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_ms(NOW_MS);
        let key = OwnKey::generate("idp.example", now).unwrap();
        let dir = TempDir::new().unwrap();
        let secret = key.to_secret();
        let private = secret.split('.').nth(1).unwrap();
        std::fs::write(dir.path().join("idp.pem"), pem("PRIVATE KEY", private)).unwrap();
        std::fs::write(dir.path().join("idp.crt"), pem("CERTIFICATE", &key.certificate_text())).unwrap();
        let own = OwnKey::generate("watch.example", now).unwrap();
        std::fs::write(dir.path().join("sp.crt"), pem("CERTIFICATE", &own.certificate_text())).unwrap();
        let certificates = vec![key.certificate().unwrap()];
        Self {
            dir,
            sp: ServiceProvider {
                entity_id: SP.to_owned(),
                acs_url: ACS.to_owned(),
                logout_url: LOGOUT.to_owned(),
                keys: vec![own],
            },
            idp: IdentityProvider {
                entity_id: IDP.to_owned(),
                sso_url: "https://idp.example/sso".to_owned(),
                certificates,
            },
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Fills the signature at `xpath` with the key in `key`, a PEM file.
    pub(crate) fn sign_with(&self, xml: &str, xpath: &str, key: &Path, certificate: &Path) -> String {
        let file = self.path("template.xml");
        std::fs::write(&file, xml).unwrap();
        let mut command = Command::new("xmlsec1");
        command.args(["--sign", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"]);
        command.args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"]);
        command.args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:LogoutRequest"]);
        command.arg("--privkey-pem").arg(format!("{},{}", key.display(), certificate.display()));
        command.args(["--node-xpath", xpath]).arg(&file);
        String::from_utf8(run(&mut command)).unwrap()
    }

    pub(crate) fn sign(&self, xml: &str, xpath: &str) -> String {
        self.sign_with(xml, xpath, &self.path("idp.pem"), &self.path("idp.crt"))
    }

    /// A response as the provider sends it.
    pub(crate) fn say(&self, say: &Say) -> String {
        let mut xml = say.template();
        if say.sign_assertion {
            xml = self.sign(&xml, ASSERTION);
        }
        if say.sign_response {
            xml = self.sign(&xml, RESPONSE);
        }
        xml
    }

    /// The assertion of a response encrypted for us, by `xmlsec1`.
    pub(crate) fn encrypt(&self, xml: &str, block: &str, session: &str, wrap: &str) -> String {
        let wrapped = format!(
            "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
             Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod Algorithm=\"{block}\"/>\
             <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><xenc:EncryptedKey>{wrap}<ds:KeyInfo>\
             <ds:KeyName/></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey>\
             </ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"
        );
        let (data, template) = (self.path("plain.xml"), self.path("encryption.xml"));
        std::fs::write(&data, xml).unwrap();
        std::fs::write(&template, wrapped).unwrap();
        let mut command = Command::new("xmlsec1");
        command.args(["--encrypt", "--pubkey-cert-pem"]).arg(self.path("sp.crt"));
        command.args(["--session-key", session, "--xml-data"]).arg(&data);
        command.args(["--node-xpath", "/*/*[local-name()='Assertion']"]).arg(&template);
        let xml = String::from_utf8(run(&mut command)).unwrap();
        let from = xml.find("<xenc:EncryptedData").unwrap();
        let end = xml.find("</xenc:EncryptedData>").unwrap() + "</xenc:EncryptedData>".len();
        let (before, data, after) = (&xml[..from], &xml[from..end], &xml[end..]);
        format!("{before}<saml:EncryptedAssertion>{data}</saml:EncryptedAssertion>{after}")
    }

    pub(crate) fn reading(&self, xml: &str, expect: Expect<'_>) -> Reading {
        read_response(xml.as_bytes(), &self.sp, &self.idp, expect, Timestamp::from_ms(NOW_MS), SKEW)
    }

    pub(crate) fn read(&self, xml: &str) -> Result<Verified, Refusal> {
        self.reading(xml, Expect::Answer(ASKED)).result
    }
}

pub(crate) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
