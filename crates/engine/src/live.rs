//! What changes while people look: a bounded stream that a late reader can resume or must start over.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::broadcast;
use wk_domain::{AgentId, CheckId, TenantId, Timestamp};

use crate::ports::rows::EventRow;

/// Something changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Live {
    /// A check's state or handling.
    Check(CheckId),
    /// New on the timeline.
    Event(Arc<EventRow>),
    /// An agent connected, left, or changed standing.
    Agent(AgentId),
    /// Hosts, checks or channels were added or removed: anywhere.
    Configuration,
    /// The same, in one tenant: whoever sees nothing of it hears nothing of it.
    ConfigurationOf(TenantId),
}

/// A change with its number.
pub type Numbered = (u64, Live);

/// Kept for those who resume; beyond it they read everything again.
const KEPT: usize = 4096;

/// The stream of changes.
#[derive(Debug)]
pub struct LiveStream {
    kept: Mutex<(u64, VecDeque<Numbered>)>,
    sender: broadcast::Sender<Numbered>,
}

impl Default for LiveStream {
    fn default() -> Self {
        Self { kept: Mutex::default(), sender: broadcast::channel(KEPT).0 }
    }
}

impl LiveStream {
    /// A stream that begins at `now`. Numbers go on from the clock, so that one given before a restart of the server is
    /// older than all that are kept and never taken for one of this stream's. They stay below 2^53, which browsers read
    /// exactly, for three centuries.
    pub fn since(now: Timestamp) -> Self {
        let first = u64::try_from(now.as_ms()).unwrap_or(0).saturating_mul(1000);
        Self { kept: Mutex::new((first, VecDeque::new())), ..Self::default() }
    }

    /// Tells everybody who listens.
    pub fn publish(&self, changes: impl IntoIterator<Item = Live>) {
        let mut kept = self.kept.lock();
        for change in changes {
            kept.0 += 1;
            let numbered = (kept.0, change);
            if kept.1.len() == KEPT {
                kept.1.pop_front();
            }
            kept.1.push_back(numbered.clone());
            // No receiver is no error: nobody looks.
            let _ = self.sender.send(numbered);
        }
    }

    /// Listens from now on. With `after`, what was missed since that number comes first; `None` for it means that too
    /// much was missed, and everything must be read again.
    pub fn subscribe(&self, after: Option<u64>) -> (Option<Vec<Numbered>>, broadcast::Receiver<Numbered>) {
        let kept = self.kept.lock();
        let receiver = self.sender.subscribe();
        let Some(after) = after else { return (Some(Vec::new()), receiver) };
        let oldest = kept.1.front().map_or(kept.0 + 1, |(number, _)| *number);
        if after > kept.0 || after + 1 < oldest {
            return (None, receiver);
        }
        (Some(kept.1.iter().filter(|(number, _)| *number > after).cloned().collect()), receiver)
    }

    /// The newest number.
    pub fn newest(&self) -> u64 {
        self.kept.lock().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_resumes_or_is_told_to_start_over() {
        let stream = LiveStream::default();
        stream.publish([Live::Configuration, Live::Configuration, Live::Configuration]);
        assert_eq!(stream.subscribe(Some(1)).0.unwrap().len(), 2);
        assert_eq!(stream.subscribe(Some(3)).0.unwrap().len(), 0);
        // A number from before a restart of the server.
        assert!(stream.subscribe(Some(99)).0.is_none());
        stream.publish(std::iter::repeat_n(Live::Configuration, KEPT));
        assert!(stream.subscribe(Some(1)).0.is_none());
    }

    #[test]
    fn a_number_from_before_a_restart_is_never_taken_for_one_of_now() {
        let before = LiveStream::since(Timestamp::from_ms(1_763_700_000_000));
        before.publish([Live::Configuration, Live::Configuration]);
        let seen = before.newest() - 1;
        let after = LiveStream::since(Timestamp::from_ms(1_763_700_005_000));
        assert!(after.subscribe(Some(seen)).0.is_none(), "nothing published yet");
        after.publish(std::iter::repeat_n(Live::Configuration, 10));
        assert!(after.subscribe(Some(seen)).0.is_none(), "and then");
        assert_eq!(after.subscribe(Some(after.newest())).0.unwrap().len(), 0);
    }
}
