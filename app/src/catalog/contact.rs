//! Whom to ask about a property.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

/// A part of a contact that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactPart {
    Name,
    Company,
    Telephone,
    Whatsapp,
    Email,
}

/// All parts.
pub const PARTS: &[ContactPart] = &[
    ContactPart::Name,
    ContactPart::Company,
    ContactPart::Telephone,
    ContactPart::Whatsapp,
    ContactPart::Email,
];

/// Whom to ask. What is unknown, or not to be shown, is null.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Contacto)]
pub struct Contact {
    pub nombre: Option<String>,
    pub empresa: Option<String>,
    /// As the source writes it.
    pub telefono: Option<String>,
    /// The same as digits for a `tel:` link: `+59170012345`.
    pub telefono_marcar: Option<String>,
    /// A link that opens a conversation.
    pub whatsapp: Option<String>,
    pub email: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Agent {
    nombre: String,
    empresa: Option<String>,
    telefono: Option<String>,
    email: Option<String>,
    titulo: String,
    codigo: String,
}

/// The contact of a property; none without one, or if no part of it may be shown.
pub async fn of(
    connection: &mut PgConnection,
    property: i64,
    shown: &[ContactPart],
) -> sqlx::Result<Option<Contact>> {
    if shown.is_empty() {
        return Ok(None);
    }
    let agent: Option<Agent> = sqlx::query_as(
        "SELECT a.nombre, a.empresa, a.telefono, a.email, p.titulo, p.codigo
         FROM propiedades p JOIN agentes a ON a.id = p.agente_id WHERE p.id = $1",
    )
    .bind(property)
    .fetch_optional(connection)
    .await?;
    let contact = agent.map(|agent| agent.contact(shown));
    Ok(contact.filter(|contact| *contact != Contact::default()))
}

impl Agent {
    fn contact(self, shown: &[ContactPart]) -> Contact {
        let may = |part| shown.contains(&part);
        let number = self.telefono.as_deref().and_then(dialled);
        let about = format!("Hola, me interesa «{}» ({}).", self.titulo, self.codigo);
        Contact {
            nombre: Some(self.nombre).filter(|_| may(ContactPart::Name)),
            empresa: self.empresa.filter(|_| may(ContactPart::Company)),
            whatsapp: number
                .as_deref()
                .filter(|_| may(ContactPart::Whatsapp))
                .and_then(|number| whatsapp(number, &about)),
            telefono: self.telefono.filter(|_| may(ContactPart::Telephone)),
            telefono_marcar: number.filter(|_| may(ContactPart::Telephone)),
            email: self
                .email
                .filter(|email| may(ContactPart::Email) && is_address(email)),
        }
    }
}

/// The first number in a text, with Bolivia's code if it has none: `700-12345 / 33…` is `+59170012345`. None if what is written
/// is no whole number.
fn dialled(text: &str) -> Option<String> {
    let first = text
        .split(|letter: char| letter.is_alphabetic() || "/,;|".contains(letter))
        .find(|part| part.chars().any(|letter| letter.is_ascii_digit()))?;
    let digits: String = first.chars().filter(char::is_ascii_digit).collect();
    let is_whole = first.trim_start().starts_with(['+']) || digits.starts_with("00");
    let digits = digits.trim_start_matches("00");
    let number = match digits.len() {
        9..=15 if is_whole => digits.to_owned(),
        11 if digits.starts_with("591") => digits.to_owned(),
        8 if digits.starts_with(['2', '3', '4', '6', '7']) => format!("591{digits}"),
        // Without an area code: Santa Cruz.
        7 if digits.starts_with(['3', '4']) => format!("5913{digits}"),
        _ => return None,
    };
    Some(format!("+{number}"))
}

/// The link to a conversation with a mobile number of Bolivia. Of other numbers nobody knows whether they can have one.
fn whatsapp(number: &str, about: &str) -> Option<String> {
    let mobile = number.strip_prefix("+591")?;
    (mobile.len() == 8 && mobile.starts_with(['6', '7'])).then(|| {
        let text = form_urlencoded::Serializer::new(String::new())
            .append_pair("text", about)
            .finish();
        format!("https://wa.me/591{mobile}?{text}")
    })
}

/// Whether a text is an address that a `mailto:` link can have: no header, no second address.
fn is_address(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+%".contains(&byte);
    text.split_once('@').is_some_and(|(name, host)| {
        let parts = [name, host];
        parts
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(plain))
            && host.contains('.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(telefono: &str, email: &str) -> Agent {
        Agent {
            nombre: "Ana Rojas".to_owned(),
            empresa: Some("Casa & Cía".to_owned()),
            telefono: Some(telefono.to_owned()),
            email: Some(email.to_owned()),
            titulo: "Casa & patio".to_owned(),
            codigo: "P-1".to_owned(),
        }
    }

    #[test]
    fn numbers_are_dialled_as_people_write_them() {
        for (written, expected) in [
            ("70012345", Some("+59170012345")),
            ("700-12345 / 71234567", Some("+59170012345")),
            ("Cel. 6 001 2345", Some("+59160012345")),
            ("+591 700 12345", Some("+59170012345")),
            ("(591) 70012345", Some("+59170012345")),
            ("00591-3-3456789", Some("+59133456789")),
            ("3-3456789 int. 12", Some("+59133456789")),
            ("345-6789", Some("+59133456789")),
            ("+55 11 91234-5678", Some("+5511912345678")),
            ("consultar", None),
            ("123", None),
            ("12345678", None),
            ("700123456789012345", None),
            ("", None),
        ] {
            assert_eq!(dialled(written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn only_mobile_numbers_of_bolivia_lead_to_a_conversation() {
        let link = |number| agent(number, "a@b.bo").contact(PARTS).whatsapp;
        let text = "?text=Hola%2C+me+interesa+%C2%ABCasa+%26+patio%C2%BB+%28P-1%29.";
        let expected = format!("https://wa.me/59170012345{text}");
        assert_eq!(link("70012345"), Some(expected));
        assert_eq!(link("3456789"), None);
        assert_eq!(link("+55 11 91234-5678"), None);
    }

    #[test]
    fn what_is_no_plain_address_is_not_shown() {
        let shown = |email| agent("", email).contact(PARTS).email;
        assert!(shown("ana.rojas+1@casa.com.bo").is_some());
        for email in [
            "ana@casa",
            "ana@casa.bo?cc=otro@x.bo",
            "a@b.bo,c@d.bo",
            "a@b@c.bo",
            "ana@casa.bo\nBcc: x@y.bo",
        ] {
            assert_eq!(shown(email), None, "{email}");
        }
    }

    #[test]
    fn only_what_the_settings_name_is_shown() {
        for part in PARTS {
            let contact = agent("70012345", "a@b.bo").contact(&[*part]);
            let shown = [
                (ContactPart::Name, contact.nombre.is_some()),
                (ContactPart::Company, contact.empresa.is_some()),
                (ContactPart::Telephone, contact.telefono.is_some()),
                (ContactPart::Telephone, contact.telefono_marcar.is_some()),
                (ContactPart::Whatsapp, contact.whatsapp.is_some()),
                (ContactPart::Email, contact.email.is_some()),
            ];
            assert!(shown.iter().all(|(of, is)| (of == part) == *is), "{part:?}");
        }
    }
}
