//! The authority and the agent's identity on disk: what is made, found again, refused, rotated and destroyed.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's helpers may fail loudly, as tests do.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wk_domain::{AgentId, Timestamp};
use wk_pki::*;
use wk_seal::KekRing;

const NOW: Timestamp = Timestamp::from_ms(1_763_700_000_000);

fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}

fn names(list: &[&str]) -> ServerNames {
    ServerNames::parse(list).unwrap()
}

fn agent_id(n: u8) -> AgentId {
    AgentId::new(1_763_000_000_000, [n; 10])
}

fn open(dir: &Path, at: Timestamp) -> Result<Ca, PkiError> {
    Ca::open_or_create(&dir.join("ca"), &KeyProtection::FileMode, &names(&["watch.example.org"]), at)
}

fn serials(ca: &Ca) -> Vec<Serial> {
    ca.inventory(NOW).iter().map(|cert| cert.serial).collect()
}

#[test]
fn the_first_start_makes_everything_and_the_second_finds_it() {
    let tmp = tempfile::tempdir().unwrap();
    let first = open(tmp.path(), NOW).unwrap();
    let second = open(tmp.path(), NOW + days(1)).unwrap();
    assert_eq!(serials(&first), serials(&second));
    assert_eq!(first.root_spki_sha256(), second.root_spki_sha256());
    let list = second.inventory(NOW);
    let life: Vec<_> = list.iter().map(|cert| (cert.role, cert.days_left, cert.algorithm)).collect();
    assert_eq!(
        life,
        [
            (CertRole::Root, 3652, "ECDSA P-256"),
            (CertRole::Intermediate, 90, "ECDSA P-256"),
            (CertRole::Server, 30, "ECDSA P-256")
        ]
    );
    assert!(
        list[2].names.contains(&"watch.example.org".to_owned()) && list[2].names.contains(&"::1".to_owned())
    );
}

#[test]
fn every_file_is_private() {
    let tmp = tempfile::tempdir().unwrap();
    open(tmp.path(), NOW).unwrap();
    let dir = tmp.path().join("ca");
    assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o7777, 0o700);
    let mut files = 0;
    for file in std::fs::read_dir(&dir).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600, "{:?}", file.path());
        files += 1;
    }
    assert_eq!(files, 4);
}

#[test]
fn loose_permissions_stop_the_start_with_the_command_that_mends_them() {
    let tmp = tempfile::tempdir().unwrap();
    open(tmp.path(), NOW).unwrap();
    let dir = tmp.path().join("ca");
    let key = dir.join("root.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = open(tmp.path(), NOW).unwrap_err().to_string();
    assert!(error.contains("chmod 600") && error.contains("root.pem"), "{error}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = open(tmp.path(), NOW).unwrap_err().to_string();
    assert!(error.contains("chmod 700"), "{error}");
}

#[test]
fn keys_are_sealed_when_a_ring_is_given_even_after_the_first_start() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("ca");
    let plain = open(tmp.path(), NOW).unwrap();
    let key_text = |role: &str| std::fs::read_to_string(dir.join(role)).unwrap();
    assert!(key_text("root.pem").contains("BEGIN PRIVATE KEY"));

    let sealed = KeyProtection::Sealed(Arc::new(KekRing::in_memory().unwrap()));
    let ca = Ca::open_or_create(&dir, &sealed, &names(&["watch.example.org"]), NOW).unwrap();
    assert_eq!(serials(&plain), serials(&ca));
    for role in ["root.pem", "intermediate.pem", "server.pem"] {
        assert!(!key_text(role).contains("BEGIN PRIVATE KEY"), "{role}");
    }
    assert!(ca.inventory(NOW).iter().all(|cert| cert.key_sealed));
    Ca::open_or_create(&dir, &sealed, &names(&["watch.example.org"]), NOW).unwrap();
    assert!(open(tmp.path(), NOW).unwrap_err().to_string().contains("passphrase"));
    let other = KeyProtection::Sealed(Arc::new(KekRing::in_memory().unwrap()));
    let error = Ca::open_or_create(&dir, &other, &names(&[]), NOW).unwrap_err();
    assert!(matches!(error, PkiError::SealRefused { .. }), "{error}");
    // A sealed key put in another's place does not open: each is sealed for its own file.
    std::fs::copy(dir.join("server.pem"), dir.join("intermediate.pem")).unwrap();
    assert!(Ca::open_or_create(&dir, &sealed, &names(&[]), NOW).is_err());
}

#[test]
fn damage_stops_the_start_and_nothing_is_replaced() {
    let tmp = tempfile::tempdir().unwrap();
    open(tmp.path(), NOW).unwrap();
    let dir = tmp.path().join("ca");
    for file in ["root.pem", "intermediate.pem", "server.pem"] {
        let path = dir.join(file);
        let good = std::fs::read(&path).unwrap();
        for bad in [&b"hello"[..], b"", &good[..good.len() / 2]] {
            std::fs::write(&path, bad).unwrap();
            let error = open(tmp.path(), NOW).unwrap_err().to_string();
            assert!(error.contains("damaged") && error.contains(file), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), bad);
        }
        std::fs::write(&path, good).unwrap();
    }
    std::fs::remove_file(dir.join("root.pem")).unwrap();
    assert!(matches!(open(tmp.path(), NOW), Err(PkiError::RootMissing { .. })));
}

#[test]
fn a_clock_that_was_never_set_makes_no_certificates() {
    let tmp = tempfile::tempdir().unwrap();
    assert!(matches!(open(tmp.path(), Timestamp::from_ms(0)), Err(PkiError::Clock { .. })));
    let ca = open(tmp.path(), NOW).unwrap();
    assert!(matches!(ca.rotate_due(Timestamp::from_ms(1)), Err(PkiError::Clock { .. })));
}

#[test]
fn new_names_make_a_new_server_certificate_within_the_roots_limits() {
    let tmp = tempfile::tempdir().unwrap();
    let before = open(tmp.path(), NOW).unwrap();
    let wanted =
        ["watch.example.org", "db.watch.example.org", "10.9.8.7", "elsewhere.example.com", "198.51.100.1"];
    let ca =
        Ca::open_or_create(&tmp.path().join("ca"), &KeyProtection::FileMode, &names(&wanted), NOW + days(1))
            .unwrap();
    assert_eq!(ca.names_left_out(), ["elsewhere.example.com", "198.51.100.1"]);
    let (old, new) = (serials(&before), serials(&ca));
    assert_eq!(old[..2], new[..2]);
    assert_ne!(old[2], new[2]);
    let server = &ca.inventory(NOW)[2];
    for name in ["db.watch.example.org", "10.9.8.7", "localhost", "127.0.0.1"] {
        assert!(server.names.iter().any(|have| have == name), "{name}");
    }
}

#[test]
fn an_agents_certificate_has_one_name_seven_days_and_a_random_serial() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    let store = AgentStore::open(&tmp.path().join("agent")).unwrap();
    let csr = store.request().unwrap();
    let issued = ca.issue_agent(&csr, agent_id(1), NOW).unwrap();
    let again = ca.issue_agent(&csr, agent_id(1), NOW).unwrap();
    assert_ne!(issued.serial, again.serial);
    assert_eq!(issued.not_before, Timestamp::from_ms(NOW.as_ms() - 300_000));
    assert_eq!(issued.not_after, NOW + days(7));
    let peer = PeerAgent::from_der(&issued.chain_der[0]).unwrap();
    assert_eq!(
        (peer.agent_id, peer.serial, peer.spki_sha256),
        (agent_id(1), issued.serial, issued.spki_sha256)
    );
    assert_eq!(issued.spki_sha256, AgentCsr::parse(&csr).unwrap().spki_sha256());
    assert_eq!(ca.chain_of(&issued.chain_der[0]), issued.chain_der);
    // Neither the authority nor the server is an agent.
    assert_eq!(PeerAgent::from_der(&issued.chain_der[1]), Err(PeerError::NotAnAgent));
    assert_eq!(PeerAgent::from_der(&ca.roots()[0]), Err(PeerError::NotAnAgent));
}

#[test]
fn rotation_keeps_the_issuer_of_what_is_still_alive() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    let csr = AgentStore::open(&tmp.path().join("agent")).unwrap().request().unwrap();
    let late = NOW + days(60);
    assert_eq!(ca.rotate_due(NOW + days(19)).unwrap(), []);
    assert_eq!(ca.rotate_due(NOW + days(20)).unwrap(), [CertRole::Server]);
    let old = ca.issue_agent(&csr, agent_id(1), late).unwrap();
    assert_eq!(ca.rotate_due(late).unwrap(), [CertRole::Intermediate, CertRole::Server]);
    let new = ca.issue_agent(&csr, agent_id(1), late).unwrap();
    assert_ne!(old.chain_der[1], new.chain_der[1]);
    for ca in [&ca, &open(tmp.path(), late).unwrap()] {
        assert_eq!(ca.chain_of(&old.chain_der[0]), old.chain_der);
        assert_eq!(ca.chain_of(&new.chain_der[0]), new.chain_der);
    }
    assert!(ca.inventory(late).iter().all(|cert| cert.days_left >= 30));
}

#[test]
fn a_year_of_hourly_rotation_never_leaves_an_ended_certificate() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    for day in 1..400 {
        let at = NOW + days(day);
        ca.rotate_due(at).unwrap();
        let list = ca.inventory(at);
        assert!(list.iter().all(|cert| cert.days_left >= 9 && cert.not_before <= at), "day {day}: {list:?}");
        assert!(list[2].not_after <= list[1].not_after, "a leaf never outlives its issuer");
    }
}

/// A crash while a key is written leaves the new file beside the old one, under a name of its own.
#[test]
fn what_a_crash_left_of_a_key_is_destroyed_at_the_next_start_and_with_the_keys() {
    let tmp = tempfile::tempdir().unwrap();
    let first = open(tmp.path(), NOW).unwrap();
    let dir = tmp.path().join("ca");
    let left = dir.join(".root.pem.0123456789abcdef.new");
    let other = dir.join(".root.pem.notes.new");
    let leave = || {
        std::fs::copy(dir.join("root.pem"), &left).unwrap();
        std::fs::write(&other, b"somebody's own").unwrap();
    };
    leave();
    assert_eq!(serials(&first), serials(&open(tmp.path(), NOW).unwrap()));
    assert!(!left.exists() && other.exists());
    leave();
    assert!(Ca::destroy_keys(&dir).unwrap().contains(&left));
    assert!(!left.exists() && other.exists());
}

/// Whoever imports the root trusts what lies below it: names are limited by the root's constraints, and uses by the
/// intermediate's. Without, a stolen intermediate could sign programs and mail.
#[test]
fn the_intermediate_signs_for_servers_and_agents_and_nothing_else() {
    use x509_parser::prelude::{FromDer as _, X509Certificate};
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    let store = AgentStore::open(&tmp.path().join("agent")).unwrap();
    let issued = ca.issue_agent(&store.request().unwrap(), agent_id(1), NOW).unwrap();
    let (_, cert) = X509Certificate::from_der(&issued.chain_der[1]).unwrap();
    let uses = cert.extended_key_usage().unwrap().expect("it says what it is for").value;
    assert!(uses.server_auth && uses.client_auth);
    assert!(!uses.any && !uses.code_signing && !uses.email_protection && !uses.time_stamping);
    assert!(uses.other.is_empty());
}

#[test]
fn destroyed_keys_are_gone_and_the_next_start_is_another_authority() {
    let tmp = tempfile::tempdir().unwrap();
    let first = open(tmp.path(), NOW).unwrap().root_spki_sha256();
    let dir = tmp.path().join("ca");
    assert_eq!(Ca::destroy_keys(&dir).unwrap().len(), 3);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "only root.crt is left");
    assert_ne!(open(tmp.path(), NOW).unwrap().root_spki_sha256(), first);
}

#[test]
fn nothing_printed_shows_a_key() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    let store = AgentStore::open(&tmp.path().join("agent")).unwrap();
    let issued = ca.issue_agent(&store.request().unwrap(), agent_id(1), NOW).unwrap();
    let roots: Vec<Vec<u8>> = ca.roots().iter().map(|root| root.to_vec()).collect();
    let identity = store.commit(&issued.chain_der, &roots, None, NOW).unwrap();
    let shown = format!("{ca:?} {:?} {store:?} {identity:?}", ca.server_identity());
    assert!(!shown.contains("PRIVATE") && !shown.contains("key_pkcs8") && shown.len() < 2000, "{shown}");
}

#[test]
fn an_agents_identity_survives_and_renews_by_one_rename() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    let dir = tmp.path().join("agent");
    let store = AgentStore::open(&dir).unwrap();
    assert!(store.load().unwrap().is_none());
    let csr = store.request().unwrap();
    // A crash before the answer: the next start asks with the same key, so the server may repeat its answer.
    let same = AgentStore::open(&dir).unwrap().request().unwrap();
    assert_eq!(AgentCsr::parse(&csr).unwrap(), AgentCsr::parse(&same).unwrap());
    let roots: Vec<Vec<u8>> = ca.roots().iter().map(|root| root.to_vec()).collect();
    let pin = ca.root_spki_sha256();
    let first = ca.issue_agent(&csr, agent_id(1), NOW).unwrap();
    let identity = store.commit(&first.chain_der, &roots, Some(&pin), NOW).unwrap();
    assert_eq!(identity.renew_from(), identity.not_after() - (days(7) + Duration::from_secs(300)) / 3);
    for file in std::fs::read_dir(&dir).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.file_name(), "identity.pem");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    }
    // Renewal under way: until the commit, the old identity is what a restart finds.
    let renewal = store.request().unwrap();
    assert_ne!(AgentCsr::parse(&csr).unwrap(), AgentCsr::parse(&renewal).unwrap());
    assert_eq!(store.load().unwrap().unwrap().serial(), first.serial);
    let second = ca.issue_agent(&renewal, agent_id(1), NOW + days(5)).unwrap();
    store.commit(&second.chain_der, &roots, None, NOW + days(5)).unwrap();
    assert_eq!(AgentStore::open(&dir).unwrap().load().unwrap().unwrap().serial(), second.serial);
    // A crash after the swap and before the request's key was removed: the next request has a key of its own all the same.
    let text = std::fs::read_to_string(dir.join("identity.pem")).unwrap();
    let key = &text[text.find("-----BEGIN PRIVATE KEY").unwrap()..];
    wk_seal::write_private(&dir.join("next.key.pem"), key.as_bytes()).unwrap();
    assert_ne!(AgentCsr::parse(&store.request().unwrap()).unwrap(), AgentCsr::parse(&renewal).unwrap());
    store.destroy().unwrap();
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
}

#[test]
fn an_agent_refuses_answers_that_are_not_for_it() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    let other_dir = tempfile::tempdir().unwrap();
    let other = open(other_dir.path(), NOW).unwrap();
    let der = |ca: &Ca| ca.roots().iter().map(|root| root.to_vec()).collect::<Vec<_>>();
    let store = AgentStore::open(&tmp.path().join("agent")).unwrap();
    let pin = ca.root_spki_sha256();
    let csr = store.request().unwrap();
    let good = ca.issue_agent(&csr, agent_id(1), NOW).unwrap();

    let neighbour = AgentStore::open(&tmp.path().join("neighbour")).unwrap();
    let foreign = ca.issue_agent(&neighbour.request().unwrap(), agent_id(2), NOW).unwrap();
    let commit =
        |chain: &[Vec<u8>], roots: &[Vec<u8>], pin, at| store.commit(chain, roots, pin, at).unwrap_err();
    assert!(matches!(commit(&foreign.chain_der, &der(&ca), Some(&pin), NOW), StoreError::OtherKey));
    assert!(matches!(commit(&good.chain_der, &der(&other), Some(&pin), NOW), StoreError::Pin));
    assert!(matches!(commit(&good.chain_der, &der(&other), None, NOW), StoreError::Chain(_)));
    assert!(matches!(commit(&good.chain_der, &der(&ca), Some(&pin), NOW + days(8)), StoreError::Chain(_)));
    assert!(matches!(commit(&good.chain_der[..1], &der(&ca), Some(&pin), NOW), StoreError::Chain(_)));
    assert!(matches!(commit(&[], &der(&ca), Some(&pin), NOW), StoreError::Shape { chain: 0, roots: 1 }));
    assert!(matches!(commit(&good.chain_der, &[], Some(&pin), NOW), StoreError::Shape { .. }));
    assert!(matches!(commit(&[vec![0; 9]], &der(&ca), Some(&pin), NOW), StoreError::Peer(_)));
    assert!(store.load().unwrap().is_none());
    store.commit(&good.chain_der, &der(&ca), Some(&pin), NOW).unwrap();
    // A renewal cannot turn this agent into another.
    let renamed = ca.issue_agent(&store.request().unwrap(), agent_id(2), NOW).unwrap();
    assert!(matches!(commit(&renamed.chain_der, &der(&ca), None, NOW), StoreError::OtherAgent { .. }));
    assert_eq!(store.load().unwrap().unwrap().agent_id(), agent_id(1));
}

#[test]
fn a_damaged_or_loose_agent_identity_is_refused_with_words() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    let dir = tmp.path().join("agent");
    let store = AgentStore::open(&dir).unwrap();
    let issued = ca.issue_agent(&store.request().unwrap(), agent_id(1), NOW).unwrap();
    let roots: Vec<Vec<u8>> = ca.roots().iter().map(|root| root.to_vec()).collect();
    store.commit(&issued.chain_der, &roots, None, NOW).unwrap();
    let path = dir.join("identity.pem");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
    assert!(store.load().unwrap_err().to_string().contains("chmod 600"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let good = std::fs::read(&path).unwrap();
    for cut in [0, 10, good.len() / 3, good.len() - 40] {
        std::fs::write(&path, &good[..cut]).unwrap();
        assert!(store.load().unwrap_err().to_string().contains("enrol this machine again"), "cut at {cut}");
    }
}

#[test]
fn the_line_to_paste_carries_the_pin() {
    let tmp = tempfile::tempdir().unwrap();
    let ca = open(tmp.path(), NOW).unwrap();
    let id = wk_domain::TokenId::new(1, [2; 10]);
    let line = ca
        .enrolment_line(id, wk_seal::Secret::new([3; 16]), vec!["watch.example.org:8444".parse().unwrap()])
        .unwrap();
    let token = EnrolToken::parse(line.expose()).unwrap();
    assert_eq!((token.id(), *token.root_spki_sha256()), (id, ca.root_spki_sha256()));
    assert_eq!(token.secret_sha256(), wk_seal::sha256(&[3; 16]));
}
