//! A strict reader of the XML that SAML needs, and nothing more.
//!
//! UTF-8, elements, attributes, text, CDATA, comments, the five named entities and character references. A document
//! type, a processing instruction, a name that is not ASCII, another encoding: refused, not skipped. Every prefix must be
//! declared, no attribute may come twice, nothing is nested deeper than [`DEPTH_MAX`]. Nothing recurses.
//!
//! Prefixes are kept as written, because canonical XML needs them; that is why this is not one of the usual tree crates.

use std::fmt;

/// Longest document, in bytes: a real response has 5 to 40 KiB.
pub const SIZE_MAX: usize = 256 << 10;
/// Deepest nesting of elements: a real response has 8 to 12.
pub const DEPTH_MAX: usize = 32;
/// Elements, texts and comments in all.
const NODES_MAX: usize = 20_000;
/// Attributes and declarations of one element.
const ATTRIBUTES_MAX: usize = 64;
/// Declarations of namespaces on an element and all it is in: a real response has 5 to 10. Each prefix is looked for among
/// them.
const DECLARED_MAX: usize = 128;
/// Bytes of one name.
const NAME_MAX: usize = 256;

pub(crate) const XML_NS: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";

/// Why a document is not read. Positions are bytes from its beginning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    #[error("it is longer than {SIZE_MAX} bytes")]
    TooLong,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it declares another encoding than UTF-8, or another version than 1.0")]
    Declaration,
    #[error("byte {0}: a document type declaration, which is never accepted")]
    Doctype(usize),
    #[error("byte {0}: a processing instruction, which is never accepted")]
    Instruction(usize),
    #[error("byte {0}: an entity that XML itself does not define")]
    Entity(usize),
    #[error("byte {at}: {what}")]
    Syntax { at: usize, what: &'static str },
    #[error("byte {at}: the prefix `{prefix}` is declared nowhere")]
    Prefix { at: usize, prefix: String },
    #[error("byte {0}: an attribute comes twice")]
    TwiceAttribute(usize),
    #[error("elements are nested deeper than {DEPTH_MAX}")]
    TooDeep,
    #[error("it has too many elements, texts or attributes")]
    TooMany,
}

pub(crate) type NodeId = usize;

#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) prefix: String,
    pub(crate) local: String,
    /// Empty without a prefix.
    pub(crate) ns: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) parent: Option<NodeId>,
    pub(crate) prefix: String,
    pub(crate) local: String,
    pub(crate) ns: String,
    pub(crate) attributes: Vec<Attribute>,
    /// Prefix (empty: the default) and what it stands for, as declared on this element.
    pub(crate) declared: Vec<(String, String)>,
    pub(crate) children: Vec<NodeId>,
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
    Comment(String),
}

/// A document that was read whole.
#[derive(Clone)]
pub struct Document {
    nodes: Vec<Node>,
    root: NodeId,
    /// What was in scope where the text was cut out from.
    context: Vec<(String, String)>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        Self::parse_in(bytes, Vec::new())
    }

    /// Reads an element that was cut out of another document, where `context` was in scope.
    pub(crate) fn parse_in(bytes: &[u8], context: Vec<(String, String)>) -> Result<Self, XmlError> {
        if bytes.len() > SIZE_MAX {
            return Err(XmlError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Parser { text, at: 0, nodes: Vec::new(), context }.document()
    }

    pub(crate) fn root(&self) -> NodeId {
        self.root
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(crate) fn element(&self, id: NodeId) -> Option<&Element> {
        match self.nodes.get(id) {
            Some(Node::Element(element)) => Some(element),
            _ => None,
        }
    }

    /// All elements, in the order of the document.
    pub(crate) fn elements(&self) -> impl Iterator<Item = (NodeId, &Element)> {
        self.nodes.iter().enumerate().filter_map(|(id, node)| match node {
            Node::Element(element) => Some((id, element)),
            _ => None,
        })
    }

    /// The elements right below one.
    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = (NodeId, &Element)> {
        let children = self.element(id).map(|element| element.children.as_slice()).unwrap_or_default();
        children.iter().filter_map(|child| Some((*child, self.element(*child)?)))
    }

    /// The elements of this name right below one.
    pub(crate) fn named<'a>(
        &'a self,
        id: NodeId,
        ns: &'a str,
        local: &'a str,
    ) -> impl Iterator<Item = NodeId> + 'a {
        self.children(id).filter(move |(_, child)| child.is(ns, local)).map(|(child, _)| child)
    }

    /// The one element of this name right below; none also when there are two.
    pub(crate) fn only(&self, id: NodeId, ns: &str, local: &str) -> Option<NodeId> {
        let mut found = self.named(id, ns, local);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// The whole text of an element that has nothing but text, comments left out; absent when it has elements.
    ///
    /// A comment does not end the text: `admin<!-- -->.evil` is `admin.evil`.
    pub(crate) fn text(&self, id: NodeId) -> Option<String> {
        let mut text = String::new();
        for child in &self.element(id)?.children {
            match self.nodes.get(*child)? {
                Node::Text(part) => text.push_str(part),
                Node::Comment(_) => {}
                Node::Element(_) => return None,
            }
        }
        Some(text)
    }

    pub(crate) fn attribute(&self, id: NodeId, local: &str) -> Option<&str> {
        self.element(id)?.attribute(local)
    }

    /// What a prefix stands for at an element; `None` when it stands for nothing.
    pub(crate) fn in_scope(&self, at: NodeId, prefix: &str) -> Option<&str> {
        let mut here = Some(at);
        while let Some(element) = here.and_then(|id| self.element(id)) {
            if let Some((_, uri)) = element.declared.iter().find(|(declared, _)| declared == prefix) {
                return Some(uri.as_str()).filter(|uri| !uri.is_empty());
            }
            here = element.parent;
        }
        if prefix == "xml" {
            return Some(XML_NS);
        }
        self.context.iter().find(|(known, _)| known == prefix).map(|(_, uri)| uri.as_str())
    }

    /// Everything in scope at an element.
    pub(crate) fn scope(&self, at: NodeId) -> Vec<(String, String)> {
        let mut scope: Vec<(String, String)> = Vec::new();
        let mut here = Some(at);
        while let Some(element) = here.and_then(|id| self.element(id)) {
            for (prefix, uri) in &element.declared {
                if !scope.iter().any(|(known, _)| known == prefix) {
                    scope.push((prefix.clone(), uri.clone()));
                }
            }
            here = element.parent;
        }
        for (prefix, uri) in &self.context {
            if !scope.iter().any(|(known, _)| known == prefix) {
                scope.push((prefix.clone(), uri.clone()));
            }
        }
        scope.retain(|(_, uri)| !uri.is_empty());
        scope
    }
}

impl Element {
    pub(crate) fn is(&self, ns: &str, local: &str) -> bool {
        self.ns == ns && self.local == local
    }

    /// The attribute of this name that has no prefix.
    pub(crate) fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.ns.is_empty() && a.local == local).map(|a| a.value.as_str())
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
    context: Vec<(String, String)>,
}

fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

impl<'a> Parser<'a> {
    fn syntax<T>(&self, what: &'static str) -> Result<T, XmlError> {
        Err(XmlError::Syntax { at: self.at, what })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, what: &str) -> bool {
        let there = self.rest().starts_with(what);
        if there {
            self.at += what.len();
        }
        there
    }

    fn spaces(&mut self) -> bool {
        let before = self.at;
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        self.at > before
    }

    fn document(mut self) -> Result<Document, XmlError> {
        self.declaration()?;
        self.outside()?;
        if self.peek() != Some(b'<') {
            return self.syntax("no element where the document's should be");
        }
        let root = self.tree()?;
        self.outside()?;
        if self.at < self.text.len() {
            return self.syntax("something follows the document's element");
        }
        Ok(Document { nodes: self.nodes, root, context: self.context })
    }

    fn declaration(&mut self) -> Result<(), XmlError> {
        let rest = self.rest();
        if !rest.starts_with("<?xml") || !rest.as_bytes().get(5).copied().is_some_and(is_space) {
            return Ok(());
        }
        let end = rest.find("?>").ok_or(XmlError::Declaration)?;
        let said = rest.get(5..end).unwrap_or_default();
        let mut names = ["version", "encoding", "standalone"].iter();
        let mut left = said.trim();
        let mut first = true;
        while !left.is_empty() {
            let (name, after) = left.split_once('=').ok_or(XmlError::Declaration)?;
            let name = name.trim();
            let after = after.trim_start();
            let quote =
                after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(XmlError::Declaration)?;
            let (value, more) =
                after.get(1..).and_then(|a| a.split_once(quote)).ok_or(XmlError::Declaration)?;
            // In this order, each at most once, the version always.
            if !names.any(|known| *known == name) || (first && name != "version") {
                return Err(XmlError::Declaration);
            }
            let fits = match name {
                "version" => value == "1.0",
                "encoding" => value.eq_ignore_ascii_case("utf-8"),
                _ => matches!(value, "yes" | "no"),
            };
            if !fits || !(more.is_empty() || more.starts_with(|c: char| c.is_ascii_whitespace())) {
                return Err(XmlError::Declaration);
            }
            left = more.trim_start();
            first = false;
        }
        if first {
            return Err(XmlError::Declaration);
        }
        self.at += end + 2;
        Ok(())
    }

    /// Spaces and comments before and after the document's element.
    fn outside(&mut self) -> Result<(), XmlError> {
        loop {
            self.spaces();
            if self.eat("<!--") {
                self.comment()?;
            } else if self.rest().starts_with("<!") {
                return Err(XmlError::Doctype(self.at));
            } else if self.rest().starts_with("<?") {
                return Err(XmlError::Instruction(self.at));
            } else {
                return Ok(());
            }
        }
    }

    fn comment(&mut self) -> Result<String, XmlError> {
        let rest = self.rest();
        let Some(end) = rest.find("--") else { return self.syntax("a comment that does not end") };
        let body = rest.get(..end).unwrap_or_default();
        if !body.chars().all(is_char) {
            return self.syntax("a character that XML does not have");
        }
        self.at += end + 2;
        if !self.eat(">") {
            return self.syntax("two dashes in a comment");
        }
        Ok(lines(body))
    }

    fn add(&mut self, node: Node) -> Result<NodeId, XmlError> {
        if self.nodes.len() >= NODES_MAX {
            return Err(XmlError::TooMany);
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    /// The document's element with everything in it.
    fn tree(&mut self) -> Result<NodeId, XmlError> {
        let (root, open) = self.start(None)?;
        // Open elements with their names as written.
        let mut stack: Vec<(NodeId, &'a str)> = Vec::new();
        if let Some(name) = open {
            stack.push((root, name));
        }
        let mut text = String::new();
        while let Some((here, name)) = stack.last().copied() {
            let rest = self.rest();
            if rest.starts_with('<') && !rest.starts_with("<![CDATA[") && !text.is_empty() {
                let node = self.add(Node::Text(std::mem::take(&mut text)))?;
                self.adopt(here, node);
            }
            if self.eat("</") {
                if !self.eat(name) {
                    return self.syntax("an end that does not fit the beginning");
                }
                self.spaces();
                if !self.eat(">") {
                    return self.syntax("an end tag that does not end");
                }
                stack.pop();
            } else if self.eat("<!--") {
                let body = self.comment()?;
                let node = self.add(Node::Comment(body))?;
                self.adopt(here, node);
            } else if self.eat("<![CDATA[") {
                let rest = self.rest();
                let Some(end) = rest.find("]]>") else {
                    return self.syntax("a CDATA section that does not end");
                };
                let body = rest.get(..end).unwrap_or_default();
                if !body.chars().all(is_char) {
                    return self.syntax("a character that XML does not have");
                }
                text.push_str(&lines(body));
                self.at += end + 3;
            } else if rest.starts_with("<!") {
                return Err(XmlError::Doctype(self.at));
            } else if rest.starts_with("<?") {
                return Err(XmlError::Instruction(self.at));
            } else if rest.starts_with('<') {
                let (child, open) = self.start(Some(here))?;
                self.adopt(here, child);
                if let Some(name) = open {
                    if stack.len() >= DEPTH_MAX {
                        return Err(XmlError::TooDeep);
                    }
                    stack.push((child, name));
                }
            } else if rest.is_empty() {
                return self.syntax("the document breaks off");
            } else {
                let end = rest.find(['<', '&']).unwrap_or(rest.len());
                let part = rest.get(..end).unwrap_or_default();
                if part.contains("]]>") {
                    return self.syntax("the end of a CDATA section that did not begin");
                }
                if !part.chars().all(is_char) {
                    return self.syntax("a character that XML does not have");
                }
                text.push_str(&lines(part));
                self.at += end;
                if self.peek() == Some(b'&') {
                    text.push(self.reference()?);
                }
            }
        }
        Ok(root)
    }

    fn adopt(&mut self, parent: NodeId, child: NodeId) {
        if let Some(Node::Element(element)) = self.nodes.get_mut(parent) {
            element.children.push(child);
        }
    }

    fn reference(&mut self) -> Result<char, XmlError> {
        let at = self.at;
        // The longest is `&#x10FFFF;`, with some leading zeros.
        let window = self.text.as_bytes().get(at + 1..).unwrap_or_default();
        let end = window.iter().take(16).position(|byte| *byte == b';').ok_or(XmlError::Entity(at))?;
        let name = self.text.get(at + 1..at + 1 + end).ok_or(XmlError::Entity(at))?;
        let c = match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "apos" => '\'',
            "quot" => '"',
            _ => {
                let digits = name.strip_prefix('#').ok_or(XmlError::Entity(at))?;
                let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |hex| (hex, 16));
                if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
                    return Err(XmlError::Entity(at));
                }
                let code = u32::from_str_radix(digits, radix).map_err(|_| XmlError::Entity(at))?;
                char::from_u32(code).filter(|c| is_char(*c)).ok_or(XmlError::Entity(at))?
            }
        };
        self.at += end + 2;
        Ok(c)
    }

    fn ncname(&mut self) -> Result<&'a str, XmlError> {
        let rest = self.rest();
        let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
        let end = rest.bytes().position(|c| !fits(c)).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || name.len() > NAME_MAX {
            return self.syntax("not a name that is accepted here");
        }
        self.at += end;
        Ok(name)
    }

    /// Prefix and local part, and both as written.
    fn qname(&mut self) -> Result<(&'a str, &'a str, &'a str), XmlError> {
        let from = self.at;
        let first = self.ncname()?;
        if !self.eat(":") {
            return Ok(("", first, first));
        }
        let local = self.ncname()?;
        Ok((first, local, self.text.get(from..self.at).unwrap_or_default()))
    }

    fn value(&mut self) -> Result<String, XmlError> {
        let quote = match self.peek() {
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            _ => return self.syntax("an attribute without quotes"),
        };
        self.at += 1;
        let mut value = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find([quote, '<', '&']) else {
                return self.syntax("an attribute that does not end");
            };
            let part = rest.get(..end).unwrap_or_default();
            if !part.chars().all(is_char) {
                return self.syntax("a character that XML does not have");
            }
            value.extend(lines(part).chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }));
            self.at += end;
            match self.peek() {
                Some(b'&') => value.push(self.reference()?),
                Some(b'<') => return self.syntax("`<` in an attribute"),
                _ => {
                    self.at += 1;
                    return Ok(value);
                }
            }
        }
    }

    /// One start tag; its name when the element stays open.
    fn start(&mut self, parent: Option<NodeId>) -> Result<(NodeId, Option<&'a str>), XmlError> {
        let at = self.at;
        self.at += 1;
        let (prefix, local, written) = self.qname()?;
        let mut raw: Vec<(&'a str, &'a str, String)> = Vec::new();
        let mut declared: Vec<(String, String)> = Vec::new();
        let above = self.declared_above(parent);
        let open = loop {
            let spaced = self.spaces();
            if self.eat("/>") {
                break false;
            }
            if self.eat(">") {
                break true;
            }
            if !spaced {
                return self.syntax("no space before an attribute");
            }
            if raw.len() + declared.len() >= ATTRIBUTES_MAX {
                return Err(XmlError::TooMany);
            }
            let (a_prefix, a_local, _) = self.qname()?;
            self.spaces();
            if !self.eat("=") {
                return self.syntax("an attribute without a value");
            }
            self.spaces();
            let value = self.value()?;
            let declares = match (a_prefix, a_local) {
                ("", "xmlns") => Some(""),
                ("xmlns", name) => Some(name),
                _ => None,
            };
            let Some(name) = declares else {
                raw.push((a_prefix, a_local, value));
                continue;
            };
            if declared.iter().any(|(known, _)| known == name) {
                return Err(XmlError::TwiceAttribute(at));
            }
            // The default may be taken back; nothing else may. A relative name means another thing elsewhere.
            let absolute = value.find(':').is_some_and(|colon| colon > 0);
            let reserved = value == XMLNS_NS || (value == XML_NS) != (name == "xml") || name == "xmlns";
            if reserved || !(absolute || (value.is_empty() && name.is_empty())) {
                return self.syntax("a namespace that is not accepted");
            }
            if above + declared.len() >= DECLARED_MAX {
                return Err(XmlError::TooMany);
            }
            declared.push((name.to_owned(), value));
        };
        let element = Element {
            parent,
            prefix: prefix.to_owned(),
            local: local.to_owned(),
            ns: String::new(),
            attributes: Vec::new(),
            declared,
            children: Vec::new(),
        };
        let id = self.add(Node::Element(element))?;
        let ns = self.resolve(id, prefix, at)?;
        let mut attributes: Vec<Attribute> = Vec::with_capacity(raw.len());
        for (prefix, local, value) in raw {
            let ns = if prefix.is_empty() { String::new() } else { self.resolve(id, prefix, at)? };
            if attributes.iter().any(|known| known.ns == ns && known.local == local) {
                return Err(XmlError::TwiceAttribute(at));
            }
            attributes.push(Attribute { prefix: prefix.to_owned(), local: local.to_owned(), ns, value });
        }
        if let Some(Node::Element(element)) = self.nodes.get_mut(id) {
            element.ns = ns;
            element.attributes = attributes;
        }
        Ok((id, open.then_some(written)))
    }

    fn declared_above(&self, parent: Option<NodeId>) -> usize {
        let (mut count, mut here) = (0, parent);
        while let Some(Node::Element(element)) = here.and_then(|id| self.nodes.get(id)) {
            count += element.declared.len();
            here = element.parent;
        }
        count
    }

    fn resolve(&self, at: NodeId, prefix: &str, byte: usize) -> Result<String, XmlError> {
        let unknown = || XmlError::Prefix { at: byte, prefix: prefix.to_owned() };
        let mut here = Some(at);
        while let Some(Node::Element(element)) = here.and_then(|id| self.nodes.get(id)) {
            if let Some((_, uri)) = element.declared.iter().find(|(declared, _)| declared == prefix) {
                return Ok(uri.clone());
            }
            here = element.parent;
        }
        match prefix {
            "xml" => Ok(XML_NS.to_owned()),
            "xmlns" => Err(unknown()),
            _ => match self.context.iter().find(|(known, _)| known == prefix) {
                Some((_, uri)) => Ok(uri.clone()),
                None if prefix.is_empty() => Ok(String::new()),
                None => Err(unknown()),
            },
        }
    }
}

/// Ends of lines as XML reads them.
fn lines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

/// Text for an attribute of a document that we write.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if is_char(c) => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> XmlError {
        Document::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_xml_allows_and_saml_does_not_need_is_refused() {
        for (text, at) in [
            ("<!DOCTYPE a><a/>", 0),
            ("<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", 22),
            ("<a><!DOCTYPE b></a>", 3),
        ] {
            assert_eq!(error(text), XmlError::Doctype(at), "{text}");
        }
        assert_eq!(error("<?pi?><a/>"), XmlError::Instruction(0));
        assert_eq!(error("<a><?pi x?></a>"), XmlError::Instruction(3));
        assert_eq!(error("<a/><?pi x?>"), XmlError::Instruction(4));
        for text in [
            "<a>&x;</a>",
            "<a b='&x;'/>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a>&#x110000;</a>",
            "<a>& b</a>",
        ] {
            assert!(matches!(error(text), XmlError::Entity(_)), "{text}");
        }
        for text in [
            "<?xml version='1.0' encoding='UTF-16'?><a/>",
            "<?xml version='1.1'?><a/>",
            "<?xml encoding='utf-8' version='1.0'?><a/>",
            "<?xml ?><a/>",
        ] {
            assert_eq!(error(text), XmlError::Declaration, "{text}");
        }
        assert_eq!(Document::parse(b"<a>\xff</a>").unwrap_err(), XmlError::NotUtf8);
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in [
            "",
            " ",
            "a",
            "<",
            "<a",
            "<a>",
            "<a></b>",
            "<a></a",
            "<a/><b/>",
            "<a/>x",
            "<a b/>",
            "<a b=c/>",
            "<a b='<'/>",
            "<a b='1'c='2'/>",
            "<1a/>",
            "<a:/>",
            "<:a/>",
            "<a:b:c xmlns:a='u:a'/>",
            "<a>]]></a>",
            "<a><!-- -- --></a>",
            "<a><!-- ---></a>",
            "<a>\u{1}</a>",
            "<a b='\u{1}'/>",
            "<ä/>",
            "<a xmlns:p=''/>",
            "<a xmlns='relative'/>",
            "<a xmlns:xml='u:x'/>",
            "<a xmlns:xmlns='u:x'/>",
            "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
            "< a/>",
            "<a></ a>",
        ] {
            assert!(matches!(error(text), XmlError::Syntax { .. }), "{text}: {:?}", error(text));
        }
        for text in ["<p:a/>", "<a p:b='1'/>", "<a><b xmlns:p='u:p'/><p:c/></a>"] {
            assert!(matches!(error(text), XmlError::Prefix { .. }), "{text}");
        }
        for text in [
            "<a b='1' b='2'/>",
            "<a xmlns:p='u:p' xmlns:q='u:p' p:b='1' q:b='2'/>",
            "<a xmlns='u:a' xmlns='u:b'/>",
        ] {
            assert!(matches!(error(text), XmlError::TwiceAttribute(_)), "{text}");
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_costs_anything() {
        assert_eq!(error(&"<a>".repeat(40_000)), XmlError::TooDeep);
        assert_eq!(error(&format!("<a>{}</a>", "<b/>".repeat(25_000))), XmlError::TooMany);
        let many: String = (0..70).map(|n| format!(" a{n}=''")).collect();
        assert_eq!(error(&format!("<a{many}/>")), XmlError::TooMany);
        let declares: String = (0..10).map(|n| format!(" xmlns:p{n}='u:p'")).collect();
        assert_eq!(error(&format!("<a{declares}>").repeat(13)), XmlError::TooMany);
        // One beside the other is what many groups look like.
        assert!(
            Document::parse(format!("<a>{}</a>", format!("<b{declares}/>").repeat(500)).as_bytes()).is_ok()
        );
        assert_eq!(error(&format!("<a>{}</a>", "x".repeat(SIZE_MAX))), XmlError::TooLong);
        assert!(Document::parse("<a>".repeat(DEPTH_MAX).as_bytes()).is_err());
        let deepest = format!("{}{}", "<a>".repeat(DEPTH_MAX), "</a>".repeat(DEPTH_MAX));
        assert!(Document::parse(deepest.as_bytes()).is_ok());
    }

    #[test]
    fn a_comment_does_not_end_a_text() {
        let document = Document::parse(b"<a>admin@x.example<!-- -->.evil<![CDATA[.<b>]]>&amp;</a>").unwrap();
        assert_eq!(document.text(document.root()).unwrap(), "admin@x.example.evil.<b>&");
        let with_element = Document::parse(b"<a>admin<b/>.evil</a>").unwrap();
        assert_eq!(with_element.text(with_element.root()), None);
    }

    #[test]
    fn ends_of_lines_and_spaces_are_read_as_xml_says() {
        let document = Document::parse(b"<a b='1\r\n2\t3&#10;4'>1\r\n2\r3&#13;</a>").unwrap();
        assert_eq!(document.attribute(document.root(), "b"), Some("1 2 3\n4"));
        assert_eq!(document.text(document.root()).unwrap(), "1\n2\n3\r");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Document::parse(&bytes);
        }

        #[test]
        fn no_text_that_looks_like_xml_is_too_much(text in "[<>/a-c:='\"! \\[\\]&;#x?-]{0,80}") {
            let _ = Document::parse(text.as_bytes());
        }
    }
}
