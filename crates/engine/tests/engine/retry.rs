//! What is being confirmed runs again at the retry interval, and is not taken for silent meanwhile.

use wk_domain::Status;
use wk_engine::desk::{AgentDesk, LinkOrder};

use crate::rig::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_failure_is_looked_at_again_at_the_retry_interval() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    rig.engine.tick_now().await;
    let check = rig.probe(&agent, "tcp:web").await;
    let mut orders = rig.engine.orders();

    rig.report(&mut agent, check, Status::Critical).await;
    rig.pass(secs(11)).await;
    assert!(orders.try_recv().is_err(), "not before it is due");
    rig.pass(secs(2)).await;
    assert!(
        matches!(orders.try_recv(), Ok(LinkOrder::RunNow { agent: to, check: what }) if to == agent.id && what == check)
    );
    rig.pass(secs(1)).await;
    assert!(orders.try_recv().is_err(), "asked once, not each second");

    rig.report(&mut agent, check, Status::Ok).await;
    rig.pass(secs(59)).await;
    assert!(orders.try_recv().is_err(), "what is confirmed keeps to the interval by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_keeps_to_the_interval_is_not_silent() {
    let rig = Rig::new().await;
    let mut agent = rig.connected("web-1", &[]).await;
    rig.engine.tick_now().await;
    let check = rig.probe(&agent, "tcp:web").await;
    rig.report(&mut agent, check, Status::Critical).await;
    for _ in 0..7 {
        rig.pass(secs(10)).await;
    }
    assert_eq!(rig.status(check), Some(Status::Critical), "the next run of the interval is on its way");
    assert_eq!(rig.state(check).state.stale, None);
}
