//! What the acts of administrators ask for beside the right to do them: a factor that cannot be phished, a network, a device.
//!
//! A device is a browser that its owner has enrolled with a passkey, known by a cookie of its own, or one that presents a
//! client certificate at the door. The conditions are asked in the same place as permissions, before any handler. Whoever
//! changes them must satisfy the new ones at that moment; the local socket of the server's machine is the way back in, and
//! is never asked.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_audit::Image;
use wk_authz::{AccessRead, Act, Actor, ConditionWrite, Kind, Role, SelfManage, SelfSecure, Who};
use wk_domain::{Cidr, DeviceKind, Timestamp};
use wk_engine::ports::passkeys::DeviceRow;
use wk_engine::record;
use wk_identity::SessionToken;

use crate::account::person;
use crate::auth::{Caller, Origin, one_cookie};
use crate::body::{Body, PathId};
use crate::door::Certificate;
use crate::dto::Page;
use crate::error::ApiError;
use crate::routes::{Routes, delete, get, post, put};
use crate::state::App;
use crate::time;

/// The setting that holds them, as JSON.
const SETTING: &str = "admin.conditions";
/// The cookie of an enrolled browser.
const DEVICE: &str = "__Host-adm";
/// An enrolled browser is enrolled again after this long.
const DEVICE_LIFE: Duration = Duration::from_secs(180 * 24 * 60 * 60);
/// Networks at most.
const NETWORKS_MAX: usize = 200;
/// Another server of the same database knows of a change after this long at most.
const CACHED: Duration = Duration::from_secs(1);
/// `last_used` of a device is written this often at most.
const TOUCH_EVERY: Duration = Duration::from_secs(60 * 60);

type Answer<T> = Result<Json<T>, ApiError>;

/// Which factor acts of administrators ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FactorCondition {
    /// Any second factor; recovery codes too.
    #[default]
    Any,
    /// A passkey: nothing that can be read out to somebody on the telephone.
    Passkey,
}

/// What the acts of administrators ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Conditions {
    pub factor: FactorCondition,
    /// `192.0.2.0/24`, `2001:db8::/32`; empty: from anywhere.
    pub networks: Vec<String>,
    /// From an enrolled browser, or with a client certificate, alone.
    pub device: bool,
    /// The actions that ask; empty: all that nobody but an administrator may do and that change something.
    pub actions: Vec<String>,
}

/// The conditions, and whether whoever asks satisfies them now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ConditionsNow {
    pub conditions: Conditions,
    /// The actions that ask when none are named.
    pub default_actions: Vec<String>,
    /// Where this request came from; absent on the server's machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why whoever asks does not satisfy them now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmet: Option<String>,
    /// How this session was opened.
    pub method: String,
    /// This browser is enrolled.
    pub device_enrolled: bool,
    /// Whose client certificate this connection presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Networks from which administrators have signed in lately: a proposal.
    pub seen_networks: Vec<String>,
    /// What opens the console again for whoever is locked out.
    pub way_back: String,
}

/// A browser that may administer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Device {
    pub id: String,
    pub name: String,
    /// The one this request came from.
    pub current: bool,
    pub user_agent: String,
    pub address: String,
    pub created_at: String,
    pub last_used_at: String,
    pub expires_at: String,
}

/// Enrols this browser.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceInput {
    pub name: String,
    /// Given by the passkey that `POST /me/elevate/begin` asked for.
    pub passkey: crate::passkeys::PasskeyUsed,
}

const WAY_BACK: &str =
    "on the server's machine, as root or the server's user: watchkeep admin-conditions reset";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AccessRead, _, _>(
            get("/admin-conditions", "What the acts of administrators ask for").answer::<ConditionsNow>(),
            show,
        )
        .add::<ConditionWrite, _, _>(
            put("/admin-conditions", "Changes them; refused to whoever would be locked out by it")
                .body::<Conditions>()
                .answer::<ConditionsNow>(),
            change,
        )
        .add::<SelfManage, _, _>(
            get("/me/devices", "Browsers from which I may administer").page::<Device>(),
            devices,
        )
        .add::<SelfSecure, _, _>(
            post("/me/devices", "Enrols this browser with a passkey")
                .body::<DeviceInput>()
                .answer::<Device>(),
            enrol_device,
        )
        .add::<SelfManage, _, _>(delete("/me/devices/{id}", "Ends a browser's enrolment"), remove_device)
}

/// What nobody but an administrator may do, and changes something.
fn default_actions() -> Vec<String> {
    let others = |act: Act| Role::ALL.iter().any(|role| *role != Role::Admin && role.actions().has(act));
    let changes = |act: Act| matches!(act.kind(), Kind::Configure | Kind::Handle);
    Act::ALL.iter().filter(|act| changes(**act) && !others(**act)).map(|act| act.name().to_owned()).collect()
}

impl Conditions {
    fn asks_for(&self, action: &str) -> bool {
        if self.actions.is_empty() {
            return default_actions().iter().any(|known| known == action);
        }
        self.actions.iter().any(|known| known == action)
    }

    /// Refuses what cannot be kept.
    fn check(&self) -> Result<Vec<Cidr>, ApiError> {
        if self.networks.len() > NETWORKS_MAX {
            return Err(ApiError::field("/networks", format!("use {NETWORKS_MAX} networks at most")));
        }
        let mut networks = Vec::new();
        for (i, raw) in self.networks.iter().enumerate() {
            let network = raw
                .parse::<Cidr>()
                .map_err(|error| ApiError::field(&format!("/networks/{i}"), error.to_string()))?;
            if network.is_everything() {
                return Err(ApiError::field(&format!("/networks/{i}"), "this is everywhere: leave it out"));
            }
            networks.push(network);
        }
        for (i, action) in self.actions.iter().enumerate() {
            let known = Act::parse(action)
                .filter(|act| matches!(act.kind(), Kind::Configure | Kind::Handle | Kind::Read));
            if known.is_none() {
                let detail =
                    format!("there is no action `{}` that can ask", wk_domain::text::clean_line(action, 60));
                return Err(ApiError::field(&format!("/actions/{i}"), detail));
            }
        }
        Ok(networks)
    }

    fn image(&self) -> Image {
        Image::new()
            .field("factor", if self.factor == FactorCondition::Passkey { "passkey" } else { "any" })
            .field("networks", self.networks.join(" "))
            .field("device", self.device)
            .field("actions", self.actions.join(" "))
    }
}

/// What the conditions are compared with.
#[derive(Debug, Clone)]
struct Scene {
    method: String,
    address: Option<IpAddr>,
    device: Option<DeviceRow>,
    certificate: Option<String>,
    is_token: bool,
}

/// Whether a session was opened with a passkey of ours. What a provider is called says nothing of it.
fn by_passkey(method: &str) -> bool {
    method == "passkey" || method.ends_with("+passkey")
}

/// Why they are not met, if so, with what mends it.
fn unmet(conditions: &Conditions, scene: &Scene) -> Option<String> {
    if conditions.factor == FactorCondition::Passkey && !scene.is_token && !by_passkey(&scene.method) {
        return Some(
            "administration asks for a passkey here: sign out, and sign in with one (you add one on your personal page)"
                .to_owned(),
        );
    }
    if !conditions.networks.is_empty() {
        // What cannot be read lets nobody in.
        let networks: Option<Vec<Cidr>> = conditions.networks.iter().map(|raw| raw.parse().ok()).collect();
        let inside = networks
            .zip(scene.address)
            .is_some_and(|(networks, address)| networks.iter().any(|network| network.contains(address)));
        if !inside {
            let address = scene.address.map_or_else(|| "nowhere".to_owned(), |address| address.to_string());
            return Some(format!(
                "administration is allowed from certain networks alone, and you come from {address}: go to one of them"
            ));
        }
    }
    if conditions.device && !scene.is_token && scene.device.is_none() && scene.certificate.is_none() {
        return Some(
            "administration is allowed from enrolled devices alone: enrol this browser with a passkey on your personal page, \
             or come with a client certificate"
                .to_owned(),
        );
    }
    None
}

async fn read(app: &App) -> Result<Conditions, ApiError> {
    let Some(text) = app.engine.store().setting(SETTING).await? else { return Ok(Conditions::default()) };
    serde_json::from_str(&text).map_err(|error| {
        tracing::error!("the conditions of administration cannot be read: {error}; {WAY_BACK}");
        ApiError::Condition(format!("the conditions of administration cannot be read; {WAY_BACK}"))
    })
}

async fn scene_of(app: &App, parts: &Parts, actor: &Actor) -> Result<Scene, ApiError> {
    let (method, is_token) = match &actor.who {
        Who::User { method, .. } => (method.clone(), false),
        Who::Token { .. } => ("token".to_owned(), true),
        Who::Local { .. } | Who::System => ("local".to_owned(), false),
    };
    let certificate = parts.extensions.get::<Certificate>().and_then(|found| found.subject(&*app.clients));
    let certificate = certificate.map(str::to_owned);
    let device = match &actor.who {
        Who::User { id, .. } => {
            known(app, &parts.headers, app.engine.now()).await?.filter(|row| row.user == *id)
        }
        _ => None,
    };
    Ok(Scene { method, address: actor.address, device, certificate, is_token })
}

/// The enrolled browser that sends these headers.
async fn known(app: &App, headers: &HeaderMap, now: Timestamp) -> Result<Option<DeviceRow>, ApiError> {
    let Some(token) = one_cookie(headers, DEVICE).and_then(|raw| SessionToken::parse(raw).ok()) else {
        return Ok(None);
    };
    let row = app.engine.store().device_by_token(&token.sha256()).await?;
    Ok(row.filter(|row| row.expires > now))
}

/// Asks for the conditions of `action`, if it has any.
///
/// # Errors
/// [`ApiError::Condition`], with what mends it.
pub(crate) async fn ask(
    app: &App,
    parts: &Parts,
    actor: &Actor,
    action: &'static str,
) -> Result<(), ApiError> {
    if matches!(actor.who, Who::Local { .. } | Who::System)
        || !action.contains('.')
        || action.starts_with("self.")
    {
        return Ok(());
    }
    let act = Act::parse(action).ok_or(ApiError::Internal)?;
    let cached = app.conditions.lock().clone().filter(|(at, _)| at.elapsed() < CACHED);
    let conditions = match cached {
        Some((_, conditions)) => conditions,
        None => {
            let conditions = Arc::new(read(app).await?);
            *app.conditions.lock() = Some((Instant::now(), Arc::clone(&conditions)));
            conditions
        }
    };
    if !conditions.asks_for(act.name()) {
        return Ok(());
    }
    let scene = scene_of(app, parts, actor).await?;
    if let Some(row) = &scene.device
        && app.engine.now().since(row.last_used) >= TOUCH_EVERY
    {
        app.engine.store().touch_device(row.id, app.engine.now()).await?;
    }
    match unmet(&conditions, &scene) {
        None => Ok(()),
        Some(why) => {
            app.engine.counters().add("api.condition", 1);
            crate::auth::note_refusal(app, actor, action, &why).await;
            Err(ApiError::Condition(why))
        }
    }
}

async fn view(app: &App, parts: &Parts, actor: &Actor, conditions: Conditions) -> Answer<ConditionsNow> {
    let scene = scene_of(app, parts, actor).await?;
    let local = matches!(actor.who, Who::Local { .. });
    Ok(Json(ConditionsNow {
        default_actions: default_actions(),
        address: scene.address.map(|address| address.to_string()),
        unmet: if local { None } else { unmet(&conditions, &scene) },
        method: scene.method.clone(),
        device_enrolled: scene.device.is_some(),
        certificate: scene.certificate.clone(),
        seen_networks: seen(app).await?,
        way_back: WAY_BACK.to_owned(),
        conditions,
    }))
}

/// The /24 or /48 of an address. An IPv4 one is the same however it came: a listener for both families writes it as IPv6.
fn network_of(address: &str) -> Option<String> {
    Some(match address.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    })
}

/// From where administrators have signed in: /24 or /48 of each, most used first.
async fn seen(app: &App) -> Result<Vec<String>, ApiError> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for user in app.engine.store().users().await?.into_iter().filter(|user| user.role == "admin").take(50) {
        for session in app.engine.store().sessions(user.id).await?.into_iter().take(50) {
            let Some(network) = network_of(&session.address) else { continue };
            match counts.iter_mut().find(|(known, _)| *known == network) {
                Some((_, count)) => *count += 1,
                None => counts.push((network, 1)),
            }
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(counts.into_iter().take(10).map(|(network, _)| network).collect())
}

async fn show(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    parts: Parts,
) -> Answer<ConditionsNow> {
    let conditions = read(&app).await?;
    view(&app, &parts, &actor, conditions).await
}

async fn change(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    parts: Parts,
    Body(input): Body<Conditions>,
) -> Answer<ConditionsNow> {
    input.check()?;
    let before = read(&app).await.unwrap_or_default();
    let scene = scene_of(&app, &parts, &actor).await?;
    let local = matches!(actor.who, Who::Local { .. });
    if !local && let Some(why) = unmet(&input, &scene) {
        return Err(ApiError::Conflict(format!("this would lock you out, so nothing was changed: {why}")));
    }
    let now = app.engine.now();
    let audit = record::draft(&actor, now, "condition.write", "server", "admin-conditions")
        .images(Some(&before.image()), Some(&input.image()));
    let text = serde_json::to_string(&input).map_err(|_| ApiError::Internal)?;
    app.engine.store().put_setting(SETTING, &text, Some(audit)).await?;
    *app.conditions.lock() = None;
    view(&app, &parts, &actor, input).await
}

fn device_view(row: DeviceRow, current: bool) -> Device {
    Device {
        id: row.id.to_string(),
        name: row.name,
        current,
        user_agent: row.user_agent,
        address: row.address,
        created_at: time::write(row.created),
        last_used_at: time::write(row.last_used),
        expires_at: time::write(row.expires),
    }
}

async fn devices(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    headers: HeaderMap,
) -> Answer<Page<Device>> {
    let Ok((user, _)) = person(&app, &actor).await else {
        return Ok(Json(Page { items: Vec::new(), total: None, next: None }));
    };
    let now = app.engine.now();
    let current = known(&app, &headers, now).await?.map(|row| row.id);
    let rows = app.engine.store().devices(user.id).await?.into_iter().filter(|row| row.expires > now);
    let items = rows.map(|row| {
        let here = Some(row.id) == current;
        device_view(row, here)
    });
    Ok(Json(Page { items: items.collect(), total: None, next: None }))
}

fn device_image(row: &DeviceRow) -> Image {
    Image::new()
        .field("name", row.name.as_str())
        .field("address", row.address.as_str())
        .field("expires_ms", row.expires.as_ms())
        .stored_secret("token", &row.token_sha256)
}

async fn enrol_device(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Extension(origin): Extension<Origin>,
    here: crate::passkeys::Here,
    headers: HeaderMap,
    Body(input): Body<DeviceInput>,
) -> Result<Response, ApiError> {
    let (user, session) = person(&app, &actor).await?;
    let name = wk_domain::text::clean_line(&input.name, 60);
    if name.is_empty() {
        return Err(ApiError::field("/name", "give it a name"));
    }
    let what_for = crate::passkeys::For::Elevate(session);
    let checked =
        app.people.check_passkey(&app, what_for, here.party()?, Some(user.id), &input.passkey).await?;
    let (_, factor) = checked.map_err(|error| ApiError::field("/passkey", error.to_string()))?;
    let Some(cookie) = crate::account::raise(&app, &actor, &user, session, factor, None).await? else {
        return Err(ApiError::field("/passkey", "it was used at the same time; try again"));
    };
    let (now, token) = (app.engine.now(), SessionToken::generate().map_err(|_| ApiError::Internal)?);
    let row = DeviceRow {
        id: wk_engine::ids::new_id(now),
        user: user.id,
        token_sha256: token.sha256().to_vec(),
        name,
        user_agent: crate::auth::user_agent(&headers),
        address: origin.ip().map(|address| address.to_string()).unwrap_or_default(),
        created: now,
        last_used: now,
        expires: now + DEVICE_LIFE,
    };
    let audit = record::draft(&actor, now, "user.enrol_device", "user", &user.name)
        .images(None, Some(&device_image(&row)));
    app.engine.store().put_device(row.clone(), audit).await?;
    let line = format!(
        "{DEVICE}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={}",
        token.text().expose(),
        DEVICE_LIFE.as_secs()
    );
    let mut value = HeaderValue::from_str(&line).map_err(|_| ApiError::Internal)?;
    value.set_sensitive(true);
    let cookies = axum::response::AppendHeaders([(header::SET_COOKIE, cookie), (header::SET_COOKIE, value)]);
    Ok((cookies, Json(device_view(row, true))).into_response())
}

async fn remove_device(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<DeviceKind>,
) -> Result<StatusCode, ApiError> {
    let (user, _) = person(&app, &actor).await?;
    let row = app.engine.store().devices(user.id).await?.into_iter().find(|row| row.id == id);
    let row = row.ok_or_else(|| ApiError::NotFound("the device is not there".to_owned()))?;
    let audit = record::draft(&actor, app.engine.now(), "user.remove_device", "user", &user.name)
        .images(Some(&device_image(&row)), None);
    app.engine.store().delete_device(user.id, id, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene {
        Scene {
            method: "password+totp".to_owned(),
            address: Some("192.0.2.7".parse().unwrap()),
            device: None,
            certificate: None,
            is_token: false,
        }
    }

    #[test]
    fn each_condition_is_asked_for_on_its_own() {
        let none = Conditions::default();
        assert_eq!(unmet(&none, &scene()), None);
        let passkey = Conditions { factor: FactorCondition::Passkey, ..none.clone() };
        assert!(unmet(&passkey, &scene()).unwrap().contains("passkey"));
        for method in ["passkey", "password+passkey", "oidc:acme+passkey"] {
            assert_eq!(unmet(&passkey, &Scene { method: method.to_owned(), ..scene() }), None, "{method}");
        }
        for method in
            ["oidc:passkeys+totp", "oidc:x+passkey+factor", "saml:passkey+factor", "oidc:x+passkey-enrol"]
        {
            let came = Scene { method: method.to_owned(), ..scene() };
            assert!(unmet(&passkey, &came).is_some(), "a provider's name is no passkey: {method}");
        }
        let networks = Conditions { networks: vec!["192.0.2.0/24".to_owned()], ..none.clone() };
        assert_eq!(unmet(&networks, &scene()), None);
        let elsewhere = Scene { address: Some("198.51.100.7".parse().unwrap()), ..scene() };
        assert!(unmet(&networks, &elsewhere).unwrap().contains("198.51.100.7"));
        assert!(unmet(&networks, &Scene { address: None, ..scene() }).is_some());
        let broken = Conditions { networks: vec!["192.0.2.0/24".to_owned(), "x".to_owned()], ..none.clone() };
        assert!(unmet(&broken, &scene()).is_some(), "what cannot be read lets nobody in");
        let device = Conditions { device: true, ..none };
        assert!(unmet(&device, &scene()).unwrap().contains("enrol this browser"));
        let certificate = Some("CN=Maria".to_owned());
        assert_eq!(unmet(&device, &Scene { certificate, ..scene() }), None);
    }

    #[test]
    fn the_network_that_is_proposed_is_the_one_that_lets_its_address_in() {
        for (address, network) in [
            ("192.0.2.7", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.0/24"),
            ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ] {
            let proposed = network_of(address).unwrap();
            assert_eq!(proposed, network);
            assert!(proposed.parse::<Cidr>().unwrap().contains(address.parse().unwrap()), "{address}");
        }
        assert_eq!(network_of("local"), None);
    }

    #[test]
    fn by_default_they_are_for_what_administrators_alone_change() {
        let actions = default_actions();
        for asked in ["user.write", "access.write", "agent.revoke", "condition.write"] {
            assert!(actions.iter().any(|action| action == asked), "{asked}: {actions:?}");
        }
        for free in ["host.read", "audit.read", "problem.acknowledge", "self.manage", "host.write"] {
            assert!(!actions.iter().any(|action| action == free), "{free}");
        }
        let named = Conditions { actions: vec!["audit.read".to_owned()], ..Conditions::default() };
        assert!(named.asks_for("audit.read") && !named.asks_for("user.write"));
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_its_place() {
        for (bad, pointer) in [
            (
                Conditions {
                    networks: vec!["192.0.2.0/24".into(), "10.0.0.0/99".into()],
                    ..Default::default()
                },
                "/networks/1",
            ),
            (Conditions { networks: vec!["0.0.0.0/0".into()], ..Default::default() }, "/networks/0"),
            (Conditions { actions: vec!["self.secure".into()], ..Default::default() }, "/actions/0"),
            (Conditions { actions: vec!["host.shell".into()], ..Default::default() }, "/actions/0"),
        ] {
            let ApiError::Fields(errors) = bad.check().unwrap_err() else { panic!("{bad:?}") };
            assert_eq!(errors[0].pointer, pointer);
        }
    }
}
