//! What an agent may put into a link: decoded within the budget, converted within the bounds, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_domain::{AgentId, HostId};
use wk_hub::convert::{self, SeriesTable};
use wk_wire::agent_frame::Body;
use wk_wire::budget::decode_agent_frame;

fuzz_target!(|data: &[u8]| {
    let mut table = SeriesTable::default();
    let mut rest = data;
    // Several frames, each behind a length of two bytes.
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (frame, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)).min(tail.len()));
        rest = tail;
        match decode_agent_frame(frame.to_vec().into()) {
            Ok(Body::Hello(hello)) => drop(convert::hello(hello)),
            Ok(Body::Dictionary(part)) => {
                if table.define(part).is_err() {
                    return;
                }
            }
            Ok(Body::Batch(batch)) => {
                let Ok(cleaned) = convert::batch(batch, &table, AgentId::new(1, [0; 10]), 1) else { return };
                let seen = cleaned.observations;
                assert_eq!(seen.series.of(HostId::new(1, [0; 10])).count(), seen.series.len());
                assert!(seen.samples.len() <= convert::SAMPLES_MAX && seen.results.len() <= convert::RESULTS_MAX);
                assert!(seen.samples.iter().all(|(at, _, value)| (*at as usize) < seen.series.len() && value.is_finite()));
            }
            Ok(Body::Heartbeat(_) | Body::Renew(_) | Body::TrustHeld(_)) | Err(_) => {}
        }
    }
});
