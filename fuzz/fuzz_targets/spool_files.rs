//! A spool whose files hold anything: it opens or says why not, hands out what is sound in unbroken order, and goes on.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use wk_spool::{Frame, Limits, Payload, Resume, Spool};
use wk_wire::AgentNote;

fuzz_target!(|data: &[u8]| {
    let dir = std::env::temp_dir().join(format!("wk-fuzz-spool-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a folder");
    // A cursor of a length that the first byte says, and the rest in two segments; one byte in three leaves the cursor out.
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    let (cursor, rest) = rest.split_at((usize::from(*first) * 40).min(rest.len()));
    if first % 3 != 0 {
        fs::write(dir.join("cursor"), cursor).expect("a file");
    }
    let (one, two) = rest.split_at(rest.len() / 2);
    fs::write(dir.join("00000000000000000001.seg"), one).expect("a file");
    fs::write(dir.join("00000000000000000002.seg"), two).expect("a file");
    let limits = Limits { sync: false, ..Limits::default() };
    let Ok(mut spool) = Spool::open(&dir, limits) else { return };
    let note = AgentNote { kind: "x".into(), count: 1, ..AgentNote::default() };
    let _ = spool.append(Payload { notes: vec![note], ..Payload::default() }, 1_700_000_000_000);
    for committed in [0, 3] {
        if spool.resume(committed).is_ok_and(|how| how == Resume::Ready) {
            let mut last = None;
            for _ in 0..64 {
                match spool.next_frame() {
                    Ok(Some(Frame::Batch { seq, .. })) => {
                        assert!(last.is_none_or(|last| seq == last + 1), "a gap in the numbers");
                        last = Some(seq);
                    }
                    Ok(Some(Frame::Dictionary(_))) => {}
                    Ok(None) | Err(_) => break,
                }
            }
            if let Some(last) = last {
                let _ = spool.acknowledge(last);
            }
        }
    }
    let _ = spool.stats();
});
