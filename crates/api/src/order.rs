//! The order that somebody asked a list for: `host`, or `-host` from the other end.
//!
//! Lists are ordered here and not by whoever reads them, because half a million checks are read a page at a time.
//! Rows that are equal in what was asked for stay in the order the list has by itself.

use std::cmp::Ordering;

use wk_domain::{CheckId, HostId, Timestamp};
use wk_engine::world::World;

use crate::dto::CheckStatus;
use crate::error::ApiError;
use crate::view;

/// What checks can be ordered by.
const CHECKS: [&str; 8] = ["state", "host", "check", "since", "handled", "checked", "attempt", "kind"];
/// What hosts can be ordered by, beside `field.NAME`.
const HOSTS: [&str; 6] = ["state", "name", "problems", "agent", "os", "seen"];

/// What one row is compared by.
type Key = (i64, String);

/// Orders checks: as asked for, else worst first.
pub(crate) fn checks(
    world: &World,
    ids: &mut [CheckId],
    now: Timestamp,
    asked: Option<&str>,
) -> Result<(), ApiError> {
    let asked = Asked::parse(asked, |key| CHECKS.contains(&key), &CHECKS.join(", "))?;
    view::sort(world, ids, now);
    let Some(asked) = asked else { return Ok(()) };
    asked.sort(ids, |id| {
        let Some(entry) = world.checks.get(id) else { return (i64::MAX, String::new()) };
        let (check, state) = (&entry.row.check, &entry.state.state);
        let ms = |at: Option<Timestamp>| (at.map_or(0, Timestamp::as_ms), String::new());
        match asked.key {
            "state" => (rank(view::status(state.status)), String::new()),
            "host" => (0, world.hosts.get(&check.host).map(|host| host.name.clone()).unwrap_or_default()),
            "check" => (0, check.title.to_lowercase()),
            "since" => ms(state.since),
            "checked" => ms(state.last_checked),
            "handled" => {
                let handled = state.ack_at(now).is_some() || world.in_downtime(*id, check.host, now);
                (i64::from(handled), String::new())
            }
            "attempt" => (i64::from(state.attempt), String::new()),
            _ => (0, check.kind.as_str().to_owned()),
        }
    });
    Ok(())
}

/// Orders hosts: as asked for, else by name.
pub(crate) fn hosts(
    world: &World,
    ids: &mut [HostId],
    now: Timestamp,
    asked: Option<&str>,
) -> Result<(), ApiError> {
    let known = |key: &str| HOSTS.contains(&key) || key.strip_prefix("field.").is_some_and(|f| !f.is_empty());
    let asked = Asked::parse(asked, known, &format!("{}, field.NAME", HOSTS.join(", ")))?;
    let name = |id: &HostId| world.hosts.get(id).map(|host| host.name.as_str()).unwrap_or_default();
    ids.sort_unstable_by(|a, b| name(a).cmp(name(b)).then_with(|| a.cmp(b)));
    let Some(asked) = asked else { return Ok(()) };
    asked.sort(ids, |id| {
        if asked.key == "name" {
            return (0, name(id).to_owned());
        }
        let Some(host) = view::host(world, *id, now) else { return (i64::MAX, String::new()) };
        let number = |value: i64| (value, String::new());
        match asked.key {
            "state" => number(rank(host.status)),
            // A critical problem outweighs any number of lesser ones.
            "problems" => number(
                (i64::from(host.problems.critical) << 40)
                    + (i64::from(host.problems.warning) << 20)
                    + i64::from(host.problems.unknown),
            ),
            "agent" => number(i64::from(host.agent.is_some()) + i64::from(host.connected)),
            "os" => (0, host.os.to_lowercase()),
            "seen" => (0, host.last_seen_at.unwrap_or_default()),
            field => {
                let field = field.strip_prefix("field.").unwrap_or_default();
                (0, host.fields.get(field).map(|value| value.to_lowercase()).unwrap_or_default())
            }
        }
    });
    Ok(())
}

struct Asked<'a> {
    key: &'a str,
    descending: bool,
}

impl<'a> Asked<'a> {
    fn parse(
        raw: Option<&'a str>,
        known: impl Fn(&str) -> bool,
        all: &str,
    ) -> Result<Option<Self>, ApiError> {
        let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(None) };
        let key = raw.strip_prefix('-').unwrap_or(raw);
        if known(key) {
            return Ok(Some(Self { key, descending: key.len() < raw.len() }));
        }
        let shown = wk_domain::text::clean_line(key, 60);
        Err(ApiError::field("/sort", format!("`{shown}` is nothing to order by; use {all}")))
    }

    fn sort<T>(&self, ids: &mut [T], key: impl Fn(&T) -> Key) {
        // Turned round before and after: equal rows keep their order from either end.
        if self.descending {
            ids.reverse();
        }
        ids.sort_by_cached_key(|id| Natural(key(id)));
        if self.descending {
            ids.reverse();
        }
    }
}

/// Compares text as people count: `web-9` before `web-10`.
#[derive(PartialEq, Eq)]
struct Natural(Key);

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.0.cmp(&other.0.0).then_with(|| natural(&self.0.1, &other.0.1))
    }
}

fn natural(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let (a_digits, b_digits) = (digits(a_rest), digits(b_rest));
        if !a_digits.is_empty() && !b_digits.is_empty() {
            let (x, y) = (a_digits.trim_start_matches('0'), b_digits.trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order != Ordering::Equal {
                return order;
            }
            a_rest = &a_rest[a_digits.len()..];
            b_rest = &b_rest[b_digits.len()..];
            continue;
        }
        let (mut a_chars, mut b_chars) = (a_rest.chars(), b_rest.chars());
        match (a_chars.next(), b_chars.next()) {
            // `07` and `7` count the same: the text itself decides, so that equal means the same text.
            (None, None) => return a.cmp(b),
            (x, y) if x == y => (a_rest, b_rest) = (a_chars.as_str(), b_chars.as_str()),
            (x, y) => return x.cmp(&y),
        }
    }
}

fn digits(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())]
}

fn rank(status: CheckStatus) -> i64 {
    match status {
        CheckStatus::Critical => 0,
        CheckStatus::Warning => 1,
        CheckStatus::Unknown => 2,
        CheckStatus::Pending => 3,
        CheckStatus::Ok => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_counted() {
        let mut names = ["web-10", "web-9", "web-09", "db", "web-9a", "", "web-100"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["", "db", "web-09", "web-9", "web-9a", "web-10", "web-100"]);
    }

    #[test]
    fn equal_rows_keep_their_order_from_either_end() {
        let rows = [(1, 'a'), (0, 'b'), (1, 'c'), (0, 'd')];
        for (raw, expected) in [("x", "bdac"), ("-x", "acbd")] {
            let asked = Asked::parse(Some(raw), |key| key == "x", "x");
            let mut rows = rows;
            asked
                .ok()
                .flatten()
                .unwrap_or(Asked { key: "", descending: false })
                .sort(&mut rows, |row| (row.0, String::new()));
            assert_eq!(rows.iter().map(|row| row.1).collect::<String>(), expected, "{raw}");
        }
    }
}
