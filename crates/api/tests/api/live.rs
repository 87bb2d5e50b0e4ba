//! The live stream: what changes arrives, is resumed, and ends with the session.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use wk_authz::{Role, authorize};
use wk_engine::ports::Store;

use crate::site::*;

pub(crate) struct Stream {
    body: Incoming,
    text: String,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

pub(crate) async fn follow(site: &Site, who: &Persona, after: Option<u64>) -> Stream {
    let mut request = site.request(who, "get", "/api/v1/live", None);
    if let Some(after) = after {
        request.headers_mut().insert("last-event-id", after.to_string().parse().unwrap());
    }
    let response = site.open(request, false).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    Stream { body: response.into_body(), text: String::new() }
}

impl Stream {
    /// The next event; none when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    block.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned())
                };
                if let (Some(id), Some(kind), Some(data)) = (field("id:"), field("event:"), field("data:")) {
                    return Some(Event {
                        id: id.parse().unwrap(),
                        kind,
                        data: serde_json::from_str(&data).unwrap(),
                    });
                }
            }
            let frame =
                tokio::time::timeout(Duration::from_secs(60), self.body.frame()).await.expect("in time")?;
            let Ok(frame) = frame else { return None };
            if let Ok(data) = frame.into_data() {
                self.text.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
    }

    /// The next event; none when the stream has ended, or says nothing for so long.
    pub(crate) async fn next_within(&mut self, patience: Duration) -> Option<Event> {
        tokio::time::timeout(patience, self.next()).await.ok().flatten()
    }

    /// The next event of a kind that speaks of `text`.
    pub(crate) async fn until(&mut self, kind: &str, text: &str) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.kind == kind && event.data.to_string().contains(text) {
                return event;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_arrives_and_what_was_missed_comes_on_return() {
    let site = Site::new().await;
    let agent = site.rig.connected("web-1", &[]).await;
    let check = site.rig.probe(&agent, "tcp:web").await;
    let who = site.as_viewer().await;
    let say = async |text: &str| {
        let permit = authorize(&crate::rig::admin(), check).unwrap();
        site.rig.engine.comment(permit, text).await.unwrap();
    };
    let mut stream = follow(&site, &who, None).await;
    say("the first").await;
    let first = stream.until("event", "the first").await;
    drop(stream);
    say("the second").await;
    say("the third <script>").await;
    let mut stream = follow(&site, &who, Some(first.id)).await;
    let second = stream.until("event", "the second").await;
    let third = stream.until("event", "the third <script>").await;
    assert!(first.id < second.id && second.id < third.id);
    drop(stream);
    // Numbers of another time or from nowhere: start over.
    for after in [1, u64::MAX / 4, third.id + 1_000_000] {
        let mut stream = follow(&site, &who, Some(after)).await;
        assert_eq!(stream.next().await.unwrap().kind, "resync", "after {after}");
        say("the fourth").await;
        stream.until("event", "the fourth").await;
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_session() {
    for how in ["signed out", "idle", "disabled"] {
        let site = Site::new().await;
        let user = site.person("maria", Role::Viewer).await;
        let who = site.session_of(user).await;
        let mut stream = follow(&site, &who, None).await;
        match how {
            "signed out" => assert_eq!(site.delete(&who, "/session").await.status, 204),
            "idle" => site.rig.clock.advance(Duration::from_secs(31 * 60)),
            _ => {
                let mut row = site.rig.store.user(user).await.unwrap().unwrap();
                row.disabled = Some(site.rig.now());
                let system = wk_authz::Actor::system();
                let audit = wk_engine::record::draft(&system, site.rig.now(), "user.disable", "user", user);
                site.rig.store.update_user(row, audit).await.unwrap();
            }
        }
        while let Some(event) = stream.next().await {
            assert_ne!(event.kind, "resync", "{how}");
        }
        assert_eq!(site.get(&who, "/me").await.status, 401, "{how}");
        site.end().await;
    }
}

/// Looking does not keep a session alive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_stream_is_no_use_of_the_session() {
    let site = Site::new().await;
    let who = site.as_viewer().await;
    let mut stream = follow(&site, &who, None).await;
    for _ in 0..7 {
        site.rig.clock.advance(Duration::from_secs(5 * 60));
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    while stream.next().await.is_some() {}
    site.end().await;
}
