//! A sign-in from name and password to a person, and the walk that explains it.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use wk_domain::Timestamp;
use wk_domain::text::clean_line;
use wk_egress::Egress;
use wk_seal::SecretString;

use super::codes;
use super::config::{FindPlan, GroupsFrom, Plan, Security};
use super::conn::{Broken, Conn, Found, Way};
use super::dn::Dn;
use super::filter::{Attribute, Filter};
use super::groups::{self, Member, values};
use super::proto::{RawEntry, Scope, Search};
use super::referral::{self, Target};
use crate::guard::LockoutGuard;
use crate::name::LoginName;
use crate::server::Server;
use crate::tls::Tls;
use crate::trace::Trace;
use crate::{Denied, Person};

/// The whole of one sign-in.
const WHOLE: Duration = Duration::from_secs(12);
/// How long a server that did not answer is asked last.
const ASIDE: Duration = Duration::from_secs(60);
/// Other servers that one search is continued on.
const FOLLOWED_MAX: usize = 4;
const TIME_LIMIT_S: i32 = 5;
/// Longest texts that are taken from an entry.
const TEXT_MAX: usize = 250;

/// Who tries, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Try<'a> {
    pub(crate) guard: &'a LockoutGuard,
    pub(crate) known_browser: bool,
    pub(crate) now: Timestamp,
}

/// A directory, ready to be asked.
#[derive(Debug)]
pub(crate) struct Directory {
    plan: Plan,
    tls: Tls,
    egress: Egress,
    /// Password of the service account.
    secret: Option<SecretString>,
    /// Per server: until when it is asked last.
    aside: Mutex<Vec<Option<Instant>>>,
}

/// An entry and where it was found.
struct Located {
    entry: RawEntry,
    conn: Conn,
    server: Server,
    security: Security,
}

fn unavailable(Broken(why): Broken) -> Denied {
    Denied::Unavailable(why)
}

/// A text that nobody has guessed or will.
fn random_text() -> Result<String, Denied> {
    let mut bytes = [0u8; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Denied::Unavailable("there is no randomness".to_owned()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Directory {
    pub(crate) fn new(plan: Plan, egress: Egress, secret: Option<SecretString>) -> Result<Self, String> {
        let tls = Tls::new(plan.ca_pem.as_deref(), None)?;
        if matches!(plan.find, FindPlan::Search { .. })
            && secret.as_ref().is_none_or(|s| s.expose().is_empty())
        {
            return Err("the service account's password is not set".to_owned());
        }
        let aside = Mutex::new(vec![None; plan.servers.len()]);
        Ok(Self { plan, tls, egress, secret, aside })
    }

    fn way(&self) -> Way<'_> {
        Way { egress: &self.egress, tls: &self.tls, deadline: Instant::now() + WHOLE }
    }

    /// Servers in the order of asking: as written, those that lately did not answer last.
    fn order(&self) -> Vec<(usize, Server)> {
        let now = Instant::now();
        let aside = self.aside.lock();
        let mut order: Vec<_> = self.plan.servers.iter().cloned().enumerate().collect();
        order.sort_by_key(|(at, _)| aside.get(*at).copied().flatten().is_some_and(|until| until > now));
        order
    }

    fn put_aside(&self, at: usize, down: bool) {
        if let Some(slot) = self.aside.lock().get_mut(at) {
            *slot = down.then(|| Instant::now() + ASIDE);
        }
    }

    /// The first server that answers.
    async fn open(&self, way: Way<'_>, trace: &mut Trace) -> Result<(Conn, Server), Denied> {
        let mut failed = Denied::Unavailable("no server".to_owned());
        for (at, server) in self.order() {
            match Conn::open(way, &server, self.plan.security, trace).await {
                Ok(conn) => {
                    self.put_aside(at, false);
                    return Ok((conn, server));
                }
                Err(broken) => {
                    self.put_aside(at, true);
                    failed = unavailable(broken);
                }
            }
        }
        Err(failed)
    }

    async fn bind_service(&self, conn: &mut Conn, trace: &mut Trace) -> Result<(), Denied> {
        let title = "Sign the service account in";
        let (FindPlan::Search { bind_dn, .. }, Some(secret)) = (&self.plan.find, &self.secret) else {
            return Ok(());
        };
        let bound = conn.bind(bind_dn, secret).await.map_err(unavailable);
        let done = bound.and_then(|bound| match codes::judge(&bound) {
            Ok(()) => Ok(()),
            Err(denied @ Denied::Unavailable(_)) => Err(denied),
            Err(denied) => {
                Err(Denied::Misconfigured(format!("the directory refuses the service account: {denied}")))
            }
        });
        match &done {
            Ok(()) => trace.ok(title, clean_line(bind_dn, TEXT_MAX)),
            Err(denied) => trace.failed(title, denied.to_string()),
        }
        done
    }

    /// Attributes that are asked for.
    fn attributes(&self) -> Vec<&str> {
        let names = &self.plan.attributes;
        let mut all: Vec<&str> = vec![&names.subject, &names.name, &names.display_name, &names.mail];
        all.extend(codes::STATE_ATTRIBUTES);
        if self.plan.groups.from == GroupsFrom::MemberOf {
            all.push(&self.plan.groups.attribute);
        }
        all
    }

    async fn look(
        &self,
        conn: &mut Conn,
        base: &str,
        scope: Scope,
        filter: &Filter,
    ) -> Result<Found, Denied> {
        let search = Search {
            base,
            scope,
            filter,
            attributes: &self.attributes(),
            // One more than may be there.
            size_limit: 2,
            time_limit_s: TIME_LIMIT_S,
            page: None,
        };
        conn.search(&search, 2).await.map_err(unavailable)
    }

    /// The one entry that matches, wherever it is allowed to be. `None`: nobody is called that.
    async fn find(
        &self,
        way: Way<'_>,
        mut conn: Conn,
        server: Server,
        name: &LoginName,
        trace: &mut Trace,
    ) -> Result<(Option<Located>, Server), Denied> {
        let title = "Find the entry";
        let FindPlan::Search { base, filter, .. } = &self.plan.find else {
            return Err(Denied::Misconfigured("there is nothing to search by".to_owned()));
        };
        let filter = filter.fill(name.as_str());
        let found = self.look(&mut conn, base, Scope::Subtree, &filter).await;
        let found = found.inspect_err(|denied| trace.failed(title, denied.to_string()))?;
        let base_dn = Dn::parse(base);
        let mut located = Vec::new();
        let mut references = found.references;
        self.sort_out(&found.outcome, &mut references)
            .inspect_err(|denied| trace.failed(title, denied.to_string()))?;
        let first_server = server.clone();
        let mut here = Some((conn, server));
        for entry in found.entries {
            let below =
                Dn::parse(&entry.dn).zip(base_dn.as_ref()).is_some_and(|(dn, base)| dn.is_below(base));
            if !below {
                let denied =
                    Denied::Unsound("the directory gives an entry from outside of the base".to_owned());
                trace.failed(title, denied.to_string());
                return Err(denied);
            }
            located.push((entry, here.take()));
        }
        let mut places = 1;
        let mut ignored = 0;
        let mut elsewhere = Vec::new();
        for reference in references {
            match referral::parse(&reference)
                .filter(|target| referral::allowed(target, &self.plan.referrals_to))
            {
                Some(target) if elsewhere.len() < FOLLOWED_MAX => elsewhere.push(target),
                _ => ignored += 1,
            }
        }
        let mut there = Vec::new();
        for target in elsewhere {
            places += 1;
            let (conn, entries) = self.follow(way, &target, base, &filter, trace).await?;
            let mut conn = Some(conn);
            for entry in entries {
                there.push((entry, conn.take(), target.clone()));
            }
        }
        let count = located.len() + there.len();
        let mut detail = format!("{filter} under {base} matches {count} on {places} server(s)");
        if ignored > 0 {
            detail.push_str(&format!(
                "; {ignored} reference(s) to other servers not followed (follow_referrals_to names none of them)"
            ));
        }
        if count > 1 {
            detail.push_str("; it must be exactly one: make the filter or the base narrower");
            trace.failed(title, &detail);
            return Err(Denied::Wrong(detail));
        }
        let one = match (located.pop(), there.pop()) {
            (Some((entry, Some((conn, server)))), _) => {
                Some(Located { entry, conn, server, security: self.plan.security })
            }
            (None, Some((entry, Some(conn), target))) => {
                Some(Located { entry, conn, server: target.server, security: target.security })
            }
            _ => None,
        };
        match &one {
            Some(one) => trace.ok(title, format!("{detail}: {}", one.entry.dn)),
            None => trace.failed(title, detail),
        }
        Ok((one, first_server))
    }

    /// What a search's end means. Referrals of the whole search join those of its parts.
    fn sort_out(
        &self,
        outcome: &Option<super::proto::Outcome>,
        references: &mut Vec<String>,
    ) -> Result<(), Denied> {
        match outcome {
            // Two matched and more were left out: the caller sees two.
            Some(outcome) if matches!(outcome.code, 0 | 4) => Ok(()),
            Some(outcome) if outcome.code == 10 => {
                references.extend(outcome.referrals.iter().take(1).cloned());
                Ok(())
            }
            Some(outcome) if matches!(outcome.code, 3 | 51 | 52) => {
                Err(Denied::Unavailable(codes::text(outcome)))
            }
            Some(outcome) => Err(Denied::Misconfigured(format!(
                "the directory refuses the search: {}",
                codes::text(outcome)
            ))),
            None => Err(Denied::Unavailable("the search has no end".to_owned())),
        }
    }

    async fn follow(
        &self,
        way: Way<'_>,
        target: &Target,
        base: &str,
        filter: &Filter,
        trace: &mut Trace,
    ) -> Result<(Conn, Vec<RawEntry>), Denied> {
        let mut conn = Conn::open(way, &target.server, target.security, trace).await.map_err(unavailable)?;
        self.bind_service(&mut conn, trace).await?;
        let base = target.base.as_deref().unwrap_or(base);
        let found = self.look(&mut conn, base, Scope::Subtree, filter).await?;
        // Once is enough: from there it is not followed further.
        self.sort_out(&found.outcome, &mut Vec::new())?;
        Ok((conn, found.entries))
    }

    /// Lets the directory judge the password, on a connection of its own.
    async fn prove(
        &self,
        way: Way<'_>,
        at: (&Server, Security),
        dn: &str,
        password: &SecretString,
        trace: &mut Trace,
    ) -> Result<Conn, Denied> {
        let mut conn = Conn::open(way, at.0, at.1, trace).await.map_err(unavailable)?;
        let bound = conn.bind(dn, password).await.map_err(unavailable)?;
        codes::judge(&bound)?;
        Ok(conn)
    }

    fn subject(&self, entry: &RawEntry) -> Result<String, Denied> {
        let name = &self.plan.attributes.subject;
        let found = values(entry, name)?;
        let [value] = &found[..] else {
            return Err(Denied::Misconfigured(format!(
                "the entry has {} values of {name}, and one is needed: is it the right attribute for this directory, and \
                 may it be read?",
                found.len()
            )));
        };
        if name.eq_ignore_ascii_case("objectGUID") {
            return guid(value).ok_or_else(|| {
                Denied::Misconfigured("objectGUID has not 16 bytes: this is not Active Directory".to_owned())
            });
        }
        let text = std::str::from_utf8(value).ok().filter(|text| {
            (8..=TEXT_MAX).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
        });
        text.map(str::to_owned).ok_or_else(|| {
            Denied::Misconfigured(format!("{name} is not the kind of text that identifies an entry for ever"))
        })
    }

    fn text(&self, entry: &RawEntry, name: &str) -> String {
        let found = values(entry, name).unwrap_or_default();
        found.first().map(|raw| clean_line(raw, TEXT_MAX)).unwrap_or_default()
    }

    fn checked_dn<'a>(&self, entry: &'a RawEntry) -> Result<&'a str, Denied> {
        match Dn::parse(&entry.dn) {
            Some(dn) if !dn.is_empty() => Ok(&entry.dn),
            _ => Err(Denied::Unsound("the directory gives an entry without a proper name".to_owned())),
        }
    }

    /// The account's own flags, and the groups.
    async fn finish(
        &self,
        conn: &mut Conn,
        entry: &RawEntry,
        name: &LoginName,
        now: Timestamp,
        trace: &mut Trace,
    ) -> Result<Person, Denied> {
        self.state(entry, now, trace)?;
        let names = &self.plan.attributes;
        let subject = self.subject(entry)?;
        let login = self.text(entry, &names.name);
        let member = Member {
            dn: &entry.dn,
            name: if login.is_empty() { name.as_str() } else { &login },
            member_of: values(entry, &self.plan.groups.attribute)?,
        };
        let groups = groups::of(conn, &self.plan.groups, &member, trace).await?;
        Ok(Person {
            subject,
            name: if login.is_empty() { name.as_str().to_owned() } else { login.clone() },
            display_name: self.text(entry, &names.display_name),
            mail: self.text(entry, &names.mail),
            groups,
            second_factor: false,
        })
    }

    fn state(&self, entry: &RawEntry, now: Timestamp, trace: &mut Trace) -> Result<(), Denied> {
        let value = |name: &str| {
            entry
                .attributes
                .iter()
                .find(|(known, _)| known == name)
                .and_then(|(_, all)| all.first())
                .map(Vec::as_slice)
        };
        match codes::state(value, now) {
            None => Ok(()),
            Some(state) => {
                trace.failed("Look at the account", state.to_string());
                Err(Denied::Account(state))
            }
        }
    }

    /// Whether name and password are right, and who that is.
    pub(crate) async fn sign_in(
        &self,
        name: &LoginName,
        password: &SecretString,
        by: Try<'_>,
        trace: &mut Trace,
    ) -> Result<Person, Denied> {
        if !password_fits(password) {
            return Err(Denied::Wrong("no such password can be anybody's".to_owned()));
        }
        let way = self.way();
        let (mut conn, server) = self.open(way, trace).await?;
        if let FindPlan::Template(template) = &self.plan.find {
            let dn = template.fill(name.as_str());
            let key = Dn::parse(&dn).map(|dn| dn.normal()).unwrap_or_else(|| dn.clone());
            let bound = self.guarded(by, &key, async {
                let bound = conn.bind(&dn, password).await.map_err(unavailable)?;
                codes::judge(&bound)
            });
            bound.await.inspect_err(|denied| {
                trace.failed("Let the directory judge the password", denied.to_string())
            })?;
            trace.ok("Let the directory judge the password", "it is right");
            let found = self.look(&mut conn, &dn, Scope::Base, &everything()?).await?;
            let [entry] = &found.entries[..] else {
                let why = "the person may not read the own entry: let them, or use a service account";
                return Err(Denied::Misconfigured(why.to_owned()));
            };
            let person = self.finish(&mut conn, entry, name, by.now, trace).await;
            conn.close().await;
            return person;
        }
        self.bind_service(&mut conn, trace).await?;
        let (found, server) = self.find(way, conn, server, name, trace).await?;
        let Some(mut found) = found else {
            self.pretend(way, &server).await;
            return Err(Denied::Wrong("nobody is called that".to_owned()));
        };
        let subject = self.subject(&found.entry)?;
        let dn = self.checked_dn(&found.entry)?;
        let at = (&found.server, found.security);
        let title = "Let the directory judge the password";
        let proved = self.guarded(by, &subject, self.prove(way, at, dn, password, trace)).await;
        let own = proved.inspect_err(|denied| trace.failed(title, denied.to_string()))?;
        trace.ok(title, "it is right");
        own.close().await;
        let person = self.finish(&mut found.conn, &found.entry, name, by.now, trace).await;
        found.conn.close().await;
        person
    }

    /// Asks only while the directory would not lock the account for it.
    async fn guarded<T>(
        &self,
        by: Try<'_>,
        account: &str,
        ask: impl Future<Output = Result<T, Denied>>,
    ) -> Result<T, Denied> {
        if !by.guard.admit(&self.plan.protection, account, by.known_browser, by.now) {
            return Err(Denied::Held);
        }
        let done = ask.await;
        match &done {
            Ok(_) => by.guard.succeeded(account),
            Err(Denied::Unavailable(_) | Denied::Misconfigured(_)) => by.guard.withdrawn(account),
            Err(_) => {}
        }
        done
    }

    /// Does for an unknown name what is done for a known one, so that it takes as long.
    async fn pretend(&self, way: Way<'_>, server: &Server) {
        let FindPlan::Search { base, .. } = &self.plan.find else { return };
        let (Ok(nobody), Ok(nothing)) = (random_text(), random_text()) else { return };
        let dn = format!("cn={nobody},{base}");
        let nothing = SecretString::new(nothing);
        let _ = self.prove(way, (server, self.plan.security), &dn, &nothing, &mut Trace::default()).await;
    }

    /// Every server, the service account, the bases.
    pub(crate) async fn walk(&self, trace: &mut Trace) {
        let way = self.way();
        for server in &self.plan.servers {
            let Ok(mut conn) = Conn::open(way, server, self.plan.security, trace).await else { continue };
            let FindPlan::Search { base, .. } = &self.plan.find else {
                trace.ok(
                    "Find the entry",
                    "by the template; what the person's own rights show is seen at a sign-in",
                );
                conn.close().await;
                continue;
            };
            if self.bind_service(&mut conn, trace).await.is_ok() {
                self.look_at_base(&mut conn, "Look at where people are", base, trace).await;
                if !self.plan.groups.base.is_empty() {
                    self.look_at_base(&mut conn, "Look at where groups are", &self.plan.groups.base, trace)
                        .await;
                }
                self.refuse_nonsense(way, server, base, trace).await;
            }
            conn.close().await;
        }
    }

    async fn look_at_base(&self, conn: &mut Conn, title: &str, base: &str, trace: &mut Trace) {
        let Ok(filter) = everything() else { return };
        let found = self.look(conn, base, Scope::Base, &filter).await;
        match found
            .and_then(|found| self.sort_out(&found.outcome, &mut Vec::new()).map(|()| found.entries.len()))
        {
            Ok(1..) => trace.ok(title, base),
            Ok(0) => {
                trace.failed(title, format!("{base} is not there, or the service account may not see it"))
            }
            Err(denied) => trace.failed(title, format!("{base}: {denied}")),
        }
    }

    /// A directory that lets anybody in would let everybody in here.
    async fn refuse_nonsense(&self, way: Way<'_>, server: &Server, base: &str, trace: &mut Trace) {
        let title = "Try a name that nobody has";
        let (Ok(nobody), Ok(nothing)) = (random_text(), random_text()) else { return };
        let dn = format!("cn={nobody},{base}");
        let nothing = SecretString::new(nothing);
        match self.prove(way, (server, self.plan.security), &dn, &nothing, &mut Trace::default()).await {
            Ok(_) => trace.failed(
                title,
                "the directory let it in! It takes any password; do not use it for signing in",
            ),
            Err(denied) => trace.ok(title, format!("refused, as it must be: {denied}")),
        }
    }

    /// As [`Self::sign_in`] for the test: without a password, everything but the password.
    pub(crate) async fn walk_as(
        &self,
        name: &LoginName,
        password: Option<&SecretString>,
        by: Try<'_>,
        trace: &mut Trace,
    ) -> Result<Person, Denied> {
        if let Some(password) = password {
            return self.sign_in(name, password, by, trace).await;
        }
        let way = self.way();
        let (mut conn, server) = self.open(way, trace).await?;
        if matches!(self.plan.find, FindPlan::Template(_)) {
            return Err(Denied::Wrong(
                "a template needs the person's password: nothing else can be asked".to_owned(),
            ));
        }
        self.bind_service(&mut conn, trace).await?;
        let (found, _) = self.find(way, conn, server, name, trace).await?;
        let Some(mut found) = found else { return Err(Denied::Wrong("nobody is called that".to_owned())) };
        let person = self.finish(&mut found.conn, &found.entry, name, by.now, trace).await;
        found.conn.close().await;
        person
    }
}

/// A filter that every entry matches.
fn everything() -> Result<Filter, Denied> {
    let attribute =
        Attribute::parse("objectClass").ok_or_else(|| Denied::Unsound("objectClass".to_owned()))?;
    Ok(Filter::Present(attribute))
}

/// Not empty (a bind without password succeeds for anybody), not endless, without NUL (some servers stop reading there).
pub(crate) fn password_fits(password: &SecretString) -> bool {
    let raw = password.expose();
    (1..=512).contains(&raw.len()) && !raw.contains('\0')
}

/// As Active Directory's own tools write it: the first three parts are little-endian.
fn guid(raw: &[u8]) -> Option<String> {
    let b: &[u8; 16] = raw.try_into().ok()?;
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut out = String::with_capacity(36);
    for (at, index) in order.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{:02x}", b[index]));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_guids_read_as_in_active_directory() {
        let raw: Vec<u8> = (0..16).collect();
        assert_eq!(guid(&raw).as_deref(), Some("03020100-0504-0706-0809-0a0b0c0d0e0f"));
        assert_eq!(guid(&raw[..15]), None);
    }

    #[test]
    fn passwords_that_prove_nothing_are_never_sent() {
        let fits = |raw: &str| password_fits(&SecretString::new(raw.to_owned()));
        assert!(fits("x") && fits(" "));
        assert!(!fits("") && !fits("a\0b") && !fits(&"x".repeat(513)));
    }
}
