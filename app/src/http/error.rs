//! The one shape of an error: `{"error": {"codigo", "mensaje", "campos"}}`.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
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
}

impl ApiError {
    fn new(status: StatusCode, codigo: &'static str, mensaje: impl Into<String>) -> Self {
        ApiError {
            status,
            codigo,
            mensaje: mensaje.into(),
            campos: Vec::new(),
        }
    }

    /// 400: the body is no JSON.
    pub fn malformed(mensaje: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "json_invalido", mensaje)
    }

    /// 404.
    pub fn not_found(mensaje: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_encontrado", mensaje)
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

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: Inner,
        }
        #[derive(Serialize)]
        struct Inner {
            codigo: &'static str,
            mensaje: String,
            campos: Vec<FieldError>,
        }
        let inner = Inner {
            codigo: self.codigo,
            mensaje: self.mensaje,
            campos: self.campos,
        };
        (self.status, Json(Body { error: inner })).into_response()
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed a request");
        match &error {
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
}

impl ApiError {
    /// The database's error codes: classes 08, 53 and 57P are its being away, 57014 a cancelled statement, 42P01, 42703
    /// and 42883 a schema older than this release.
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

    fn internal() -> Self {
        let mensaje = "Ocurrió un error interno; el registro lo explica con el x-request-id de esta respuesta.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "error_interno", mensaje)
    }
}
