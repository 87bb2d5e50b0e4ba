//! Signing in over a provider: the browser that goes there and comes back, name and password given here, and the
//! provider's own word that a session is over.
//!
//! A browser is sent by a link, never by a form: a browser applies `form-action` to where a form's answer redirects. What
//! came back wrong is told by one word; the log has the rest.

use std::net::Ipv4Addr;

use axum::Json;
use axum::body::Body as RawBody;
use axum::extract::{Extension, FromRequest, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::json;
use tokio::time::Instant;
use wk_authz::Public;
use wk_domain::{ProviderId, ProviderKindTag};
use wk_engine::ports::outside::{OutsideEnd, ProviderRow};
use wk_identity::outside::{Answer, Here, Refusal, Returned, Why};
use wk_identity::pace;
use wk_identity::{Attempt, SessionToken};
use wk_seal::{Secret, SecretString};

use super::dto::{OutsideAnswer, OutsideNext, OutsideQuestion, OutsideSignIn, SignInMethod, SignInMethods};
use super::enter::{Entered, Stop, Visit, end_sessions, enter, note, once};
use super::{
    AWAY, AWAY_COOKIE, At, Away, BACK_COOKIE, Back, Purpose, Question, WAITS, bound, cookie, emergency,
    forget, local_page, own, provider_of,
};
use crate::auth::{Asked, Origin};
use crate::body::{Body, PathId, read};
use crate::error::ApiError;
use crate::gate::site_of;
use crate::passkeys::Here as Page;
use crate::routes::{Routes, get, post};
use crate::sign::me_view;
use crate::state::App;

/// Largest form that a provider's page sends: a signed answer with its certificates and groups.
const FORM_MAX: usize = 256 << 10;
/// Longest name somebody signs in with elsewhere, and longest password, in bytes.
const NAME_MAX: usize = 256;
const PASSWORD_MAX: usize = 1_024;
/// Questions of one sign-in.
const ROUNDS_MAX: u8 = 5;

type Reply<T> = Result<Json<T>, ApiError>;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add::<Public, _, _>(
            get("/sign-in/methods", "Ways to sign in: what may be known of them before")
                .answer::<SignInMethods>(),
            methods,
        )
        .add::<Public, _, _>(
            post("/sign-in/outside", "Name and password of an account elsewhere")
                .body::<OutsideSignIn>()
                .answer::<OutsideNext>(),
            password,
        )
        .add::<Public, _, _>(
            post("/sign-in/outside/answer", "The answer to a question of the provider")
                .body::<OutsideAnswer>()
                .answer::<OutsideNext>(),
            answer,
        )
        .add::<Public, _, _>(
            get("/sign-in/outside", "What a browser that came back from a provider still has to do")
                .answer::<OutsideNext>(),
            back,
        )
        .add::<Public, _, _>(
            get("/providers/{id}/begin", "Sends the browser to a provider")
                .query("to", "string", "The page to go on to afterwards")
                .status(303),
            begin,
        )
        .add::<Public, _, _>(
            get(
                "/providers/{id}/callback",
                "The browser is back, with what the provider adds to the address",
            )
            .any_query()
            .status(303),
            callback_query,
        )
        .add::<Public, _, _>(
            post("/providers/{id}/callback", "The browser is back, with what the provider's page sends")
                .any_query()
                .form()
                .status(303),
            callback_form,
        )
        .add::<Public, _, _>(
            post("/providers/{id}/logout", "The provider says that a session is over")
                .any_query()
                .form()
                .status(200),
            logout,
        )
        .add::<Public, _, _>(
            get("/providers/{id}/metadata", "What the provider's administrator loads over there")
                .media("application/xml"),
            metadata,
        )
}

/// A form: as a provider's page, or the provider, sends it.
#[derive(Debug)]
struct Form(Returned);

impl FromRequest<App> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request<RawBody>, app: &App) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        if kind.as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(ApiError::BadRequest(
                "send a form with the header Content-Type: application/x-www-form-urlencoded".to_owned(),
            ));
        }
        let bytes = read(request.into_body(), FORM_MAX, app.gate.room(true)).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| ApiError::BadRequest("the form is not UTF-8".to_owned()))?;
        let form = Returned::parse(text).map_err(|why| ApiError::BadRequest(format!("the form: {why}")))?;
        Ok(Self(form))
    }
}

fn source(origin: Origin) -> std::net::IpAddr {
    origin.ip().unwrap_or(Ipv4Addr::LOCALHOST.into())
}

async fn methods(State(app): State<App>) -> Reply<SignInMethods> {
    let rows = app.engine.store().providers().await?;
    let items = rows
        .into_iter()
        .filter(|row| row.enabled)
        .filter_map(|row| {
            let kind = app.outside.kind(&row.kind)?.kind();
            Some(SignInMethod {
                id: row.id.to_string(),
                name: row.name,
                kind: row.kind,
                asks_password: kind.asks_password(),
            })
        })
        .collect();
    Ok(Json(SignInMethods { items, local: emergency::local(&app).await?.as_str().to_owned() }))
}

/// An enabled provider. One that is not there and one that is switched off are told apart by nobody outside.
pub(super) async fn open(app: &App, id: ProviderId) -> Result<ProviderRow, Stop> {
    let row = app.engine.store().provider(id).await?.filter(|row| row.enabled);
    row.ok_or_else(|| Refusal::new(Why::Misconfigured, "this way to sign in is not open").into())
}

/// Sends the browser on to a page.
fn go(to: &str, cookies: Vec<HeaderValue>) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    let cookies: Vec<_> = cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect();
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)], AppendHeaders(cookies)).into_response()
}

/// Sends the browser to a page that explains why not.
fn sorry(page: &str, why: Why, cookies: Vec<HeaderValue>) -> Response {
    go(&format!("{page}?refused={}", why.as_str()), cookies)
}

/// What went wrong here is no refusal: the page says so, the log knows more.
fn fault(error: &ApiError) -> Why {
    tracing::warn!("a sign-in over a provider ended: {error}");
    Why::Unreachable
}

/// Sends a browser away: where to, and the cookie that binds it.
pub(super) async fn depart(
    app: &App,
    row: &ProviderRow,
    at: &At,
    purpose: Purpose,
    from: std::net::IpAddr,
) -> Result<(String, HeaderValue), Stop> {
    let kind = app.outside.kind(&row.kind);
    let kind = kind.ok_or_else(|| Refusal::new(Why::Misconfigured, "this server does not know that kind"))?;
    let provider = provider_of(app, row)?;
    let now = app.engine.now();
    let fresh = matches!(purpose, Purpose::Elevate { .. });
    let departure = {
        let _turn = app.outside.turn(row.id).await?;
        kind.begin(&provider, &at.here(row.id, now), fresh).await?
    };
    let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
    let same_site = if departure.returns_by_post { "None" } else { "Lax" };
    let bind = cookie(AWAY_COOKIE, &token, same_site, AWAY.as_secs())?;
    let away = Away {
        provider: row.id,
        revision: row.revision,
        origin: at.0.clone(),
        kept: departure.kept,
        purpose,
        site: site_of(from, false),
        began: now,
    };
    app.outside.leave(token.sha256(), away);
    Ok((departure.url, bind))
}

async fn begin(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    at: At,
    asked: Asked,
    headers: HeaderMap,
    PathId(id): PathId<ProviderKindTag>,
    RawQuery(query): RawQuery,
) -> Response {
    let visit = Visit { source: source(origin), headers: &headers, asked: &asked };
    let query = Returned::parse(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let to = local_page(query.one("to"));
    let row = match open(&app, id).await {
        Ok(row) => row,
        Err(Stop::Refused(refusal)) => return sorry("/signin", refusal.why, Vec::new()),
        Err(Stop::Error(error)) => return sorry("/signin", fault(&error), Vec::new()),
    };
    match depart(&app, &row, &at, Purpose::SignIn { to }, visit.source).await {
        Ok((url, bind)) => go(&url, vec![bind]),
        Err(Stop::Refused(refusal)) => {
            note(&app, &row, &refusal, &visit).await;
            sorry("/signin", refusal.why, Vec::new())
        }
        Err(Stop::Error(error)) => sorry("/signin", fault(&error), Vec::new()),
    }
}

async fn callback_query(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    asked: Asked,
    headers: HeaderMap,
    PathId(id): PathId<ProviderKindTag>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let returned = Returned::parse(query.as_deref().unwrap_or_default())
        .map_err(|why| ApiError::BadRequest(format!("the query: {why}")))?;
    let visit = Visit { source: source(origin), headers: &headers, asked: &asked };
    Ok(callback(&app, id, &returned, &visit).await)
}

async fn callback_form(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    asked: Asked,
    headers: HeaderMap,
    PathId(id): PathId<ProviderKindTag>,
    Form(returned): Form,
) -> Response {
    let visit = Visit { source: source(origin), headers: &headers, asked: &asked };
    callback(&app, id, &returned, &visit).await
}

/// The browser is back. What it left with counts once, whatever comes of it.
async fn callback(app: &App, id: ProviderId, returned: &Returned, visit: &Visit<'_>) -> Response {
    let away = bound(visit.headers, AWAY_COOKIE);
    let away = away.and_then(|key| app.outside.returns(&key, app.engine.now()));
    let home = match away.as_ref().map(|away| &away.purpose) {
        Some(Purpose::Link { .. } | Purpose::Elevate { .. }) => "/me",
        Some(Purpose::SignIn { .. }) | None => "/signin",
    };
    // As it was set: a browser takes both forms of the end of a cookie.
    let cookies = forget(AWAY_COOKIE, "Lax").map(|cookie| vec![cookie]).unwrap_or_default();
    let row = match open(app, id).await {
        Ok(row) => row,
        Err(Stop::Refused(refusal)) => return sorry(home, refusal.why, cookies),
        Err(Stop::Error(error)) => return sorry(home, fault(&error), cookies),
    };
    match arrive(app, &row, away, returned, visit).await {
        Ok((to, more)) => go(&to, cookies.into_iter().chain(more).collect()),
        Err(Stop::Refused(refusal)) => {
            note(app, &row, &refusal, visit).await;
            sorry(home, refusal.why, cookies)
        }
        Err(Stop::Error(error)) => sorry(home, fault(&error), cookies),
    }
}

async fn arrive(
    app: &App,
    row: &ProviderRow,
    away: Option<Away>,
    returned: &Returned,
    visit: &Visit<'_>,
) -> Result<(String, Vec<HeaderValue>), Stop> {
    let late = || {
        Refusal::new(Why::Expired, "the browser brings no sign-in that was begun here: too late, or twice")
    };
    // Whoever came with a cookie that is worth nothing any more did begin here.
    let had_cookie = crate::auth::one_cookie(visit.headers, AWAY_COOKIE).is_some();
    if away.is_none() && had_cookie {
        return Err(late().into());
    }
    if let Some(away) = &away {
        if away.provider != row.id {
            return Err(Refusal::new(
                Why::Refused,
                "the browser left for another provider than it comes from",
            )
            .into());
        }
        if away.revision != row.revision {
            return Err(Refusal::new(Why::Expired, "the way to sign in was changed meanwhile").into());
        }
    }
    let kind = app.outside.kind(&row.kind);
    let kind = kind.ok_or_else(|| Refusal::new(Why::Misconfigured, "this server does not know that kind"))?;
    let provider = provider_of(app, row)?;
    let now = app.engine.now();
    // Without one, nobody began here: the address is the one that this server is first called by.
    let at = At(away.as_ref().map_or_else(|| app.first_origin(visit.headers), |away| away.origin.clone()));
    let outside = {
        let _turn = app.outside.turn(row.id).await?;
        let kept = away.as_ref().map(|away| &away.kept);
        kind.finish(&provider, &at.here(row.id, now), kept, returned).await?
    };
    let purpose = away.map_or_else(|| Purpose::SignIn { to: "/".to_owned() }, |away| away.purpose);
    match purpose {
        Purpose::SignIn { to } => match enter(app, row, outside, visit).await? {
            Entered::In { cookies, .. } => Ok((to, cookies)),
            Entered::Factor { user, ticket } => {
                let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
                app.outside.came_back(token.sha256(), Back { user: user.id, ticket, began: now });
                let bind = cookie(BACK_COOKIE, &token, "Strict", WAITS.as_secs())?;
                let to = Returned::escaped(&to);
                Ok((format!("/signin?outside=back&to={to}"), vec![bind]))
            }
        },
        Purpose::Link { user, session } => own::link(app, row, outside, user, session, visit).await,
        Purpose::Elevate { user, session, to } => {
            own::elevate(app, row, outside, (user, session), &to, visit).await
        }
    }
}

/// What the page has to ask, once the browser is on it: a passkey is bound to the page it is asked on.
async fn back(State(app): State<App>, page: Page, headers: HeaderMap) -> Reply<OutsideNext> {
    let gone = || ApiError::Gone("this sign-in took too long: begin again".to_owned());
    let key = bound(&headers, BACK_COOKIE).ok_or_else(gone)?;
    let back = app.outside.is_back(&key, app.engine.now()).ok_or_else(gone)?;
    let user =
        app.engine.store().user(back.user).await?.filter(|user| user.disabled.is_none()).ok_or_else(gone)?;
    let challenge = app.people.offer(&app, &page, &user, &back.ticket).await?;
    Ok(Json(OutsideNext { next: "factor".to_owned(), me: None, challenge: Some(challenge), question: None }))
}

/// One answer for everything that is wrong with a name and a password.
fn told(refusal: &Refusal) -> ApiError {
    match refusal.why {
        Why::Unreachable | Why::Misconfigured => ApiError::Unavailable(
            "this way to sign in does not work now; an administrator sees why in the audit log".to_owned(),
        ),
        Why::Expired => ApiError::Gone("this sign-in took too long: begin again".to_owned()),
        Why::NameTaken => ApiError::Conflict(
            "an account of this name is there already; its owner can link it, signed in, under My account".to_owned(),
        ),
        Why::NoRule | Why::NoAccount => ApiError::Conflict(
            "the name and the password are right, but nothing here lets this account in; ask an administrator".to_owned(),
        ),
        _ => ApiError::Unauthorized("name or password is wrong".to_owned()),
    }
}

async fn password(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    at: At,
    page: Page,
    asked: Asked,
    headers: HeaderMap,
    Body(input): Body<OutsideSignIn>,
) -> Result<Response, ApiError> {
    let visit = Visit { source: source(origin), headers: &headers, asked: &asked };
    let not_open = || ApiError::NotFound("this way to sign in is not open".to_owned());
    let id: ProviderId = input.provider.parse().map_err(|_| not_open())?;
    let row = app.engine.store().provider(id).await?.filter(|row| row.enabled).ok_or_else(not_open)?;
    let kind = app.outside.kind(&row.kind).filter(|kind| kind.kind().asks_password()).ok_or_else(not_open)?;
    let name = input.name.trim();
    let now = app.engine.now();
    let wrong = || ApiError::Unauthorized("name or password is wrong".to_owned());
    // An empty password is an anonymous bind to many a directory.
    if name.is_empty()
        || name.len() > NAME_MAX
        || name.chars().any(char::is_control)
        || input.password.is_empty()
        || input.password.len() > PASSWORD_MAX
    {
        return Err(wrong());
    }
    let attempt = app.people.admit_outside(&app, id, &input, visit.headers, visit.source, now).await?;
    let provider = provider_of(&app, &row)?;
    let password: SecretString = Secret::new(input.password.clone());
    let begun = Instant::now();
    let here =
        Here { known_browser: attempt.on_known_device(), address: Some(visit.source), ..at.here(id, now) };
    let said = {
        let turn = app.outside.turn(row.id).await;
        match turn {
            Ok(_turn) => kind.password(&provider, &here, name, &password).await,
            Err(refusal) => Err(refusal),
        }
    };
    let answer = match said {
        Ok(answer) => answer,
        Err(refusal) => {
            app.people.outside_failed(&app, &attempt, refusal.why == Why::Wrong, now).await;
            note(&app, &row, &refusal, &visit).await;
            pace::level(begun, &refusal).await;
            return Err(told(&refusal));
        }
    };
    let so_far = SoFar { name, rounds: 0, attempt, begun };
    go_on(&app, &row, answer, so_far, &page, &visit).await
}

/// How far a sign-in by name and password is.
struct SoFar<'a> {
    name: &'a str,
    /// Questions that were answered.
    rounds: u8,
    attempt: Attempt,
    begun: Instant,
}

/// Somebody gave a right password, or a right answer.
async fn go_on(
    app: &App,
    row: &ProviderRow,
    answer: Answer,
    so_far: SoFar<'_>,
    page: &Page,
    visit: &Visit<'_>,
) -> Result<Response, ApiError> {
    let next = |next: &str| OutsideNext { next: next.to_owned(), me: None, challenge: None, question: None };
    let outside = match answer {
        Answer::In(outside) => {
            app.people.outside_succeeded(&so_far.attempt);
            *outside
        }
        Answer::Ask { prompt, echo, state } => {
            if so_far.rounds >= ROUNDS_MAX {
                return Err(ApiError::Unauthorized("the provider asks too often: begin again".to_owned()));
            }
            let token = SessionToken::generate().map_err(|_| ApiError::Internal)?;
            let question = Question {
                provider: row.id,
                revision: row.revision,
                name: so_far.name.to_owned(),
                state,
                rounds: so_far.rounds + 1,
                attempt: so_far.attempt,
                began: app.engine.now(),
            };
            app.outside.ask(token.sha256(), question);
            let question = OutsideQuestion {
                ticket: token.text().expose().clone(),
                prompt: wk_domain::text::clean_line(&prompt, 300),
                echo,
            };
            return Ok(Json(OutsideNext { question: Some(question), ..next("answer") }).into_response());
        }
    };
    match enter(app, row, outside, visit).await {
        Ok(Entered::In { cookies, user, session }) => {
            let rights = app.engine.rights_of(&user).await?;
            let me = me_view(&app.people, &user, &session, &rights);
            let cookies: Vec<_> = cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect();
            Ok((AppendHeaders(cookies), Json(OutsideNext { me: Some(me), ..next("in") })).into_response())
        }
        Ok(Entered::Factor { user, ticket }) => {
            let challenge = app.people.offer(app, page, &user, &ticket).await?;
            Ok(Json(OutsideNext { challenge: Some(challenge), ..next("factor") }).into_response())
        }
        Err(Stop::Refused(refusal)) => {
            note(app, row, &refusal, visit).await;
            pace::level(so_far.begun, &refusal).await;
            Err(told(&refusal))
        }
        Err(Stop::Error(error)) => Err(error),
    }
}

async fn answer(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    at: At,
    page: Page,
    asked: Asked,
    headers: HeaderMap,
    Body(input): Body<OutsideAnswer>,
) -> Result<Response, ApiError> {
    let visit = Visit { source: source(origin), headers: &headers, asked: &asked };
    let over = || ApiError::Gone("this sign-in took too long: begin again".to_owned());
    let now = app.engine.now();
    let key = SessionToken::parse(&input.ticket).map_err(|_| over())?.sha256();
    let question = app.outside.answered(&key, now).ok_or_else(over)?;
    let row = app.engine.store().provider(question.provider).await?;
    let row = row.filter(|row| row.enabled && row.revision == question.revision).ok_or_else(over)?;
    let kind = app.outside.kind(&row.kind).ok_or_else(over)?;
    if input.answer.len() > PASSWORD_MAX {
        return Err(ApiError::Unauthorized("this answer is not right: begin again".to_owned()));
    }
    let provider = provider_of(&app, &row)?;
    let text: SecretString = Secret::new(input.answer.clone());
    let begun = Instant::now();
    let here = Here { address: Some(visit.source), ..at.here(row.id, now) };
    let said = {
        let turn = app.outside.turn(row.id).await;
        match turn {
            Ok(_turn) => kind.answer(&provider, &here, &question.state, &text).await,
            Err(refusal) => Err(refusal),
        }
    };
    match said {
        Ok(said) => {
            let Question { name, rounds, attempt, .. } = &question;
            let so_far = SoFar { name, rounds: *rounds, attempt: *attempt, begun };
            go_on(&app, &row, said, so_far, &page, &visit).await
        }
        Err(refusal) => {
            // The digits of a token can be guessed: whoever knows the password must not have endless tries at them.
            app.people.outside_failed(&app, &question.attempt, refusal.why == Why::Wrong, now).await;
            note(&app, &row, &refusal, &visit).await;
            pace::level(begun, &refusal).await;
            Err(match refusal.why {
                Why::Wrong => ApiError::Unauthorized("this answer is not right: begin again".to_owned()),
                _ => told(&refusal),
            })
        }
    }
}

/// The back channel. Whoever calls proves it by what it sends; the answer says no more than that.
async fn logout(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    at: At,
    asked: Asked,
    headers: HeaderMap,
    PathId(id): PathId<ProviderKindTag>,
    Form(returned): Form,
) -> Response {
    let visit = Visit { source: source(origin), headers: &headers, asked: &asked };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let refuse = |word: &str, status: StatusCode| {
        (status, no_store.clone(), Json(json!({"error": word}))).into_response()
    };
    let row = match open(&app, id).await {
        Ok(row) => row,
        Err(_) => return refuse("invalid_request", StatusCode::BAD_REQUEST),
    };
    match told_out(&app, &row, &at, &returned, &visit).await {
        Ok(ended) => {
            app.engine.counters().add("sign_in.outside_ended", ended as u64);
            if let Some(url) = farewell(&app, &row, &at, &returned, &headers) {
                return go(&url, Vec::new());
            }
            (StatusCode::OK, no_store.clone()).into_response()
        }
        Err(Stop::Refused(refusal)) => {
            let audit = wk_engine::record::by_nobody(
                Some(visit.source),
                app.engine.now(),
                "session.end",
                "provider",
                row.id,
            );
            let audit = asked.put(audit.denied(refusal.detail.clone()));
            if let Err(error) = app.engine.store().append_audit(vec![audit]).await {
                tracing::error!("a refused logout could not be written down: {error}");
            }
            match refusal.why {
                Why::Unreachable => refuse("temporarily_unavailable", StatusCode::SERVICE_UNAVAILABLE),
                _ => refuse("invalid_request", StatusCode::BAD_REQUEST),
            }
        }
        Err(Stop::Error(error)) => {
            fault(&error);
            refuse("temporarily_unavailable", StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// Where a browser that brought the provider's word goes on to: a page over there waits for it.
fn farewell(
    app: &App,
    row: &ProviderRow,
    at: &At,
    returned: &Returned,
    headers: &HeaderMap,
) -> Option<String> {
    let mode = headers.get("sec-fetch-mode").and_then(|mode| mode.to_str().ok());
    if mode != Some("navigate") {
        return None;
    }
    let provider = provider_of(app, row).ok()?;
    app.outside.kind(&row.kind)?.farewell(&provider, &at.here(row.id, app.engine.now()), returned)
}

async fn told_out(
    app: &App,
    row: &ProviderRow,
    at: &At,
    returned: &Returned,
    visit: &Visit<'_>,
) -> Result<usize, Stop> {
    let kind = app.outside.kind(&row.kind);
    let kind = kind.ok_or_else(|| Refusal::new(Why::Misconfigured, "this server does not know that kind"))?;
    let provider = provider_of(app, row)?;
    let ended = {
        let _turn = app.outside.turn(row.id).await?;
        kind.logout(&provider, &at.here(row.id, app.engine.now()), returned).await?
    };
    if ended.subject.is_none() && ended.session.is_none() {
        return Err(Refusal::new(Why::Refused, "nobody's session is named").into());
    }
    once(app, row, &ended.once).await?;
    let which = OutsideEnd { provider: row.id, subject: ended.subject, outside_session: ended.session };
    end_sessions(app, which, visit, &format!("{} says that it is over", super::enter::method(row))).await
}

async fn metadata(
    State(app): State<App>,
    at: At,
    PathId(id): PathId<ProviderKindTag>,
) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound("there is no metadata".to_owned());
    // Also of one that is still switched off: it is entered over there first.
    let row = app.engine.store().provider(id).await?.ok_or_else(none)?;
    let kind = app.outside.kind(&row.kind).ok_or_else(none)?;
    let provider = provider_of(&app, &row)?;
    let (media, text) = kind.metadata(&provider, &at.here(id, app.engine.now())).ok_or_else(none)?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(media))], text).into_response())
}
