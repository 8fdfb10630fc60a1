//! The `OpenAPI` document, generated from the routes and the types that they read and write.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr};
use utoipa::{IntoResponses, OpenApi};

use crate::http::error::ErrorBody;
use crate::http::{token, v1_error};

/// The head of the document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Citrino",
        description = "Recomendador de propiedades en Santa Cruz de la Sierra. Los precios son dólares, las superficies metros \
                       cuadrados y las distancias metros; un dato desconocido es null, nunca 0."
    ),
    components(schemas(ErrorBody, v1_error::ErrorBody))
)]
pub struct Head;

/// How a request with parameters can fail.
pub struct QueryFaults;

/// How a request with a JSON body can fail.
pub struct BodyFaults;

/// How a request that names one thing can fail.
pub struct ItemFaults;

/// How a request without any input can fail.
pub struct PlainFaults;

/// How a request of `OpenAI`'s protocol without any input can fail.
pub struct ModelsFaults;

/// How one that names a model can fail.
pub struct ModelFaults;

/// How one for a completion can fail.
pub struct CompletionFaults;

const PLAIN: &[(u16, &str)] = &[
    (
        429,
        "Demasiadas peticiones; Retry-After dice cuándo volver.",
    ),
    (500, "Un error interno."),
    (503, "La base de datos no responde."),
    (504, "La petición tardó demasiado."),
];
const ITEM: &[(u16, &str)] = &[(404, "No existe.")];
const QUERY: &[(u16, &str)] = &[(422, "Uno o más campos no son válidos.")];
const BODY: &[(u16, &str)] = &[
    (400, "El cuerpo no se puede leer."),
    (413, "El cuerpo es demasiado grande."),
    (415, "El cuerpo no dice ser JSON."),
];

impl IntoResponses for PlainFaults {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        faults(&[PLAIN])
    }
}

impl IntoResponses for QueryFaults {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        faults(&[PLAIN, QUERY])
    }
}

impl IntoResponses for ItemFaults {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        faults(&[PLAIN, QUERY, ITEM])
    }
}

impl IntoResponses for BodyFaults {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        faults(&[PLAIN, QUERY, BODY])
    }
}

impl IntoResponses for ModelsFaults {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        shaped("ErrorV1", &[PLAIN])
    }
}

impl IntoResponses for ModelFaults {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        shaped("ErrorV1", &[PLAIN, ITEM])
    }
}

impl IntoResponses for CompletionFaults {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        shaped("ErrorV1", &[PLAIN, ITEM, BODY])
    }
}

fn faults(lists: &[&[(u16, &str)]]) -> BTreeMap<String, RefOr<Response>> {
    shaped("Error", lists)
}

fn shaped(schema: &str, lists: &[&[(u16, &str)]]) -> BTreeMap<String, RefOr<Response>> {
    let listed = lists.iter().flat_map(|list| list.iter());
    listed
        .map(|(status, told)| (status.to_string(), fault(schema, *status, told).into()))
        .collect()
}

fn fault(schema: &str, status: u16, description: &str) -> Response {
    let body = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .build();
    let id = HeaderBuilder::new().schema(Some(Object::with_type(Type::String)));
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", body)
        .header("x-request-id", id.build());
    if status == 429 {
        let seconds = HeaderBuilder::new().schema(Some(Object::with_type(Type::Integer)));
        return response.header("retry-after", seconds.build()).build();
    }
    if status == 401 {
        let challenge = HeaderBuilder::new().schema(Some(Object::with_type(Type::String)));
        return response
            .header("www-authenticate", challenge.build())
            .build();
    }
    response.build()
}

/// Documents that a token is needed, and the answer without it.
pub fn guard(document: &mut Document) {
    const SCHEME: &str = "clave";
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme(SCHEME, SecurityScheme::Http(bearer));
    for (path, item) in &mut document.paths.paths {
        if !token::guards(path) {
            continue;
        }
        let shape = if path.starts_with("/v1/") {
            "ErrorV1"
        } else {
            "Error"
        };
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            operation.security = Some(vec![SecurityRequirement::new::<_, _, String>(SCHEME, [])]);
            let refused = fault(shape, 401, "Falta la clave de acceso, o es otra.");
            operation
                .responses
                .responses
                .insert("401".to_owned(), refused.into());
        }
    }
}

/// Documents `names` as old names of the route `of`.
pub fn alias(document: &mut Document, of: &str, names: &[&str]) {
    let Some(item) = document.paths.paths.get(of).cloned() else {
        return;
    };
    for name in names {
        let named = renamed(item.clone(), name);
        document.paths.paths.insert((*name).to_owned(), named);
    }
}

fn renamed(mut item: PathItem, name: &str) -> PathItem {
    for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
        operation.operation_id = Some(name.trim_start_matches("/api/").replace('-', "_"));
        operation.deprecated = Some(utoipa::openapi::Deprecated::True);
    }
    item
}
