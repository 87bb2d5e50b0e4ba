//! Command lines as they may be shown: bounded, and without what looks like a secret.

use aws_lc_rs::digest;

/// Longest command line kept, before cleaning.
pub(crate) const CMDLINE_BYTES_MAX: usize = 480;
/// Longest run of letters and digits without a break that is not taken for a key.
const TOKEN_CHARS_MAX: usize = 31;
const MASK: &[u8] = b"***";

const SECRET_WORDS: [&[u8]; 12] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"pwd",
    b"secret",
    b"token",
    b"apikey",
    b"api-key",
    b"api_key",
    b"credential",
    b"private",
    b"auth",
];

/// The first 16 hexadecimal digits of the SHA-256 of `bytes`: names a line without showing it, the same after a restart.
pub(crate) fn short_digest(bytes: &[u8]) -> String {
    let sum = digest::digest(&digest::SHA256, bytes);
    sum.as_ref().iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Joins the arguments of `/proc/<pid>/cmdline` (each ends with a zero byte) with spaces, secrets masked.
pub(crate) fn from_proc(raw: &[u8]) -> Vec<u8> {
    let raw = raw.strip_suffix(b"\0").unwrap_or(raw);
    mask(raw.split(|b| *b == 0))
}

/// A line of a crontab or unit file, secrets masked.
pub(crate) fn from_line(line: &[u8]) -> Vec<u8> {
    mask(line.split(|b| *b == b' ' || *b == b'\t').filter(|w| !w.is_empty()))
}

fn mask<'a>(args: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    // The value of an option such as `--password` is the argument after it.
    let mut value_follows = false;
    let mut client = false;
    for (at, arg) in args.enumerate() {
        if out.len() > CMDLINE_BYTES_MAX {
            break;
        }
        if at > 0 {
            out.push(b' ');
        }
        if at == 0 {
            let name = arg.rsplit(|b| *b == b'/').next().unwrap_or(arg);
            client = [&b"mysql"[..], b"mariadb", b"sshpass", b"mongo"].iter().any(|p| name.starts_with(p));
            out.extend_from_slice(arg);
            continue;
        }
        let bearer = arg.eq_ignore_ascii_case(b"bearer") || arg.eq_ignore_ascii_case(b"basic");
        let is_option = arg.starts_with(b"-");
        if bearer || value_follows && !(is_option && arg.len() > 2) {
            out.extend_from_slice(if bearer { arg } else { MASK });
            value_follows = bearer;
            continue;
        }
        value_follows = false;
        if client && arg.len() > 2 && arg.starts_with(b"-p") {
            // These take the password directly after the letter.
            out.extend_from_slice(b"-p***");
        } else if let Some(split) =
            arg.iter().position(|b| *b == b'=' || *b == b':').filter(|p| is_secret_name(&arg[..*p]))
        {
            out.extend_from_slice(&arg[..=split]);
            out.extend_from_slice(MASK);
            // `Authorization: Bearer x` in one argument ends here too; in several the value is still to come.
            value_follows = split + 1 == arg.len();
        } else if is_option && is_secret_name(arg) {
            out.extend_from_slice(arg);
            value_follows = true;
        } else {
            out.extend_from_slice(&mask_inside(arg));
        }
    }
    out.truncate(CMDLINE_BYTES_MAX);
    out
}

fn is_secret_name(name: &[u8]) -> bool {
    // A value that merely contains such a word further on, as a path may, is no name.
    name.len() <= 64
        && !name.contains(&b'/')
        && SECRET_WORDS.iter().any(|word| name.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word)))
}

/// Masks the password of `scheme://user:password@host` and runs that look like a key.
fn mask_inside(arg: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(arg.len().min(CMDLINE_BYTES_MAX));
    let mut rest = arg;
    if let Some(scheme) = arg.windows(3).position(|w| w == b"://") {
        let authority = &arg[scheme + 3..];
        let end = authority.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(authority.len());
        if let Some(sign) = authority[..end].iter().rposition(|b| *b == b'@')
            && let Some(colon) = authority[..sign].iter().position(|b| *b == b':')
        {
            out.extend_from_slice(&arg[..scheme + 3 + colon + 1]);
            out.extend_from_slice(MASK);
            rest = &authority[sign..];
        }
    }
    let is_key_byte = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'_');
    while !rest.is_empty() && out.len() <= CMDLINE_BYTES_MAX {
        let run = rest.iter().position(|b| !is_key_byte(b)).unwrap_or(rest.len());
        let (word, digits) = (&rest[..run], rest[..run].iter().filter(|b| b.is_ascii_digit()).count());
        // Long words exist; long words with digits mixed in are keys.
        if run > TOKEN_CHARS_MAX && digits >= 4 {
            out.extend_from_slice(MASK);
        } else {
            out.extend_from_slice(word);
        }
        match rest.get(run) {
            Some(b) => out.push(*b),
            None => break,
        }
        rest = &rest[run + 1..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        for (line, want) in [
            (
                "nginx: master process /usr/sbin/nginx -g daemon on;",
                "nginx: master process /usr/sbin/nginx -g daemon on;",
            ),
            ("app --password hunter2 --port 80", "app --password *** --port 80"),
            ("app --db-password=hunter2 -v", "app --db-password=*** -v"),
            ("mysql -uroot -phunter2 db", "mysql -uroot -p*** db"),
            ("env API_TOKEN=abc run", "env API_TOKEN=*** run"),
            (
                "curl -H Authorization: Bearer abc.def https://x/y",
                "curl -H Authorization:*** Bearer *** https://x/y",
            ),
            ("psql postgres://me:hunter2@db/x", "psql postgres://me:***@db/x"),
            ("run 0123456789abcdef0123456789abcdef", "run ***"),
            ("sshd -D -o AuthorizedKeysFile /etc/ssh/keys", "sshd -D -o AuthorizedKeysFile /etc/ssh/keys"),
            (
                "/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main",
                "/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main",
            ),
        ] {
            assert_eq!(String::from_utf8(from_line(line.as_bytes())).unwrap(), want, "{line}");
        }
        assert_eq!(from_proc(b"a\0--token\0x y\0"), b"a --token ***");
    }

    proptest! {
        #[test]
        fn a_password_after_its_option_never_shows(secret in "[A-Za-z0-9]{6,20}Q7", tail in "[ -~]{0,20}") {
            for line in [format!("x --password {secret} {tail}"), format!("x --password={secret} {tail}"),
                         format!("x PGPASSWORD={secret}"), format!("x http://u:{secret}@h/{tail}")] {
                let shown = String::from_utf8_lossy(&from_line(line.as_bytes())).into_owned();
                prop_assert!(!shown.contains(&secret), "{}", shown);
            }
        }

        #[test]
        fn no_arguments_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(from_proc(&bytes).len() <= CMDLINE_BYTES_MAX);
            prop_assert!(from_line(&bytes).len() <= CMDLINE_BYTES_MAX);
        }
    }
}
