//! The open links by agent, and the engine's orders to them.
//!
//! One task listens to the engine and passes each order to the links it is for, so that an order to one agent does not
//! wake ten thousand tasks.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wk_domain::{AgentId, CheckId};
use wk_engine::desk::LinkOrder;

use crate::gate::{Bucket, Rate};

/// Orders that wait for one link. A link that does not take them is closed: it reads again what it missed when it is
/// back.
const ORDERS_MAX: usize = 64;
/// Agents whose byte budget is remembered; the ones that used nothing lately are forgotten first.
const BUDGETS_MAX: usize = 50_000;

/// What a link is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    RunNow(CheckId),
    Close(&'static str),
    /// The link with this number is taken over.
    Superseded(u64),
    /// Orders may have been missed: ask the desk again whether this agent is welcome.
    AskAgain,
    /// The roots to trust have changed.
    Trust,
}

#[derive(Debug)]
struct Line {
    key: u64,
    orders: mpsc::Sender<Order>,
    /// Ends the link when its queue is full, or newer ones took its place.
    cut: CancellationToken,
    /// Digest of the roots that the agent trusts, as it said last; `None` when it has not said.
    holds: Option<[u8; 32]>,
}

/// The open links.
#[derive(Debug, Default)]
pub(crate) struct Switchboard {
    next: AtomicU64,
    lines: Mutex<HashMap<AgentId, Vec<Line>>>,
    budgets: Mutex<HashMap<AgentId, Bucket>>,
    openings: Mutex<HashMap<AgentId, Bucket>>,
}

/// A link's place on the switchboard, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    board: Arc<Switchboard>,
    agent: AgentId,
    key: u64,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) cut: CancellationToken,
}

impl Switchboard {
    /// Whether `agent` may open another link now. Its certificate is good, but handshakes cost the server more than the
    /// peer: one holder of one key must not keep it busy.
    pub(crate) fn may_open(&self, agent: AgentId, rate: Rate) -> bool {
        let now = Instant::now();
        let mut openings = self.openings.lock();
        if openings.len() >= BUDGETS_MAX {
            openings.retain(|_, bucket| !bucket.is_full(rate, now));
        }
        openings.entry(agent).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }

    /// Orders to `agent` reach the place from now on. Of one agent's links only the newest `links_max` stay: one holder of
    /// one key must not take the places of all.
    pub(crate) fn connect(self: &Arc<Self>, agent: AgentId, links_max: usize) -> Place {
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let cut = CancellationToken::new();
        let line = Line { key, orders: sender, cut: cut.clone(), holds: None };
        let mut lines = self.lines.lock();
        let of_agent = lines.entry(agent).or_default();
        of_agent.push(line);
        let too_many = of_agent.len().saturating_sub(links_max.max(1));
        of_agent.iter().take(too_many).for_each(|line| line.cut.cancel());
        drop(lines);
        Place { board: Arc::clone(self), agent, key, orders, cut }
    }

    fn tell(&self, agent: AgentId, order: &Order) {
        if let Some(lines) = self.lines.lock().get(&agent) {
            lines.iter().for_each(|line| line.tell(order));
        }
    }

    fn tell_all(&self, order: &Order) {
        self.lines.lock().values().flatten().for_each(|line| line.tell(order));
    }

    /// Has every link compare what its agent trusts with what it should.
    pub(crate) fn roots_changed(&self) {
        self.tell_all(&Order::Trust);
    }

    /// Links whose agents do not hold exactly the roots of this digest, as far as they said.
    pub(crate) fn not_holding(&self, digest: &[u8; 32]) -> usize {
        self.lines.lock().values().flatten().filter(|line| line.holds.as_ref() != Some(digest)).count()
    }

    /// Passes orders on until the engine or the hub ends.
    pub(crate) async fn run(&self, mut orders: broadcast::Receiver<LinkOrder>, stop: CancellationToken) {
        loop {
            let order = tokio::select! {
                order = orders.recv() => order,
                () = stop.cancelled() => return,
            };
            match order {
                Ok(LinkOrder::RunNow { agent, check }) => self.tell(agent, &Order::RunNow(check)),
                Ok(LinkOrder::Close { agent, reason }) => self.tell(agent, &Order::Close(reason)),
                Ok(LinkOrder::Superseded { agent, link }) => self.tell(agent, &Order::Superseded(link)),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "{missed} orders to agents were missed; every link asks again");
                    self.tell_all(&Order::AskAgain);
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Every link asks the desk whether it is still welcome.
    pub(crate) fn ask_all_again(&self) {
        self.tell_all(&Order::AskAgain);
    }

    /// Counts bytes that `agent` sent, over all its links; returns how long to wait before reading more.
    pub(crate) fn count_bytes(&self, agent: AgentId, bytes: usize, rate: Rate) -> Duration {
        let now = Instant::now();
        let mut budgets = self.budgets.lock();
        if budgets.len() >= BUDGETS_MAX {
            budgets.retain(|_, bucket| !bucket.is_full(rate, now));
        }
        let wait =
            budgets.entry(agent).or_insert_with(|| Bucket::full(rate, now)).owe(bytes as f64, rate, now);
        Duration::try_from_secs_f64(wait).unwrap_or(Duration::from_secs(60))
    }
}

impl Line {
    fn tell(&self, order: &Order) {
        if self.orders.try_send(order.clone()).is_err() {
            self.cut.cancel();
        }
    }
}

impl Place {
    /// The agent said which roots it trusts.
    pub(crate) fn holds(&self, digest: &[u8]) {
        if let (Ok(digest), Some(lines)) =
            (<[u8; 32]>::try_from(digest), self.board.lines.lock().get_mut(&self.agent))
            && let Some(line) = lines.iter_mut().find(|line| line.key == self.key)
        {
            line.holds = Some(digest);
        }
    }

    /// Whether the agent knows of roots and trusts others than these.
    pub(crate) fn wants_roots(&self, digest: [u8; 32]) -> bool {
        let lines = self.board.lines.lock();
        let line = lines.get(&self.agent).and_then(|lines| lines.iter().find(|line| line.key == self.key));
        line.and_then(|line| line.holds).is_some_and(|holds| holds != digest)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.board.lines.lock();
        if let Some(of_agent) = lines.get_mut(&self.agent) {
            of_agent.retain(|line| line.key != self.key);
            if of_agent.is_empty() {
                lines.remove(&self.agent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_reach_their_agent_only_and_a_deaf_link_is_cut() {
        let board = Arc::new(Switchboard::default());
        let (one, two) = (AgentId::new(1, [0; 10]), AgentId::new(2, [0; 10]));
        let mut first = board.connect(one, 4);
        let mut second = board.connect(two, 4);
        let (sender, receiver) = broadcast::channel(16);
        sender.send(LinkOrder::Close { agent: one, reason: "revoked" }).unwrap();
        drop(sender);
        board.run(receiver, CancellationToken::new()).await;
        assert_eq!(first.orders.try_recv(), Ok(Order::Close("revoked")));
        assert!(second.orders.try_recv().is_err());
        for _ in 0..ORDERS_MAX {
            board.tell_all(&Order::AskAgain);
        }
        assert!(!first.cut.is_cancelled());
        board.tell(one, &Order::AskAgain);
        assert!(first.cut.is_cancelled());
        drop((first, second));
        assert!(board.lines.lock().is_empty());
    }

    #[test]
    fn of_one_agents_links_the_newest_stay_and_openings_have_a_rate() {
        let board = Arc::new(Switchboard::default());
        let (one, two) = (AgentId::new(1, [0; 10]), AgentId::new(2, [0; 10]));
        let other = board.connect(two, 3);
        let places: Vec<_> = (0..5).map(|_| board.connect(one, 3)).collect();
        let cut: Vec<bool> = places.iter().map(|place| place.cut.is_cancelled()).collect();
        assert_eq!(cut, [true, true, false, false, false]);
        assert!(!other.cut.is_cancelled());
        let rate = Rate { per_second: 0.001, burst: 3.0 };
        assert_eq!((0..9).filter(|_| board.may_open(one, rate)).count(), 3);
        assert!(board.may_open(two, rate));
    }

    #[test]
    fn what_an_agent_trusts_is_what_it_said_last() {
        let board = Arc::new(Switchboard::default());
        let place = board.connect(AgentId::new(1, [0; 10]), 4);
        assert!(!place.wants_roots([1; 32]), "it does not know of roots");
        assert_eq!(board.not_holding(&[1; 32]), 1);
        place.holds(&[2; 32]);
        place.holds(b"no digest");
        assert!(place.wants_roots([1; 32]));
        place.holds(&[1; 32]);
        assert!(!place.wants_roots([1; 32]));
        assert_eq!(board.not_holding(&[1; 32]), 0);
    }
}
