//! Reads a request: a JSON object, or the parameters behind the question mark.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::{Map, Value};

use crate::http::error::{ApiError, FieldError};
use crate::http::fields::{Fields, Origin, Read};

/// A request in the form of a JSON object.
pub struct Body<T>(pub T);

/// A JSON object, not yet read.
pub struct Object(pub Map<String, Value>);

/// A request in the form of query parameters.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: Read> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Object(object) = Object::from_request(request, state).await?;
        Ok(Body(read(Fields::new(object, Origin::Body))?))
    }
}

impl<S: Send + Sync> FromRequest<S> for Object {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::not_json());
        }
        let bytes =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection.into_response().status() {
                    StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(),
                    _ => ApiError::malformed("El cuerpo de la petición no llegó entero."),
                })?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Object(object)),
            Ok(_) => Err(ApiError::fields(vec![FieldError::new(
                "",
                "El cuerpo debe ser un objeto JSON.",
            )])),
            Err(error) => Err(ApiError::malformed(format!(
                "El cuerpo no es JSON válido: línea {}, columna {}.",
                error.line(),
                error.column()
            ))),
        }
    }
}

impl<S: Send + Sync, T: Read> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut object = Map::new();
        let query = parts.uri.query().unwrap_or("");
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if object.contains_key(name.as_ref()) {
                let fault = FieldError::new(&name, "El parámetro está repetido.");
                return Err(ApiError::fields(vec![fault]));
            }
            object.insert(name.into_owned(), Value::String(value.into_owned()));
        }
        Ok(Query(read(Fields::new(object, Origin::Query))?))
    }
}

fn read<T: Read>(mut fields: Fields) -> Result<T, ApiError> {
    let request = T::read(&mut fields);
    fields.finish()?;
    Ok(request)
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let kind = declared.split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case("application/json")
}
