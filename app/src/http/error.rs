//! The one shape of an error: `{"error": {"codigo", "mensaje", "campos", "solicitud"}}`.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::query_error::QueryError;
use crate::http::request_id;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, ToSchema)]
#[schema(as = Falta)]
pub struct FieldError {
    /// The field's name; empty for the body itself.
    pub campo: String,
    /// A sentence.
    pub mensaje: String,
    /// Values that would be taken, where there is a list of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sugerencias: Vec<String>,
}

impl FieldError {
    /// A fault without suggestions.
    pub fn new(campo: &str, mensaje: impl Into<String>) -> Self {
        FieldError {
            campo: campo.to_owned(),
            mensaje: mensaje.into(),
            sugerencias: Vec::new(),
        }
    }
}

/// An answer that is an error. Never carries the text of an internal failure.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    codigo: &'static str,
    mensaje: String,
    campos: Vec<FieldError>,
    retry_after_s: Option<u64>,
    challenge: Option<&'static str>,
}

impl ApiError {
    fn new(status: StatusCode, codigo: &'static str, mensaje: impl Into<String>) -> Self {
        ApiError {
            status,
            codigo,
            mensaje: mensaje.into(),
            campos: Vec::new(),
            retry_after_s: None,
            challenge: None,
        }
    }

    /// 400: the body is not JSON.
    pub fn malformed(mensaje: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "json_invalido", mensaje)
    }

    /// 401: no token, or a wrong one.
    pub fn locked(has_shown: bool) -> Self {
        let (mensaje, challenge) = if has_shown {
            (
                "La clave de acceso no es la de este servidor.",
                "Bearer realm=\"citrino\", error=\"invalid_token\"",
            )
        } else {
            (
                "Este servidor pide una clave de acceso: Authorization: Bearer.",
                "Bearer realm=\"citrino\"",
            )
        };
        ApiError {
            challenge: Some(challenge),
            ..Self::new(StatusCode::UNAUTHORIZED, "sin_autorizacion", mensaje)
        }
    }

    /// 404.
    pub fn not_found(mensaje: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_encontrado", mensaje)
    }

    /// 404: no model of that name; the code is `OpenAI`'s.
    pub fn no_such_model(model: &str, known: &str) -> Self {
        let mensaje = format!("No existe el modelo \"{model}\"; el que hay es {known}.");
        Self::new(StatusCode::NOT_FOUND, "model_not_found", mensaje)
    }

    /// 405.
    pub fn method_not_allowed(method: &Method, path: &str) -> Self {
        let mensaje = format!("La ruta {path} no admite el método {method}.");
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "metodo_no_permitido",
            mensaje,
        )
    }

    /// 413.
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "cuerpo_demasiado_grande",
            "El cuerpo de la petición es demasiado grande.",
        )
    }

    /// 415.
    pub fn not_json() -> Self {
        let mensaje = "El cuerpo debe ser JSON y decirlo: Content-Type: application/json.";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "tipo_no_admitido",
            mensaje,
        )
    }

    /// 422: the fields, each with its sentence.
    pub fn fields(campos: Vec<FieldError>) -> Self {
        let mensaje = if campos.len() == 1 {
            "Un campo no es válido."
        } else {
            "Varios campos no son válidos."
        };
        ApiError {
            campos,
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "campos_invalidos",
                mensaje,
            )
        }
    }

    /// 429: too many requests from this client.
    pub fn too_many(retry_after_s: u64) -> Self {
        let mensaje = format!("Demasiadas peticiones; inténtelo en {retry_after_s} s.");
        ApiError {
            retry_after_s: Some(retry_after_s),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "demasiadas_peticiones",
                mensaje,
            )
        }
    }

    /// 504: the request took longer than the settings allow.
    pub fn timed_out() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "tiempo_agotado",
            "La petición tardó demasiado y fue abandonada.",
        )
    }

    fn unavailable(codigo: &'static str, mensaje: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, codigo, mensaje)
    }
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    error: Fault,
}

/// The error in the body. It is also attached to the response, so that `/v1` can write it in its own shape.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Fallo)]
pub struct Fault {
    /// A word for programs.
    pub codigo: &'static str,
    /// A sentence for people.
    pub mensaje: String,
    pub campos: Vec<FieldError>,
    /// The request's id, which the log repeats.
    solicitud: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = Fault {
            codigo: self.codigo,
            mensaje: self.mensaje,
            campos: self.campos,
            solicitud: request_id::current(),
        };
        let told = error.clone();
        let mut response = (self.status, Json(ErrorBody { error })).into_response();
        response.extensions_mut().insert(told);
        if let Some(seconds) = self.retry_after_s {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::from_database(&error)
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::from_database(error.cause())
    }
}

impl ApiError {
    fn from_database(error: &sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed a request");
        match error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => {
                Self::unavailable("base_no_disponible", "La base de datos no responde.")
            }
            sqlx::Error::Database(fault) => {
                Self::from_sqlstate(fault.code().as_deref().unwrap_or(""))
            }
            _ => Self::internal(),
        }
    }

    /// The database's error codes: classes 08, 53 and 57P mean that it is not available, 57014 a cancelled statement, 42P01,
    /// 42703 and 42883 a schema that is older than this release.
    fn from_sqlstate(code: &str) -> Self {
        match code {
            "57014" => Self::timed_out(),
            "42P01" | "42703" | "42883" => Self::unavailable(
                "base_sin_migrar",
                "La base de datos no tiene el esquema de esta versión.",
            ),
            _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
                Self::unavailable("base_no_disponible", "La base de datos no responde.")
            }
            _ => Self::internal(),
        }
    }

    /// 500.
    pub fn internal() -> Self {
        let mensaje = "Ocurrió un error interno; el registro lo explica con el x-request-id de esta respuesta.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "error_interno", mensaje)
    }
}
