//! Search filters as trees. What somebody typed enters as a value of the tree and is sent as bytes of known length
//! (RFC 4511): there is no text in which it could mean anything else. The text form (RFC 4515) is only for operators,
//! who write templates, and for showing.

use std::fmt;

use super::ber::Writer;

/// Longest template.
const TEMPLATE_MAX: usize = 2_048;
/// Deepest template.
const DEPTH_MAX: usize = 8;

/// Text with places for what is known only at sign-in.
pub(crate) type Value = Vec<Piece>;

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    /// `{name}`
    Name,
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter<V = Vec<u8>> {
    And(Vec<Filter<V>>),
    Or(Vec<Filter<V>>),
    Not(Box<Filter<V>>),
    Equal(Attribute, V),
    AtLeast(Attribute, V),
    AtMost(Attribute, V),
    Present(Attribute),
    /// Initial, any, final. Never with a place: parts of names would match many people.
    Parts(Attribute, Option<Vec<u8>>, Vec<Vec<u8>>, Option<Vec<u8>>),
    /// Attribute, matching rule, value.
    Rule(Attribute, String, V),
}

/// An attribute description: a name or an OID, with options (RFC 4512, 2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute(String);

impl Attribute {
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        let name = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        };
        let good = raw.len() <= 100
            && raw.split(';').all(name)
            && raw.starts_with(|c: char| c.is_ascii_alphanumeric());
        good.then(|| Self(raw.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Filter {
    /// Writes the form that is sent.
    pub(crate) fn write(&self, to: &mut Writer) {
        let pair = |to: &mut Writer, tag, attribute: &Attribute, value: &[u8]| {
            to.nest(tag, |to| {
                to.bytes(super::ber::OCTETS, attribute.0.as_bytes());
                to.bytes(super::ber::OCTETS, value);
            });
        };
        match self {
            Self::And(all) => to.nest(0xa0, |to| all.iter().for_each(|filter| filter.write(to))),
            Self::Or(any) => to.nest(0xa1, |to| any.iter().for_each(|filter| filter.write(to))),
            Self::Not(filter) => to.nest(0xa2, |to| filter.write(to)),
            Self::Equal(attribute, value) => pair(to, 0xa3, attribute, value),
            Self::AtLeast(attribute, value) => pair(to, 0xa5, attribute, value),
            Self::AtMost(attribute, value) => pair(to, 0xa6, attribute, value),
            Self::Present(attribute) => to.bytes(0x87, attribute.0.as_bytes()),
            Self::Parts(attribute, initial, any, last) => to.nest(0xa4, |to| {
                to.bytes(super::ber::OCTETS, attribute.0.as_bytes());
                to.nest(super::ber::SEQUENCE, |to| {
                    if let Some(initial) = initial {
                        to.bytes(0x80, initial);
                    }
                    any.iter().for_each(|part| to.bytes(0x81, part));
                    if let Some(last) = last {
                        to.bytes(0x82, last);
                    }
                });
            }),
            Self::Rule(attribute, rule, value) => to.nest(0xa9, |to| {
                to.bytes(0x81, rule.as_bytes());
                to.bytes(0x82, attribute.0.as_bytes());
                to.bytes(0x83, value);
            }),
        }
    }
}

/// A filter with places, as an operator writes it.
pub(crate) type Template = Filter<Value>;

impl Template {
    /// Reads RFC 4515 with `{name}` in values.
    pub(crate) fn parse(raw: &str) -> Result<Self, String> {
        if raw.len() > TEMPLATE_MAX {
            return Err(format!("longer than {TEMPLATE_MAX} bytes"));
        }
        let mut parser = Parser { rest: raw.trim() };
        let filter = parser.filter(0)?;
        if !parser.rest.is_empty() {
            return Err(format!("`{}` follows after the filter's end", parser.rest));
        }
        Ok(filter)
    }

    /// Whether `{name}` stands in it at a place where it must match.
    pub(crate) fn names_somebody(&self) -> bool {
        match self {
            Self::And(all) => all.iter().any(Self::names_somebody),
            // An arm without the name would match whoever that arm matches.
            Self::Or(any) => !any.is_empty() && any.iter().all(Self::names_somebody),
            Self::Equal(_, value) | Self::Rule(_, _, value) => value.contains(&Piece::Name),
            Self::Not(_) | Self::AtLeast(..) | Self::AtMost(..) | Self::Present(_) | Self::Parts(..) => false,
        }
    }

    /// The filter for `name`.
    pub(crate) fn fill(&self, name: &str) -> Filter {
        let value = |pieces: &Value| {
            let bytes = |piece: &Piece| match piece {
                Piece::Bytes(bytes) => bytes.clone(),
                Piece::Name => name.as_bytes().to_vec(),
            };
            pieces.iter().flat_map(bytes).collect::<Vec<u8>>()
        };
        let each = |filters: &[Self]| filters.iter().map(|filter| filter.fill(name)).collect();
        match self {
            Self::And(all) => Filter::And(each(all)),
            Self::Or(any) => Filter::Or(each(any)),
            Self::Not(filter) => Filter::Not(Box::new(filter.fill(name))),
            Self::Equal(a, v) => Filter::Equal(a.clone(), value(v)),
            Self::AtLeast(a, v) => Filter::AtLeast(a.clone(), value(v)),
            Self::AtMost(a, v) => Filter::AtMost(a.clone(), value(v)),
            Self::Present(a) => Filter::Present(a.clone()),
            Self::Parts(a, i, any, l) => Filter::Parts(a.clone(), i.clone(), any.clone(), l.clone()),
            Self::Rule(a, rule, v) => Filter::Rule(a.clone(), rule.clone(), value(v)),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn take(&mut self, expected: char) -> Result<(), String> {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None if self.rest.is_empty() => Err(format!("a `{expected}` is missing at the end")),
            None => Err(format!("`{expected}` is missing before `{}`", self.rest)),
        }
    }

    fn filter(&mut self, depth: usize) -> Result<Template, String> {
        if depth > DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX}"));
        }
        self.take('(')?;
        let filter = match self.rest.chars().next() {
            Some('&') => {
                self.take('&')?;
                Filter::And(self.several(depth)?)
            }
            Some('|') => {
                self.take('|')?;
                Filter::Or(self.several(depth)?)
            }
            Some('!') => {
                self.take('!')?;
                Filter::Not(Box::new(self.filter(depth + 1)?))
            }
            _ => self.item()?,
        };
        self.take(')')?;
        Ok(filter)
    }

    fn several(&mut self, depth: usize) -> Result<Vec<Template>, String> {
        let mut all = Vec::new();
        while self.rest.starts_with('(') {
            all.push(self.filter(depth + 1)?);
        }
        if all.is_empty() { Err("`&` and `|` need filters after them".to_owned()) } else { Ok(all) }
    }

    fn item(&mut self) -> Result<Template, String> {
        let end = self.rest.find([')', '(']).unwrap_or(self.rest.len());
        let item = &self.rest[..end];
        self.rest = &self.rest[end..];
        let (left, value) = item.split_once('=').ok_or_else(|| format!("`{item}` has no `=`"))?;
        let attribute = |raw: &str| {
            Attribute::parse(raw).ok_or_else(|| format!("`{raw}` is not the name of an attribute"))
        };
        if let Some(left) = left.strip_suffix(':') {
            let (name, rule) =
                left.split_once(':').ok_or_else(|| format!("`{left}:=` names no matching rule"))?;
            let rule = attribute(rule)?.0;
            return Ok(Filter::Rule(attribute(name)?, rule, pieces(value)?));
        }
        if let Some(left) = left.strip_suffix('>') {
            return Ok(Filter::AtLeast(attribute(left)?, pieces(value)?));
        }
        if let Some(left) = left.strip_suffix('<') {
            return Ok(Filter::AtMost(attribute(left)?, pieces(value)?));
        }
        let attribute = attribute(left)?;
        if value == "*" {
            return Ok(Filter::Present(attribute));
        }
        if !value.contains('*') {
            return Ok(Filter::Equal(attribute, pieces(value)?));
        }
        if value.contains("{name}") {
            return Err("`{name}` beside `*` would match other people, too".to_owned());
        }
        let parts: Vec<Vec<u8>> = value.split('*').map(unescape).collect::<Result<_, _>>()?;
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Err("empty".to_owned()) };
        let some = |part: &Vec<u8>| (!part.is_empty()).then(|| part.clone());
        let middle: Vec<_> = parts[1..parts.len() - 1].iter().filter_map(some).collect();
        if middle.is_empty() && first.is_empty() && last.is_empty() {
            // `**`: a list of no parts cannot be sent (RFC 4511, 4.5.1.7.2), and says as much as one star.
            return Ok(Filter::Present(attribute));
        }
        Ok(Filter::Parts(attribute, some(first), middle, some(last)))
    }
}

fn pieces(raw: &str) -> Result<Value, String> {
    let mut out = Vec::new();
    for (at, part) in raw.split("{name}").enumerate() {
        if at > 0 {
            out.push(Piece::Name);
        }
        if part.contains(['{', '}']) {
            return Err(format!("`{part}`: the only place is {{name}}; write a brace as \\7b or \\7d"));
        }
        let bytes = unescape(part)?;
        if !bytes.is_empty() {
            out.push(Piece::Bytes(bytes));
        }
    }
    Ok(out)
}

fn unescape(raw: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let digits = rest.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.ok_or("after a backslash stand two hexadecimal digits, as in \\2a for a star")?);
        rest = &rest[at + 3..];
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// A value as RFC 4515 writes it.
fn escape(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '*' | '(' | ')' | '\\' | '{' | '}' => write!(f, "\\{:02x}", c as u32)?,
                c if c.is_ascii_control() => write!(f, "\\{:02x}", c as u32)?,
                c => write!(f, "{c}")?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\{byte:02x}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = |f: &mut fmt::Formatter<'_>, attribute: &Attribute, sign: &str, value: &[u8]| {
            write!(f, "({}{sign}", attribute.0)?;
            escape(value, f)?;
            write!(f, ")")
        };
        match self {
            Self::And(all) | Self::Or(all) => {
                write!(f, "({}", if matches!(self, Self::And(_)) { '&' } else { '|' })?;
                all.iter().try_for_each(|filter| write!(f, "{filter}"))?;
                write!(f, ")")
            }
            Self::Not(filter) => write!(f, "(!{filter})"),
            Self::Equal(attribute, value) => item(f, attribute, "=", value),
            Self::AtLeast(attribute, value) => item(f, attribute, ">=", value),
            Self::AtMost(attribute, value) => item(f, attribute, "<=", value),
            Self::Present(attribute) => write!(f, "({}=*)", attribute.0),
            Self::Parts(attribute, initial, any, last) => {
                write!(f, "({}=", attribute.0)?;
                escape(initial.as_deref().unwrap_or_default(), f)?;
                write!(f, "*")?;
                for part in any {
                    escape(part, f)?;
                    write!(f, "*")?;
                }
                escape(last.as_deref().unwrap_or_default(), f)?;
                write!(f, ")")
            }
            Self::Rule(attribute, rule, value) => item(f, attribute, &format!(":{rule}:="), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_alone_are_presence_however_many() {
        for raw in ["(cn=*)", "(cn=**)", "(cn=******)"] {
            let read = Template::parse(raw).unwrap();
            assert_eq!(read.fill("x").to_string(), "(cn=*)", "{raw}");
            assert!(matches!(read, Filter::Present(_)), "{raw}: {read:?}");
        }
        assert_eq!(Template::parse("(cn=a**b)").unwrap().fill("x").to_string(), "(cn=a*b)");
    }

    /// Corpus of what has broken out of filters elsewhere.
    pub(super) const INJECTIONS: &[&str] = &[
        "*",
        "*)(uid=*",
        "*)(|(uid=*",
        "admin)(&",
        "admin)(|(objectClass=*)",
        "x)(userPassword=*)",
        "\\2a",
        "\\",
        "a\\29(uid=\\2a",
        "(",
        ")",
        "a)(b",
        "*)(uid=*))(|(uid=*",
        "{name}",
        "{",
        "a\0b",
        "\u{feff}*",
        "\u{ff0a}",
        "admin)(!(&(1=0",
        "=",
        ":dn:=x",
        ">=1",
        "a*b",
    ];

    const USUAL: &str = "(&(objectClass=person)(|(uid={name})(mail={name}@corp.example))(!(locked=TRUE)))";

    /// The tree without its values.
    fn shape(filter: &Filter) -> String {
        match filter {
            Filter::And(all) => format!("&{}.", all.iter().map(shape).collect::<String>()),
            Filter::Or(any) => format!("|{}.", any.iter().map(shape).collect::<String>()),
            Filter::Not(inner) => format!("!{}", shape(inner)),
            Filter::Equal(a, _) => format!("{}=", a.as_str()),
            Filter::AtLeast(a, _) => format!("{}>", a.as_str()),
            Filter::AtMost(a, _) => format!("{}<", a.as_str()),
            Filter::Present(a) => format!("{}*", a.as_str()),
            Filter::Parts(a, ..) => format!("{}%", a.as_str()),
            Filter::Rule(a, rule, _) => format!("{}:{rule}", a.as_str()),
        }
    }

    fn holds(name: &str) {
        let template = Template::parse(USUAL).unwrap();
        let filled = template.fill(name);
        assert_eq!(shape(&filled), shape(&template.fill("alice")), "{name:?}");
        // What is shown means the same again.
        assert_eq!(Template::parse(&filled.to_string()).unwrap().fill("nobody"), filled, "{name:?}");
    }

    #[test]
    fn no_known_injection_changes_a_filter() {
        INJECTIONS.iter().for_each(|name| holds(name));
    }

    #[test]
    fn filters_are_read_as_operators_write_them() {
        for good in [
            "(uid={name})",
            USUAL,
            "(&(sAMAccountName={name})(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
            "(&(uid={name})(cn=a*b*c)(employeeNumber>=10)(employeeNumber<=20)(mail=*))",
            "(&(uid={name})(cn=with \\28brackets\\29 and \\2a))",
        ] {
            let template = Template::parse(good).unwrap();
            assert!(template.names_somebody(), "{good}");
        }
        for bad in [
            "",
            "uid={name}",
            "(uid={name}",
            "(uid={name}))",
            "(uid=*{name}*)",
            "(uid={user})",
            "(&)",
            "(=x)",
            "(uid=\\2)",
            "(uid=\\zz)",
            "(u id={name})",
            "((uid={name}))",
            "(uid:=x)",
            "()",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
        assert!(Template::parse(&"(!".repeat(50)).unwrap_err().contains("deeper"));
    }

    #[test]
    fn a_filter_that_matches_without_the_name_is_told() {
        for bad in ["(objectClass=*)", "(|(uid={name})(uid=root))", "(!(uid={name}))", "(uid>={name})"] {
            assert!(!Template::parse(bad).unwrap().names_somebody(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_name_changes_a_filter(name in any::<String>()) {
            holds(&name);
        }

        #[test]
        fn any_text_is_read_to_an_end(raw in "[()&|!=*:<>a-z{}\\\\ ]{0,60}") {
            if let Ok(template) = Template::parse(&raw) {
                let filled = template.fill("x");
                prop_assert!(Template::parse(&filled.to_string()).is_ok());
            }
        }
    }
}
