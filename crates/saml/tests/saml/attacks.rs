//! What attackers make of a response that a provider has signed for them is refused: wrapping, truncation, downgrade,
//! stripping, replay elsewhere. Each begins with a response that is good.

use proptest::prelude::*;
use wk_domain::Timestamp;
use wk_saml::{Expect, OwnKey, Refusal, SIZE_MAX, SignatureError, XmlError};

use crate::forge::{ASSERTION, ENVELOPED, EXC, Forge, NOW_MS, RESPONSE, SP, Say, pem};

const EVIL: &str = "admin-0000";

/// The text from the first `open` to the end of the last `close`.
fn cut<'a>(xml: &'a str, open: &str, close: &str) -> &'a str {
    let from = xml.find(open).unwrap();
    let end = xml.rfind(close).unwrap() + close.len();
    &xml[from..end]
}

fn assertion(xml: &str) -> &str {
    cut(xml, "<saml:Assertion ", "</saml:Assertion>")
}

fn signature(xml: &str) -> &str {
    cut(xml, "<ds:Signature ", "</ds:Signature>")
}

fn evil(xml: &str) -> String {
    xml.replace("ada-7f3a", EVIL)
}

/// The eight transformations of "On Breaking SAML" (Somorovsky and others, 2012) as SAML Raider numbers them. `id`: what the
/// forged element is called; the original keeps its own.
fn wrapped(number: usize, response_signed: &str, assertion_signed: &str, id: &str) -> String {
    let xml = response_signed;
    let open_end = xml.find("<saml:Issuer>").unwrap();
    let root_open = &xml[xml.find("<samlp:Response").unwrap()..open_end];
    let whole = cut(xml, "<samlp:Response", "</samlp:Response>");
    let bare = whole.replace(signature(xml), "");
    let forged_root = evil(&bare).replace("ID=\"_r1\"", &format!("ID=\"{id}\""));
    let signature_r = signature(xml);
    let _ = root_open;

    let a = assertion(assertion_signed);
    let signature_a = signature(assertion_signed);
    let bare_a = a.replace(signature_a, "");
    let forged_a = evil(&bare_a).replace("ID=\"_a1\"", &format!("ID=\"{id}\""));
    let with_signature = |assertion: &str, signature: &str| {
        assertion.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    };
    let into_signature =
        |inner: &str| signature_a.replace("</ds:Signature>", &format!("{inner}</ds:Signature>"));
    match number {
        // The response's signature, with the original response in it, in a forged response.
        1 => {
            let holding = signature_r.replace("</ds:Signature>", &format!("{bare}</ds:Signature>"));
            forged_root.replacen("</saml:Issuer>", &format!("</saml:Issuer>{holding}"), 1)
        }
        // The same, with the original before the signature.
        2 => forged_root.replacen("</saml:Issuer>", &format!("</saml:Issuer>{bare}{signature_r}"), 1),
        // A forged assertion before the original.
        3 => assertion_signed.replace(a, &format!("{forged_a}{a}")),
        // The original in the forged one.
        4 => assertion_signed
            .replace(a, &forged_a.replace("</saml:Assertion>", &format!("{a}</saml:Assertion>"))),
        // The original's signature in the forged one, the original at the end.
        5 => assertion_signed.replace(a, &format!("{}{bare_a}", with_signature(&forged_a, signature_a))),
        // The original in its own signature, in the forged one.
        6 => assertion_signed.replace(a, &with_signature(&forged_a, &into_signature(&bare_a))),
        // The forged one where schemas look away.
        7 => assertion_signed.replace(a, &format!("<samlp:Extensions>{forged_a}</samlp:Extensions>{a}")),
        // The original in an Object of its signature.
        _ => {
            let object = format!("<ds:Object>{bare_a}</ds:Object>");
            assertion_signed.replace(a, &with_signature(&forged_a, &into_signature(&object)))
        }
    }
}

#[test]
fn no_wrapping_of_a_signature_is_believed() {
    let forge = Forge::new();
    let by_response = forge.say(&Say { sign_assertion: false, sign_response: true, ..Say::default() });
    let by_assertion = forge.say(&Say::default());
    forge.read(&by_response).unwrap();
    forge.read(&by_assertion).unwrap();
    for number in 1..=8 {
        for id in ["_evil", "_r1", "_a1"] {
            let xml = wrapped(number, &by_response, &by_assertion, id);
            assert!(
                xml.contains(EVIL) && xml.contains("ada-7f3a"),
                "XSW{number} is not the attack it should be"
            );
            let refused = forge.read(&xml).unwrap_err();
            assert!(
                matches!(refused, Refusal::Shape(_) | Refusal::Signature { .. }),
                "XSW{number}: {refused:?}"
            );
            assert!(forge.reading(&xml, Expect::Unsolicited).result.is_err());
        }
    }
}

#[test]
fn a_comment_cuts_nothing_off() {
    // Somebody whose name at the provider is `admin.evil` puts a comment into it after it was signed; canonical XML
    // leaves comments out, so the signature still holds. What counts is the whole name.
    let forge = Forge::new();
    let xml = forge.say(&Say { name_id: "admin.evil".to_owned(), ..Say::default() });
    for inserted in ["<!-- -->", "<!---->", "<!-- a --><!-- b -->"] {
        let split = xml.replace("admin.evil", &format!("admin{inserted}.evil"));
        assert_eq!(forge.read(&split).unwrap().name_id, "admin.evil");
    }
    // Anything else there, and it is no longer what was signed.
    for inserted in ["<x/>", "<?x?>", " "] {
        assert!(forge.read(&xml.replace("admin.evil", &format!("admin{inserted}.evil"))).is_err());
    }
    // In what is only base64, a comment is refused.
    let digest = xml.replace("<ds:DigestValue>", "<ds:DigestValue><!-- x -->");
    assert!(
        forge
            .read(&digest.replace(
                "xml-exc-c14n#\"/><ds:SignatureMethod",
                "xml-exc-c14n#WithComments\"/><ds:SignatureMethod"
            ))
            .is_err()
    );
}

#[test]
fn document_types_entities_and_bombs_are_refused() {
    let forge = Forge::new();
    let xml = forge.say(&Say::default());
    let body = xml.split_once("?>").unwrap().1.to_owned();
    for doctype in [
        "<!DOCTYPE r SYSTEM \"file:///etc/passwd\">".to_owned(),
        "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        "<!DOCTYPE r [<!ENTITY % x SYSTEM \"http://169.254.169.254/\"> %x;]>".to_owned(),
        format!(
            "<!DOCTYPE r [<!ENTITY a \"{}\">{}]>",
            "a".repeat(100),
            (0..9).map(|n| format!("<!ENTITY b{n} \"&a;&a;&a;&a;&a;&a;&a;&a;\">")).collect::<String>()
        ),
    ] {
        assert!(matches!(forge.read(&format!("{doctype}{body}")), Err(Refusal::Xml(XmlError::Doctype(_)))));
    }
    assert!(matches!(forge.read(&xml.replace("ada-7f3a", "&x;")), Err(Refusal::Xml(XmlError::Entity(_)))));
    let deep = format!("{}{}", "<a>".repeat(90_000), "</a>");
    let long = format!("<a>{}</a>", "x".repeat(SIZE_MAX));
    for bomb in [deep, long] {
        assert!(matches!(forge.read(&bomb), Err(Refusal::Xml(XmlError::TooDeep | XmlError::TooLong))));
    }
}

#[test]
fn a_signature_that_is_stripped_emptied_or_of_something_else_counts_for_nothing() {
    let forge = Forge::new();
    let xml = forge.say(&Say::default());
    assert_eq!(forge.read(&xml.replace(signature(&xml), "")).unwrap_err(), Refusal::Unsigned);
    assert!(forge.read(&evil(&xml)).is_err());
    // Emptied values.
    let value = cut(&xml, "<ds:SignatureValue>", "</ds:SignatureValue>").to_owned();
    let digest = cut(&xml, "<ds:DigestValue>", "</ds:DigestValue>").to_owned();
    for (old, new) in [
        (&value, "<ds:SignatureValue></ds:SignatureValue>"),
        (&value, "<ds:SignatureValue>AA==</ds:SignatureValue>"),
        (&value, ""),
        (&digest, "<ds:DigestValue></ds:DigestValue>"),
        (&digest, ""),
    ] {
        assert!(
            matches!(forge.read(&xml.replace(old.as_str(), new)), Err(Refusal::Signature { .. })),
            "{new}"
        );
    }
    // Two SignedInfo, two references, no reference, a reference to everything, to elsewhere, by XPointer.
    let info = cut(&xml, "<ds:SignedInfo>", "</ds:SignedInfo>").to_owned();
    let reference = cut(&xml, "<ds:Reference ", "</ds:Reference>").to_owned();
    for (old, new) in [
        (&info, format!("{info}{info}")),
        (&reference, format!("{reference}{reference}")),
        (&reference, String::new()),
        (&reference, reference.replace("URI=\"#_a1\"", "URI=\"\"")),
        (&reference, reference.replace("URI=\"#_a1\"", "")),
        (&reference, reference.replace("#_a1", "#_r1")),
        (&reference, reference.replace("#_a1", "#xpointer(id('_a1'))")),
        (&reference, reference.replace("#_a1", "https://evil.example/a.xml")),
    ] {
        assert!(
            matches!(forge.read(&xml.replacen(old.as_str(), &new, 1)), Err(Refusal::Signature { .. })),
            "{new}"
        );
    }
}

#[test]
fn the_provider_itself_cannot_sign_in_ways_that_are_not_accepted() {
    // Signed with the right key, by `xmlsec1`: only the way is wrong.
    let forge = Forge::new();
    let transform = |uri: &str, inside: &str| {
        format!(
            "<ds:Transform Algorithm=\"{ENVELOPED}\"/><ds:Transform Algorithm=\"{EXC}\"/><ds:Transform Algorithm=\"{uri}\">{inside}</ds:Transform>"
        )
    };
    let xpath = transform(
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "<ds:XPath>not(ancestor-or-self::*[local-name()='Subject'])</ds:XPath>",
    );
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let algorithm = |error: Refusal| {
        assert!(
            matches!(
                &error,
                Refusal::Signature { source: SignatureError::Algorithm(_) | SignatureError::Form(_), .. }
            ),
            "{error:?}"
        );
    };
    for say in [
        Say { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..Say::default() },
        Say { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..Say::default() },
        Say { transforms: xpath, ..Say::default() },
        Say { transforms: format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>"), ..Say::default() },
        Say {
            canonical: format!("<ds:CanonicalizationMethod Algorithm=\"{inclusive}\"/>"),
            ..Say::default()
        },
        Say {
            transforms: format!(
                "<ds:Transform Algorithm=\"{ENVELOPED}\"/><ds:Transform Algorithm=\"{inclusive}\"/>"
            ),
            ..Say::default()
        },
    ] {
        algorithm(forge.read(&forge.say(&say)).unwrap_err());
    }
    let xml = forge.say(&Say::default());
    for method in [
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "",
    ] {
        algorithm(
            forge
                .read(&xml.replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", method))
                .unwrap_err(),
        );
    }
    // A signature of the whole by an XSLT, which xmlsec would run.
    let xslt = transform(
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "<x:stylesheet xmlns:x=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"/>",
    );
    let transforms = cut(&xml, "<ds:Transforms>", "</ds:Transforms>").to_owned();
    algorithm(
        forge
            .read(&xml.replace(&transforms, &format!("<ds:Transforms>{xslt}</ds:Transforms>")))
            .map(|_| ())
            .map_err(|e| match e {
                // The signature over SignedInfo is looked at after its form.
                e @ Refusal::Signature { .. } => e,
                e => panic!("{e:?}"),
            })
            .unwrap_err(),
    );
}

#[test]
fn a_key_that_comes_with_the_message_is_never_used() {
    let forge = Forge::new();
    let stranger = OwnKey::generate("idp.example", Timestamp::from_ms(NOW_MS)).unwrap();
    let secret = stranger.to_secret();
    let (key, certificate) = (forge.path("evil.pem"), forge.path("evil.crt"));
    std::fs::write(&key, pem("PRIVATE KEY", secret.split('.').nth(1).unwrap())).unwrap();
    std::fs::write(&certificate, pem("CERTIFICATE", &stranger.certificate_text())).unwrap();
    let xml = forge.sign_with(&Say::default().template(), ASSERTION, &key, &certificate);
    assert!(xml.replace(['\n', ' '], "").contains(&stranger.certificate_text()), "the key is in the message");
    assert!(matches!(forge.read(&xml), Err(Refusal::Signature { source: SignatureError::Key, .. })));
    // With the right certificate put in its place, it is still the wrong key.
    let swapped = xml.replace(
        cut(&xml, "<ds:KeyInfo>", "</ds:KeyInfo>"),
        &format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
            forge.idp.certificates[0].to_text()
        ),
    );
    assert!(matches!(forge.read(&swapped), Err(Refusal::Signature { source: SignatureError::Key, .. })));
}

#[test]
fn two_elements_with_one_id_are_refused() {
    let forge = Forge::new();
    let xml = forge.say(&Say { sign_assertion: true, sign_response: false, ..Say::default() });
    for (old, new) in [
        ("<samlp:Status>", "<samlp:Status ID=\"_a1\">"),
        ("<samlp:Status>", "<samlp:Status Id=\"_a1\">"),
        ("<samlp:Status>", "<samlp:Status xml:id=\"_a1\">"),
        ("ID=\"_r1\"", "ID=\"_a1\""),
    ] {
        let xml = xml.replacen(old, new, 1);
        assert_eq!(forge.read(&xml).unwrap_err(), Refusal::Shape("two elements have the same id"));
    }
}

#[test]
fn what_is_meant_for_others_for_another_time_or_by_another_is_refused() {
    let forge = Forge::new();
    let evil = || "https://evil.example/".to_owned();
    let read = |say: Say| forge.read(&forge.say(&say)).unwrap_err();
    assert!(matches!(read(Say { audience: evil(), ..Say::default() }), Refusal::Audience { .. }));
    assert!(matches!(read(Say { audience: format!("{SP}/"), ..Say::default() }), Refusal::Audience { .. }));
    assert!(matches!(read(Say { recipient: evil(), ..Say::default() }), Refusal::Destination { .. }));
    assert!(matches!(read(Say { destination: evil(), ..Say::default() }), Refusal::Destination { .. }));
    assert!(matches!(read(Say { issuer: evil(), ..Say::default() }), Refusal::Issuer { .. }));
    let other = Some("_somebody_elses".to_owned());
    assert_eq!(read(Say { in_response_to: other, ..Say::default() }), Refusal::InResponseTo);
    assert_eq!(read(Say { in_response_to: None, ..Say::default() }), Refusal::Unsolicited);
    for (not_before, not_on_or_after) in [
        ("2026-11-21T17:00:00Z", "2026-11-21T17:58:59Z"),
        ("2026-11-21T17:00:00Z", "2026-11-21T17:59:00Z"),
        ("2026-11-21T18:01:01Z", "2026-11-21T18:05:00Z"),
        ("2026-11-21T18:00:00+02:00", "2026-11-21T18:05:00Z"),
    ] {
        assert!(matches!(read(Say { not_before, not_on_or_after, ..Say::default() }), Refusal::Time(_)));
    }
    let conditions = "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction>";
    assert!(matches!(
        read(Say { conditions: conditions.to_owned(), ..Say::default() }),
        Refusal::Audience { .. }
    ));
    let conditions = "<saml:Condition xsi:type=\"xs:string\"/>".to_owned();
    assert_eq!(read(Say { conditions, ..Say::default() }), Refusal::Condition);
    let status = "urn:oasis:names:tc:SAML:2.0:status:Responder";
    assert_eq!(read(Say { status, ..Say::default() }), Refusal::Status("Responder".to_owned()));
    for name_id in ["", "  ", "a\u{85}b", "ada ", " ada", "ada\u{3000}", "\u{a0}ada", "\nada"] {
        assert!(
            matches!(read(Say { name_id: name_id.to_owned(), ..Say::default() }), Refusal::Subject(_)),
            "{name_id:?}"
        );
    }
    // In a signed response, the destination must be there: it could be sent on otherwise.
    let say = Say { sign_response: true, sign_assertion: false, ..Say::default() };
    let template = say.template().replacen(&format!(" Destination=\"{}\"", crate::forge::ACS), "", 1);
    assert!(matches!(forge.read(&forge.sign(&template, RESPONSE)), Err(Refusal::Destination { .. })));
}

#[test]
fn an_assertion_is_named_the_same_each_time_so_that_it_counts_once() {
    let forge = Forge::new();
    let xml = forge.say(&Say::default());
    let first = forge.read(&xml).unwrap();
    // Wrapped in another response: the assertion is what counts.
    let again = forge.read(&xml.replace("ID=\"_r1\"", "ID=\"_r2\"")).unwrap();
    assert_eq!(first.once, again.once);
}

#[test]
fn encryption_is_no_proof_and_its_weak_forms_are_refused() {
    let forge = Forge::new();
    let gcm = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
    let oaep = "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>";
    // Anybody can encrypt for us.
    let unsigned = Say { sign_assertion: false, ..Say::default() }.template();
    assert_eq!(forge.read(&forge.encrypt(&unsigned, gcm, "aes-256", oaep)).unwrap_err(), Refusal::Unsigned);
    let signed = forge.say(&Say::default());
    let cbc = forge.encrypt(&signed, "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "aes-256", oaep);
    assert!(matches!(forge.read(&cbc), Err(Refusal::Decrypt(wk_saml::DecryptError::Algorithm(_)))));
    let pkcs1 = "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-1_5\"/>";
    let pkcs1 = forge.encrypt(&signed, gcm, "aes-256", pkcs1);
    assert!(matches!(forge.read(&pkcs1), Err(Refusal::Decrypt(wk_saml::DecryptError::Algorithm(_)))));
    // A changed byte anywhere in the texts, and another's key: the same answer.
    let good = forge.encrypt(&signed, gcm, "aes-256", oaep);
    forge.read(&good).unwrap();
    for (at, _) in good.match_indices("<xenc:CipherValue>") {
        let mut bytes = good.clone().into_bytes();
        let at = at + "<xenc:CipherValue>".len() + 40;
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let refused = forge.read(&String::from_utf8(bytes).unwrap()).unwrap_err();
        assert_eq!(refused, Refusal::Decrypt(wk_saml::DecryptError::Failed));
    }
    let mut other = forge;
    other.sp = Forge::new().sp;
    assert_eq!(other.read(&good).unwrap_err(), Refusal::Decrypt(wk_saml::DecryptError::Failed));
    // Beside the encrypted one, a forged one in the clear.
    let both = good.replace(
        "<saml:EncryptedAssertion>",
        &format!("{}<saml:EncryptedAssertion>", evil(assertion(&unsigned))),
    );
    assert!(matches!(other.read(&both), Err(Refusal::Shape(_))));
}

#[test]
fn no_changed_byte_is_believed() {
    let forge = Forge::new();
    for say in [Say::default(), Say { sign_response: true, sign_assertion: false, ..Say::default() }] {
        let xml = forge.say(&say);
        let good = forge.read(&xml).unwrap();
        let mut believed = 0;
        for at in 0..xml.len() {
            for bit in [0, 3, 5] {
                let mut bytes = xml.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                if let Ok(read) = forge.read(&text) {
                    assert_eq!(read, good, "byte {at}, bit {bit}");
                    believed += 1;
                }
            }
        }
        // In places that nobody signs: spaces, the response's own id, KeyInfo.
        assert!(believed > 0 && believed < xml.len() * 2, "{believed} of {}", xml.len());
    }
}

#[test]
fn no_mixture_of_pieces_is_believed_or_too_much() {
    // Cuts a good response at random places and puts pieces of a forged one between: what reads, reads the same.
    let forge = Forge::new();
    let good = forge.say(&Say { sign_response: true, ..Say::default() });
    let expected = forge.read(&good).unwrap();
    let forged = evil(&good);
    let tags: Vec<usize> = good.match_indices('<').map(|(at, _)| at).collect();
    let length = tags.len();
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 3_000, ..ProptestConfig::default() });
    let cuts = (0..length, 0..length, 0..length, 0..length);
    runner
        .run(&cuts, |(to, from, until, on)| {
            // `evil` has another length; tags stand in the same order.
            let evil_tags: Vec<usize> = forged.match_indices('<').map(|(at, _)| at).collect();
            let (from, until) = (from.min(until), from.max(until));
            let mixed = format!(
                "{}{}{}",
                &good[..tags[to]],
                &forged[evil_tags[from]..evil_tags[until]],
                &good[tags[on]..]
            );
            if let Ok(read) = forge.read(&mixed) {
                prop_assert_eq!(&read, &expected);
            }
            Ok(())
        })
        .unwrap();
}
