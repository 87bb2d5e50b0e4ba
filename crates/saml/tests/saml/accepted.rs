//! What a provider sends in good faith is understood.

use std::process::Command;

use wk_domain::Timestamp;
use wk_saml::{
    Ask, Expect, IdpCertificate, Refusal, authn_request, decode_post, read_idp_metadata, read_logout,
    sp_metadata,
};

use crate::forge::{ACS, ASKED, EXC, Forge, IDP, LOGOUT, NOW_MS, RESPONSE, SKEW, Say, encoded, pem, run};

const GCM256: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const OAEP: &str = "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>";

#[test]
fn a_signed_assertion_says_who_it_is() {
    let forge = Forge::new();
    let reading = forge.reading(&forge.say(&Say::default()), Expect::Answer(ASKED));
    let verified = reading.result.unwrap();
    assert_eq!(verified.name_id, "ada-7f3a");
    assert_eq!(verified.values("groups").collect::<Vec<_>>(), ["ops", "dba & co"]);
    assert_eq!(verified.values("displayName").collect::<Vec<_>>(), ["Ada L."]);
    assert_eq!(verified.session_index.as_deref(), Some("_s1"));
    assert_eq!(verified.contexts, ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"]);
    assert_eq!(verified.once_until.as_ms(), NOW_MS + 5 * 60_000 + 60_000);
    assert!(reading.steps.iter().all(|step| step.ok));
    assert!(reading.steps.len() >= 9, "{:?}", reading.steps);
}

#[test]
fn somebody_may_be_in_many_groups() {
    // Each value names its type: in canonical XML each declares the prefix anew.
    let forge = Forge::new();
    let values: String = (0..600)
        .map(|n| format!("<saml:AttributeValue xsi:type=\"xs:string\">team-{n}</saml:AttributeValue>"))
        .collect();
    let attributes = format!("<saml:Attribute Name=\"groups\">{values}</saml:Attribute>");
    let say = Say { attributes, sign_response: true, ..Say::default() };
    assert_eq!(forge.read(&forge.say(&say)).unwrap().values("groups").count(), 600);
}

#[test]
fn signatures_of_the_response_of_the_assertion_and_of_both_hold_with_every_accepted_method() {
    let forge = Forge::new();
    for (sign_assertion, sign_response) in [(true, false), (false, true), (true, true)] {
        let say = Say { sign_assertion, sign_response, ..Say::default() };
        forge.read(&forge.say(&say)).unwrap();
    }
    for method in ["rsa-sha256", "rsa-sha384", "rsa-sha512"] {
        let method = format!("http://www.w3.org/2001/04/xmldsig-more#{method}").leak();
        for digest in [
            "http://www.w3.org/2001/04/xmlenc#sha256",
            "http://www.w3.org/2001/04/xmldsig-more#sha384",
            "http://www.w3.org/2001/04/xmlenc#sha512",
        ] {
            forge.read(&forge.say(&Say { method, digest, ..Say::default() })).unwrap();
        }
    }
    let comments = format!("<ds:CanonicalizationMethod Algorithm=\"{EXC}WithComments\"/>");
    forge.read(&forge.say(&Say { canonical: comments, ..Say::default() })).unwrap();
}

#[test]
fn elliptic_keys_of_both_curves_hold_and_each_for_its_own_method() {
    let forge = Forge::new();
    for (curve, method) in [("prime256v1", "ecdsa-sha256"), ("secp384r1", "ecdsa-sha384")] {
        let (key, certificate) = (forge.path("ec.pem"), forge.path("ec.crt"));
        let parameters = format!("ec_paramgen_curve:{curve}");
        let mut make = Command::new("openssl");
        make.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            &parameters,
            "-nodes",
            "-subj",
            "/CN=ec",
            "-days",
            "9",
        ]);
        run(make.arg("-keyout").arg(&key).arg("-out").arg(&certificate));
        let method = format!("http://www.w3.org/2001/04/xmldsig-more#{method}").leak();
        let xml = forge.sign_with(
            &Say { method, ..Say::default() }.template(),
            crate::forge::ASSERTION,
            &key,
            &certificate,
        );
        let text = std::fs::read_to_string(&certificate).unwrap();
        let mut idp = forge.idp.clone();
        // The RSA certificate is still there: a change from one to the other.
        idp.certificates.push(IdpCertificate::from_text(&text).unwrap());
        let now = Timestamp::from_ms(NOW_MS);
        let read = |idp| {
            wk_saml::read_response(xml.as_bytes(), &forge.sp, idp, Expect::Answer(ASKED), now, SKEW).result
        };
        assert_eq!(read(&idp).unwrap().name_id, "ada-7f3a");
        assert!(matches!(read(&forge.idp), Err(Refusal::Signature { .. })));
    }
}

#[test]
fn encrypted_assertions_are_read_with_aes_gcm_and_oaep() {
    let forge = Forge::new();
    let signed = forge.say(&Say::default());
    let encrypted = forge.encrypt(&signed, GCM256, "aes-256", OAEP);
    assert!(!encrypted.contains("ada-7f3a"));
    assert_eq!(forge.read(&encrypted).unwrap(), forge.read(&signed).unwrap());
    let gcm128 = forge.encrypt(&signed, "http://www.w3.org/2009/xmlenc11#aes128-gcm", "aes-128", OAEP);
    assert_eq!(forge.read(&gcm128).unwrap().name_id, "ada-7f3a");
    // Encrypted, and the response signed over it: what Keycloak does by default.
    let template = Say { sign_assertion: false, sign_response: true, ..Say::default() }.template();
    let outer = forge.sign(&forge.encrypt(&template, GCM256, "aes-256", OAEP), RESPONSE);
    assert_eq!(forge.read(&outer).unwrap().name_id, "ada-7f3a");
}

#[test]
fn a_provider_may_begin_by_itself_only_where_that_is_expected() {
    let forge = Forge::new();
    let unsolicited = forge.say(&Say { in_response_to: None, ..Say::default() });
    assert_eq!(forge.reading(&unsolicited, Expect::Unsolicited).result.unwrap().name_id, "ada-7f3a");
    assert_eq!(forge.read(&unsolicited).unwrap_err(), Refusal::Unsolicited);
    // What answers somebody's request is not taken for something that nobody asked for.
    let answer = forge.say(&Say::default());
    assert_eq!(forge.reading(&answer, Expect::Unsolicited).result.unwrap_err(), Refusal::InResponseTo);
}

#[test]
fn a_form_field_is_decoded_whatever_its_lines() {
    let field = encoded(b"<a/>");
    assert_eq!(decode_post(&field).unwrap(), b"<a/>");
    assert_eq!(decode_post(&format!(" {}\r\n{} ", &field[..3], &field[3..])).unwrap(), b"<a/>");
    assert_eq!(decode_post("%%%").unwrap_err(), Refusal::Encoding);
}

#[test]
fn a_session_is_ended_by_a_signed_request_alone() {
    let forge = Forge::new();
    let signature = Say::default().template();
    let from = signature.find("<ds:Signature").unwrap();
    let end = signature.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = signature[from..end].replace("#_a1", "#_l1");
    let template = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" ID=\"_l1\" \
         Version=\"2.0\" IssueInstant=\"2026-11-21T17:59:58Z\" Destination=\"{LOGOUT}\"><saml:Issuer>{IDP}</saml:Issuer>\
         {signature}<saml:NameID>ada-7f3a</saml:NameID><samlp:SessionIndex>_s1</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    let read = |xml: &str, now: i64| {
        read_logout(xml.as_bytes(), &forge.sp, &forge.idp, Timestamp::from_ms(now), SKEW)
    };
    let signed = forge.sign(&template, RESPONSE);
    let ended = read(&signed, NOW_MS).unwrap();
    assert_eq!(
        (ended.name_id.as_str(), ended.session_indexes.as_slice()),
        ("ada-7f3a", &["_s1".to_owned()][..])
    );
    assert!(matches!(read(&signed, NOW_MS + 600_000), Err(Refusal::Time(_))));
    assert!(matches!(read(&signed.replace("ada-7f3a", "bob"), NOW_MS), Err(Refusal::Signature { .. })));
    assert!(matches!(read(&template.replace(&signature, ""), NOW_MS), Err(Refusal::Signature { .. })));
    let elsewhere = forge.sign(&template.replace(LOGOUT, ACS), RESPONSE);
    assert!(matches!(read(&elsewhere, NOW_MS), Err(Refusal::Destination { .. })));
    // A response is no request to end a session, however well it is signed.
    assert!(matches!(read(&forge.say(&Say::default()), NOW_MS), Err(Refusal::Shape(_))));
}

#[test]
fn metadata_of_a_provider_gives_its_name_its_address_and_its_keys() {
    let forge = Forge::new();
    let certificate = forge.idp.certificates[0].to_text();
    let key = |purpose: &str| {
        format!(
            "<KeyDescriptor{purpose}><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>\n{certificate}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
        )
    };
    let metadata = |inside: &str, more: &str| {
        format!(
            "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\"{more}><IDPSSODescriptor \
             WantAuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{inside}\
             <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://a/\"/>\
             <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
             Location=\"https://idp.example/sso\"/></IDPSSODescriptor></EntityDescriptor>"
        )
    };
    let now = Timestamp::from_ms(NOW_MS);
    let read = |xml: &str| read_idp_metadata(xml.as_bytes(), None, now);
    let both = metadata(&format!("{}{}", key(" use=\"signing\""), key(" use=\"encryption\"")), "");
    let found = read(&both).unwrap();
    assert_eq!((found.entity_id.as_str(), found.sso_url.as_str()), (IDP, "https://idp.example/sso"));
    assert!(found.wants_signed_requests);
    assert_eq!(found.certificates, forge.idp.certificates);
    assert!(read(&metadata(&key(" use=\"encryption\""), "")).is_err(), "no key to sign with");
    assert!(read(&metadata(&key(""), " validUntil=\"2026-11-21T17:00:00Z\"")).is_err(), "ended");
    assert!(read(&metadata(&key(""), " validUntil=\"2026-11-21T19:00:00Z\"")).is_ok());
    assert!(read("<a/>").is_err());
    assert!(read_idp_metadata(both.as_bytes(), Some(&forge.idp.certificates[0]), now).is_err(), "not signed");
}

#[test]
fn our_metadata_and_our_signed_request_hold_before_xmlsec_and_openssl() {
    let forge = Forge::new();
    let metadata = sp_metadata(&forge.sp, true, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    wk_saml::Document::parse(metadata.as_bytes()).unwrap();
    assert!(metadata.contains(ACS) && metadata.contains(&forge.sp.keys[0].certificate_text()));
    let ask = Ask { signed: true, ..Ask::default() };
    let request = authn_request(&forge.sp, &forge.idp, &ask, &[9; 16], Timestamp::from_ms(NOW_MS)).unwrap();
    let (_, query) = request.url.split_once('?').unwrap();
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    let signature = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let file = |name: &str, bytes: &[u8]| std::fs::write(forge.path(name), bytes).unwrap();
    file("signed", signed.as_bytes());
    file(
        "signature.b64",
        pem("X", &signature).lines().filter(|l| !l.starts_with("---")).collect::<String>().as_bytes(),
    );
    file("own.crt", pem("CERTIFICATE", &forge.sp.keys[0].certificate_text()).as_bytes());
    let dir = forge.path("");
    let openssl = |args: &[&str]| run(Command::new("openssl").current_dir(&dir).args(args));
    openssl(&["base64", "-d", "-A", "-in", "signature.b64", "-out", "signature"]);
    openssl(&["x509", "-in", "own.crt", "-pubkey", "-noout", "-out", "own.pub"]);
    openssl(&["dgst", "-sha256", "-verify", "own.pub", "-signature", "signature", "signed"]);
    // And the request reads back with Python's zlib.
    let code = "import sys,zlib,base64,urllib.parse as u;q=u.parse_qs(sys.argv[1]);\
                print(zlib.decompress(base64.b64decode(q['SAMLRequest'][0]),-15).decode())";
    let xml = String::from_utf8(run(Command::new("python3").args(["-c", code, signed]))).unwrap();
    assert!(xml.contains(&request.id) && xml.contains("AuthnRequest"), "{xml}");
}
