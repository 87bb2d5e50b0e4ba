//! Distinguished names (RFC 4514): reading, comparing, and putting a typed name into a template.

use std::fmt::Write as _;

/// Longest name that is read.
pub(super) const DN_MAX: usize = 2_048;
/// Longest chain of parts.
const PARTS_MAX: usize = 64;

/// A distinguished name, most specific part first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dn {
    parts: Vec<Vec<(String, Vec<u8>)>>,
}

impl Dn {
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        if raw.len() > DN_MAX {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = raw.trim_start_matches(' ');
        if rest.is_empty() {
            return Some(Self { parts });
        }
        let mut together = Vec::new();
        loop {
            let (kind, after) = rest.split_once('=')?;
            let kind = kind.trim_matches(' ');
            let good = kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
            if kind.is_empty() || !good {
                return None;
            }
            let (value, end, after) = value(after.trim_start_matches(' '))?;
            together.push((kind.to_ascii_lowercase(), value));
            if end != Some('+') {
                parts.push(std::mem::take(&mut together));
            }
            if parts.len() > PARTS_MAX || together.len() > PARTS_MAX {
                return None;
            }
            if end.is_none() {
                return Some(Self { parts });
            }
            rest = after;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// One text for all spellings that a directory takes for the same: attribute names and values in lower case, single
    /// spaces, escapes in one form, parts that stand together sorted.
    pub(crate) fn normal(&self) -> String {
        let mut out = String::new();
        for (at, together) in self.parts.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let mut together: Vec<String> =
                together.iter().map(|(kind, value)| normal(kind, value)).collect();
            together.sort();
            out.push_str(&together.join("+"));
        }
        out
    }

    /// Whether it is `base` or stands below it.
    pub(crate) fn is_below(&self, base: &Self) -> bool {
        let Some(skip) = self.parts.len().checked_sub(base.parts.len()) else { return false };
        Self { parts: self.parts[skip..].to_vec() }.normal() == base.normal()
    }

    /// Value of the first part: the name by which people know it.
    pub(crate) fn first_value(&self) -> Option<String> {
        let (_, value) = self.parts.first()?.first()?;
        String::from_utf8(value.clone()).ok()
    }
}

fn normal(kind: &str, value: &[u8]) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_lowercase(),
        Err(_) => {
            let hex = value.iter().fold(String::new(), |mut out, byte| {
                let _ = write!(out, "{byte:02x}");
                out
            });
            return format!("{kind}=#{hex}");
        }
    };
    let single: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    format!("{kind}={}", escape(&single.join(" ")))
}

/// The value at the start, what ended it (nothing, `,`, `;` or `+`), and the rest after that.
fn value(raw: &str) -> Option<(Vec<u8>, Option<char>, &str)> {
    if let Some(hex) = raw.strip_prefix('#') {
        let end = hex.find([',', ';', '+']).unwrap_or(hex.len());
        let digits = hex[..end].trim_matches(' ');
        if digits.is_empty() || digits.len() % 2 != 0 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        let ended = hex[end..].chars().next();
        return Some((bytes.collect::<Result<_, _>>().ok()?, ended, hex.get(end + 1..).unwrap_or_default()));
    }
    let mut out = Vec::new();
    // Where the last byte stands that is no space, or was escaped.
    let mut kept = 0;
    let mut chars = raw.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ',' | ';' | '+' => {
                out.truncate(kept);
                return Some((out, Some(c), &raw[at + 1..]));
            }
            '\\' => {
                let (_, next) = chars.next()?;
                if let Some(high) = next.to_digit(16) {
                    let (_, low) = chars.next()?;
                    out.push((high * 16 + low.to_digit(16)?) as u8);
                } else if " \"#+,;<=>\\".contains(next) {
                    out.push(next as u8);
                } else {
                    return None;
                }
                kept = out.len();
            }
            '"' | '<' | '>' | '\0' => return None,
            c => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                if c != ' ' {
                    kept = out.len();
                }
            }
        }
    }
    out.truncate(kept);
    Some((out, None, ""))
}

/// A value as RFC 4514 writes it, with every character escaped that could mean something else anywhere.
pub(crate) fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.len().saturating_sub(1);
    for (at, c) in value.char_indices() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => {
                out.push('\\');
                out.push(c);
            }
            ' ' | '#' if at == 0 => {
                out.push('\\');
                out.push(c);
            }
            ' ' if at == last => out.push_str("\\ "),
            // Writing to a String does not fail.
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// `uid={name},ou=people,dc=corp,dc=example`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DnTemplate {
    before: String,
    after: String,
}

impl DnTemplate {
    pub(crate) fn parse(raw: &str) -> Result<Self, String> {
        let form = || {
            "write the name of a person's entry with {name} as the whole value of a part, such as \
                       uid={name},ou=people,dc=corp,dc=example"
        };
        let (before, after) = raw.trim().split_once("{name}").ok_or_else(form)?;
        let whole = before.ends_with('=')
            && !before.ends_with("\\=")
            && (after.is_empty() || after.starts_with([',', '+']));
        let template = Self { before: before.to_owned(), after: after.to_owned() };
        if !whole
            || after.contains(['{', '}'])
            || before.contains(['{', '}'])
            || Dn::parse(&template.fill("x")).is_none()
        {
            return Err(form().to_owned());
        }
        Ok(template)
    }

    pub(crate) fn fill(&self, name: &str) -> String {
        format!("{}{}{}", self.before, escape(name), self.after)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(a: &str, b: &str) {
        assert_eq!(Dn::parse(a).unwrap().normal(), Dn::parse(b).unwrap().normal(), "{a} and {b}");
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        same("CN=Ops,OU=Groups,DC=corp,DC=example", "cn=ops, ou=groups ,dc=corp,dc=example");
        same("cn=a\\,b,dc=x", "cn=a\\2cb,dc=x");
        same("cn=a  b,dc=x", "cn=a b,dc=x");
        same("cn=x+uid=y,dc=z", "uid=y+cn=x,dc=z");
        same("cn=\\ a,dc=x", "cn=\\20a,dc=x");
        same("cn=Bj\\c3\\b6rn,dc=x", "cn=björn,dc=x");
        assert_ne!(Dn::parse("cn=a,dc=x").unwrap().normal(), Dn::parse("cn=a\\,dc=x").unwrap().normal());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in ["x", "=x", "cn=a,", "cn=a\\", "cn=\"a\"", "cn=a\\zz", "cn=#0", "cn=#zz", "c n=x", ",cn=x"]
        {
            assert_eq!(Dn::parse(bad), None, "{bad}");
        }
        assert!(Dn::parse("").unwrap().is_empty());
        assert_eq!(Dn::parse(&"a=b,".repeat(100)), None);
    }

    #[test]
    fn below_means_below() {
        let base = Dn::parse("ou=groups,dc=corp,dc=example").unwrap();
        assert!(Dn::parse("cn=ops,OU=Groups,dc=corp,dc=example").unwrap().is_below(&base));
        assert!(!Dn::parse("cn=ops,ou=others,dc=corp,dc=example").unwrap().is_below(&base));
        assert!(!Dn::parse("cn=ops\\,ou=groups,dc=corp,dc=example").unwrap().is_below(&base));
        assert!(!Dn::parse("dc=example").unwrap().is_below(&base));
    }

    #[test]
    fn templates_take_the_name_as_one_value() {
        let template = DnTemplate::parse("uid={name},ou=people,dc=x").unwrap();
        assert_eq!(template.fill("a,ou=admins"), "uid=a\\,ou\\=admins,ou=people,dc=x");
        for bad in [
            "",
            "uid=x",
            "{name}",
            "uid=a{name},dc=x",
            "uid={name}b,dc=x",
            "uid={name},cn={name}",
            "uid\\={name}",
        ] {
            assert!(DnTemplate::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_name_changes_the_parts(name in any::<String>()) {
            let template = DnTemplate::parse("uid={name},ou=people,dc=x").unwrap();
            prop_assume!(name.len() < 1000);
            let dn = Dn::parse(&template.fill(&name)).unwrap();
            prop_assert_eq!(dn.parts.len(), 3);
            prop_assert_eq!(&dn.parts[0], &vec![("uid".to_owned(), name.into_bytes())]);
            prop_assert!(dn.is_below(&Dn::parse("ou=people,dc=x").unwrap()));
        }

        #[test]
        fn any_text_is_read_to_an_end(raw in "[a-c=,+;\\\\#\" 0-9é]{0,40}") {
            if let Some(dn) = Dn::parse(&raw) {
                let normal = dn.normal();
                prop_assert_eq!(Dn::parse(&normal).map(|dn| dn.normal()), Some(normal));
            }
        }
    }
}
