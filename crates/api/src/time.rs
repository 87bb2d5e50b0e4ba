//! Times as the API writes and reads them.

use wk_domain::Timestamp;

use crate::error::ApiError;

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn write(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_ms())
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .unwrap_or_default()
}

/// Reads an RFC 3339 time with any offset.
pub(crate) fn read(pointer: &str, raw: &str) -> Result<Timestamp, ApiError> {
    raw.parse::<jiff::Timestamp>()
        .map(|at| Timestamp::from_ms(at.as_millisecond()))
        .map_err(|_| ApiError::field(pointer, format!("`{raw}` is not a time such as 2026-11-21T10:00:00Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_a_round_trip() {
        let at = Timestamp::from_ms(1_795_000_000_123);
        assert_eq!(read("/at", &write(at)).unwrap(), at);
        assert_eq!(write(Timestamp::from_ms(0)), "1970-01-01T00:00:00.000Z");
        assert!(read("/at", "yesterday").is_err());
    }
}
