//! What directories mean by their result codes, and what they know of an account.

use wk_domain::Timestamp;

use super::conn::Bound;
use super::proto::{Outcome, PolicyWord};
use crate::{AccountState, Denied};

/// A result for people: the standard's name, the number, and the server's own words.
pub(crate) fn text(outcome: &Outcome) -> String {
    let name = match outcome.code {
        0 => "success",
        1 => "operations error",
        2 => "protocol error",
        3 => "time limit exceeded",
        4 => "size limit exceeded",
        7 => "authentication method not supported",
        8 => "stronger authentication required",
        10 => "it is on another server",
        11 => "administrative limit exceeded",
        13 => "confidentiality required",
        16 => "no such attribute",
        19 => "constraint violation",
        32 => "no such object",
        34 => "that is no distinguished name",
        48 => "inappropriate authentication",
        49 => "invalid credentials",
        50 => "insufficient access rights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwilling to perform",
        80 => "other error",
        _ => "unusual result",
    };
    match outcome.diagnostic.as_str() {
        "" => format!("{name} ({})", outcome.code),
        words => format!("{name} ({}): {words}", outcome.code),
    }
}

/// Active Directory's own number within its diagnostic text: `... AcceptSecurityContext error, data 52e, v4563`.
fn data(diagnostic: &str) -> Option<u32> {
    let (_, after) = diagnostic.rsplit_once("data ")?;
    let digits: String = after.chars().take_while(char::is_ascii_hexdigit).take(8).collect();
    u32::from_str_radix(&digits, 16).ok()
}

/// What the bind of a person says about the person. `Ok`: the password is right and may be used.
pub(crate) fn judge(bound: &Bound) -> Result<(), Denied> {
    let outcome = &bound.outcome;
    let policy = bound.policy.map(|word| match word {
        PolicyWord::Expired => AccountState::PasswordExpired,
        PolicyWord::Locked => AccountState::Locked,
        PolicyWord::MustChange => AccountState::MustChangePassword,
    });
    match (outcome.code, policy) {
        (0, None) => return Ok(()),
        (0 | 49, Some(state)) => return Err(Denied::Account(state)),
        _ => {}
    }
    let account = match (outcome.code, data(&outcome.diagnostic)) {
        (49, Some(0x530 | 0x531)) => Some(AccountState::Restricted),
        (49, Some(0x532)) => Some(AccountState::PasswordExpired),
        (49, Some(0x533)) => Some(AccountState::Disabled),
        (49, Some(0x701)) => Some(AccountState::Expired),
        (49, Some(0x773)) => Some(AccountState::MustChangePassword),
        (49, Some(0x775)) => Some(AccountState::Locked),
        // 389 Directory Server: too many tries; inactivated.
        (19, _) => Some(AccountState::Locked),
        (53, _) => Some(AccountState::Disabled),
        _ => None,
    };
    if let Some(state) = account {
        return Err(Denied::Account(state));
    }
    Err(match outcome.code {
        32 | 48 | 49 => Denied::Wrong(text(outcome)),
        3 | 51 | 52 | 80 => Denied::Unavailable(text(outcome)),
        _ => Denied::Misconfigured(format!("the directory refuses the bind: {}", text(outcome))),
    })
}

/// `userAccountControl`, `msDS-User-Account-Control-Computed` (Active Directory).
const DISABLED: i64 = 0x2;
const LOCKED: i64 = 0x10;
const PASSWORD_EXPIRED: i64 = 0x80_0000;
/// Ticks of 100 ns from 1601 to 1970.
const EPOCH_TICKS: i64 = 116_444_736_000_000_000;

/// Attributes that say whether an account may be used. Servers leave out those that they do not know.
pub(crate) const STATE_ATTRIBUTES: [&str; 4] =
    ["userAccountControl", "msDS-User-Account-Control-Computed", "accountExpires", "nsAccountLock"];

/// What the entry's own attributes say against the account, whatever the bind said.
pub(crate) fn state<'a>(value: impl Fn(&str) -> Option<&'a [u8]>, now: Timestamp) -> Option<AccountState> {
    let number = |name| {
        value(name).and_then(|raw| std::str::from_utf8(raw).ok()).and_then(|raw| raw.parse::<i64>().ok())
    };
    let control = number("useraccountcontrol").unwrap_or(0);
    let computed = number("msds-user-account-control-computed").unwrap_or(0);
    if control & DISABLED != 0 || value("nsaccountlock").is_some_and(|raw| raw.eq_ignore_ascii_case(b"true"))
    {
        return Some(AccountState::Disabled);
    }
    if let Some(ticks) = number("accountexpires").filter(|ticks| *ticks > 0 && *ticks != i64::MAX)
        && (ticks - EPOCH_TICKS) / 10_000 <= now.as_ms()
    {
        return Some(AccountState::Expired);
    }
    if computed & LOCKED != 0 {
        return Some(AccountState::Locked);
    }
    (computed & PASSWORD_EXPIRED != 0).then_some(AccountState::PasswordExpired)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(code: i32, diagnostic: &str) -> Bound {
        let outcome = Outcome { code, diagnostic: diagnostic.to_owned(), referrals: Vec::new() };
        Bound { outcome, policy: None }
    }

    #[test]
    fn active_directorys_numbers_are_understood() {
        let ad = |data: &str| {
            judge(&bound(
                49,
                &format!(
                    "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data {data}, v4563"
                ),
            ))
        };
        assert!(matches!(ad("52e"), Err(Denied::Wrong(_))));
        assert!(matches!(ad("525"), Err(Denied::Wrong(_))));
        for (number, state) in [
            ("530", AccountState::Restricted),
            ("532", AccountState::PasswordExpired),
            ("533", AccountState::Disabled),
            ("701", AccountState::Expired),
            ("773", AccountState::MustChangePassword),
            ("775", AccountState::Locked),
        ] {
            assert_eq!(ad(number), Err(Denied::Account(state)), "{number}");
        }
    }

    #[test]
    fn only_success_is_success() {
        assert_eq!(judge(&bound(0, "")), Ok(()));
        for code in (1..200).chain([i32::MAX]) {
            assert!(judge(&bound(code, "")).is_err(), "{code}");
        }
        let must_change = Bound { policy: Some(PolicyWord::MustChange), ..bound(0, "") };
        assert_eq!(judge(&must_change), Err(Denied::Account(AccountState::MustChangePassword)));
    }

    #[test]
    fn flags_of_the_entry_count_whatever_the_bind_said() {
        let now = Timestamp::from_ms(1_700_000_000_000);
        let of = |name: &'static str, raw: &'static str| {
            state(|asked| (asked == name).then_some(raw.as_bytes()), now)
        };
        assert_eq!(of("useraccountcontrol", "512"), None);
        assert_eq!(of("useraccountcontrol", "514"), Some(AccountState::Disabled));
        assert_eq!(of("nsaccountlock", "TRUE"), Some(AccountState::Disabled));
        assert_eq!(of("msds-user-account-control-computed", "16"), Some(AccountState::Locked));
        assert_eq!(of("msds-user-account-control-computed", "8388608"), Some(AccountState::PasswordExpired));
        for never in ["0", "9223372036854775807", "-1", "x"] {
            assert_eq!(of("accountexpires", never), None, "{never}");
        }
        assert_eq!(of("accountexpires", "133444736000000000"), Some(AccountState::Expired));
        assert_eq!(of("accountexpires", "134444736000000000"), None);
    }
}
