//! What a plugin writes: bounded, free of control characters, and stable when read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_domain::perfdata::{LABEL_MAX, METRICS_MAX, NOTES_MAX, UNIT_MAX, parse};
use wk_domain::plugin_output::{OUTPUT_MAX, PluginOutput, TEXT_MAX};

fuzz_target!(|stdout: &[u8]| {
    let output = PluginOutput::parse(stdout);
    assert!(output.text.len() <= TEXT_MAX && output.long_text.len() <= OUTPUT_MAX);
    assert!(output.metrics.len() <= METRICS_MAX && output.notes.len() <= NOTES_MAX);
    assert!(!output.text.chars().any(|c| c.is_control() && c != '\t'));
    assert!(!output.long_text.chars().any(|c| c.is_control() && c != '\t' && c != '\n'));
    for metric in &output.metrics {
        assert!(metric.label.len() <= LABEL_MAX && metric.unit.len() <= UNIT_MAX);
        assert!(metric.value.is_none_or(f64::is_finite));
    }
    let again = PluginOutput::parse(output.text.as_bytes());
    assert_eq!(again.text, output.text);
    assert!(again.metrics.is_empty());

    let printed = output.metrics.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(parse(&printed), (output.metrics, vec![]));
});
