//! Who becomes an agent, who ceases to be one, and what a copied key leads to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use rustix::process::Signal;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wk_domain::Timestamp;
use wk_pki::{AgentIdentity, AgentStore, EnrolToken};
use wk_seal::Secret;
use wk_testkit::{AgentHome, Fleet, until};
use wk_wire::agent_frame::Body as ToServer;
use wk_wire::frame::{FrameReader, FrameWriter, Limits};
use wk_wire::server_frame::Body as FromServer;

use crate::{clock, fleet, now_ms};

/// The agent's last line: what a person sees.
fn complaint(said: &wk_testkit::Said) -> String {
    said.err.lines().rfind(|line| line.starts_with("watchkeep-agent: ")).unwrap_or_default().to_owned()
}

fn nothing_to_connect_with(home: &AgentHome) {
    assert!(!home.data.join("identity/identity.pem").exists());
    assert!(!home.data.join("servers").exists());
    let said = home.run(&["run"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("this machine is not enrolled"), "{}", said.err);
}

/// Every file below, as bytes.
fn files(dir: &std::path::Path, found: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files(&entry.path(), found);
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            found.push((entry.path(), bytes));
        }
    }
}

#[test]
fn a_token_enrols_one_machine_once_and_every_refusal_looks_the_same() {
    let fleet = fleet();
    let server = fleet.serve();
    let line = fleet.json(&["agent", "token", "--host-pattern", "web-*"]);
    let line = line["line"].as_str().unwrap();
    assert!(line.starts_with("watchkeep-agent enrol wk1."), "one line to paste: {line}");
    let good = line.rsplit(' ').next().unwrap().to_owned();
    let home = fleet.home("web-1");
    home.enrol(&good).ok();
    let agent = home.start();
    let row = fleet.linked("web-1");
    assert_eq!(row["grants"], serde_json::json!(["host"]));

    let withdrawn = fleet.token("web-*");
    let id = EnrolToken::parse(&withdrawn).unwrap().id().to_string();
    fleet.cli(&["agent", "withdraw", &id]).ok();
    let open = fleet.token("web-*");
    let parsed = EnrolToken::parse(&open).unwrap();
    let guessed = EnrolToken::new(
        parsed.id(),
        Secret::new([0x5A; 16]),
        *parsed.root_spki_sha256(),
        parsed.servers().to_vec(),
    );
    let guessed = guessed.unwrap().encode().expose().to_owned();
    let old = fleet.token("*");

    let mut refusals = Vec::new();
    for (host, token) in [("web-2", &good), ("web-3", &withdrawn), ("web-4", &guessed), ("db-1", &open)] {
        let home = fleet.home(host);
        let said = home.enrol(token);
        assert_eq!(said.code, Some(1), "{host}: {}", said.all());
        refusals.push(complaint(&said));
        nothing_to_connect_with(&home);
        assert!(fleet.agent_of(host).is_none());
    }
    // A token is good for an hour: by the clock of two hours later it is not.
    assert_eq!(server.stop(Signal::TERM), Some(0));
    let server = fleet.start("server", &clock::faked("+2h"), &[]).unwrap();
    let home = fleet.home("web-5");
    let said = home.enrol(&old);
    assert_eq!(said.code, Some(1), "{}", said.all());
    refusals.push(complaint(&said));
    nothing_to_connect_with(&home);
    assert_eq!(server.stop(Signal::TERM), Some(0));
    assert!(refusals[0].contains("the server refused the token"), "{refusals:?}");
    assert!(refusals.iter().all(|text| *text == refusals[0]), "{refusals:?}");

    // Cut or mistyped, it is not even sent.
    let said = fleet.home("web-6").enrol(&good[..good.len() - 3]);
    assert_eq!(said.code, Some(1));
    assert!(!said.all().contains(&good[30..60]), "the token is repeated: {}", said.all());

    // The operator sees why, once a minute and address; and nobody finds the secret.
    let server = fleet.serve();
    let audit = fleet.list("/audit?action=hub.refuse");
    assert!((1..=2).contains(&audit.len()), "{audit:?}");
    let log = fleet.logs();
    assert!(log.contains("used, withdrawn or expired"), "{log}");
    assert!(fleet.ask("/system")["counters"].is_object());
    let mut found = vec![(fleet.path().join("the logs"), log.into_bytes())];
    files(&fleet.data(), &mut found);
    assert!(found.len() > 10);
    for token in [&good, &withdrawn, &open, &old] {
        let parsed = EnrolToken::parse(token).unwrap();
        let secret = parsed.secret().expose();
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        // Behind `wk1.` and the sixteen bytes of the id, in groups of three bytes.
        let text = &token[4 + 24..4 + 40];
        for (path, bytes) in &found {
            for needle in [&secret[..], hex.as_bytes(), hex.to_uppercase().as_bytes(), text.as_bytes()] {
                let there = bytes.windows(needle.len()).any(|window| window == needle);
                assert!(!there, "the secret of a token is in {}", path.display());
            }
        }
    }
    assert_eq!(server.stop(Signal::TERM), Some(0));
    drop(agent);
}

#[test]
fn revoking_ends_the_link_within_a_second_for_good() {
    let fleet = fleet();
    let server = fleet.serve();
    let (first, second) = (fleet.enrolled("web-1"), fleet.enrolled("web-2"));
    let (agent, other) = (first.start(), second.start());
    let row = fleet.linked("web-1");
    fleet.linked("web-2");

    fleet.cli(&["agent", "revoke", "web-1", "--reason", "the machine was sold"]).ok();
    let revoked = Instant::now();
    until("the link is closed", || (!fleet.connected("web-1")).then_some(()));
    let took = revoked.elapsed();
    assert!(took < Duration::from_millis(1250), "it took {took:?}");
    until("the agent knows", || agent.log().contains("this agent is revoked").then_some(()));
    let committed = fleet.agent_of("web-1").unwrap()["committed_seq"].clone();

    // Neither by itself, nor started again, nor with the server started again.
    agent.kill();
    let agent = first.start();
    until("it is refused", || agent.log().contains("this agent is revoked").then_some(()));
    agent.kill();
    assert_eq!(server.stop(Signal::TERM), Some(0));
    let server = fleet.serve();
    let agent = first.start();
    until("it is refused", || agent.log().contains("this agent is revoked").then_some(()));
    fleet.linked("web-2");
    let now = fleet.agent_of("web-1").unwrap();
    assert_eq!((now["id"].clone(), now["standing"].clone()), (row["id"].clone(), "revoked".into()));
    assert_eq!((now["connected"].clone(), now["committed_seq"].clone()), (false.into(), committed));
    let audit = fleet.list("/audit?action=agent.revoke");
    assert_eq!(audit.len(), 1);
    assert!(audit[0]["entry"].to_string().contains("the machine was sold"), "{audit:?}");
    assert_eq!(fleet.json(&["audit", "verify"])["intact"], true);
    drop((agent, other));
    assert_eq!(server.stop(Signal::TERM), Some(0));
}

/// A link that says what the test wants.
struct Raw {
    reader: FrameReader<tokio::io::ReadHalf<TlsStream<TcpStream>>>,
    writer: FrameWriter<tokio::io::WriteHalf<TlsStream<TcpStream>>>,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Raw {
    async fn open(fleet: &Fleet, identity: &AgentIdentity) -> (Self, wk_wire::Welcome) {
        let tls = wk_pki::client_config_link(identity).unwrap();
        let stream = TcpStream::connect(fleet.hub()).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = TlsConnector::from(tls).connect(name, stream).await.unwrap();
        let (read, write) = tokio::io::split(stream);
        let mut raw = Self {
            reader: FrameReader::new(read, Limits::LINK),
            writer: FrameWriter::new(write, wk_wire::FRAME_BYTES_MAX),
        };
        let hello = wk_wire::Hello { protocol: 1, epoch: 7, now_ms: now_ms(), ..Default::default() };
        raw.say(ToServer::Hello(hello)).await;
        match raw.hear().await {
            Some(FromServer::Welcome(welcome)) => (raw, welcome),
            other => panic!("no welcome but {other:?}"),
        }
    }

    async fn say(&mut self, body: ToServer) {
        self.writer.queue(&wk_wire::AgentFrame { body: Some(body) }).unwrap();
        let _ = self.writer.drive(tokio::time::Instant::now() + PATIENCE).await;
    }

    async fn hear(&mut self) -> Option<FromServer> {
        let frame = self.reader.next(tokio::time::Instant::now() + PATIENCE).await.ok()??;
        wk_wire::ServerFrame::decode(frame).unwrap().body
    }

    async fn renew(&mut self, csr_der: Vec<u8>) -> wk_wire::RenewReply {
        self.say(ToServer::Renew(wk_wire::RenewRequest { csr_der })).await;
        loop {
            match self.hear().await {
                Some(FromServer::Renewed(reply)) => return reply,
                Some(FromServer::Assignments(_)) => {}
                other => panic!("no answer but {other:?}"),
            }
        }
    }
}

#[test]
fn a_copied_key_quarantines_both_when_each_renews() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let fleet = fleet();
    let server = fleet.serve();
    let home = fleet.enrolled("web-1");
    let agent = home.start();
    fleet.linked("web-1");
    assert_eq!(agent.stop(), Some(0));
    // Two holders of one identity, as files of this test's own user.
    let copy = |name: &str| {
        let dir = fleet.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        let to = dir.join("identity.pem");
        std::fs::copy(home.data.join("identity/identity.pem"), &to).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        Arc::new(AgentStore::open(&dir).unwrap())
    };
    let (owner, thief) = (copy("owner"), copy("thief"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let first = owner.load().unwrap().unwrap();
        let (mut link, _) = Raw::open(&fleet, &first).await;
        let reply = link.renew(owner.request().unwrap()).await;
        assert_eq!(reply.refused, "");
        drop(link);
        let renewed = owner.commit(&reply.chain_der, &reply.roots_der, None, Timestamp::from_ms(now_ms()));
        let renewed = renewed.unwrap();
        assert_ne!(renewed.serial(), first.serial());
        let (mut link, _) = Raw::open(&fleet, &renewed).await;

        let stolen = thief.load().unwrap().unwrap();
        let (mut other, _) = Raw::open(&fleet, &stolen).await;
        let reply = other.renew(thief.request().unwrap()).await;
        assert_eq!((reply.refused.as_str(), reply.chain_der.len()), ("quarantined", 0));

        // The owner's link ends too, and neither gets anything stored again.
        while let Some(frame) = link.hear().await {
            if let FromServer::Goodbye(goodbye) = frame {
                assert!(["quarantined", "superseded"].contains(&goodbye.reason.as_str()), "{goodbye:?}");
            }
        }
        for identity in [&renewed, &stolen] {
            let (mut link, welcome) = Raw::open(&fleet, identity).await;
            assert_eq!(welcome.standing, "quarantined");
            let note =
                wk_wire::AgentNote { kind: "x".into(), text: "forged".into(), at_ms: now_ms(), count: 1 };
            let batch = wk_wire::Batch { seq: 1, notes: vec![note], ..Default::default() };
            link.say(ToServer::Batch(batch)).await;
            loop {
                match link.hear().await {
                    Some(FromServer::Goodbye(goodbye)) => assert_eq!(goodbye.reason, "quarantined"),
                    Some(FromServer::Ack(ack)) => panic!("a quarantined agent was heard: {ack:?}"),
                    Some(_) => {}
                    None => break,
                }
            }
        }
    });
    let row = fleet.agent_of("web-1").unwrap();
    assert_eq!(row["standing"], "quarantined");
    let events = fleet.list("/events?kind=agent");
    let alarms: Vec<_> = events.iter().filter(|event| event["severity"] == "critical").collect();
    assert_eq!(alarms.len(), 1, "{events:?}");
    assert!(alarms[0]["summary"].as_str().unwrap().contains("two places"), "{alarms:?}");
    assert!(!events.iter().any(|event| event["summary"] == "forged"));
    assert_eq!(fleet.list("/audit?action=agent.quarantine").len(), 1);
    assert!(fleet.cli(&["status"]).ok().out.contains("1 quarantined"));
    assert!(fleet.cli(&["agent", "list"]).ok().out.contains("quarantined"));

    // A person decides.
    fleet.cli(&["agent", "release", "web-1", "--reason", "it was our backup"]).ok();
    assert_eq!(fleet.agent_of("web-1").unwrap()["standing"], "active");
    assert_eq!(fleet.json(&["audit", "verify"])["intact"], true);
    assert_eq!(server.stop(Signal::TERM), Some(0));
}
