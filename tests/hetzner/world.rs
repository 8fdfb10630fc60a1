//! What the stub holds, and what each call does to it.

use serde_json::{Value, json};
use wiremock::Request;

use crate::stub::Fault;

#[derive(Default)]
pub struct World {
    pub ssh_keys: Vec<Value>,
    pub firewalls: Vec<Value>,
    pub servers: Vec<Value>,
    /// Each with the number of polls for which it still runs.
    actions: Vec<(Value, u32)>,
    /// Method and path of every call.
    pub calls: Vec<String>,
    /// Strikes when so many calls were made before (0 the first).
    pub faults: Vec<(usize, Fault)>,
    /// What `POST /servers` says of its action.
    pub failing_create: bool,
    pub catalogue: Value,
    last_id: i64,
}

pub type Reply = (u16, Value);

pub fn error(status: u16, code: &str) -> Reply {
    (
        status,
        json!({"error": {"code": code, "message": format!("it is {code}"), "details": null}}),
    )
}

fn not_unique(field: &str) -> Reply {
    let details = json!({"fields": [{"name": field}]});
    (
        409,
        json!({"error": {"code": "uniqueness_error", "message": "not unique", "details": details}}),
    )
}

impl World {
    pub fn work(&mut self, request: &Request) -> Reply {
        if request
            .headers
            .get("authorization")
            .is_none_or(|value| value != "Bearer right")
        {
            return error(401, "unauthorized");
        }
        let path = request.url.path().trim_start_matches("/v1/").to_owned();
        let parts: Vec<_> = path.split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["pricing"]) => (200, json!({"pricing": self.catalogue["pricing"]})),
            ("GET", ["actions"]) => self.poll(request),
            ("GET", ["servers", id, "actions"]) => self.running(request, id),
            ("GET", ["servers", id]) => match index(&self.servers, id) {
                Some(at) => (200, json!({"server": self.servers[at]})),
                None => error(404, "not_found"),
            },
            ("GET", [kind]) => self.list(kind, request),
            ("POST", ["ssh_keys"]) => self.create_ssh_key(body),
            ("POST", ["firewalls"]) => self.create_firewall(body),
            ("POST", ["servers"]) => self.create_server(&body),
            ("POST", ["firewalls", id, "actions", "set_rules"]) => self.set_rules(id, &body),
            ("POST", ["firewalls", id, "actions", _]) => self.apply_firewall(id, &body),
            ("POST", ["servers", id, "actions", what]) => self.server_action(id, what, &body),
            ("PUT", ["servers", id]) => self.update_server(id, &body),
            ("DELETE", [kind, id]) => self.delete(kind, id),
            _ => error(404, "not_found"),
        }
    }

    fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    fn action(&mut self, command: &str, server: i64) -> Value {
        let action = json!({"id": self.next_id(), "command": command, "status": "running", "progress": 0,
            "resources": [{"id": server, "type": "server"}], "error": null});
        self.actions.push((action.clone(), 2));
        action
    }

    fn poll(&mut self, request: &Request) -> Reply {
        let wished: Vec<i64> = query(request, "id")
            .iter()
            .map(|id| id.parse().unwrap())
            .collect();
        let mut seen = Vec::new();
        for (action, left) in &mut self.actions {
            if !wished.contains(&action["id"].as_i64().unwrap()) {
                continue;
            }
            *left = left.saturating_sub(1);
            if *left == 0 && action["status"] == "running" {
                finish(action, &mut self.servers, self.failing_create);
            }
            seen.push(action.clone());
        }
        (
            200,
            json!({"actions": seen, "meta": {"pagination": {"next_page": null}}}),
        )
    }

    fn running(&self, _: &Request, id: &str) -> Reply {
        let of_server =
            |action: &&Value| action["status"] == "running" && has_id(&action["resources"][0], id);
        let running: Vec<_> = self
            .actions
            .iter()
            .map(|(action, _)| action)
            .filter(of_server)
            .collect();
        (200, json!({"actions": running}))
    }

    fn of_kind(&mut self, kind: &str) -> Option<&mut Vec<Value>> {
        match kind {
            "ssh_keys" => Some(&mut self.ssh_keys),
            "firewalls" => Some(&mut self.firewalls),
            "servers" => Some(&mut self.servers),
            "images" | "server_types" => self.catalogue[kind].as_array_mut(),
            _ => None,
        }
    }

    /// One entry a page, so that whoever forgets to turn pages is found out.
    fn list(&mut self, kind: &str, request: &Request) -> Reply {
        let Some(all) = self.of_kind(kind) else {
            return error(404, "not_found");
        };
        let mut found = all.clone();
        if let Some(name) = query(request, "name").first() {
            found.retain(|one| one["name"] == name.as_str());
        }
        if let Some((key, value)) = query(request, "label_selector")
            .first()
            .and_then(|text| text.split_once('='))
        {
            found.retain(|one| one["labels"][key] == value);
        }
        let page: usize = query(request, "page")
            .first()
            .map_or(1, |page| page.parse().unwrap());
        let next = (page < found.len()).then_some(page + 1);
        let here: Vec<_> = found.iter().skip(page - 1).take(1).collect();
        let meta = json!({"pagination": {"page": page, "per_page": 1, "previous_page": null,
            "next_page": next, "last_page": found.len(), "total_entries": found.len()}});
        (200, json!({kind: here, "meta": meta}))
    }

    fn create_ssh_key(&mut self, mut body: Value) -> Reply {
        if self.ssh_keys.iter().any(|key| key["name"] == body["name"]) {
            return not_unique("name");
        }
        if self
            .ssh_keys
            .iter()
            .any(|key| key["public_key"] == body["public_key"])
        {
            return not_unique("public_key");
        }
        body["id"] = self.next_id().into();
        body["created"] = "2026-11-24T00:00:00Z".into();
        body["fingerprint"] = "b7:2f".into();
        self.ssh_keys.push(body.clone());
        (201, json!({"ssh_key": body}))
    }

    fn create_firewall(&mut self, mut body: Value) -> Reply {
        if self.firewalls.iter().any(|one| one["name"] == body["name"]) {
            return not_unique("name");
        }
        body["id"] = self.next_id().into();
        self.firewalls.push(body.clone());
        (201, json!({"firewall": body, "actions": []}))
    }

    fn create_server(&mut self, body: &Value) -> Reply {
        if self.servers.iter().any(|one| one["name"] == body["name"]) {
            return not_unique("name");
        }
        let id = self.next_id();
        let images = self.catalogue["images"].as_array().unwrap();
        let image = images
            .iter()
            .find(|image| has_id(image, body["image"].as_str().unwrap()));
        let firewalls: Vec<_> = body["firewalls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| json!({"id": one["firewall"], "status": "pending"}))
            .collect();
        let server = json!({
            "id": id, "name": body["name"], "status": "initializing", "labels": body["labels"],
            "server_type": {"name": body["server_type"]}, "location": {"name": body["location"]},
            "image": image, "backup_window": null, "protection": {"delete": false, "rebuild": false},
            "public_net": {"ipv4": {"ip": "192.0.2.7"}, "ipv6": {"ip": "2001:db8::/64"}, "firewalls": firewalls},
        });
        self.servers.push(server.clone());
        let action = self.action("create_server", id);
        let next = self.action("start_server", id);
        (
            201,
            json!({"server": server, "action": action, "next_actions": [next], "root_password": null}),
        )
    }

    fn set_rules(&mut self, id: &str, body: &Value) -> Reply {
        let Some(at) = index(&self.firewalls, id) else {
            return error(404, "not_found");
        };
        self.firewalls[at]["rules"] = body["rules"].clone();
        let action = self.action("set_firewall_rules", 0);
        (201, json!({"actions": [action]}))
    }

    fn apply_firewall(&mut self, id: &str, body: &Value) -> Reply {
        let server = body["apply_to"][0]["server"]["id"].to_string();
        let Some(at) = index(&self.servers, &server) else {
            return error(404, "firewall_resource_not_found");
        };
        let applied = self.servers[at]["public_net"]["firewalls"]
            .as_array_mut()
            .unwrap();
        if applied.iter().any(|one| has_id(one, id)) {
            return error(422, "firewall_already_applied");
        }
        applied.push(json!({"id": id.parse::<i64>().unwrap(), "status": "applied"}));
        let action = self.action("apply_firewall", 0);
        (201, json!({"actions": [action]}))
    }

    fn server_action(&mut self, id: &str, what: &str, body: &Value) -> Reply {
        let Some(at) = index(&self.servers, id) else {
            return error(404, "not_found");
        };
        match what {
            "poweron" => self.servers[at]["status"] = "running".into(),
            "enable_backup" => self.servers[at]["backup_window"] = "22-02".into(),
            "change_protection" => self.servers[at]["protection"] = body.clone(),
            _ => return error(404, "not_found"),
        }
        let action = self.action(what, id.parse().unwrap());
        (201, json!({"action": action}))
    }

    fn update_server(&mut self, id: &str, body: &Value) -> Reply {
        let Some(at) = index(&self.servers, id) else {
            return error(404, "not_found");
        };
        for key in ["name", "labels"] {
            if !body[key].is_null() {
                self.servers[at][key] = body[key].clone();
            }
        }
        (200, json!({"server": self.servers[at]}))
    }

    fn delete(&mut self, kind: &str, id: &str) -> Reply {
        let used = |server: &Value| {
            let applied = server["public_net"]["firewalls"].as_array().unwrap();
            applied.iter().any(|one| has_id(one, id))
        };
        if kind == "firewalls" && self.servers.iter().any(used) {
            return error(422, "resource_in_use");
        }
        let Some(all) = self.of_kind(kind) else {
            return error(404, "not_found");
        };
        let Some(at) = index(all, id) else {
            return error(404, "not_found");
        };
        if all[at]["protection"]["delete"] == true {
            return error(423, "protected");
        }
        all.remove(at);
        if kind == "servers" {
            let action = self.action("delete_server", 0);
            return (200, json!({"action": action}));
        }
        (204, Value::Null)
    }
}

fn finish(action: &mut Value, servers: &mut [Value], failing: bool) {
    let create = action["command"] == "create_server" || action["command"] == "start_server";
    if create && failing {
        action["status"] = "error".into();
        action["error"] = json!({"code": "action_failed", "message": "Action failed"});
        return;
    }
    action["status"] = "success".into();
    let id = action["resources"][0]["id"].clone();
    if create && let Some(server) = servers.iter_mut().find(|server| server["id"] == id) {
        server["status"] = if action["command"] == "start_server" {
            "running"
        } else {
            "starting"
        }
        .into();
    }
}

fn has_id(one: &Value, id: &str) -> bool {
    one["id"].as_i64() == id.parse().ok()
}

fn index(all: &[Value], id: &str) -> Option<usize> {
    all.iter().position(|one| has_id(one, id))
}

fn query(request: &Request, key: &str) -> Vec<String> {
    let pairs = request.url.query_pairs();
    pairs
        .filter(|(name, _)| name == key)
        .map(|(_, value)| value.into_owned())
        .collect()
}
