//! How a directory is reached and read, as an operator writes it. No secret in it: the service account's password is kept
//! apart.

use serde::{Deserialize, Serialize};
use wk_egress::RemoteHost;

use super::dn::{Dn, DnTemplate};
use super::filter::{Attribute, Template};
use crate::server::{self, Server};
use crate::tls;
use crate::{ConfigError, GuardConfig};

/// How the connection is protected. There is no third way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte, port 636.
    #[default]
    Ldaps,
    /// TLS on port 389, asked for before anything else is said.
    Starttls,
}

/// The configuration of a provider of kind `ldap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapConfig {
    /// Host names, with `:port` if it is not the usual one; the next is asked when one does not answer.
    pub servers: Vec<String>,
    #[serde(default)]
    pub security: Security,
    /// The only authorities that count, in PEM. Without: those of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// How a name becomes an entry.
    pub find: Find,
    #[serde(default)]
    pub attributes: AttributeNames,
    #[serde(default)]
    pub groups: Groups,
    /// Servers to which a referral may lead. The service account signs in there, too.
    #[serde(default)]
    pub follow_referrals_to: Vec<String>,
    /// Keeps the directory from locking accounts because of failures that come through here.
    #[serde(default)]
    pub protection: GuardConfig,
}

/// How a name becomes an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Find {
    /// A service account looks for it.
    Search {
        /// Name of the service account.
        bind_dn: String,
        /// Where people are.
        base: String,
        /// With `{name}`; exactly one entry must match.
        filter: String,
    },
    /// It follows from the name: `uid={name},ou=people,dc=corp,dc=example`. No service account; the person's own
    /// rights read attributes and groups.
    Template { dn: String },
}

/// Which attribute says what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeNames {
    /// Never changes and is never given to somebody else: `entryUUID` (OpenLDAP), `objectGUID` (Active Directory),
    /// `nsUniqueId` (389), `ipaUniqueID` (FreeIPA).
    pub subject: String,
    pub name: String,
    pub display_name: String,
    pub mail: String,
}

impl Default for AttributeNames {
    fn default() -> Self {
        let of = str::to_owned;
        Self { subject: of("entryUUID"), name: of("uid"), display_name: of("cn"), mail: of("mail") }
    }
}

/// Where groups are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupsFrom {
    /// Nowhere: only the rule for everybody can match.
    #[default]
    Nothing,
    /// The person's own entry names them.
    MemberOf,
    /// Groups name their members.
    Search,
}

/// Groups within groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nested {
    /// Only groups that name the person.
    #[default]
    Direct,
    /// Level by level.
    Walk,
    /// Active Directory finds all levels by itself (LDAP_MATCHING_RULE_IN_CHAIN).
    InChain,
}

/// What a group is called in the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedBy {
    /// Its whole distinguished name, in lower case without spaces after commas.
    #[default]
    Dn,
    /// Its first value, in lower case. Needs a base: elsewhere, others might make groups of the same name.
    Name,
}

/// Groups of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Groups {
    pub from: GroupsFrom,
    /// Groups outside of it do not count. Needed for searching.
    pub base: String,
    /// For `member_of`: the attribute of entries that names their groups.
    pub attribute: String,
    /// For `search`: what a group is.
    pub filter: String,
    /// For `search`: attributes in which groups name members: by distinguished name; `memberUid` by the login name.
    pub member_attributes: Vec<String>,
    pub nested: Nested,
    pub named_by: NamedBy,
    /// Levels of groups in groups: 1 to 20.
    pub depth_max: usize,
    /// Groups of one person: 1 to 2000. With more, nobody is let in: the one that is left out could be the one that
    /// forbids.
    pub count_max: usize,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            from: GroupsFrom::Nothing,
            base: String::new(),
            attribute: "memberOf".to_owned(),
            filter: "(|(objectClass=group)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)\
                     (objectClass=posixGroup))"
                .to_owned(),
            member_attributes: vec!["member".to_owned(), "uniqueMember".to_owned(), "memberUid".to_owned()],
            nested: Nested::Direct,
            named_by: NamedBy::Dn,
            depth_max: 8,
            count_max: 1_000,
        }
    }
}

/// The configuration, checked.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) servers: Vec<Server>,
    pub(crate) security: Security,
    pub(crate) ca_pem: Option<String>,
    pub(crate) find: FindPlan,
    pub(crate) attributes: AttributeNames,
    pub(crate) groups: GroupsPlan,
    pub(crate) referrals_to: Vec<RemoteHost>,
    pub(crate) protection: GuardConfig,
}

#[derive(Debug)]
pub(crate) enum FindPlan {
    Search { bind_dn: String, base: String, filter: Template },
    Template(DnTemplate),
}

#[derive(Debug)]
pub(crate) struct GroupsPlan {
    pub(crate) from: GroupsFrom,
    pub(crate) base: String,
    pub(crate) base_dn: Dn,
    pub(crate) attribute: String,
    pub(crate) filter: Template,
    pub(crate) member_attributes: Vec<Attribute>,
    pub(crate) nested: Nested,
    pub(crate) named_by: NamedBy,
    pub(crate) depth_max: usize,
    pub(crate) count_max: usize,
}

fn dn(pointer: &str, raw: &str) -> Result<Dn, ConfigError> {
    Dn::parse(raw).filter(|dn| !dn.is_empty()).ok_or_else(|| {
        ConfigError::at(pointer, "write a distinguished name, such as ou=people,dc=corp,dc=example")
    })
}

fn attribute(pointer: &str, raw: &str) -> Result<Attribute, ConfigError> {
    Attribute::parse(raw).ok_or_else(|| ConfigError::at(pointer, "this is not the name of an attribute"))
}

impl LdapConfig {
    /// Checks everything that can be checked without the directory.
    pub(crate) fn plan(&self) -> Result<Plan, ConfigError> {
        let port = match self.security {
            Security::Ldaps => 636,
            Security::Starttls => 389,
        };
        tls::check_ca(self.ca_pem.as_deref())?;
        let find = match &self.find {
            Find::Search { bind_dn, base, filter } => {
                // Active Directory also takes user@domain and DOMAIN\user here.
                if bind_dn.trim().is_empty() || bind_dn.len() > 1_024 || bind_dn.chars().any(char::is_control)
                {
                    let detail = "write the service account's name, such as cn=watchkeep,ou=services,dc=corp,dc=example";
                    return Err(ConfigError::at("/find/bind_dn", detail));
                }
                dn("/find/base", base)?;
                let template = Template::parse(filter).map_err(|why| ConfigError::at("/find/filter", why))?;
                if !template.names_somebody() {
                    let detail = "the filter must not match without the name: put {name} into it, and into each part of \
                                  an (|...), such as (&(objectClass=person)(uid={name}))";
                    return Err(ConfigError::at("/find/filter", detail));
                }
                FindPlan::Search { bind_dn: bind_dn.clone(), base: base.clone(), filter: template }
            }
            Find::Template { dn } => {
                FindPlan::Template(DnTemplate::parse(dn).map_err(|why| ConfigError::at("/find/dn", why))?)
            }
        };
        attribute("/attributes/subject", &self.attributes.subject)?;
        attribute("/attributes/name", &self.attributes.name)?;
        attribute("/attributes/display_name", &self.attributes.display_name)?;
        attribute("/attributes/mail", &self.attributes.mail)?;
        let subject = self.attributes.subject.to_ascii_lowercase();
        if ["mail", "cn", "uid", "samaccountname", "userprincipalname", "displayname"]
            .contains(&subject.as_str())
        {
            let detail = "this can be changed or given to somebody else, who would get the account here: use entryUUID, \
                          objectGUID, nsUniqueId or ipaUniqueID";
            return Err(ConfigError::at("/attributes/subject", detail));
        }
        if self.follow_referrals_to.len() > 16 {
            return Err(ConfigError::at("/follow_referrals_to", "name at most 16 hosts"));
        }
        let host = |(at, raw): (usize, &String)| {
            raw.trim()
                .parse()
                .map_err(|why: String| ConfigError::at(format!("/follow_referrals_to/{at}"), why))
        };
        self.protection.check()?;
        Ok(Plan {
            servers: server::servers(&self.servers, port)?,
            security: self.security,
            ca_pem: self.ca_pem.clone(),
            find,
            attributes: self.attributes.clone(),
            groups: self.groups.plan()?,
            referrals_to: self.follow_referrals_to.iter().enumerate().map(host).collect::<Result<_, _>>()?,
            protection: self.protection,
        })
    }
}

impl Groups {
    fn plan(&self) -> Result<GroupsPlan, ConfigError> {
        let base_dn = match self.base.trim() {
            "" => Dn::parse("").ok_or_else(|| ConfigError::at("/groups/base", "empty"))?,
            base => dn("/groups/base", base)?,
        };
        if base_dn.is_empty() && self.from == GroupsFrom::Search {
            return Err(ConfigError::at(
                "/groups/base",
                "say where groups are, such as ou=groups,dc=corp,dc=example",
            ));
        }
        if base_dn.is_empty() && self.from == GroupsFrom::MemberOf && self.named_by == NamedBy::Name {
            let detail = "name where the groups that count are: anybody who may make groups elsewhere could make one of \
                          the same name";
            return Err(ConfigError::at("/groups/base", detail));
        }
        attribute("/groups/attribute", &self.attribute)?;
        let filter = Template::parse(&self.filter).map_err(|why| ConfigError::at("/groups/filter", why))?;
        if self.member_attributes.is_empty() || self.member_attributes.len() > 8 {
            return Err(ConfigError::at("/groups/member_attributes", "name 1 to 8 attributes"));
        }
        let member = |(at, raw): (usize, &String)| attribute(&format!("/groups/member_attributes/{at}"), raw);
        if self.nested == Nested::InChain && self.from == GroupsFrom::MemberOf {
            let detail = "Active Directory's rule searches groups: set groups.from to search";
            return Err(ConfigError::at("/groups/nested", detail));
        }
        if !(1..=20).contains(&self.depth_max) {
            return Err(ConfigError::at("/groups/depth_max", "choose 1 to 20"));
        }
        if !(1..=2_000).contains(&self.count_max) {
            return Err(ConfigError::at("/groups/count_max", "choose 1 to 2000"));
        }
        Ok(GroupsPlan {
            from: self.from,
            base: self.base.trim().to_owned(),
            base_dn,
            attribute: self.attribute.clone(),
            filter,
            member_attributes: self
                .member_attributes
                .iter()
                .enumerate()
                .map(member)
                .collect::<Result<_, _>>()?,
            nested: self.nested,
            named_by: self.named_by,
            depth_max: self.depth_max,
            count_max: self.count_max,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn usual() -> Value {
        json!({
            "servers": ["dc1.corp.example", "dc2.corp.example:3269"],
            "find": {
                "by": "search",
                "bind_dn": "cn=watchkeep,dc=corp,dc=example",
                "base": "dc=corp,dc=example",
                "filter": "(uid={name})"
            }
        })
    }

    fn wrong(at: &str, value: Value) -> String {
        let mut config = usual();
        match config.pointer_mut(at) {
            Some(slot) => *slot = value,
            None => {
                let (parent, name) = at.rsplit_once('/').unwrap();
                config.pointer_mut(parent).unwrap()[name] = value;
            }
        }
        match serde_json::from_value::<LdapConfig>(config) {
            Err(error) => format!("unread: {error}"),
            Ok(config) => config.plan().unwrap_err().pointer,
        }
    }

    #[test]
    fn little_needs_to_be_said() {
        let config: LdapConfig = serde_json::from_value(usual()).unwrap();
        let plan = config.plan().unwrap();
        assert_eq!(plan.servers[0].to_string(), "dc1.corp.example:636");
        let again = serde_json::to_value(&config).unwrap();
        assert_eq!(serde_json::from_value::<LdapConfig>(again).unwrap(), config);
    }

    #[test]
    fn what_cannot_be_right_is_refused_where_it_stands() {
        for (at, value) in [
            ("/servers", json!([])),
            ("/find/base", json!("nonsense")),
            ("/find/bind_dn", json!("")),
            ("/find/filter", json!("(uid=*)")),
            ("/find/filter", json!("(|(uid={name})(objectClass=person))")),
            ("/ca_pem", json!("-----BEGIN NOTHING-----")),
            ("/attributes", json!({"subject": "mail"})),
            ("/attributes", json!({"name": "a b"})),
            ("/groups", json!({"from": "search"})),
            ("/groups", json!({"from": "member_of", "named_by": "name"})),
            ("/groups", json!({"from": "member_of", "nested": "in_chain"})),
            ("/groups", json!({"depth_max": 0})),
            ("/protection", json!({"failures_max": 1})),
            ("/follow_referrals_to", json!(["ldap://x"])),
        ] {
            let pointer = wrong(at, value.clone());
            assert!(pointer.starts_with(at), "{at} {value}: {pointer}");
        }
        for (at, value) in [
            ("/security", json!("none")),
            ("/security", json!("plain")),
            ("/verify", json!(false)),
            ("/find/by", json!("anonymous")),
            ("/groups", json!({"depth": 3})),
        ] {
            assert!(wrong(at, value).starts_with("unread"), "{at}");
        }
    }
}
