//! Groups of a person, and groups of groups: breadth first, each once, with an end.
//!
//! Whatever cannot be read to its end lets nobody in: a group that is left out could be the one that forbids.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::codes;
use super::config::{GroupsFrom, GroupsPlan, NamedBy, Nested};
use super::conn::{Broken, Conn, Found};
use super::dn::Dn;
use super::filter::{Attribute, Filter};
use super::proto::{RawEntry, Scope, Search};
use crate::Denied;
use crate::trace::Trace;

/// Active Directory: follows membership through groups by itself.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// Entries in a page.
const PAGE: i32 = 200;
/// Pages of one search; empty ones count, too.
const PAGES_MAX: usize = 64;
/// Groups that one search asks about.
const TOGETHER: usize = 20;
/// Names of groups that the walk shows.
const SHOWN_MAX: usize = 12;
const TIME_LIMIT_S: i32 = 5;

/// Who the person is, as groups name members.
pub(crate) struct Member<'a> {
    pub(crate) dn: &'a str,
    /// For `memberUid`.
    pub(crate) name: &'a str,
    /// Values of the attribute that names groups.
    pub(crate) member_of: Vec<Vec<u8>>,
}

/// The names of all groups that count, sorted.
pub(crate) async fn of(
    conn: &mut Conn,
    plan: &GroupsPlan,
    member: &Member<'_>,
    trace: &mut Trace,
) -> Result<Vec<String>, Denied> {
    let title = "Read groups";
    if plan.from == GroupsFrom::Nothing {
        trace.ok(title, "groups are not read; only the rule for everybody (*) can match");
        return Ok(Vec::new());
    }
    let mut walk = Walk { conn, plan, known: BTreeMap::new(), searches: 0, references: 0 };
    match walk.run(member).await {
        Ok(()) => {}
        Err(denied) => {
            trace.failed(title, denied.to_string());
            return Err(denied);
        }
    }
    let (searches, references) = (walk.searches, walk.references);
    let names: BTreeSet<String> = walk
        .known
        .values()
        .filter(|dn| dn.is_below(&plan.base_dn))
        .filter_map(|dn| match plan.named_by {
            NamedBy::Dn => Some(dn.normal()),
            NamedBy::Name => dn.first_value().map(|name| name.trim().to_lowercase()),
        })
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let mut detail = format!("{} of {} groups count, by {searches} searches", names.len(), walk.known.len());
    if !names.is_empty() {
        let shown: Vec<&str> = names.iter().take(SHOWN_MAX).map(String::as_str).collect();
        detail.push_str(": ");
        detail.push_str(&shown.join(" | "));
        if names.len() > shown.len() {
            detail.push_str(" | ...");
        }
    }
    if references > 0 {
        detail.push_str(&format!("; {references} references to other servers were not followed"));
    }
    trace.ok(title, detail);
    Ok(names)
}

struct Walk<'a> {
    conn: &'a mut Conn,
    plan: &'a GroupsPlan,
    /// By normal form.
    known: BTreeMap<String, Dn>,
    searches: usize,
    references: usize,
}

fn broken(Broken(why): Broken) -> Denied {
    Denied::Unavailable(why)
}

impl Walk<'_> {
    async fn run(&mut self, member: &Member<'_>) -> Result<(), Denied> {
        let mut level = match self.plan.from {
            GroupsFrom::Nothing => return Ok(()),
            GroupsFrom::MemberOf => self.take(&member.member_of)?,
            GroupsFrom::Search => {
                let filter = self.members_filter(&[member.dn.to_owned()], Some(member.name))?;
                let found = self.search(&filter).await?;
                self.take_entries(found)?
            }
        };
        if self.plan.nested != Nested::Walk {
            return Ok(());
        }
        for _ in 1..=self.plan.depth_max {
            if level.is_empty() {
                return Ok(());
            }
            let mut next = Vec::new();
            match self.plan.from {
                GroupsFrom::Search => {
                    for some in level.chunks(TOGETHER) {
                        let filter = self.members_filter(some, None)?;
                        let found = self.search(&filter).await?;
                        next.extend(self.take_entries(found)?);
                    }
                }
                GroupsFrom::MemberOf | GroupsFrom::Nothing => {
                    for group in &level {
                        let values = self.read(group).await?;
                        next.extend(self.take(&values)?);
                    }
                }
            }
            level = next;
        }
        if level.is_empty() {
            return Ok(());
        }
        Err(Denied::Unsound(format!(
            "groups are nested deeper than {} levels (groups.depth_max)",
            self.plan.depth_max
        )))
    }

    /// Groups that name any of `dns`, or `name`, as members.
    fn members_filter(&self, dns: &[String], name: Option<&str>) -> Result<Filter, Denied> {
        let mut any = Vec::new();
        for attribute in &self.plan.member_attributes {
            let by_name = attribute.as_str().eq_ignore_ascii_case("memberUid");
            match (by_name, name) {
                (true, Some(name)) => any.push(Filter::Equal(attribute.clone(), name.as_bytes().to_vec())),
                (true, None) => {}
                (false, _) => {
                    any.extend(dns.iter().map(|dn| self.member(attribute, dn)));
                }
            }
        }
        if any.is_empty() {
            // Only memberUid is asked for, and groups have no login name.
            any.push(Filter::Not(Box::new(Filter::Or(vec![Filter::Present(objectclass()?)]))));
        }
        Ok(Filter::And(vec![self.plan.filter.fill(""), Filter::Or(any)]))
    }

    fn member(&self, attribute: &Attribute, dn: &str) -> Filter {
        let value = dn.as_bytes().to_vec();
        if self.plan.nested == Nested::InChain {
            return Filter::Rule(attribute.clone(), IN_CHAIN.to_owned(), value);
        }
        Filter::Equal(attribute.clone(), value)
    }

    /// All pages.
    async fn search(&mut self, filter: &Filter) -> Result<Vec<RawEntry>, Denied> {
        let mut cookie = Vec::new();
        let mut entries = Vec::new();
        for _ in 0..PAGES_MAX {
            let search = Search {
                base: &self.plan.base,
                scope: Scope::Subtree,
                filter,
                // No attribute at all (RFC 4511, 4.5.1.8): the name is what is wanted.
                attributes: &["1.1"],
                size_limit: 0,
                time_limit_s: TIME_LIMIT_S,
                page: Some((PAGE, &cookie)),
            };
            self.searches += 1;
            let Found { entries: some, references, outcome, cookie: next } =
                self.conn.search(&search, self.plan.count_max + 1).await.map_err(broken)?;
            self.references += references.len();
            entries.extend(some);
            if entries.len() > self.plan.count_max {
                return Err(self.too_many());
            }
            match outcome {
                Some(outcome) if outcome.code == 0 => {}
                Some(outcome) if matches!(outcome.code, 3 | 4 | 11) => {
                    return Err(Denied::Unsound(format!(
                        "the directory cuts the list of groups: {}",
                        codes::text(&outcome)
                    )));
                }
                Some(outcome) => {
                    return Err(Denied::Misconfigured(format!(
                        "groups cannot be searched at {}: {}",
                        self.plan.base,
                        codes::text(&outcome)
                    )));
                }
                None => return Err(Denied::Unavailable("the search for groups has no end".to_owned())),
            }
            if next.is_empty() {
                return Ok(entries);
            }
            cookie = next;
        }
        Err(Denied::Unsound("the list of groups has no end".to_owned()))
    }

    /// The groups of a group.
    async fn read(&mut self, dn: &str) -> Result<Vec<Vec<u8>>, Denied> {
        let filter = Filter::Present(objectclass()?);
        let search = Search {
            base: dn,
            scope: Scope::Base,
            filter: &filter,
            attributes: &[&self.plan.attribute],
            size_limit: 1,
            time_limit_s: TIME_LIMIT_S,
            page: None,
        };
        self.searches += 1;
        let found = self.conn.search(&search, 1).await.map_err(broken)?;
        match found.outcome {
            Some(outcome) if outcome.code == 0 => {}
            // A group that may not be read or is elsewhere leads nowhere.
            Some(outcome) if matches!(outcome.code, 10 | 32 | 50) => return Ok(Vec::new()),
            Some(outcome) => return Err(Denied::Unavailable(codes::text(&outcome))),
            None => return Err(Denied::Unavailable("the search has no end".to_owned())),
        }
        match found.entries.first() {
            Some(entry) => values(entry, &self.plan.attribute),
            None => Ok(Vec::new()),
        }
    }

    fn too_many(&self) -> Denied {
        Denied::Unsound(format!(
            "the person is in more than {} groups (groups.count_max)",
            self.plan.count_max
        ))
    }

    fn take_entries(&mut self, entries: Vec<RawEntry>) -> Result<Vec<String>, Denied> {
        let dns: Vec<Vec<u8>> = entries.into_iter().map(|entry| entry.dn.into_bytes()).collect();
        self.take(&dns)
    }

    /// Keeps those that are new, and gives them back.
    fn take(&mut self, dns: &[Vec<u8>]) -> Result<Vec<String>, Denied> {
        let mut fresh = Vec::new();
        for raw in dns {
            let text = std::str::from_utf8(raw).ok();
            let dn = text.and_then(Dn::parse).filter(|dn| !dn.is_empty());
            let (Some(text), Some(dn)) = (text, dn) else {
                return Err(Denied::Unsound("a group has a name that cannot be read".to_owned()));
            };
            let normal = dn.normal();
            if let Entry::Vacant(new) = self.known.entry(normal) {
                new.insert(dn);
                fresh.push(text.to_owned());
            }
            if self.known.len() > self.plan.count_max {
                return Err(self.too_many());
            }
        }
        Ok(fresh)
    }
}

fn objectclass() -> Result<Attribute, Denied> {
    Attribute::parse("objectClass").ok_or_else(|| Denied::Unsound("objectClass".to_owned()))
}

/// Values of an attribute; an error when the directory gives only some of them (Active Directory's ranges).
pub(crate) fn values(entry: &RawEntry, name: &str) -> Result<Vec<Vec<u8>>, Denied> {
    let name = name.to_ascii_lowercase();
    if entry.attributes.iter().any(|(known, _)| known.starts_with(&format!("{name};range="))) {
        return Err(Denied::Unsound(format!("the directory gives only a part of the values of {name}")));
    }
    let found = entry.attributes.iter().filter(|(known, _)| *known == name);
    Ok(found.flat_map(|(_, values)| values.iter().cloned()).collect())
}
