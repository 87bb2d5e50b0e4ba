use proptest::prelude::*;

use super::soft::{self, GOOD, Scene, Soft};
use super::*;

fn rp() -> RelyingParty {
    RelyingParty::of("watch.acme.example", 8443).unwrap()
}

fn fresh() -> PasskeyChallenge {
    PasskeyChallenges::default().ask(b"test", wk_domain::Timestamp::from_ms(7)).unwrap()
}

const ORIGIN: &str = "https://watch.acme.example:8443";

fn scene(kind: &str, challenge: &PasskeyChallenge) -> Scene {
    Scene::new(kind, "watch.acme.example", ORIGIN, &challenge.text())
}

fn take(soft: &Soft, scene: &Scene, challenge: &PasskeyChallenge) -> Result<NewPasskey, PasskeyError> {
    let (client, object) = soft.create(scene);
    register(&rp(), challenge, &client, &object, &[])
}

fn registered(soft: &Soft) -> NewPasskey {
    let challenge = fresh();
    take(soft, &scene("create", &challenge), &challenge).unwrap()
}

fn used(
    soft: &Soft,
    known: &NewPasskey,
    scene: &Scene,
    challenge: &PasskeyChallenge,
) -> Result<PasskeyUse, PasskeyError> {
    let (client, data, signature) = soft.sign(scene);
    let known = KnownPasskey {
        public_key: &known.public_key,
        sign_count: known.sign_count,
        backup_eligible: known.backup_eligible,
    };
    authenticate(&rp(), challenge, &client, &data, &signature, &known)
}

#[test]
fn a_page_has_passkeys_under_a_name_and_never_under_an_address() {
    for (host, port, id, origin) in [
        ("localhost", 8443, "localhost", "https://localhost:8443"),
        ("Watch.Acme.Example", 443, "watch.acme.example", "https://watch.acme.example"),
    ] {
        let rp = RelyingParty::of(host, port).unwrap();
        assert_eq!((rp.id(), rp.origin()), (id, origin));
    }
    for host in ["127.0.0.1", "192.0.2.7", "[::1]", "::1", "[2001:db8::7]"] {
        assert_eq!(RelyingParty::of(host, 8443), Err(RelyingPartyError::Address), "{host}");
    }
    for host in ["", "a b", "a/b", "localhost.", "wätch.example"] {
        assert_eq!(RelyingParty::of(host, 8443), Err(RelyingPartyError::Name), "{host}");
    }
}

#[test]
fn an_honest_passkey_is_taken_and_signs() {
    for mut soft in [Soft::p256(), Soft::ed25519()] {
        let known = registered(&soft);
        assert_eq!((&known.credential, &known.public_key), (&soft.id, &soft.cose()));
        let challenge = fresh();
        soft.count = 7;
        let use_of = used(&soft, &known, &scene("get", &challenge), &challenge).unwrap();
        assert_eq!(use_of, PasskeyUse { sign_count: 7, backed_up: false });
    }
}

#[test]
fn what_was_made_elsewhere_or_for_something_else_is_refused() {
    let soft = Soft::p256();
    let known = registered(&soft);
    let challenge = fresh();
    let older = fresh();
    let good = |kind: &str| scene(kind, &challenge);
    type Twist = fn(&mut Scene);
    let twists: [(&str, Twist, PasskeyError); 10] = [
        ("another site", |s| s.origin = "https://evil.example".to_owned(), PasskeyError::Origin),
        ("another port", |s| s.origin = "https://watch.acme.example:9443".to_owned(), PasskeyError::Origin),
        ("no port", |s| s.origin = "https://watch.acme.example".to_owned(), PasskeyError::Origin),
        ("plain HTTP", |s| s.origin = "http://watch.acme.example:8443".to_owned(), PasskeyError::Origin),
        ("a longer name", |s| s.origin = format!("{ORIGIN}.evil.example"), PasskeyError::Origin),
        ("a frame", |s| s.more = r#","crossOrigin":true"#.to_owned(), PasskeyError::Origin),
        (
            "another top",
            |s| s.more = r#","topOrigin":"https://evil.example""#.to_owned(),
            PasskeyError::Origin,
        ),
        ("another name", |s| s.rp_id = "acme.example".to_owned(), PasskeyError::RelyingParty),
        ("nobody there", |s| s.flags = GOOD & !1, PasskeyError::Absent),
        ("nobody checked", |s| s.flags = GOOD & !4, PasskeyError::Unverified),
    ];
    for (what, twist, error) in twists {
        let (mut create, mut get) = (good("create"), good("get"));
        twist(&mut create);
        twist(&mut get);
        assert_eq!(take(&soft, &create, &challenge).unwrap_err(), error, "create: {what}");
        assert_eq!(used(&soft, &known, &get, &challenge).unwrap_err(), error, "get: {what}");
    }
    assert_eq!(take(&soft, &good("get"), &challenge), Err(PasskeyError::Type));
    assert_eq!(used(&soft, &known, &good("create"), &challenge), Err(PasskeyError::Type));
    assert_eq!(take(&soft, &good("create"), &older), Err(PasskeyError::Challenge));
    assert_eq!(used(&soft, &known, &good("get"), &older), Err(PasskeyError::Challenge));
}

#[test]
fn another_key_a_changed_message_and_a_changed_nature_are_refused() {
    let soft = Soft::p256();
    let known = registered(&soft);
    let challenge = fresh();
    let get = scene("get", &challenge);
    assert_eq!(used(&Soft::p256(), &known, &get, &challenge), Err(PasskeyError::Signature));
    assert_eq!(used(&Soft::ed25519(), &known, &get, &challenge), Err(PasskeyError::Signature));
    let eligible = Scene { flags: GOOD | 8, ..get.clone() };
    assert_eq!(used(&soft, &known, &eligible, &challenge), Err(PasskeyError::Changed));
    let impossible = Scene { flags: GOOD | 16, ..get.clone() };
    assert!(matches!(used(&soft, &known, &impossible, &challenge), Err(PasskeyError::Malformed(_))));
    let (client, mut data, signature) = soft.sign(&get);
    data[36] ^= 1;
    let parts = KnownPasskey { public_key: &known.public_key, sign_count: 0, backup_eligible: false };
    let refused = authenticate(&rp(), &challenge, &client, &data, &signature, &parts);
    assert_eq!(refused, Err(PasskeyError::Signature));
}

#[test]
fn a_counter_that_goes_back_or_stands_still_tells_of_a_copy() {
    let mut soft = Soft::p256();
    let mut known = registered(&soft);
    let challenge = fresh();
    let get = scene("get", &challenge);
    assert!(used(&soft, &known, &get, &challenge).is_ok(), "one that counts nothing");
    known.sign_count = 5;
    for came in [0, 4, 5] {
        soft.count = came;
        assert_eq!(used(&soft, &known, &get, &challenge), Err(PasskeyError::Counter { kept: 5, came }));
    }
    soft.count = 6;
    assert_eq!(used(&soft, &known, &get, &challenge).unwrap().sign_count, 6);
}

#[test]
fn the_allow_list_of_models_refuses_others() {
    let mut soft = Soft::p256();
    soft.aaguid = [7; 16];
    let challenge = fresh();
    let (client, object) = soft.create(&scene("create", &challenge));
    let with = |models: &[[u8; 16]]| register(&rp(), &challenge, &client, &object, models);
    assert!(with(&[]).is_ok() && with(&[[1; 16], [7; 16]]).is_ok());
    assert_eq!(with(&[[1; 16]]), Err(PasskeyError::Model));
}

#[test]
fn too_large_and_unfinished_parts_are_refused() {
    let soft = Soft::p256();
    let challenge = fresh();
    let create = scene("create", &challenge);
    let (client, object) = soft.create(&create);
    let refused = |client: &[u8], object: &[u8]| {
        matches!(register(&rp(), &challenge, client, object, &[]), Err(PasskeyError::Malformed(_)))
    };
    let padded = Scene { more: format!(r#","x":"{}""#, "x".repeat(CLIENT_DATA_MAX)), ..create.clone() };
    assert!(refused(&padded.client_data(), &object));
    assert!(refused(&client, &[object.clone(), vec![0; ATTESTATION_MAX]].concat()));
    assert!(refused(&client, &[object.clone(), vec![0]].concat()), "something follows");
    for len in 0..object.len() {
        assert!(register(&rp(), &challenge, &client, &object[..len], &[]).is_err(), "cut at {len}");
    }
    let twice = Scene { more: format!(r#","origin":"{ORIGIN}""#), ..create.clone() };
    assert!(refused(&twice.client_data(), &object), "an origin that is said twice");
    for (id, why) in [(vec![1; 12], "short"), (vec![1; CREDENTIAL_ID_MAX + 1], "long")] {
        let odd = Soft { id, ..Soft::p256() };
        assert!(matches!(take(&odd, &create, &challenge), Err(PasskeyError::Malformed(_))), "{why}");
    }
    let long = vec![0; AUTH_DATA_MAX + 1];
    let known = KnownPasskey { public_key: &soft.cose(), sign_count: 0, backup_eligible: false };
    let get = scene("get", &challenge).client_data();
    for (data, signature) in [(&long[..], &[0u8; 70][..]), (&[0u8; 37], &[0u8; SIGNATURE_MAX + 1])] {
        let refused = authenticate(&rp(), &challenge, &get, data, signature, &known);
        assert!(matches!(refused, Err(PasskeyError::Malformed(_))));
    }
}

#[test]
fn weak_and_odd_keys_are_refused() {
    let rsa = |n: &[u8], e: &[u8]| {
        [vec![0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20], soft::bytes(n), vec![0x21], soft::bytes(e)]
            .concat()
    };
    assert!(PublicKey::parse(&rsa(&[0xc1; 256], &[1, 0, 1])).is_ok());
    for (n, e) in [
        (vec![0xc1; 128], vec![1, 0, 1]),
        (vec![0xc1; 1024], vec![3]),
        (vec![0xc1; 256], vec![]),
        (vec![0xc0; 256], vec![3]),
    ] {
        assert_eq!(PublicKey::parse(&rsa(&n, &e)), Err(PasskeyError::Algorithm), "{}", n.len());
    }
    let good = Soft::p256().cose();
    for (at, value, why) in
        [(2, 0x03, "P-256 as RSA"), (4, 0x27, "an algorithm that is not the key's"), (6, 0x02, "P-384")]
    {
        let mut odd = good.clone();
        odd[at] = value;
        assert!(PublicKey::parse(&odd).is_err(), "{why}");
    }
    let mut off = good.clone();
    off[12] ^= 1;
    let known = NewPasskey { public_key: off, ..registered(&Soft::p256()) };
    let challenge = fresh();
    let answer = used(&Soft::p256(), &known, &scene("get", &challenge), &challenge);
    assert_eq!(answer, Err(PasskeyError::Signature), "a point that is on no curve");
}

proptest! {
    /// Whatever a stranger sends, there is an answer.
    #[test]
    fn hostile_bytes_are_refused(client in proptest::collection::vec(any::<u8>(), 0..200),
                                 object in proptest::collection::vec(any::<u8>(), 0..400)) {
        let challenge = fresh();
        prop_assert!(register(&rp(), &challenge, &client, &object, &[]).is_err());
        let good = scene("create", &challenge).client_data();
        prop_assert!(register(&rp(), &challenge, &good, &object, &[]).is_err());
        let get = scene("get", &challenge).client_data();
        let known = KnownPasskey { public_key: &object, sign_count: 0, backup_eligible: false };
        prop_assert!(authenticate(&rp(), &challenge, &get, &object, &client, &known).is_err());
        let _ = PublicKey::parse(&object);
        let _ = PasskeyChallenge::named_in(&client);
    }

    /// One changed byte anywhere in what is signed is seen.
    #[test]
    fn every_byte_of_a_use_counts(at in 0usize..37, bit in 0u8..8) {
        let soft = Soft::ed25519();
        let known = registered(&soft);
        let challenge = fresh();
        let (client, mut data, signature) = soft.sign(&scene("get", &challenge));
        data[at] ^= 1 << bit;
        let parts = KnownPasskey { public_key: &known.public_key, sign_count: 0, backup_eligible: false };
        prop_assert!(authenticate(&rp(), &challenge, &client, &data, &signature, &parts).is_err());
    }
}
