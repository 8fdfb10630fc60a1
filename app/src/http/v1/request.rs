//! Reads the body of `/v1/chat/completions`. As in the protocol, fields without effect here are ignored. A field that would
//! have to change the answer, but cannot, is refused.

use serde_json::{Map, Value};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::chat::{Options, Role, Turn};
use crate::http::error::{ApiError, FieldError};

/// Turns, and characters of one, at most.
const TURNS: usize = 500;
const LETTERS: usize = 32_000;
/// Stops at most.
const STOPS: usize = 4;

/// The request.
pub struct Ask {
    pub model: String,
    pub turns: Vec<Turn>,
    pub stream: bool,
    pub include_usage: bool,
    pub options: Options,
}

/// Reads it, or says which field is wrong.
pub fn read(body: Map<String, Value>) -> Result<Ask, ApiError> {
    let body = Body(body);
    let model = body
        .get("model")
        .and_then(Value::as_str)
        .map(ToOwned::to_owned);
    let stream = body.boolean("stream")?;
    let ask = Ask {
        model: model.ok_or_else(|| wrong("model", "Falta el nombre del modelo."))?,
        turns: turns(&body)?,
        stream,
        include_usage: include_usage(&body)?,
        options: Options {
            max_tokens: match body.count("max_completion_tokens")? {
                None => body.count("max_tokens")?,
                count => count,
            },
            temperature: body.number("temperature", 2.0)?,
            top_p: body.number("top_p", 1.0)?,
            stop: stops(&body)?,
        },
    };
    refuse(&body)?;
    Ok(ask)
}

struct Body(Map<String, Value>);

impl Body {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn boolean(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| wrong(name, "Debe ser true o false.")),
        }
    }

    fn number(&self, name: &str, high: f64) -> Result<Option<f64>, ApiError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_f64() {
            Some(number) if (0.0..=high).contains(&number) => Ok(Some(number)),
            _ => Err(wrong(name, format!("Debe ser un número entre 0 y {high}."))),
        }
    }

    fn count(&self, name: &str) -> Result<Option<u32>, ApiError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let count = value
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| *count > 0);
        match count {
            Some(count) => Ok(Some(count)),
            None => Err(wrong(name, "Debe ser un número entero mayor que 0.")),
        }
    }
}

fn include_usage(body: &Body) -> Result<bool, ApiError> {
    let Some(options) = body.get("stream_options") else {
        return Ok(false);
    };
    match options.get("include_usage") {
        Some(wanted) if !wanted.is_null() => wanted.as_bool(),
        _ => options.is_object().then_some(false),
    }
    .ok_or_else(|| wrong("stream_options", "Debe ser un objeto con include_usage."))
}

fn turns(body: &Body) -> Result<Vec<Turn>, ApiError> {
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages.ok_or_else(|| wrong("messages", "Falta la lista de mensajes."))?;
    if messages.len() > TURNS {
        return Err(wrong(
            "messages",
            format!("No puede tener más de {TURNS} mensajes."),
        ));
    }
    let mut turns = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages[{index}]");
        let role = match message["role"].as_str() {
            Some("system" | "developer") => Role::System,
            Some("user") => Role::User,
            Some("assistant" | "tool" | "function") => Role::Assistant,
            _ => {
                return Err(wrong(
                    &format!("{place}.role"),
                    "Debe ser system, user o assistant.",
                ));
            }
        };
        let text = content(&message["content"], &format!("{place}.content"))?;
        if matches!(message["role"].as_str(), Some("tool" | "function")) {
            // This server never calls tools, so their answers are ignored.
            continue;
        }
        if text.trim().is_empty() && role == Role::User {
            return Err(wrong(&format!("{place}.content"), "El mensaje está vacío."));
        }
        turns.push(Turn { role, text });
    }
    if turns.iter().any(|turn| turn.role == Role::User) {
        Ok(turns)
    } else {
        Err(wrong(
            "messages",
            "Debe haber al menos un mensaje de role user.",
        ))
    }
}

/// A text, or the texts of its parts.
fn content(content: &Value, place: &str) -> Result<String, ApiError> {
    let text = match content {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Option<Vec<&str>> = parts
                .iter()
                .map(|part| part["text"].as_str().filter(|_| part["type"] == "text"))
                .collect();
            texts
                .ok_or_else(|| wrong(place, "Solo se admiten partes de tipo text."))?
                .join("\n")
        }
        _ => return Err(wrong(place, "Debe ser un texto o una lista de partes.")),
    };
    if text.chars().count() > LETTERS {
        return Err(wrong(
            place,
            format!("No puede tener más de {LETTERS} caracteres."),
        ));
    }
    Ok(text)
}

fn stops(body: &Body) -> Result<Vec<String>, ApiError> {
    let stops: Option<Vec<String>> = match body.get("stop") {
        None => Some(Vec::new()),
        Some(Value::String(stop)) => Some(vec![stop.clone()]),
        Some(Value::Array(stops)) => stops
            .iter()
            .map(|stop| stop.as_str().map(ToOwned::to_owned))
            .collect(),
        Some(_) => None,
    };
    match stops {
        Some(stops) if stops.len() <= STOPS && stops.iter().all(|stop| !stop.is_empty()) => {
            Ok(stops)
        }
        _ => Err(wrong(
            "stop",
            format!("Debe ser un texto o una lista de hasta {STOPS}, ninguno vacío."),
        )),
    }
}

/// Refuses what cannot be honoured.
fn refuse(body: &Body) -> Result<(), ApiError> {
    if body.get("n").is_some_and(|n| *n != 1) {
        return Err(wrong("n", "Solo se da una respuesta por petición."));
    }
    if body.get("logprobs").is_some_and(|wanted| *wanted == true) {
        return Err(wrong("logprobs", "Este modelo no da probabilidades."));
    }
    let format = body
        .get("response_format")
        .map_or("text", |format| format["type"].as_str().unwrap_or(""));
    if format != "text" {
        return Err(wrong("response_format", "Este modelo solo responde texto."));
    }
    let choice = body.get("tool_choice");
    if choice.is_some_and(|choice| *choice != "none" && *choice != "auto") {
        return Err(wrong("tool_choice", "Este modelo no llama herramientas."));
    }
    Ok(())
}

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::fields(vec![FieldError::new(field, message)])
}

/// The schema of the request; further fields are allowed.
impl PartialSchema for Ask {
    fn schema() -> RefOr<Schema> {
        let number = |most: f64| {
            let number = nullable(Type::Number);
            number.minimum(Some(0.0)).maximum(Some(most))
        };
        let count = || {
            let count = nullable(Type::Integer);
            count.minimum(Some(1)).maximum(Some(u32::MAX))
        };
        let word = || {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
        };
        let stops = ArrayBuilder::new().items(word()).max_items(Some(STOPS));
        let only_one = Some([Value::from(1), Value::Null]);
        let usage = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
            .property("include_usage", nullable(Type::Boolean));
        let messages = ArrayBuilder::new()
            .items(message())
            .min_items(Some(1))
            .max_items(Some(TURNS));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("model", ObjectBuilder::new().schema_type(Type::String))
            .required("model")
            .property("messages", messages)
            .required("messages")
            .property("stream", nullable(Type::Boolean))
            .property("stream_options", usage)
            .property("temperature", number(2.0))
            .property("top_p", number(1.0))
            .property("max_tokens", count())
            .property("max_completion_tokens", count())
            .property(
                "stop",
                OneOfBuilder::new().item(word()).item(stops).item(null()),
            )
            .property("n", nullable(Type::Integer).enum_values(only_one))
            .into()
    }
}

impl ToSchema for Ask {
    fn name() -> std::borrow::Cow<'static, str> {
        "Conversacion".into()
    }
}

/// A turn. A user's turn must not be empty, which a schema cannot express.
fn message() -> ObjectBuilder {
    let text = || {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.max_length(Some(LETTERS))
    };
    let part = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("type", text().enum_values(Some(["text"])))
        .required("type")
        .property("text", text())
        .required("text");
    let content = OneOfBuilder::new()
        .item(text())
        .item(ArrayBuilder::new().items(part))
        .item(null());
    let roles = [
        "system",
        "developer",
        "user",
        "assistant",
        "tool",
        "function",
    ];
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("role", text().enum_values(Some(roles)))
        .required("role")
        .property("content", content)
}

fn nullable(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([kind, Type::Null]))
}

fn null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Null)
}
