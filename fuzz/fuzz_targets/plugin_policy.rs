//! A policy file reads or is refused; a policy that reads makes only whole arguments.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (file, value) = text.split_once('\0').unwrap_or((text, ""));
    for policy in wk_sandbox::parse_plugins(file).unwrap_or_default() {
        let values: Vec<_> = policy.params.keys().map(|name| (name.clone(), value.to_owned())).collect();
        if let Ok(resolved) = policy.resolve(&values) {
            assert_eq!(resolved.argv().len(), policy.argv.len() + 1);
        }
    }
});
