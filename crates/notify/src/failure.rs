//! Why a delivery did not come about, in words that people read and that hold no secret.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wk_domain::text::clean_line;

/// Longest error text, in bytes.
const TEXT_MAX: usize = 500;

/// Whether trying again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The other side was not reached, or says that it is busy.
    Passing,
    /// The other side says no, or the channel cannot work as it is configured. A person has to mend it.
    Refused,
    /// Nobody can be told this way any more.
    Final,
}

/// A delivery that did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// The receiver asks for this much patience.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, text: impl AsRef<str>) -> Self {
        Self { kind, text: clean_line(text.as_ref(), TEXT_MAX), retry_after: None }
    }

    pub(crate) fn passing(text: impl AsRef<str>) -> Self {
        Self::new(Kind::Passing, text)
    }

    pub(crate) fn refused(text: impl AsRef<str>) -> Self {
        Self::new(Kind::Refused, text)
    }

    pub(crate) fn tls(error: crate::egress::tls::TlsError) -> Self {
        if error.is_rule { Self::refused(error.text) } else { Self::passing(error.text) }
    }

    /// Takes the secret out of the text, should the other side have repeated it: as it is, and as SMTP encodes it.
    pub(crate) fn without(mut self, secret: &[u8], username: Option<&str>) -> Self {
        if secret.is_empty() {
            return self;
        }
        let mut forms = vec![String::from_utf8_lossy(secret).into_owned(), STANDARD.encode(secret)];
        if let Some(username) = username {
            let plain = [b"\0", username.as_bytes(), b"\0", secret].concat();
            forms.push(STANDARD.encode(plain));
        }
        for form in forms {
            // White space in the secret may have become other white space when the text was cleaned.
            let form = clean_line(form, TEXT_MAX);
            if !form.is_empty() && self.text.contains(&form) {
                self.text = self.text.replace(&form, "[secret]");
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_comes_back_is_taken_out() {
        let said = "535 no: canary-7f3a or Y2FuYXJ5LTdmM2E= or AG9wcwBjYW5hcnktN2YzYQ==";
        let failure = Failure::refused(said).without(b"canary-7f3a", Some("ops"));
        assert_eq!(failure.text, "535 no: [secret] or [secret] or [secret]");
        assert_eq!(Failure::passing("a\r\nb\x1b[2J").without(b"", None).text, "a b");
    }
}
