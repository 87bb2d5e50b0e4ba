//! Host names and patterns: any text is survived, and the matcher agrees with a table that is slow and plain.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_domain::name::{CheckKey, HostName, HostPattern, Label, MetricName};

fuzz_target!(|input: (&str, &str)| {
    let (pattern_text, name_text) = input;
    let _ = (name_text.parse::<MetricName>(), name_text.parse::<CheckKey>(), Label::new(pattern_text, name_text));
    let (Ok(pattern), Ok(name)) = (pattern_text.parse::<HostPattern>(), name_text.parse::<HostName>()) else { return };
    assert_eq!(pattern.matches(&name), plain(pattern.as_str().as_bytes(), name.as_str().as_bytes()));
});

/// `reach[j]`: the pattern read so far matches the first `j` bytes of the name.
fn plain(pattern: &[u8], name: &[u8]) -> bool {
    let mut reach = vec![false; name.len() + 1];
    reach[0] = true;
    for atom in pattern {
        let before = reach.clone();
        reach[0] = *atom == b'*' && before[0];
        for (j, byte) in name.iter().enumerate() {
            reach[j + 1] = match atom {
                b'*' => before[j + 1] || reach[j],
                b'?' => before[j],
                _ => before[j] && atom == byte,
            };
        }
    }
    reach[name.len()]
}
