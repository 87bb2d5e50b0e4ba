//! Tenants: parts of the organisation, or customers, in a tree; and labels, by which hosts are told apart within one.
//!
//! A person, host, channel or token belongs to one tenant; who may see a tenant may see those below it, and nobody sees
//! sideways. Here are the shapes and the rules of the tree. Who may do what is `wk_authz`'s, and keeping is the store's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use crate::TenantId;
use crate::text::clean_line;

/// Levels of the tree at most, the root included: deeper than any organisation chart one can act by, and short enough to
/// carry a whole path along with every decision.
pub const LEVELS_MAX: usize = 8;
/// Tenants of one server at most: each may stand in the condition of a statement.
pub const TENANTS_MAX: usize = 10_000;
/// Longest name, in bytes.
pub const NAME_MAX: usize = 100;
/// Labels of one host at most.
pub const LABELS_MAX: usize = 32;
/// Longest key and longest value of a label, in bytes.
pub const LABEL_KEY_MAX: usize = 63;
/// See [`LABEL_KEY_MAX`].
pub const LABEL_VALUE_MAX: usize = 63;

/// The way from the root down to a tenant, both included. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TenantPath(Arc<[TenantId]>);

impl TenantPath {
    /// The root's own.
    pub fn root() -> Self {
        Self(Arc::from([TenantId::ROOT]))
    }

    /// Of these, from the root down; none when they do not begin with the root.
    pub fn new(ids: impl IntoIterator<Item = TenantId>) -> Option<Self> {
        let ids: Arc<[TenantId]> = ids.into_iter().collect();
        (ids.first() == Some(&TenantId::ROOT)).then_some(Self(ids))
    }

    /// The tenant it leads to.
    pub fn tenant(&self) -> TenantId {
        self.0.last().copied().unwrap_or(TenantId::ROOT)
    }

    /// All on the way, from the root.
    pub fn ids(&self) -> &[TenantId] {
        &self.0
    }

    /// Whether the tenant is `other` or lies below it.
    pub fn is_within(&self, other: TenantId) -> bool {
        self.0.contains(&other)
    }
}

impl fmt::Debug for TenantPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&ids.join("/"))
    }
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    /// None for the root alone.
    pub parent: Option<TenantId>,
    /// Unique among those of one parent.
    pub name: String,
    /// Whether its configuration, and that of all below it, may not be changed now.
    pub read_only: bool,
    /// Why it is read-only, for those who are refused; empty when it is not.
    pub why: String,
    pub revision: i64,
}

/// Why the tree cannot be so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    #[error("the tenant is not there")]
    Absent,
    #[error("the name is empty: say what people call it")]
    NoName,
    #[error("there is a tenant called `{name}` there already")]
    NameTaken { name: String },
    #[error("the first tenant holds all others: it cannot be moved or removed")]
    Root,
    #[error("a tenant cannot be moved below itself")]
    Cycle,
    #[error("that would be more than {LEVELS_MAX} levels of tenants")]
    TooDeep,
    #[error("there are {TENANTS_MAX} tenants, and no more than that")]
    TooMany,
    #[error("the tenant has {count} below it: move or remove them first")]
    HasChildren { count: usize },
}

/// All tenants of a server. Never without the root; every other one hangs on one that is there.
#[derive(Debug, Clone)]
pub struct TenantTree {
    tenants: HashMap<TenantId, (Tenant, TenantPath)>,
    generation: u64,
}

impl Default for TenantTree {
    fn default() -> Self {
        let root = Tenant {
            id: TenantId::ROOT,
            parent: None,
            name: "All".to_owned(),
            read_only: false,
            why: String::new(),
            revision: 1,
        };
        Self { tenants: HashMap::from([(TenantId::ROOT, (root, TenantPath::root()))]), generation: 0 }
    }
}

impl TenantTree {
    /// The tree of what a store holds, in any order. What hangs on nothing, or in a circle, is left out and named: a
    /// database that was edited by hand must not keep the server from starting, and nobody sees what is left out.
    pub fn of(rows: impl IntoIterator<Item = Tenant>) -> (Self, Vec<TenantId>) {
        let mut tree = Self::default();
        let mut waiting: Vec<Tenant> = Vec::new();
        for row in rows {
            if row.id == TenantId::ROOT {
                tree.tenants.insert(row.id, (Tenant { parent: None, ..row }, TenantPath::root()));
            } else {
                waiting.push(row);
            }
        }
        loop {
            let before = waiting.len();
            waiting.retain(|row| match row.parent.and_then(|parent| tree.path(parent)) {
                Some(above) if above.ids().len() < LEVELS_MAX => {
                    tree.hang(row.clone(), &above);
                    false
                }
                _ => true,
            });
            if waiting.len() == before {
                return (tree, waiting.into_iter().map(|row| row.id).collect());
            }
        }
    }

    fn hang(&mut self, tenant: Tenant, above: &TenantPath) {
        let path = TenantPath(above.0.iter().copied().chain([tenant.id]).collect());
        self.tenants.insert(tenant.id, (tenant, path));
    }

    /// One of them.
    pub fn get(&self, id: TenantId) -> Option<&Tenant> {
        self.tenants.get(&id).map(|(tenant, _)| tenant)
    }

    /// The way to one.
    pub fn path(&self, id: TenantId) -> Option<TenantPath> {
        self.path_ref(id).cloned()
    }

    /// The same, to look at.
    pub fn path_ref(&self, id: TenantId) -> Option<&TenantPath> {
        self.tenants.get(&id).map(|(_, path)| path)
    }

    /// Grows with every change since the tree was read: what was made from an earlier one is stale.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether `id` is `above` or below it.
    pub fn is_within(&self, id: TenantId, above: TenantId) -> bool {
        self.path_ref(id).is_some_and(|path| path.is_within(above))
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = (&Tenant, &TenantPath)> {
        self.tenants.values().map(|(tenant, path)| (tenant, path))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.tenants.len()
    }

    /// Itself and all below it.
    pub fn subtree(&self, id: TenantId) -> BTreeSet<TenantId> {
        self.all().filter(|(_, path)| path.is_within(id)).map(|(tenant, _)| tenant.id).collect()
    }

    /// Those right below it.
    pub fn children(&self, id: TenantId) -> impl Iterator<Item = &Tenant> {
        self.all().map(|(tenant, _)| tenant).filter(move |tenant| tenant.parent == Some(id))
    }

    /// The one, on the way to `id`, that keeps its configuration from being changed, if one does.
    pub fn read_only_by(&self, id: TenantId) -> Option<&Tenant> {
        let (_, path) = self.tenants.get(&id)?;
        path.ids().iter().filter_map(|id| self.get(*id)).find(|tenant| tenant.read_only)
    }

    /// Names from below the root down, `Europe / Paris`; the root's own name for itself.
    pub fn title(&self, id: TenantId) -> String {
        let Some((tenant, path)) = self.tenants.get(&id) else { return String::new() };
        let names: Vec<&str> = path.ids()[1..]
            .iter()
            .filter_map(|id| self.get(*id))
            .map(|tenant| tenant.name.as_str())
            .collect();
        if names.is_empty() { tenant.name.clone() } else { names.join(" / ") }
    }

    /// A name as it is kept.
    ///
    /// # Errors
    /// [`TreeError::NoName`].
    pub fn name(raw: &str) -> Result<String, TreeError> {
        let name = clean_line(raw, NAME_MAX).trim().to_owned();
        if name.is_empty() { Err(TreeError::NoName) } else { Ok(name) }
    }

    /// Whether `tenant` may be put in as it is: a new one, or one that is renamed or moved with all below it.
    ///
    /// # Errors
    /// [`TreeError`] says what would be wrong.
    pub fn may_put(&self, tenant: &Tenant) -> Result<(), TreeError> {
        let old = self.tenants.get(&tenant.id);
        let Some(parent) = tenant.parent else {
            return if tenant.id == TenantId::ROOT { Ok(()) } else { Err(TreeError::Absent) };
        };
        if tenant.id == TenantId::ROOT {
            return Err(TreeError::Root);
        }
        let above = self.path(parent).ok_or(TreeError::Absent)?;
        if above.is_within(tenant.id) {
            return Err(TreeError::Cycle);
        }
        if old.is_none() && self.count() >= TENANTS_MAX {
            return Err(TreeError::TooMany);
        }
        let below = old.map_or(0, |(_, path)| {
            let here = path.ids().len();
            let deepest =
                self.all().filter(|(_, p)| p.is_within(tenant.id)).map(|(_, p)| p.ids().len()).max();
            deepest.unwrap_or(here) - here
        });
        if above.ids().len() + 1 + below > LEVELS_MAX {
            return Err(TreeError::TooDeep);
        }
        if self.children(parent).any(|other| other.id != tenant.id && other.name == tenant.name) {
            return Err(TreeError::NameTaken { name: tenant.name.clone() });
        }
        Ok(())
    }

    /// Puts a tenant in, new or changed, with all that hang on it.
    ///
    /// # Errors
    /// As [`Self::may_put`].
    pub fn put(&mut self, tenant: Tenant) -> Result<(), TreeError> {
        self.may_put(&tenant)?;
        let id = tenant.id;
        let rows: Vec<Tenant> =
            self.all().map(|(row, _)| row.clone()).filter(|row| row.id != id).chain([tenant]).collect();
        *self = Self { generation: self.generation + 1, ..Self::of(rows).0 };
        Ok(())
    }

    /// Whether a tenant may be taken out, as far as the tree is concerned.
    ///
    /// # Errors
    /// [`TreeError`] says what is in the way.
    pub fn may_remove(&self, id: TenantId) -> Result<(), TreeError> {
        if id == TenantId::ROOT {
            return Err(TreeError::Root);
        }
        self.get(id).ok_or(TreeError::Absent)?;
        match self.children(id).count() {
            0 => Ok(()),
            count => Err(TreeError::HasChildren { count }),
        }
    }

    /// Takes a tenant out.
    ///
    /// # Errors
    /// As [`Self::may_remove`].
    pub fn remove(&mut self, id: TenantId) -> Result<(), TreeError> {
        self.may_remove(id)?;
        self.tenants.remove(&id);
        self.generation += 1;
        Ok(())
    }
}

/// Why a label cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error(
        "the label's name `{key}` is not one: 1 to {LABEL_KEY_MAX} of a-z, 0-9, `.`, `_` and `-`, a letter first"
    )]
    Key { key: String },
    #[error(
        "the value of the label `{key}` is not one: 1 to {LABEL_VALUE_MAX} letters, digits, `.`, `_`, `-` and `/`"
    )]
    Value { key: String },
    #[error("a host has at most {LABELS_MAX} labels")]
    TooMany,
}

/// What hosts are told apart by: `env=prod`, `team=web`. Rights may depend on them, which is why they are stricter than
/// the fields that people write for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// None.
    pub const NONE: Self = Self(BTreeMap::new());

    /// Reads labels.
    ///
    /// # Errors
    /// [`LabelError`] names the first that cannot be.
    pub fn parse<K: AsRef<str>, V: AsRef<str>>(
        raw: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, LabelError> {
        let mut labels = BTreeMap::new();
        for (key, value) in raw {
            let (key, value) = (key.as_ref(), value.as_ref());
            if !is_label_key(key) {
                return Err(LabelError::Key { key: clean_line(key, LABEL_KEY_MAX) });
            }
            if !is_label_value(value) {
                return Err(LabelError::Value { key: key.to_owned() });
            }
            labels.insert(key.to_owned(), value.to_owned());
            if labels.len() > LABELS_MAX {
                return Err(LabelError::TooMany);
            }
        }
        Ok(Self(labels))
    }

    /// The value of one.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_label_key(key: &str) -> bool {
    key.len() <= LABEL_KEY_MAX
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_label_value(value: &str) -> bool {
    (1..=LABEL_VALUE_MAX).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u64) -> TenantId {
        TenantId::new(n, [0; 10])
    }

    fn tenant(n: u64, parent: TenantId, name: &str) -> Tenant {
        Tenant {
            id: id(n),
            parent: Some(parent),
            name: name.to_owned(),
            read_only: false,
            why: String::new(),
            revision: 1,
        }
    }

    /// Root / Europe (1) / Paris (2), and Root / Asia (3).
    fn world() -> TenantTree {
        let mut tree = TenantTree::default();
        tree.put(tenant(1, TenantId::ROOT, "Europe")).unwrap();
        tree.put(tenant(2, id(1), "Paris")).unwrap();
        tree.put(tenant(3, TenantId::ROOT, "Asia")).unwrap();
        tree
    }

    #[test]
    fn a_path_knows_what_it_is_within_and_nothing_sideways() {
        let tree = world();
        let paris = tree.path(id(2)).unwrap();
        assert!(paris.is_within(TenantId::ROOT) && paris.is_within(id(1)) && paris.is_within(id(2)));
        assert!(!paris.is_within(id(3)));
        assert_eq!(tree.title(id(2)), "Europe / Paris");
        assert_eq!(tree.title(TenantId::ROOT), "All");
        assert_eq!(tree.subtree(id(1)), [id(1), id(2)].into());
    }

    #[test]
    fn what_moves_takes_all_below_it_along() {
        let mut tree = world();
        tree.put(Tenant { parent: Some(id(3)), ..tenant(1, id(3), "Europe") }).unwrap();
        assert_eq!(tree.title(id(2)), "Asia / Europe / Paris");
    }

    #[test]
    fn the_tree_refuses_circles_depth_twins_and_the_end_of_the_root() {
        let mut tree = world();
        assert_eq!(tree.put(tenant(1, id(2), "Europe")), Err(TreeError::Cycle));
        assert_eq!(tree.put(tenant(1, id(1), "Europe")), Err(TreeError::Cycle));
        assert_eq!(
            tree.put(tenant(9, TenantId::ROOT, "Asia")),
            Err(TreeError::NameTaken { name: "Asia".to_owned() })
        );
        tree.put(tenant(9, id(1), "Asia")).unwrap();
        assert_eq!(tree.may_remove(TenantId::ROOT), Err(TreeError::Root));
        assert_eq!(tree.may_remove(id(1)), Err(TreeError::HasChildren { count: 2 }));
        assert_eq!(tree.put(tenant(5, id(77), "x")), Err(TreeError::Absent));
        let mut above = TenantId::ROOT;
        for n in 20..27 {
            tree.put(tenant(n, above, "deep")).unwrap();
            above = id(n);
        }
        assert_eq!(tree.put(tenant(40, above, "deeper")), Err(TreeError::TooDeep));
        assert_eq!(tree.put(tenant(1, id(25), "Europe")), Err(TreeError::TooDeep), "what hangs on it counts");
    }

    #[test]
    fn read_only_holds_below_and_not_beside() {
        let mut tree = world();
        tree.put(Tenant { read_only: true, ..tenant(1, TenantId::ROOT, "Europe") }).unwrap();
        assert_eq!(tree.read_only_by(id(2)).map(|by| by.id), Some(id(1)));
        assert!(tree.read_only_by(id(3)).is_none() && tree.read_only_by(TenantId::ROOT).is_none());
    }

    #[test]
    fn rows_that_hang_on_nothing_are_left_out_and_named() {
        let (tree, lost) =
            TenantTree::of([tenant(1, id(2), "a"), tenant(2, id(1), "b"), tenant(3, id(9), "c")]);
        assert_eq!(tree.count(), 1);
        assert_eq!(lost.len(), 3);
    }

    #[test]
    fn labels_are_strict() {
        let labels = Labels::parse([("env", "prod"), ("team", "Web/1")]).unwrap();
        assert_eq!(labels.get("env"), Some("prod"));
        for (key, value) in
            [("Env", "x"), ("", "x"), ("1a", "x"), ("a b", "x"), ("a", ""), ("a", "x y"), ("a", "é")]
        {
            assert!(Labels::parse([(key, value)]).is_err(), "{key}={value}");
        }
    }

    proptest! {
        /// Whatever is asked of it: every path begins with the root, follows parents, and fits.
        #[test]
        fn a_tree_stays_a_tree(acts in proptest::collection::vec((1_u64..12, 0_u64..12, 0_u8..4), 0..80)) {
            let mut tree = TenantTree::default();
            for (n, parent, what) in acts {
                let parent = if parent == 0 { TenantId::ROOT } else { id(parent) };
                let _ = match what {
                    0 => tree.remove(id(n)),
                    _ => tree.put(tenant(n, parent, &format!("t{n}"))),
                };
                for (tenant, path) in tree.all() {
                    prop_assert!(path.ids().len() <= LEVELS_MAX);
                    prop_assert_eq!(path.ids()[0], TenantId::ROOT);
                    prop_assert_eq!(path.tenant(), tenant.id);
                    let above = path.ids().len().checked_sub(2).map(|i| path.ids()[i]);
                    prop_assert_eq!(tenant.parent, above);
                }
            }
        }
    }
}
