//! What is true of every schema wherever it stands.

use serde_json::{Value, json};

/// Text without the control characters that [`Checks`](crate::text::Checks) refuses.
const TEXT: &str = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$";

/// The same, and not space alone.
const WORDS: &str = "^(?=[\\s\\S]*\\S)[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$";

/// Makes every schema in `value` say what the annotations cannot: the bounds of unsigned integers, and which characters free
/// text may have.
pub(super) fn make_exact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(make_exact),
        Value::Object(fields) => {
            fields.values_mut().for_each(make_exact);
            // Absent, in the annotations' words; as a value it need not fit the type.
            if fields.get("default") == Some(&Value::Null) {
                fields.remove("default");
            }
            unsigned(value);
            free_text(value);
        }
        _ => {}
    }
}

/// utoipa gives a `u32` the format of an `i32`, and no upper bound.
fn unsigned(schema: &mut Value) {
    if schema["format"] == "int32" && schema["minimum"] == 0 {
        schema["format"] = "int64".into();
        if schema.get("maximum").is_none() {
            schema["maximum"] = u32::MAX.into();
        }
    }
}

fn free_text(schema: &mut Value) {
    // Labels, hints and the like.
    if schema.get("items").is_some_and(|items| *items == json!({ "type": "string" })) {
        schema["items"]["pattern"] = TEXT.into();
    }
    let bounded = schema.get("maxLength").is_some_and(Value::is_number);
    let free = ["pattern", "format", "enum"].iter().all(|word| schema.get(word).is_none());
    if bounded && free {
        let must_say_something = schema["minLength"].as_u64() > Some(0);
        schema["pattern"] = json!(if must_say_something { WORDS } else { TEXT });
    }
}
