//! LDAP: finds a person's entry, lets the directory judge the password, and reads groups.
//!
//! Only in TLS with a verified name. Nothing typed becomes text of a filter; a password is never sent empty; exactly one
//! entry must match; the account here hangs on an attribute that never changes.

mod ber;
mod codes;
mod config;
mod conn;
mod directory;
mod dn;
mod filter;
mod groups;
mod kind;
mod proto;
mod referral;

pub use config::{AttributeNames, Find, Groups, GroupsFrom, LdapConfig, NamedBy, Nested, Security};
pub use kind::LdapKind;
pub(crate) use kind::{outside, refusal};

/// For fuzzing: everything that reads what others wrote.
pub(crate) fn exercise(bytes: &[u8]) {
    let _ = ber::header(bytes);
    if let Ok(message) = proto::message(bytes)
        && let proto::Said::Entry(entry) = message.said
    {
        let _ = dn::Dn::parse(&entry.dn).map(|dn| dn.normal());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(dn) = dn::Dn::parse(text) {
        let normal = dn.normal();
        let again = dn::Dn::parse(&normal).map(|dn| dn.normal());
        // Escaped, it may be longer than what is read.
        let whole = normal.len() <= dn::DN_MAX;
        assert!(!whole || again.as_ref() == Some(&normal), "one name, two normal forms: {normal}");
    }
    if let Ok(template) = filter::Template::parse(text) {
        let filled = template.fill("*)(x=\\2a");
        let shown = filter::Template::parse(&filled.to_string());
        assert_eq!(shown.map(|shown| shown.fill("")), Ok(filled), "a filter that is shown as another");
    }
    let _ = referral::parse(text);
    let _ = text.parse::<crate::LoginName>();
}
