//! XML signatures as SAML uses them, and no other: one signature, of one element, by its id, with the signature inside.
//!
//! The order is the whole point. `SignedInfo` is made canonical, and what it says is read from those very bytes, after
//! the signature over them held. The element is made canonical, the digest of those bytes is compared, and those bytes are
//! what the caller gets to read: what was signed and what is read cannot differ. Nothing is looked up by a path.
//!
//! `KeyInfo` is not read at all. Only exclusive canonicalization and the enveloped signature transform exist here, so XPath,
//! XSLT, XPointer and references to other places cannot be asked for.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::c14n::{self, Method};
use crate::key::{IdpCertificate, SignatureMethod};
use crate::xml::{Document, NodeId};

pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const EXC_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Prefixes that one may ask to be written.
const PREFIXES_MAX: usize = 32;

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("it is not signed")]
    Missing,
    #[error("the signature is not of the form SAML has: {0}")]
    Form(&'static str),
    #[error("the signature uses {0}, which is not accepted; let the provider sign with RSA and SHA-256")]
    Algorithm(String),
    #[error("the signature is of something else than the element it is in")]
    OtherElement,
    #[error("two elements have the same id")]
    TwiceId,
    #[error("none of the provider's certificates made the signature")]
    Key,
    #[error("what was signed has been changed")]
    Digest,
}

/// Whether all ids of a document are different, whatever their attribute is called.
pub(crate) fn ids_are_unique(document: &Document) -> bool {
    let mut ids: Vec<&str> = document
        .elements()
        .flat_map(|(_, element)| &element.attributes)
        .filter(|attribute| attribute.local.eq_ignore_ascii_case("id"))
        .map(|attribute| attribute.value.as_str())
        .collect();
    ids.sort_unstable();
    ids.windows(2).all(|pair| pair[0] != pair[1])
}

/// Checks the signature that is a child of `element`, and gives the canonical bytes of what it signs.
///
/// # Errors
/// [`SignatureError`].
pub(crate) fn verify(
    document: &Document,
    element: NodeId,
    certificates: &[IdpCertificate],
) -> Result<Vec<u8>, SignatureError> {
    use SignatureError as E;
    let mut signatures = document.named(element, DS, "Signature");
    let signature = signatures.next().ok_or(E::Missing)?;
    if signatures.next().is_some() {
        return Err(E::Form("there are two"));
    }
    if !ids_are_unique(document) {
        return Err(E::TwiceId);
    }
    // SignedInfo, SignatureValue, KeyInfo or not, and nothing else: no Object.
    let parts: Vec<&str> = document.children(signature).map(|(_, part)| part.local.as_str()).collect();
    let known = document.children(signature).all(|(_, part)| part.ns == DS);
    if !known
        || !matches!(
            parts.as_slice(),
            ["SignedInfo", "SignatureValue"] | ["SignedInfo", "SignatureValue", "KeyInfo"]
        )
    {
        return Err(E::Form("it has other parts than SignedInfo, SignatureValue and KeyInfo"));
    }
    let info = document.only(signature, DS, "SignedInfo").ok_or(E::Form("there is no SignedInfo"))?;
    let method = document
        .only(info, DS, "CanonicalizationMethod")
        .ok_or(E::Form("there is no CanonicalizationMethod"))?;
    let bytes = c14n::canonical(document, info, None, &canonicalization(document, method)?);

    let value =
        document.only(signature, DS, "SignatureValue").ok_or(E::Form("there is no SignatureValue"))?;
    let value = decoded(document, value).ok_or(E::Form("SignatureValue is not base64"))?;
    // From here on only what was signed is read.
    let signed = Document::parse(&bytes).map_err(|_| E::Form("SignedInfo cannot be read"))?;
    let stated = signed_info(&signed)?;
    if !certificates.iter().any(|certificate| certificate.verify(stated.method, &bytes, &value)) {
        return Err(E::Key);
    }

    let id = document.attribute(element, "ID").filter(|id| !id.is_empty()).ok_or(E::Form("it has no ID"))?;
    if stated.reference.strip_prefix('#') != Some(id) {
        return Err(E::OtherElement);
    }
    let content = c14n::canonical(document, element, Some(signature), &stated.transform);
    let digest = digest::digest(stated.digest, &content);
    verify_slices_are_equal(digest.as_ref(), &stated.value).map_err(|_| E::Digest)?;
    Ok(content)
}

struct Stated {
    method: SignatureMethod,
    reference: String,
    transform: Method,
    digest: &'static digest::Algorithm,
    value: Vec<u8>,
}

/// What a SignedInfo says; it is a document of its own here.
fn signed_info(info: &Document) -> Result<Stated, SignatureError> {
    use SignatureError as E;
    let root = info.root();
    let parts: Vec<_> = info.children(root).collect();
    let [(_, first), (method, second), (reference, third)] = parts.as_slice() else {
        return Err(E::Form("SignedInfo has not exactly one Reference"));
    };
    let (method, reference) = (*method, *reference);
    if !info.element(root).is_some_and(|e| e.is(DS, "SignedInfo"))
        || !first.is(DS, "CanonicalizationMethod")
        || !second.is(DS, "SignatureMethod")
        || !third.is(DS, "Reference")
    {
        return Err(E::Form("SignedInfo has other parts than it should"));
    }
    let uri = info.attribute(method, "Algorithm").unwrap_or_default();
    let method_is = SignatureMethod::of(uri).ok_or_else(|| named(uri))?;
    if info.children(method).next().is_some() {
        return Err(E::Form("the signature method has parameters"));
    }
    let parts: Vec<_> = info.children(reference).collect();
    let [(transforms, first), (digest, second), (value, third)] = parts.as_slice() else {
        return Err(E::Form("the Reference has other parts than Transforms, DigestMethod and DigestValue"));
    };
    if !first.is(DS, "Transforms") || !second.is(DS, "DigestMethod") || !third.is(DS, "DigestValue") {
        return Err(E::Form("the Reference has other parts than Transforms, DigestMethod and DigestValue"));
    }
    let steps: Vec<_> = info.children(*transforms).collect();
    for (step, element) in &steps {
        let uri = info.attribute(*step, "Algorithm").unwrap_or_default();
        if !element.is(DS, "Transform") || ![ENVELOPED, EXC, EXC_COMMENTS].contains(&uri) {
            return Err(named(uri));
        }
    }
    let [(enveloped, _), (exclusive, _)] = steps.as_slice() else {
        return Err(E::Form("the transforms are not the enveloped signature and exclusive canonicalization"));
    };
    if info.attribute(*enveloped, "Algorithm") != Some(ENVELOPED)
        || info.children(*enveloped).next().is_some()
    {
        return Err(E::Form("the transforms are not the enveloped signature and exclusive canonicalization"));
    }
    let digest = match info.attribute(*digest, "Algorithm").unwrap_or_default() {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &digest::SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &digest::SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &digest::SHA512,
        other => return Err(named(other)),
    };
    Ok(Stated {
        method: method_is,
        reference: info.attribute(reference, "URI").unwrap_or_default().to_owned(),
        transform: canonicalization(info, *exclusive)?,
        digest,
        value: decoded(info, *value).ok_or(E::Form("DigestValue is not base64"))?,
    })
}

fn named(uri: &str) -> SignatureError {
    let uri = wk_domain::text::clean_line(uri, 120);
    SignatureError::Algorithm(if uri.is_empty() {
        "an algorithm without a name".to_owned()
    } else {
        format!("`{uri}`")
    })
}

/// The canonicalization that an element with an `Algorithm` asks for.
fn canonicalization(document: &Document, at: NodeId) -> Result<Method, SignatureError> {
    let uri = document.attribute(at, "Algorithm").unwrap_or_default();
    let comments = match uri {
        EXC => false,
        EXC_COMMENTS => true,
        other => return Err(named(other)),
    };
    let mut inclusive = Vec::new();
    for (index, (id, child)) in document.children(at).enumerate() {
        if index > 0 || !child.is(EXC, "InclusiveNamespaces") {
            return Err(SignatureError::Form("the canonicalization has parameters that are not known"));
        }
        let list = document.attribute(id, "PrefixList").unwrap_or_default();
        inclusive.extend(
            list.split_ascii_whitespace()
                .take(PREFIXES_MAX + 1)
                .map(|prefix| if prefix == "#default" { String::new() } else { prefix.to_owned() }),
        );
    }
    if inclusive.len() > PREFIXES_MAX {
        return Err(SignatureError::Form("too many prefixes are to be written"));
    }
    Ok(Method { comments, inclusive })
}

/// Base64 as XML has it: with spaces and ends of lines, but with nothing else, not even a comment.
pub(crate) fn decoded(document: &Document, at: NodeId) -> Option<Vec<u8>> {
    if document.element(at)?.children.len() > 1 {
        return None;
    }
    let text: String = document.text(at)?.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}
