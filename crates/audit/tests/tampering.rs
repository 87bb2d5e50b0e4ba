//! What an auditor relies on: whatever is done to an exported log shows, and the report says where.

use proptest::prelude::*;
use proptest::sample::Index;
use wk_audit::checkpoint::KeyUse;
use wk_audit::export::{checkpoint_line, entry_line, parse_entry_line, verify_export};
use wk_audit::verify::{Fault, Verifier};
use wk_audit::{
    Actor, ActorKind, Checkpoint, Draft, Entry, Frontier, Image, NoteError, Report, SigningKey, Value,
    VerifyingKey, verify_entries,
};

const ORIGIN: &str = "watchkeep.example/audit";
const LOG_KEY: &str = "watchkeep.example/audit+cfba74ef+Ae1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR";
const ENTRIES: u64 = 200;

/// The public half of the log's key, and a checkpoint's note signed with it.
fn signed(checkpoint: &Checkpoint) -> Result<(VerifyingKey, String), NoteError> {
    let key = SigningKey::from_seed(ORIGIN, KeyUse::Note, &[3; 32])?;
    Ok((key.verifying_key().clone(), checkpoint.sign(&key)))
}

fn entries(n: u64) -> Vec<Vec<u8>> {
    let mut previous = None;
    (0..n)
        .map(|seq| {
            let ts = 1_795_262_400_000_000_000 + i64::try_from(seq).unwrap_or(0) * 1_234_567;
            let actor =
                Actor::new(ActorKind::User, format!("user_{}", seq % 7)).authenticated("password+totp", 2);
            let draft = Draft::new(ts, actor, "check.acknowledge")
                .object("check", format!("check_{seq}"))
                .change("ack.note", Value::Null, format!("note {seq}"));
            let entry = Entry::new(seq, "srv", i64::try_from(seq).unwrap_or(0), previous.replace(ts), draft);
            entry.encode()
        })
        .collect()
}

fn checkpoint(entries: &[Vec<u8>]) -> Checkpoint {
    let mut frontier = Frontier::new();
    entries.iter().for_each(|entry| frontier.append(Entry::leaf_hash(entry)));
    Checkpoint::new(ORIGIN, frontier.size(), frontier.root())
}

fn export(entries: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = (0..).zip(entries).map(|(index, entry)| entry_line(index, entry)).collect();
    let note = signed(&checkpoint(entries)).map(|(_, note)| note).unwrap_or_default();
    lines.push(checkpoint_line(&note));
    lines
}

fn check(lines: &[Vec<u8>]) -> Report {
    // The public half of the seed above, as an auditor would hold it.
    let Ok(key) = LOG_KEY.parse::<VerifyingKey>() else { return verify_entries([b"no key"], &[]) };
    verify_export(lines, &key, Some(ORIGIN), &[])
}

fn check_bytes(bytes: &[u8]) -> Report {
    let lines: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    check(&lines)
}

fn faults(report: &Report) -> Vec<&Fault> {
    report.findings.iter().map(|finding| &finding.fault).collect()
}

#[test]
fn an_untouched_log_is_sound() {
    assert_eq!(signed(&checkpoint(&[])).unwrap().0.to_string(), LOG_KEY);
    let report = check(&export(&entries(ENTRIES)));
    assert_eq!(
        (report.exit_code(), report.entries, report.checkpoints.as_slice()),
        (0, 200, [200].as_slice())
    );
    assert_eq!(report.span_ns.map(|(first, last)| last - first), Some(199 * 1_234_567));
    assert_eq!(check(&export(&[])).exit_code(), 0);
}

#[test]
fn an_entry_removed_doubled_or_moved_is_named() {
    let lines = export(&entries(20));
    let mut removed = lines.clone();
    removed.remove(7);
    let report = check(&removed);
    assert_eq!(report.exit_code(), 2);
    assert_eq!((report.findings[0].line, report.findings[0].index), (8, 7));
    assert_eq!(report.findings[0].fault, Fault::Sequence { found: 8 });

    let mut doubled = lines.clone();
    doubled.insert(7, lines[7].clone());
    assert_eq!((check(&doubled).findings[0].line, check(&doubled).exit_code()), (9, 2));

    let mut moved = lines;
    moved.swap(3, 4);
    assert_eq!((check(&moved).findings[0].line, check(&moved).exit_code()), (4, 2));
}

#[test]
fn a_log_rewritten_from_start_to_end_fails_at_the_checkpoint() {
    let honest = checkpoint(&entries(20));
    let mut forged = entries(20);
    let text = String::from_utf8(forged[5].clone()).unwrap().replace("note 5", "note x");
    forged[5] = text.into_bytes();
    // Every line is consistent with itself, and the forger even has a checkpoint without the key.
    let report = verify_entries(&forged, std::slice::from_ref(&honest));
    assert_eq!(report.exit_code(), 2);
    assert!(matches!(faults(&report)[..], [Fault::Root { size: 20, .. }]));
    // The tail that nobody vouches for is said to be so.
    let report = verify_entries(entries(25), std::slice::from_ref(&honest));
    assert_eq!((report.exit_code(), faults(&report)), (1, vec![&Fault::Unsigned { entries: 5 }]));
    // The tail that somebody vouched for and is gone, too.
    let report = verify_entries(entries(15), &[honest]);
    assert_eq!(report.exit_code(), 2);
    assert!(faults(&report).contains(&&Fault::Missing { size: 20 }));
}

#[test]
fn a_checkpoint_by_another_key_or_of_another_log_is_refused() {
    let log = entries(5);
    let stranger = SigningKey::from_seed(ORIGIN, KeyUse::Note, &[4; 32]).unwrap();
    let mut lines = export(&log);
    lines.pop();
    lines.push(checkpoint_line(&checkpoint(&log).sign(&stranger)));
    assert!(matches!(faults(&check(&lines))[..], [Fault::Note(_), Fault::Unsigned { entries: 5 }]));
    let other = Checkpoint { origin: "other".into(), ..checkpoint(&log) };
    lines.pop();
    lines.push(checkpoint_line(&signed(&other).unwrap().1));
    assert_eq!(check(&lines).exit_code(), 2);
}

#[test]
fn a_wrong_gap_shows_and_a_clock_that_stepped_back_is_remarked() {
    let entry = |seq, ts: i64, previous| {
        Entry::new(seq, "srv", ts, previous, Draft::new(ts, Actor::system(), "server.start")).encode()
    };
    let day = 86_400_000_000_000;
    let log = [entry(0, day, None), entry(1, 0, Some(day)), entry(2, 5, Some(0))];
    let report = verify_entries(&log, &[checkpoint(&log)]);
    assert_eq!((report.exit_code(), faults(&report)), (1, vec![&Fault::ClockBack { by_ns: day }]));
    let log = [entry(0, 10, None), entry(1, 20, Some(15))];
    let report = verify_entries(&log, &[checkpoint(&log)]);
    assert_eq!(faults(&report), [&Fault::Gap { declared_ns: 5, actual_ns: 10 }]);
    assert_eq!(report.exit_code(), 2);
}

/// Every field of an entry, changed one by one: into what would still be a good entry, so that only the tree tells.
#[test]
fn a_change_of_any_field_is_found() {
    let before = Image::new().field("name", "a");
    let after = Image::new().field("name", "b").stored_secret("secret", b"sealed");
    let actor = Actor::new(ActorKind::User, "alice").session("session_1").authenticated("password+totp", 2);
    let draft = Draft::new(1_795_262_400_000_000_000, actor, "host.change")
        .object("host", "host_1")
        .revision(3)
        .source("192.0.2.1".parse().ok(), Some("Firefox"))
        .on_behalf_of("user_2")
        .request("req_1")
        .reason("asked for")
        .policy("sha256:00")
        .images(Some(&before), Some(&after));
    let good = String::from_utf8(Entry::new(0, "srv", 77, None, draft).encode()).unwrap();
    let hash = |text: &str| good.split(&format!("\"{text}\":\"")).nth(1).unwrap()[..64].to_owned();
    let other = "0".repeat(64);
    let (before, after, ua, secret) =
        (hash("before_hash"), hash("after_hash"), hash("ua_hash"), hash("commitment"));
    let mut fields = 0;
    for (from, to) in [
        ("host.change", "host.delete"),
        ("\"aal\":2", "\"aal\":1"),
        ("password+totp", "password"),
        ("\"id\":\"alice\"", "\"id\":\"bob\""),
        ("session_1", "session_2"),
        ("\"type\":\"user\"", "\"type\":\"agent\""),
        (&after, &other),
        (&before, &other),
        ("\"field\":\"name\"", "\"field\":\"mane\""),
        ("\"new\":\"b\"", "\"new\":\"c\""),
        ("\"old\":\"a\"", "\"old\":null"),
        (&secret, &other),
        ("\"diff_cut\":null", &format!("\"diff_cut\":{{\"bytes\":1,\"sha256\":\"{other}\",\"total\":9}}")),
        ("\"node\":\"srv\"", "\"node\":\"svr\""),
        ("\"id\":\"host_1\"", "\"id\":\"host_2\""),
        ("\"rev\":3", "\"rev\":4"),
        ("\"type\":\"host\"", "\"type\":\"check\""),
        ("\"on_behalf_of\":\"user_2\"", "\"on_behalf_of\":null"),
        ("\"outcome\":\"success\"", "\"outcome\":\"failed\""),
        ("sha256:00", "sha256:01"),
        ("\"prev_ts_gap_ns\":\"0\"", "\"prev_ts_gap_ns\":\"5\""),
        ("asked for", "made up"),
        ("req_1", "req_2"),
        ("\"seq\":0", "\"seq\":1"),
        ("192.0.2.1", "192.0.2.9"),
        (&ua, &other),
        ("\"tenant\":\"default\"", "\"tenant\":\"other\""),
        ("\"ts_mono_ns\":\"77\"", "\"ts_mono_ns\":\"78\""),
        ("\"ts_ns\":\"1795262400000000000\"", "\"ts_ns\":\"1795262400000000001\""),
    ] {
        let forged = good.replacen(from, to, 1);
        assert_ne!(forged, good, "{from} is not in {good}");
        assert!(Entry::decode(forged.as_bytes()).is_ok(), "{forged}");
        let honest = checkpoint(&[good.clone().into_bytes()]);
        let report = verify_entries([forged.as_bytes()], &[honest]);
        assert!(faults(&report).iter().any(|fault| matches!(fault, Fault::Root { .. })), "{from}");
        // In an export the entry is named.
        let mut lines = export(&[good.clone().into_bytes()]);
        let line = String::from_utf8(lines[0].clone()).unwrap();
        lines[0] = line.replacen(&good, &forged, 1).into_bytes();
        assert!(faults(&check(&lines)).contains(&&Fault::Leaf), "{from}");
        fields += 1;
    }
    assert_eq!(fields, 29);
}

#[test]
fn a_writer_that_no_start_announces_is_remarked() {
    let entry = |seq, mono, action| {
        let draft = Draft::new(10, Actor::system(), action);
        Entry::new(seq, "srv", mono, (seq > 0).then_some(10), draft).encode()
    };
    let log = [entry(0, 5, "server.start"), entry(1, 9, "x"), entry(2, 1, "server.start"), entry(3, 0, "x")];
    let report = verify_entries(&log, &[checkpoint(&log)]);
    assert_eq!((report.exit_code(), faults(&report)), (1, vec![&Fault::OtherWriter]));
    assert_eq!(report.findings[0].index, 3);
}

#[test]
fn a_check_can_go_on_where_an_earlier_one_ended() {
    let log = entries(30);
    let mut frontier = Frontier::new();
    log[..10].iter().for_each(|entry| frontier.append(Entry::leaf_hash(entry)));
    let previous = Entry::decode(&log[9]).unwrap().draft.ts_ns;
    let mut verifier =
        Verifier::resume(frontier, Some(previous), &[checkpoint(&log[..10]), checkpoint(&log)]);
    log[10..].iter().for_each(|entry| verifier.entry(entry, None));
    let report = verifier.finish();
    assert_eq!((report.exit_code(), report.entries, report.checkpoints), (0, 20, vec![10, 30]));
}

#[test]
fn findings_are_bounded() {
    let report = verify_entries(std::iter::repeat_n(b"junk", 1000), &[]);
    assert_eq!((report.findings.len(), report.findings_total), (wk_audit::verify::FINDINGS_MAX, 1001));
    assert!(
        report.findings[0].to_string().starts_with("line 1, entry 0: not an entry"),
        "{}",
        report.findings[0]
    );
}

#[test]
fn every_bit_of_a_line_counts() {
    let log = entries(3);
    let lines = export(&log);
    for bit in 0..lines[1].len() * 8 {
        let mut changed = lines.clone();
        changed[1][bit / 8] ^= 1 << (bit % 8);
        let bytes = changed.join(&b'\n');
        let report = check_bytes(&bytes);
        let named = report.findings.iter().any(|finding| finding.line == 2 && !finding.fault.is_remark());
        assert!(named, "bit {bit}: {:?}", report.findings);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    /// Any one flipped bit of the file, line breaks and checkpoint included, is found, and the line is named.
    #[test]
    fn any_flipped_bit_of_an_export_is_found_and_its_line_named(bit: Index) {
        let mut bytes = export(&entries(ENTRIES)).join(&b'\n');
        let bit = bit.index(bytes.len() * 8);
        let line = 1 + bytes[..bit / 8].iter().filter(|b| **b == b'\n').count() as u64;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let report = check_bytes(&bytes);
        prop_assert_eq!(report.exit_code(), 2);
        prop_assert!(report.findings.iter().any(|finding| finding.line == line), "line {}: {:?}", line, report.findings);
    }

    #[test]
    fn any_line_is_survived(raw in proptest::collection::vec(any::<u8>(), 0..200), end in "[0-9a-f]{60,66}") {
        let _ = parse_entry_line(&raw);
        let near = [b"{\"entry\":".as_slice(), &raw, b",\"index\":3,\"leaf\":\"", end.as_bytes(), b"\"}"].concat();
        let _ = parse_entry_line(&near);
        prop_assert_eq!(check(&[raw]).exit_code(), 2);
    }
}
