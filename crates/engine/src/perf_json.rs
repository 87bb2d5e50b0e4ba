//! Performance values as the JSON that states keep.

use serde_json::{Value, json};
use wk_domain::perfdata::PerfMetric;

/// Writes them; ranges in the plugin guideline's notation, left out when absent.
pub fn write(metrics: &[PerfMetric]) -> String {
    let list: Vec<Value> = metrics
        .iter()
        .map(|m| {
            let mut value = json!({"label": m.label, "value": m.value, "unit": m.unit});
            let optional = [
                ("warn", m.warn.map(|r| json!(r.to_string()))),
                ("crit", m.crit.map(|r| json!(r.to_string()))),
                ("min", m.min.map(|v| json!(v))),
                ("max", m.max.map(|v| json!(v))),
            ];
            if let Value::Object(map) = &mut value {
                map.extend(optional.into_iter().filter_map(|(name, v)| v.map(|v| (name.to_owned(), v))));
            }
            value
        })
        .collect();
    Value::Array(list).to_string()
}
