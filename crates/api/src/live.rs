//! Server-sent events: what changes while people look.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::http::request::Parts;
use axum::response::sse::{Event as Sse, KeepAlive};
use futures_util::Stream;
use tokio::sync::broadcast::error::RecvError;
use wk_authz::{Act, Actor, OverviewRead, Place, Who};
use wk_domain::TenantId;
use wk_engine::live::{Live as Change, Numbered};

use crate::auth::{self, Caller};
use crate::dto::Live;
use crate::error::ApiError;
use crate::gate::StreamPlace;
use crate::routes::{Routes, get};
use crate::state::App;
use crate::view;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.add::<OverviewRead, _, _>(
        get("/live", "What changes, as server-sent events; `Last-Event-ID` resumes").stream::<Live>(),
        live,
    )
}

struct Following {
    app: App,
    request: Parts,
    /// As asked last: a stream shows what its reader may see now, and ends with his session.
    actor: Actor,
    rights: tokio::sync::watch::Receiver<u64>,
    backlog: std::collections::VecDeque<Numbered>,
    resync: bool,
    receiver: tokio::sync::broadcast::Receiver<Numbered>,
    recheck: tokio::time::Interval,
    _place: Option<StreamPlace>,
}

async fn live(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    request: Request,
) -> Result<axum::response::Sse<impl Stream<Item = Result<Sse, Infallible>>>, ApiError> {
    let place = match &actor.who {
        Who::User { session, .. } => Some(app.gate.stream(*session)?),
        Who::Token { .. } | Who::Local { .. } | Who::System => None,
    };
    let after =
        request.headers().get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let (missed, receiver) = app.engine.live().subscribe(after);
    let mut recheck = tokio::time::interval(app.recheck);
    recheck.reset();
    let (parts, _) = request.into_parts();
    let following = Following {
        rights: app.engine.rights_changed(),
        app,
        request: parts,
        actor,
        resync: missed.is_none(),
        backlog: missed.unwrap_or_default().into(),
        receiver,
        recheck,
        _place: place,
    };
    let stream = futures_util::stream::unfold(following, |mut f| async move {
        let event = next(&mut f).await?;
        Some((Ok(event), f))
    });
    // An event and not a comment: a browser shows comments to nobody, so a stream that went silent would look live.
    let alive =
        KeepAlive::new().interval(Duration::from_secs(10)).event(Sse::default().event("alive").data("1"));
    Ok(axum::response::Sse::new(stream).keep_alive(alive))
}

async fn next(f: &mut Following) -> Option<Sse> {
    loop {
        if std::mem::take(&mut f.resync) {
            return sse(f.app.engine.live().newest(), &Live::Resync);
        }
        // Before anything is shown: what waits may have happened after the right to see it was taken.
        if f.rights.has_changed().ok()? {
            f.rights.mark_unchanged();
            ask_again(f).await?;
            continue;
        }
        if let Some((number, change)) = f.backlog.pop_front() {
            if let Some(live) = show(&f.app, &f.actor, &change) {
                return sse(number, &live);
            }
            continue;
        }
        tokio::select! {
            received = f.receiver.recv() => match received {
                Ok(numbered) => f.backlog.push_back(numbered),
                Err(RecvError::Lagged(_)) => f.resync = true,
                Err(RecvError::Closed) => return None,
            },
            _ = f.recheck.tick() => ask_again(f).await?,
            changed = f.rights.changed() => {
                changed.ok()?;
                ask_again(f).await?;
            }
        }
    }
}

/// Asks anew who is reading. None when nobody is, any more: the stream ends. Who may see something else now starts over.
async fn ask_again(f: &mut Following) -> Option<()> {
    let actor = auth::actor_of(&f.app, &f.request, false).await.ok()?;
    f.resync |= actor.rights != f.actor.rights;
    f.actor = actor;
    Some(())
}

fn show(app: &App, actor: &Actor, change: &Change) -> Option<Live> {
    let world = app.engine.world();
    let sight = |act| actor.rights.sight(act);
    let sees = |act, place: Option<Place<'_>>| place.is_some_and(|place| sight(act).sees(&place));
    match change {
        Change::Check(id) => {
            let entry = world.checks.get(id).filter(|_| sees(Act::CheckRead, world.place_of_check(*id)))?;
            Some(Live::Check(Box::new(view::check(&world, entry, app.engine.now()))))
        }
        Change::Event(row) => {
            // Of no host, it is the server's own; of one that is gone, only those hear who hear everything.
            let place = row.host.map_or_else(
                || world.place_of_tenant(TenantId::ROOT),
                |host| world.place_of_host(host).or_else(|| world.place_of_tenant(TenantId::ROOT)),
            );
            sees(Act::CheckRead, place).then(|| Live::Event(Box::new(view::event(&world, row))))
        }
        Change::Agent(id) => {
            let entry = world.agents.get(id).filter(|_| sees(Act::AgentRead, world.place_of_agent(*id)))?;
            Some(Live::Agent {
                id: id.to_string(),
                connected: entry.connected(),
                standing: entry.row.standing.as_str().to_owned(),
            })
        }
        Change::Configuration => Some(Live::Configuration),
        // What is below what somebody sees, and what is above it and holds for it as well.
        Change::ConfigurationOf(tenant) => {
            let own = sight(Act::OverviewRead).tenants();
            let near = |home: &TenantId| {
                world.tenants.is_within(*tenant, *home) || world.tenants.is_within(*home, *tenant)
            };
            own.iter().any(near).then_some(Live::Configuration)
        }
    }
}

fn sse(number: u64, live: &Live) -> Option<Sse> {
    let kind = match live {
        Live::Check(_) => "check",
        Live::Event(_) => "event",
        Live::Agent { .. } => "agent",
        Live::Configuration => "configuration",
        Live::Resync => "resync",
    };
    Sse::default().id(number.to_string()).event(kind).json_data(live).ok()
}
