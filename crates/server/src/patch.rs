//! What changes from one envelope to the next, as RFC 6902 operations, written as text at once.
//!
//! ```text
//! objects   member by member            arrays   place by place, then what came or went at the end
//! ```
//!
//! Where many figures of a row change, the row as a whole is shorter than an operation for each: of the two the shorter is sent, and a
//! reader has the less to do. Applying the operations in their order to the first gives the second.

use serde::Serialize;
use serde_json::{Map, Value};

/// Room that an operation takes besides its path and value.
const OPERATION: &str = "{\"op\":\"replace\",\"path\":\"\",\"value\":},";

/// The operations, as a JSON array.
pub(crate) fn patch(before: &Value, after: &Value) -> Result<String, serde_json::Error> {
    let mut writer = Writer { text: b"[".to_vec(), path: String::new() };
    writer.differ(before, after)?;
    if writer.text.last() == Some(&b',') {
        writer.text.pop();
    }
    writer.text.push(b']');
    String::from_utf8(writer.text).map_err(serde::ser::Error::custom)
}

struct Writer {
    text: Vec<u8>,
    /// Of the value that is being compared, as a JSON pointer.
    path: String,
}

impl Writer {
    fn differ(&mut self, before: &Value, after: &Value) -> Result<(), serde_json::Error> {
        let start = self.text.len();
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => self.members(before, after)?,
            (Value::Array(before), Value::Array(after)) => self.elements(before, after)?,
            _ if before == after => return Ok(()),
            _ => return self.put("replace", after),
        }
        self.shortened(start, after)
    }

    fn members(
        &mut self,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Result<(), serde_json::Error> {
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            self.within(name, Self::remove)?;
        }
        for (name, value) in after {
            self.within(name, |own| match before.get(name) {
                Some(old) => own.differ(old, value),
                None => own.put("add", value),
            })?;
        }
        Ok(())
    }

    fn elements(&mut self, before: &[Value], after: &[Value]) -> Result<(), serde_json::Error> {
        for (place, (old, value)) in before.iter().zip(after).enumerate() {
            self.within(&place.to_string(), |own| own.differ(old, value))?;
        }
        for place in (after.len()..before.len()).rev() {
            self.within(&place.to_string(), Self::remove)?;
        }
        for value in after.iter().skip(before.len()) {
            self.within("-", |own| own.put("add", value))?;
        }
        Ok(())
    }

    /// The value as a whole in the place of the operations on what is in it, if that is shorter.
    fn shortened(&mut self, start: usize, after: &Value) -> Result<(), serde_json::Error> {
        let end = self.text.len();
        // A few operations are shorter than any row: it need not be written to know that.
        if end - start <= 2 * (OPERATION.len() + self.path.len()) {
            return Ok(());
        }
        self.put("replace", after)?;
        if self.text.len() - end < end - start {
            self.text.drain(start..end);
        } else {
            self.text.truncate(end);
        }
        Ok(())
    }

    /// Does something one step further down.
    fn within(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Result<(), serde_json::Error>,
    ) -> Result<(), serde_json::Error> {
        let length = self.path.len();
        self.path.push('/');
        for letter in name.chars() {
            match letter {
                '~' => self.path.push_str("~0"),
                '/' => self.path.push_str("~1"),
                _ => self.path.push(letter),
            }
        }
        let done = work(self);
        self.path.truncate(length);
        done
    }

    fn remove(&mut self) -> Result<(), serde_json::Error> {
        self.text.extend_from_slice(b"{\"op\":\"remove\",\"path\":");
        self.path.serialize(&mut serde_json::Serializer::new(&mut self.text))?;
        self.text.extend_from_slice(b"},");
        Ok(())
    }

    fn put(&mut self, operation: &str, value: &Value) -> Result<(), serde_json::Error> {
        self.text.extend_from_slice(b"{\"op\":\"");
        self.text.extend_from_slice(operation.as_bytes());
        self.text.extend_from_slice(b"\",\"path\":");
        self.path.serialize(&mut serde_json::Serializer::new(&mut self.text))?;
        self.text.extend_from_slice(b",\"value\":");
        value.serialize(&mut serde_json::Serializer::new(&mut self.text))?;
        self.text.extend_from_slice(b"},");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn applied(before: &Value, text: &str) -> Value {
        let operations: json_patch::Patch = serde_json::from_str(text).unwrap();
        let mut value = before.clone();
        json_patch::patch(&mut value, &operations).unwrap();
        value
    }

    #[test]
    fn operations_are_those_of_the_rule() {
        let of = |before: Value, after: Value| patch(&before, &after).unwrap();
        assert_eq!(of(json!({"a": 1, "b": 2}), json!({"a": 1, "b": 2})), "[]");
        assert_eq!(of(json!({"a": 1}), json!({"a": 2})), r#"[{"op":"replace","path":"/a","value":2}]"#);
        assert_eq!(
            of(json!({"a/~": 1, "b": 0}), json!({"b": 0, "c": null})),
            r#"[{"op":"remove","path":"/a~1~0"},{"op":"add","path":"/c","value":null}]"#
        );
        assert_eq!(
            of(json!([1, 2, 3]), json!([1, 4])),
            r#"[{"op":"replace","path":"/1","value":4},{"op":"remove","path":"/2"}]"#
        );
        assert_eq!(of(json!([]), json!([7])), r#"[{"op":"add","path":"/-","value":7}]"#);
        assert_eq!(of(json!(1), json!("x")), r#"[{"op":"replace","path":"","value":"x"}]"#);
    }

    #[test]
    fn a_row_of_which_much_has_changed_is_sent_as_a_whole_and_one_figure_alone() {
        let row = |figure: u32| json!({"name": "long enough to be worth it", "a": figure, "b": figure, "c": figure, "d": figure});
        let before = json!({"rows": [row(1), row(1), row(1)]});
        let mut after = before.clone();
        after["rows"][1] = row(2);
        assert_eq!(
            patch(&before, &after).unwrap(),
            format!(r#"[{{"op":"replace","path":"/rows/1","value":{}}}]"#, row(2))
        );
        after["rows"][1] = row(1);
        after["rows"][2]["c"] = json!(9);
        assert_eq!(patch(&before, &after).unwrap(), r#"[{"op":"replace","path":"/rows/2/c","value":9}]"#);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2i64..3).prop_map(Value::from),
            "[a/~\"é]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[ab/~]{0,2}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_operations_make_the_second_of_the_first(before in any_value(), after in any_value()) {
            let text = patch(&before, &after).unwrap();
            prop_assert_eq!(applied(&before, &text), after);
        }
    }
}
