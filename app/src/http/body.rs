//! Reads a request's body as a JSON object.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::IntoResponse;
use serde_json::Value;

use crate::http::error::{ApiError, FieldError};
use crate::http::fields::Fields;

/// The fields of a JSON object, not yet looked at.
pub struct JsonObject(pub Fields);

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let declared = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        if !declared
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .eq_ignore_ascii_case("application/json")
        {
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
            Ok(Value::Object(object)) => Ok(JsonObject(Fields::new(object))),
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
