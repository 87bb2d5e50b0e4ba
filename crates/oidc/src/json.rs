//! JSON without doubled names: a reader that takes the first and one that takes the last would disagree about a token.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A document in which every object has each name once. Depth is bounded by the reader (128).
pub(crate) struct Once(pub(crate) Value);

struct Seen;

impl<'de> Visitor<'de> for Seen {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Once(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let Once(value) = map.next_value()?;
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("a name stands there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Seen).map(Self)
    }
}

/// An object.
///
/// # Errors
/// A sentence without any of the document's text.
pub(crate) fn object(raw: &[u8]) -> Result<Map<String, Value>, &'static str> {
    match serde_json::from_slice(raw) {
        Ok(Once(Value::Object(object))) => Ok(object),
        Ok(_) => Err("it is no JSON object"),
        Err(_) => Err("it is not JSON, or has a name twice"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_twice_is_refused_at_any_depth() {
        assert!(object(br#"{"a":1,"b":{"c":[1.5,null,true,"x",-2]}}"#).is_ok());
        for wrong in
            [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"a":2}]}"#, r#"{"a":1,"\u0061":2}"#, "[]", "1", "", "{}x"]
        {
            assert!(object(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(object(format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500)).as_bytes()).is_err());
    }
}
