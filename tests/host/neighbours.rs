//! A host that was there before: its other site and its other cluster answer all the time, nothing of theirs is changed before
//! somebody has said yes, and nothing that was stricter becomes less strict.

use std::fs;

use crate::lab::until;
use crate::stack::{Said, Stack, binary, untouched};

#[test]
fn neighbours_are_asked_about_once_and_go_on_answering() {
    let Some(stack) = untouched() else { return };
    that_was_there_before(&stack);
    let app = binary("citrino-app");
    let up = ["up", "--yes", "--artifact", app.to_str().unwrap()];
    let before = stack.on_host("sha256sum /etc/nginx/nginx.conf");

    let refused = stack.citrino(&up);
    assert_eq!(refused.code, 7, "{}", refused.text);
    for sentence in [
        "E0415",
        "nginx: /etc/nginx/sites-enabled/shop is not the stack's",
        "PostgreSQL: cluster 15/intranet on port 5432",
        "python3 listens on port 8081/tcp",
        "citrino-ops adopt --host",
    ] {
        says(&refused, sentence);
    }
    assert_eq!(stack.on_host("sha256sum /etc/nginx/nginx.conf"), before);
    let plan = stack.citrino(&["plan"]);
    assert_eq!(plan.code, 3, "{}", plan.text);
    says(&plan, "sites-enabled/shop");
    // Without a terminal a yes is said by an option.
    assert_eq!(stack.citrino(&["adopt", "--host"]).code, 7);
    ends_well(&stack, &["adopt", "--host", "--yes"]);

    ends_well(&stack, &up);
    ends_well(&stack, &["deploy", "--artifact", app.to_str().unwrap()]);
    ends_well(&stack, &["restore", "latest", "--yes"]);
    assert_eq!(stack.citrino(&["plan"]).code, 0);
    assert_eq!(stack.citrino(&["converge"]).code, 0);
    // There is nothing at Hetzner that it could take away, and it takes nothing away here.
    stack.citrino(&["destroy", "--yes"]);
    all_the_stacks_is_in_its_own_cluster(&stack);
    what_was_stricter_is(&stack);
    who_comes_later_is_asked_about(&stack);
    neighbours_answered_all_the_time(&stack);
}

/// A machine of the lab with what an administrator had on it; the stack knows it by address and host key.
fn that_was_there_before(stack: &Stack) {
    stack.wish();
    ends_well(stack, &["provision", "--yes"]);
    stack.on_host_with("bash -s", "neighbours.sh");
    let key = fs::read_to_string(stack.disk().join("etc/ssh/ssh_host_ed25519_key.pub")).unwrap();
    let text = format!(
        "stack: tienda\ndomain: citrino.example.com\nhost: {{ address: {}, user: deploy, host_key: \"{}\", identity: {} }}\napp: {{ demo_data: true, min_healthy_s: 1 }}\nsecrets: {{ DB_PASSWORD: {{ env: THE_PASSWORD }} }}\n",
        stack.address(),
        key.split_whitespace().take(2).collect::<Vec<_>>().join(" "),
        stack.lab.operator_key().display(),
    );
    stack.write("citrino.yml", &text);
}

fn all_the_stacks_is_in_its_own_cluster(stack: &Stack) {
    let ask = |port: u16, sql: &str| {
        let line = format!("cd / && sudo runuser -u postgres -- psql -XAtq -p {port} -c \"{sql}\"");
        let said = stack.on_host(&line);
        said.lines().last().unwrap_or_default().to_owned()
    };
    let names =
        "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate";
    assert_eq!(ask(5432, names), "intranet postgres");
    assert!(
        ask(5433, names).starts_with("citrino_prod"),
        "{}",
        ask(5433, names)
    );
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'citrino%'";
    assert_eq!(ask(5432, roles), "0");
    let environment = stack.on_host("sudo cat /home/citrino/citrino/.env");
    assert!(environment.contains("DB_PORT=5433\n"));
}

fn what_was_stricter_is(stack: &Stack) {
    let said = stack.on_host("sudo sshd -T");
    for line in [
        "permitrootlogin no",
        "maxauthtries 3",
        "passwordauthentication no",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}:\n{said}");
    }
    let kept = stack.on_host("sudo cat /var/lib/citrino/originals/etc/nginx/nginx.conf");
    assert!(kept.contains("sites-enabled"), "{kept}");
}

fn who_comes_later_is_asked_about(stack: &Stack) {
    let second = "echo 'server { listen 80; server_name second.example.org; root /var/www/shop; }' | sudo tee /etc/nginx/sites-enabled/second";
    stack.on_host(second);
    let refused = stack.citrino(&["converge", "--yes"]);
    assert_eq!(refused.code, 7, "{}", refused.text);
    says(&refused, "sites-enabled/second");
    assert!(
        !refused.text.contains("sites-enabled/shop is not"),
        "{}",
        refused.text
    );
}

fn neighbours_answered_all_the_time(stack: &Stack) {
    let asked = || {
        stack
            .on_host("wc -l </var/tmp/asked")
            .trim()
            .parse::<u32>()
            .unwrap()
    };
    let so_far = asked();
    until("the neighbours are asked on", || asked() > so_far);
    assert!(so_far > 50, "they were asked only {so_far} times");
    assert_eq!(stack.on_host("cat /var/tmp/failed"), "");
}

fn ends_well(stack: &Stack, arguments: &[&str]) {
    let said = stack.citrino(arguments);
    assert_eq!(said.code, 0, "{arguments:?}: {}", said.text);
}

fn says(said: &Said, sentence: &str) {
    assert!(
        said.text.contains(sentence),
        "{sentence} is not in:\n{}",
        said.text
    );
}
