//! Exclusive XML Canonicalization 1.0 (<https://www.w3.org/TR/xml-exc-c14n/>): what is signed is these bytes.
//!
//! An element with everything below it, but for one element that may be left out (the signature inside what it signs).
//! Inclusive canonicalization is not here: with it, what surrounds an element changes what is signed.

use crate::xml::{Document, Node, NodeId};

/// How to write it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Method {
    pub(crate) comments: bool,
    /// Prefixes that are written where they are in scope, used or not; empty stands for the default namespace.
    pub(crate) inclusive: Vec<String>,
}

enum Todo {
    Open(NodeId),
    /// Writes the end tag, and forgets what its element had declared.
    Close(NodeId, usize),
}

/// The canonical bytes of the element `apex`, without the element `left_out`.
pub(crate) fn canonical(
    document: &Document,
    apex: NodeId,
    left_out: Option<NodeId>,
    method: &Method,
) -> Vec<u8> {
    let mut out = String::new();
    // What is written so far, innermost last: prefix and what it stands for.
    let mut written: Vec<(String, String)> = Vec::new();
    let mut todo = vec![Todo::Open(apex)];
    while let Some(next) = todo.pop() {
        match next {
            Todo::Close(id, before) => {
                written.truncate(before);
                if let Some(element) = document.element(id) {
                    out.push_str("</");
                    push_name(&mut out, &element.prefix, &element.local);
                    out.push('>');
                }
            }
            Todo::Open(id) => match document.node(id) {
                Some(Node::Text(text)) => push_text(&mut out, text),
                Some(Node::Comment(text)) if method.comments => {
                    out.push_str("<!--");
                    out.push_str(text);
                    out.push_str("-->");
                }
                Some(Node::Element(_)) if left_out == Some(id) => {}
                Some(Node::Element(element)) => {
                    let before = written.len();
                    out.push('<');
                    push_name(&mut out, &element.prefix, &element.local);
                    for (prefix, uri) in to_declare(document, id, method, &written) {
                        if prefix.is_empty() {
                            out.push_str(" xmlns=\"");
                        } else {
                            out.push_str(" xmlns:");
                            out.push_str(&prefix);
                            out.push_str("=\"");
                        }
                        push_value(&mut out, &uri);
                        out.push('"');
                        written.push((prefix, uri));
                    }
                    let mut attributes: Vec<_> = element.attributes.iter().collect();
                    attributes.sort_by(|a, b| (&a.ns, &a.local).cmp(&(&b.ns, &b.local)));
                    for attribute in attributes {
                        out.push(' ');
                        push_name(&mut out, &attribute.prefix, &attribute.local);
                        out.push_str("=\"");
                        push_value(&mut out, &attribute.value);
                        out.push('"');
                    }
                    out.push('>');
                    todo.push(Todo::Close(id, before));
                    todo.extend(element.children.iter().rev().map(|child| Todo::Open(*child)));
                }
                _ => {}
            },
        }
    }
    out.into_bytes()
}

/// What an element must declare: what it and its attributes use, and what is asked for, unless it is written already.
fn to_declare(
    document: &Document,
    id: NodeId,
    method: &Method,
    written: &[(String, String)],
) -> Vec<(String, String)> {
    let Some(element) = document.element(id) else { return Vec::new() };
    let used = std::iter::once(&element.prefix)
        .chain(element.attributes.iter().map(|a| &a.prefix).filter(|prefix| !prefix.is_empty()))
        .chain(method.inclusive.iter());
    let mut prefixes: Vec<&String> = used.filter(|prefix| *prefix != "xml").collect();
    prefixes.sort();
    prefixes.dedup();
    let mut declare = Vec::new();
    for prefix in prefixes {
        let uri = document.in_scope(id, prefix).unwrap_or_default();
        let known = written.iter().rev().find(|(known, _)| known == prefix).map(|(_, uri)| uri.as_str());
        // A prefix that stands for nothing is not declared; a default that stands for nothing only where it stood
        // for something.
        if uri == known.unwrap_or_default() || (uri.is_empty() && !prefix.is_empty()) {
            continue;
        }
        declare.push((prefix.clone(), uri.to_owned()));
    }
    declare
}

fn push_name(out: &mut String, prefix: &str, local: &str) {
    if !prefix.is_empty() {
        out.push_str(prefix);
        out.push(':');
    }
    out.push_str(local);
}

fn push_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

fn push_value(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

/// The canonical bytes of a whole document, for tests that compare with another program.
#[doc(hidden)]
pub fn canonical_document(document: &Document, comments: bool, inclusive: &[&str]) -> Vec<u8> {
    let inclusive = inclusive.iter().map(|p| if *p == "#default" { String::new() } else { (*p).to_owned() });
    canonical(document, document.root(), None, &Method { comments, inclusive: inclusive.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, comments: bool, inclusive: &[&str]) -> String {
        let document = Document::parse(text.as_bytes()).unwrap();
        String::from_utf8(canonical_document(&document, comments, inclusive)).unwrap()
    }

    #[test]
    fn the_examples_of_the_recommendation() {
        // Section 2.2 of the recommendation: the same element in two surroundings has the same bytes.
        let one = Document::parse(
            br#"<n0:local xmlns:n0="foo:bar" xmlns:n3="ftp://example.org"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n0:local>"#,
        )
        .unwrap();
        let two = Document::parse(
            br#"<n2:pdu xmlns:n1="http://example.com" xmlns:n2="http://foo.example" xml:lang="fr" xml:space="retain"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n2:pdu>"#,
        )
        .unwrap();
        let inner = |document: &Document| {
            let (id, _) = document.children(document.root()).next().unwrap();
            String::from_utf8(canonical(document, id, None, &Method::default())).unwrap()
        };
        assert_eq!(inner(&one), inner(&two));
        assert_eq!(
            inner(&one),
            r#"<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>"#
        );
    }

    #[test]
    fn attributes_are_sorted_and_texts_escaped() {
        assert_eq!(
            written(
                "<a z='1' b:y=\"&quot;'&#9;&#10;&lt;>\" xmlns:b='u:b' a='2'><![CDATA[<&>]]>&#13;\"<!-- c --></a>",
                false,
                &[]
            ),
            "<a xmlns:b=\"u:b\" a=\"2\" z=\"1\" b:y=\"&quot;'&#x9;&#xA;&lt;>\">&lt;&amp;&gt;&#xD;\"</a>"
        );
        assert_eq!(written("<a><!-- c --></a>", true, &[]), "<a><!-- c --></a>");
    }

    #[test]
    fn namespaces_are_declared_where_they_are_used() {
        let text = "<a xmlns='u:a' xmlns:b='u:b' xmlns:c='u:c'><b:d><e xmlns=''/><f/></b:d></a>";
        assert_eq!(
            written(text, false, &[]),
            "<a xmlns=\"u:a\"><b:d xmlns:b=\"u:b\"><e xmlns=\"\"></e><f></f></b:d></a>"
        );
        assert_eq!(
            written(text, false, &["c", "nobody"]),
            "<a xmlns=\"u:a\" xmlns:c=\"u:c\"><b:d xmlns:b=\"u:b\"><e xmlns=\"\"></e><f></f></b:d></a>"
        );
    }
}
