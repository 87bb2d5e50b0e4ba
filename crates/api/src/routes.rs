//! The only way to add a route: with its permission as a type, and with what the OpenAPI document says of it.
//!
//! [`Routes::add`] wraps every handler in a check for its action. A handler cannot be reached without, and there is no
//! other place where a path is given to the router; a test walks the table with no rights at all.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use wk_authz::{Action, Denied, authorize, may_somewhere};

use crate::auth;
use crate::bearer;
use crate::body::PathId;
use crate::door::Certificate;
use crate::error::ApiError;
use crate::state::App;

/// Everything lives under this.
pub const BASE: &str = "/api/v1";

/// What begins so is the whole server's and no tenant's: the right to it is needed at the root. Said here and not by each
/// handler, so that none can forget it.
const OF_SERVER: [&str; 12] = [
    "/admin-conditions",
    "/approvals",
    "/audit/verify",
    "/certificates",
    "/console-clients",
    "/four-eyes",
    "/policies",
    "/providers",
    "/access-findings",
    "/reviews",
    "/sign-in/",
    "/system",
];

/// Where the things of a route live, as far as the door can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lives {
    /// The whole server's: asked at the root.
    Server,
    /// An account, named in the path: asked where it is at home.
    Account,
    /// The handler knows.
    Within,
}

impl Lives {
    fn of(path: &str) -> Self {
        if OF_SERVER.iter().any(|of_server| path.starts_with(of_server)) {
            Self::Server
        } else if path.starts_with("/users/{id}") {
            Self::Account
        } else {
            Self::Within
        }
    }
}

/// What one route is, for the document and for tests.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    pub method: &'static str,
    /// With the base, parameters in braces.
    pub path: String,
    pub action: &'static str,
}

/// Says what an operation takes and gives.
#[derive(Debug)]
pub(crate) struct Op {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    query: Vec<(&'static str, &'static str, &'static str)>,
    body: Option<Value>,
    answer: Value,
    status: u16,
    media: &'static str,
    schemas: Vec<(String, Value)>,
    /// Where a second person is needed it answers 202, and does nothing yet.
    asks: bool,
    any_query: bool,
    form: bool,
}

fn op(method: &'static str, path: &'static str, summary: &'static str) -> Op {
    Op {
        method,
        path,
        summary,
        query: Vec::new(),
        body: None,
        answer: Value::Null,
        status: 204,
        media: "application/json",
        schemas: Vec::new(),
        asks: false,
        any_query: false,
        form: false,
    }
}

pub(crate) fn get(path: &'static str, summary: &'static str) -> Op {
    op("get", path, summary)
}
pub(crate) fn post(path: &'static str, summary: &'static str) -> Op {
    op("post", path, summary)
}
pub(crate) fn put(path: &'static str, summary: &'static str) -> Op {
    op("put", path, summary)
}
pub(crate) fn delete(path: &'static str, summary: &'static str) -> Op {
    op("delete", path, summary)
}

impl Op {
    /// A query parameter: name, JSON type, what it means.
    pub(crate) fn query(mut self, name: &'static str, kind: &'static str, what: &'static str) -> Self {
        self.query.push((name, kind, what));
        self
    }

    /// The two parameters of a page.
    pub(crate) fn paged(self) -> Self {
        self.query("limit", "integer", "Items at most, 1 to 500; 100 when absent").query(
            "after",
            "string",
            "`next` of the page before",
        )
    }

    pub(crate) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(self.schema::<T>());
        self
    }

    pub(crate) fn answer<T: ToSchema>(mut self) -> Self {
        self.answer = self.schema::<T>();
        self.status = 200;
        self
    }

    /// Answers a page of `T`.
    pub(crate) fn page<T: ToSchema>(mut self) -> Self {
        let item = self.schema::<T>();
        self.answer = json!({
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": {"type": "array", "items": item},
                "total": {"type": "integer", "description": "All that match, where counting is cheap"},
                "next": {"type": "string", "description": "Give it as `after` for the next page; absent on the last"},
            },
        });
        self.status = 200;
        self
    }

    /// Takes whatever parameters there are: they are another's to name.
    pub(crate) fn any_query(mut self) -> Self {
        self.any_query = true;
        self
    }

    /// Takes a form.
    pub(crate) fn form(mut self) -> Self {
        self.form = true;
        self
    }

    /// Answers nothing, with this status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Answers a document of this media type.
    pub(crate) fn media(mut self, media: &'static str) -> Self {
        self.answer = json!({"type": "string"});
        self.status = 200;
        self.media = media;
        self
    }

    /// Answers a stream of server-sent events, each of which is a `T`.
    pub(crate) fn stream<T: ToSchema>(mut self) -> Self {
        self.answer = self.schema::<T>();
        self.status = 200;
        self.media = "text/event-stream";
        self
    }

    /// May answer 202 with a request that another person must agree to. Its handler calls [`crate::four_eyes::ask`], so
    /// that a program may ask for what it may not do.
    pub(crate) fn asks(mut self) -> Self {
        self.schema::<crate::approvals::Approval>();
        self.asks = true;
        self
    }

    fn schema<T: ToSchema>(&mut self) -> Value {
        let mut nested = Vec::new();
        T::schemas(&mut nested);
        nested.push((T::name().into_owned(), T::schema()));
        for (name, schema) in nested {
            self.schemas.push((name, serde_json::to_value(schema).unwrap_or_default()));
        }
        json!({"$ref": format!("#/components/schemas/{}", T::name())})
    }

    fn document(&self, action: &str, public: bool) -> Value {
        let mut parameters: Vec<Value> = self
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        parameters.extend(self.query.iter().map(|(name, kind, what)| {
            json!({"name": name, "in": "query", "required": false, "description": what, "schema": {"type": kind}})
        }));
        let problem = json!({
            "description": "Why not, as RFC 9457 problem details",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        });
        let success = if self.answer.is_null() {
            json!({"description": "Done"})
        } else {
            json!({"description": "Done", "content": {self.media: {"schema": self.answer}}})
        };
        let mut operation = json!({
            "summary": self.summary,
            "operationId": operation_id(self.method, self.path),
            "x-permission": action,
            "parameters": parameters,
            "responses": {self.status.to_string(): success, "default": problem},
            "security": if public { json!([]) } else { json!([{"session": []}, {"bearer": []}]) },
        });
        if let Some(responses) =
            operation.get_mut("responses").and_then(Value::as_object_mut).filter(|_| self.asks)
        {
            let asked = json!({
                "description": "Asked for: another person must agree; nothing was done yet",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Approval"}}},
            });
            responses.insert("202".to_owned(), asked);
        }
        if let (true, Value::Object(map)) = (self.form, &mut operation) {
            let form = json!({"schema": {"type": "object", "additionalProperties": {"type": "string"}}});
            map.insert(
                "requestBody".to_owned(),
                json!({"required": true, "content": {"application/x-www-form-urlencoded": form}}),
            );
        }
        if let (Some(body), Value::Object(map)) = (&self.body, &mut operation) {
            map.insert(
                "requestBody".to_owned(),
                json!({"required": true, "content": {"application/json": {"schema": body}}}),
            );
        }
        operation
    }
}

fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_owned();
    for part in path.split(['/', '-']).filter(|part| !part.is_empty()) {
        let part = part.trim_matches(['{', '}']);
        let mut letters = part.chars();
        if let Some(first) = letters.next() {
            id.extend(first.to_uppercase());
            id.push_str(letters.as_str());
        }
    }
    id
}

/// The routes, the table and the document, growing together.
#[derive(Debug)]
pub(crate) struct Routes {
    router: Router<App>,
    app: App,
    table: Vec<RouteInfo>,
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Routes {
    pub(crate) fn new(app: App) -> Self {
        let mut routes =
            Self { router: Router::new(), app, table: Vec::new(), paths: Map::new(), schemas: Map::new() };
        let mut problem = op("get", "", "");
        problem.schema::<crate::dto::Problem>();
        routes.schemas.extend(problem.schemas);
        routes
    }

    /// Adds a route that only those may call who may do `A`.
    pub(crate) fn add<A: Action, H, T>(mut self, op: Op, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let path = format!("{BASE}{}", op.path);
        let asks = op.asks;
        let any = op.any_query;
        let lives = Lives::of(op.path);
        let known: Arc<[&'static str]> = op.query.iter().map(|(name, ..)| *name).collect();
        let guarded = handler
            .layer(from_fn(move |request, next| known_query(any, Arc::clone(&known), request, next)))
            .layer(from_fn_with_state(self.app.clone(), move |State(app), request, next| {
                wk_engine::record::marking(guard::<A>(app, asks, lives, request, next))
            }));
        let method = match op.method {
            "get" => axum::routing::get(guarded),
            "post" => axum::routing::post(guarded),
            "put" => axum::routing::put(guarded),
            _ => axum::routing::delete(guarded),
        };
        self.router = self.router.route(&path, method);
        let item = self.paths.entry(path.clone()).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(op.method.to_owned(), op.document(A::NAME, A::ACT.is_public()));
        }
        self.schemas.extend(op.schemas);
        self.table.push(RouteInfo { method: op.method, path, action: A::NAME });
        self
    }

    pub(crate) fn finish(self) -> (Router<App>, Vec<RouteInfo>, Value) {
        let mut paths: Vec<_> = self.paths.into_iter().collect();
        paths.sort_by(|a, b| a.0.cmp(&b.0));
        let mut schemas: Vec<_> = self.schemas.into_iter().collect();
        schemas.sort_by(|a, b| a.0.cmp(&b.0));
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Watchkeep",
                "version": "1",
                "description": "Everything the console and the command line do, they do through this. Each operation \
                                names the permission it needs in `x-permission`; what is not listed does not exist.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": paths.into_iter().collect::<Map<_, _>>(),
            "components": {
                "schemas": schemas.into_iter().collect::<Map<_, _>>(),
                "securitySchemes": {
                    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-sid"},
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "opaque",
                        "description": "A token of a person (`wk_pat_`) or of a service account (`wk_svc_`)",
                    },
                },
            },
        });
        (self.router, self.table, document)
    }
}

/// Refuses a parameter that the route does not have: a word mistyped in a filter must not list everything.
async fn known_query(any: bool, known: Arc<[&'static str]>, request: Request, next: Next) -> Response {
    if any {
        return next.run(request).await;
    }
    let query = request.uri().query().unwrap_or_default();
    let names =
        query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next().unwrap_or(pair));
    let unknown = names.into_iter().find(|name| !known.contains(name));
    let Some(unknown) = unknown.map(|name| wk_domain::text::clean_line(name, 80)) else {
        return next.run(request).await;
    };
    let takes = match known.as_ref() {
        [] => "it takes none".to_owned(),
        known => format!("it takes {}", known.join(", ")),
    };
    ApiError::BadRequest(format!("this route has no parameter `{unknown}`; {takes}")).into_response()
}

/// Lets the request through only when its actor may do `A`; a public action asks for no actor.
/// `asks`: the route's handler asks for a second person where a token is not enough.
async fn guard<A: Action>(app: App, asks: bool, lives: Lives, request: Request, next: Next) -> Response {
    // Before anybody is known: a refused sign-in names it, too.
    if let Some(subject) = request.extensions().get::<Certificate>().and_then(|it| it.subject(&*app.clients))
    {
        wk_engine::record::presented(subject);
    }
    if A::ACT.is_public() {
        if request.method() != axum::http::Method::GET && bearer::is_given(request.headers()) {
            let why = "nobody signs in, joins or proves himself with a token: send the request without one";
            return ApiError::NotByToken(why.to_owned()).into_response();
        }
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let (actor, fresh) = match auth::caller_of(&app, &parts, true).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let may = match lives {
        Lives::Server => authorize::<A, ()>(&actor, ()).map(drop),
        Lives::Account | Lives::Within => may_somewhere::<A>(&actor),
    };
    if let Err(denied) = may {
        // What is closed is closed to everybody: nothing to write down.
        if !denied.closed {
            auth::note_denial(&app, &actor, &denied).await;
        }
        return ApiError::from(denied).into_response();
    }
    if let wk_authz::Who::User { method, .. } = &actor.who
        && crate::sign::must_enrol(method)
        && !["self.manage", "self.secure"].contains(&A::NAME)
    {
        return ApiError::Enrol.into_response();
    }
    if let Err(error) = crate::policy::held_back(&app, &actor, &parts.method, parts.uri.path()) {
        return error.into_response();
    }
    if let Err(error) = crate::conditions::ask(&app, &parts, &actor, A::NAME).await {
        return error.into_response();
    }
    if wk_authz::needs_fresh_factor(A::NAME) && !fresh {
        if !matches!(actor.who, wk_authz::Who::Token { .. }) {
            return ApiError::Elevate.into_response();
        }
        if !asks {
            let why = format!(
                "{} asks for a fresh second factor, which a program has not: do it in the console",
                A::NAME
            );
            return ApiError::NotByToken(why).into_response();
        }
        wk_engine::record::needs_agreement(true);
    }
    if lives == Lives::Account {
        // Read as the handler reads it, escapes and all; what is no id leads no further.
        let id = match PathId::<wk_domain::UserKind>::from_request_parts(&mut parts, &app).await {
            Ok(PathId(id)) => id,
            Err(error) => return error.into_response(),
        };
        if let Err(error) = crate::users::within_reach::<A>(&app, &actor, id).await {
            if let ApiError::Hidden { denied, .. } | ApiError::Denied(denied) = &error {
                auth::note_denial(&app, &actor, denied).await;
            }
            return error.into_response();
        }
    }
    parts.extensions.insert(auth::Caller(actor.clone()));
    let mut answer = next.run(Request::from_parts(parts, body)).await;
    // The door lets through who may do it somewhere; the handler found that it is not here.
    if let Some(denied) = answer.extensions_mut().remove::<Denied>() {
        auth::note_denial(&app, &actor, &denied).await;
    }
    answer
}
