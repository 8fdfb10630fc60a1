//! What Hetzner's `OpenAPI` document says of a call: whether body and answer have its form.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Registry, Validator};
use serde_json::{Map, Value, json};

use crate::spec::fits;

/// Where schemas refer to.
const HERE: &str = "urn:hetzner";
/// The document, when there is one.
pub static DOCUMENT: LazyLock<Option<Document>> =
    LazyLock::new(|| crate::spec::find().map(Document::new));

/// The document, and the validators that were wanted so far.
pub struct Document {
    paths: Map<String, Value>,
    registry: Registry<'static>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// A call and its answer.
pub struct Exchange<'e> {
    pub method: &'e str,
    pub path: &'e str,
    pub sent: &'e [u8],
    pub status: u16,
    pub answer: &'e [u8],
}

impl Document {
    fn new(mut root: Value) -> Self {
        translate(&mut root);
        let paths = root["paths"].as_object().cloned().expect("it has paths");
        let registry = Registry::new().add(HERE, root).expect("it has a form");
        Self {
            paths,
            registry: registry.prepare().expect("its references lead somewhere"),
            validators: Mutex::default(),
        }
    }

    /// What is wrong with a call: a body that was taken, or an answer, that the document has otherwise.
    pub fn complaint(&self, exchange: &Exchange) -> Option<String> {
        let Exchange {
            method,
            path,
            status,
            ..
        } = exchange;
        let complain = |what: String| Some(format!("{method} {path} -> {status}: {what}"));
        let Some((template, operation)) = self.operation(method, path) else {
            let refused = [401, 404, 405, 429].contains(status);
            return if refused {
                None
            } else {
                complain("the document has no such call".to_owned())
            };
        };
        let place = format!("#/paths/{}/{}", escaped(template), method.to_lowercase());
        let responses = &operation["responses"];
        let class = format!("{}XX", status / 100);
        let Some(key) = [status.to_string(), class]
            .into_iter()
            .find(|key| responses.get(key).is_some())
        else {
            return complain("the document has no such status".to_owned());
        };
        if let Err(error) = self.check(
            &responses[&key],
            &format!("{place}/responses/{key}"),
            exchange.answer,
        ) {
            return complain(format!("the answer: {error}"));
        }
        let body = &operation["requestBody"];
        let sent = as_documented(exchange.sent, !body.is_null());
        let is_taken = (200..300).contains(status);
        if is_taken && let Err(error) = self.check(body, &format!("{place}/requestBody"), &sent) {
            return complain(format!("the body was taken: {error}"));
        }
        None
    }

    /// The operation of a path; of several templates that fit, the one with the fewest variables.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let fitting = self
            .paths
            .iter()
            .filter(|(template, _)| fits(template, path));
        let with_it = fitting.filter_map(|(template, item)| {
            Some((template.as_str(), item.get(method.to_lowercase())?))
        });
        with_it.min_by_key(|(template, _)| template.matches('{').count())
    }

    fn check(&self, described: &Value, place: &str, bytes: &[u8]) -> Result<(), String> {
        if described["content"]["application/json"]["schema"].is_null() {
            let is_right = bytes.is_empty();
            return is_right
                .then_some(())
                .ok_or_else(|| "there is a body".to_owned());
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let validator = self.validator(&format!("{place}/content/application~1json/schema"));
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.join("; "))
        }
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut known = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let build = || {
            let schema = json!({ "$ref": format!("{HERE}{pointer}") });
            let options = jsonschema::options()
                .with_registry(&self.registry)
                .should_validate_formats(true);
            Arc::new(
                options
                    .build(&schema)
                    .unwrap_or_else(|error| panic!("{pointer}: {error}")),
            )
        };
        known
            .entry(pointer.to_owned())
            .or_insert_with(build)
            .clone()
    }
}

/// A body as the document has it. The API takes more than that, and its clients use it: no body for an
/// empty object or the other way round, ids where names are, and null for a name that is to be the
/// default again.
fn as_documented(sent: &[u8], is_wanted: bool) -> Vec<u8> {
    if sent.is_empty() || sent == b"{}" {
        return if is_wanted {
            b"{}".to_vec()
        } else {
            Vec::new()
        };
    }
    let Ok(Value::Object(mut body)) = serde_json::from_slice(sent) else {
        return sent.to_vec();
    };
    for key in ["image", "server_type", "location"] {
        if let Some(id) = body.get_mut(key).filter(|value| value.is_number()) {
            *id = json!(id.to_string());
        }
    }
    if body.get("dns_ptr") == Some(&Value::Null) {
        body.insert("dns_ptr".to_owned(), json!(""));
    }
    Value::Object(body).to_string().into_bytes()
}

/// A path as a part of a pointer in a reference.
fn escaped(template: &str) -> String {
    [("/", "~1"), ("{", "%7B"), ("}", "%7D")]
        .iter()
        .fold(template.to_owned(), |text, (from, to)| {
            text.replace(from, to)
        })
}

/// From `OpenAPI` 3.0 to JSON Schema.
fn translate(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(translate),
        Value::Object(map) => map.values_mut().for_each(translate),
        _ => {}
    }
    if value.get("nullable") == Some(&Value::Bool(true)) {
        *value = json!({ "anyOf": [value.take(), { "type": "null" }] });
    }
}

#[test]
fn what_is_not_as_documented_is_told() {
    let Some(document) = DOCUMENT.as_ref() else {
        return;
    };
    let complaint = |method, path, sent: &Value, status, answer: &Value| {
        let (sent, answer) = (
            sent.to_string().into_bytes(),
            answer.to_string().into_bytes(),
        );
        document.complaint(&Exchange {
            method,
            path,
            sent: &sent,
            status,
            answer: &answer,
        })
    };
    let error = json!({ "error": { "code": "a", "message": "b", "details": null } });
    let key = json!({ "ssh_key": { "id": 1, "name": "a", "fingerprint": "b", "public_key": "c", "labels": {}, "created": "2026-01-01T00:00:00+00:00" } });
    let wish = json!({ "name": "a", "public_key": "c" });
    assert_eq!(complaint("POST", "/ssh_keys", &wish, 201, &key), None);
    assert_eq!(
        complaint("POST", "/ssh_keys", &json!({}), 422, &error),
        None
    );
    for (what, method, path, sent, status, answer) in [
        (
            "a key is missing",
            "POST",
            "/ssh_keys",
            &wish,
            201,
            &json!({ "ssh_key": { "id": 1 } }),
        ),
        (
            "a wrong body is taken",
            "POST",
            "/ssh_keys",
            &json!({ "name": 1 }),
            201,
            &key,
        ),
        (
            "the status is another",
            "POST",
            "/ssh_keys",
            &wish,
            200,
            &key,
        ),
        (
            "the error has no code",
            "GET",
            "/ssh_keys/1",
            &json!({}),
            404,
            &json!({ "error": {} }),
        ),
        (
            "there is no such call",
            "GET",
            "/nothing",
            &json!({}),
            200,
            &key,
        ),
    ] {
        assert!(
            complaint(method, path, sent, status, answer).is_some(),
            "{what}"
        );
    }
}
