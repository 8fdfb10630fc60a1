//! Primary IPs: addresses that are resources of their own, and outlive the server that has them.

use anyhow::Result;
use hcloud::models::{
    AssignPrimaryIpToResourceRequest, CreatePrimaryIpRequest, DnsPtr, IpType,
    assign_primary_ip_to_resource_request, create_primary_ip_request,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Hetzner;
use super::answers::{NameAnswer, Protection, or_default};
use super::call::{AnswerObject, Called};
use super::labels::{self, Labels};
use super::resource::{Fields, Labelled, Order};
use super::server_view::first_address;
use super::servers::map_of;
use super::words::{ApiCode, AssigneeType};
use crate::config::stack::Host;

/// Which of the two kinds of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    /// The API's word.
    pub fn word(self) -> &'static str {
        match self {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        }
    }
}

/// What has an address: ids of two kinds are numbers of two kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceHolder {
    pub kind: AssigneeType,
    pub id: i64,
}

impl ResourceHolder {
    pub fn server(id: i64) -> Self {
        let kind = AssigneeType::Server;
        Self { kind, id }
    }

    pub fn load_balancer(id: i64) -> Self {
        let kind = AssigneeType::LoadBalancer;
        Self { kind, id }
    }

    /// Whether it is this server.
    pub fn is_server(&self, id: i64) -> bool {
        self.kind == AssigneeType::Server && self.id == id
    }
}

pub type AddressView = Labelled<AddressFields>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "PrimaryIpAnswer")]
pub struct AddressFields {
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// The address itself; of an IPv6 network its first.
    pub ip: String,
    pub location: String,
    /// What has it, when something has.
    pub holder: Option<ResourceHolder>,
    /// Whether it goes when its server goes.
    pub auto_delete: bool,
    pub protected: bool,
    /// The name that it points back to, when one was set.
    pub reverse: Option<String>,
}

#[derive(Deserialize)]
struct PrimaryIpAnswer {
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    family: String,
    #[serde(default, deserialize_with = "or_default")]
    ip: String,
    #[serde(default, deserialize_with = "or_default")]
    location: NameAnswer,
    #[serde(default)]
    assignee_id: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    assignee_type: AssigneeType,
    #[serde(default, deserialize_with = "or_default")]
    auto_delete: bool,
    #[serde(default, deserialize_with = "or_default")]
    protection: Protection,
    #[serde(default, deserialize_with = "or_default")]
    dns_ptr: Vec<Pointer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pointer {
    #[serde(deserialize_with = "or_default")]
    ip: String,
    #[serde(deserialize_with = "or_default")]
    dns_ptr: String,
}

impl From<PrimaryIpAnswer> for AddressFields {
    fn from(answer: PrimaryIpAnswer) -> Self {
        let ip = first_address(&answer.ip);
        let reverse = answer.dns_ptr.into_iter().find(|one| one.ip == ip);
        Self {
            family: answer.family,
            location: answer.location.name,
            holder: answer.assignee_id.map(|id| ResourceHolder {
                kind: answer.assignee_type,
                id,
            }),
            auto_delete: answer.auto_delete,
            protected: answer.protection.delete,
            reverse: reverse.map(|one| one.dns_ptr),
            ip,
        }
    }
}

impl Fields for AddressFields {
    const MANY: &'static str = "primary_ips";
    const ONE: &'static str = "primary_ip";
    const WORD: &'static str = "address";
    const CAN_UNPROTECT: bool = true;

    fn is_used(&self) -> bool {
        self.holder.is_some()
    }
    fn is_protected(&self) -> bool {
        self.protected
    }
}

impl Hetzner {
    /// The address by its id.
    pub async fn address(&self, id: i64) -> Result<AddressView> {
        self.one(id, "read an address of the server").await
    }

    /// An address that nobody has yet, and that stays when its server goes.
    pub async fn create_address(
        &self,
        name: &str,
        host: &Host,
        family: Family,
        location: &str,
    ) -> Result<AddressView> {
        let kind = match family {
            Family::V4 => IpType::Ipv4,
            Family::V6 => IpType::Ipv6,
        };
        let request = CreatePrimaryIpRequest {
            labels: Some(map_of(&labels::of_host(host))),
            location: Some(location.to_owned()),
            auto_delete: Some(false),
            ..CreatePrimaryIpRequest::new(
                create_primary_ip_request::AssigneeType::Server,
                name.to_owned(),
                kind,
            )
        };
        let mut body = json!(request);
        // The crate wants a kind of holder where there is no holder.
        if let Some(body) = body.as_object_mut() {
            body.remove("assignee_type");
        }
        self.make(name, &host.stack, &body).await
    }

    /// Names and labels it, and has it stay when its server goes.
    pub async fn keep_address(
        &self,
        found: &AddressView,
        name: &str,
        labels: &Labels,
    ) -> Result<()> {
        let body: Value = json!({ "name": name, "labels": labels, "auto_delete": false });
        self.update::<AddressView>(found.id, name, &body).await
    }

    /// Has it point back to a name.
    pub async fn point_back(&self, found: &AddressView, to: &str) -> Result<()> {
        let doing = format!("set the reverse DNS of address {} to {to}", found.ip);
        let body = DnsPtr::new(to.to_owned(), found.ip.clone());
        self.order::<AddressView>(Order::new(found.id, "change_dns_ptr", &doing), &body)
            .await
    }

    /// What has something, by kind and name; none when it is gone.
    pub async fn holder_name(&self, holder: &ResourceHolder) -> Option<String> {
        let ResourceHolder { kind, id } = holder;
        let path = match kind {
            AssigneeType::Server => format!("/servers/{id}"),
            AssigneeType::LoadBalancer => format!("/load_balancers/{id}"),
            AssigneeType::Other(_) => return Some(format!("{kind} {id}")),
        };
        let word = kind.to_string().replace('_', " ");
        let answer: Called<AnswerObject> = self.get(&path, &[]).await;
        let answer = match answer {
            Err(error) if error.is(&ApiCode::NotFound) => return None,
            // The name only helps to find it: without one it is known by its id.
            answer => answer.unwrap_or_default(),
        };
        let name = answer.values().find_map(|one| one.get("name"));
        Some(match name.and_then(Value::as_str) {
            Some(name) => format!("{word} {name} ({id})"),
            None => format!("{word} {id}"),
        })
    }

    /// Gives it to a server that is off.
    pub async fn assign_address(&self, found: &AddressView, server: i64) -> Result<()> {
        let doing = format!("assign address {} to the server", found.ip);
        let body = AssignPrimaryIpToResourceRequest::new(
            server,
            assign_primary_ip_to_resource_request::AssigneeType::Server,
        );
        self.order::<AddressView>(Order::new(found.id, "assign", &doing), &body)
            .await
    }

    /// Takes it from the server that has it, which must be off.
    pub async fn unassign_address(&self, found: &AddressView) -> Result<()> {
        let doing = format!("unassign address {} from its server", found.ip);
        self.order::<AddressView>(Order::new(found.id, "unassign", &doing), &json!({}))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_nobody_has_is_read() {
        let text = r#"{"id": 5, "name": "a", "type": "ipv6", "ip": "2001:db8:1::/64", "assignee_id": null,
            "assignee_type": "unassigned", "dns_ptr": [{"ip": "2001:db8:1::1", "dns_ptr": "x.example.com"}]}"#;
        let view: AddressView = serde_json::from_str(text).unwrap();
        assert_eq!(view.ip, "2001:db8:1::1");
        assert_eq!(view.reverse.as_deref(), Some("x.example.com"));
        assert_eq!(view.holder, None);
        let text = r#"{"id": 5, "assignee_id": 7, "assignee_type": "load_balancer"}"#;
        let view: AddressView = serde_json::from_str(text).unwrap();
        assert_eq!(view.holder, Some(ResourceHolder::load_balancer(7)));
        assert!(!ResourceHolder::load_balancer(7).is_server(7));
    }
}
