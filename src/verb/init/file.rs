//! The text of citrino.yml, with comments for who reads it next.

use super::answers::{Answers, WantedAlerts, WantedBucket, WantedHost, WantedServer};
use crate::hetzner::MenuItem;

const HEAD: &str = "\
# yaml-language-server: $schema=citrino.schema.json
# Made by `citrino-ops init`. `citrino-ops config docs KEY` explains a key, `citrino-ops validate` checks this file.
";

const APP: &str = "\
# app:
#   min_healthy_s: 5           # seconds a new release must keep answering before it takes over
#   demo_data: true            # loads invented example data with each deploy; without it the catalogue starts empty
#   env: { LLM_PROVIDER: zai } # plain settings of the app
";

const BACKUP: &str = "\
backup:
  at: \"03:00\"                  # every day, in UTC
  keep_days: 7                 # keep_weeks and keep_months keep the newest of each week or month
";

/// What was answered, as a file that `validate` finds sound.
pub fn text(answers: &Answers) -> String {
    let parts = [
        HEAD.to_owned(),
        line(
            &format!("stack: {}", answers.stack),
            "the name and label of everything",
        ),
        format!("domain: {}\n", answers.domain),
        tls(answers.letsencrypt),
        answers.server.as_ref().map(server).unwrap_or_default(),
        answers.host.as_ref().map(host).unwrap_or_default(),
        APP.to_owned(),
        BACKUP.to_owned(),
        answers
            .bucket
            .as_ref()
            .map_or_else(no_bucket, |to| bucket(to, answers.secrets)),
        answers
            .alerts
            .as_ref()
            .map_or_else(no_alerts, |to| alerts(to, answers.secrets)),
        secrets(answers.secrets),
    ];
    parts.concat()
}

/// Comments stand below each other, as far as the lines before them let them.
fn line(text: &str, comment: &str) -> String {
    format!("{text:<30} # {comment}\n")
}

fn tls(letsencrypt: bool) -> String {
    if letsencrypt {
        return line(
            "tls: { issuer: letsencrypt }",
            "issued and renewed on the host, as soon as the domain points to it",
        );
    }
    line(
        "# tls: { issuer: letsencrypt }",
        "without it nginx serves plain HTTP",
    )
}

fn server(server: &WantedServer) -> String {
    let offer = server.offer.as_ref();
    let told = offer.map_or_else(
        || "`citrino-ops plan` says what it is and costs".to_owned(),
        MenuItem::told,
    );
    [
        "cloud:\n".to_owned(),
        line(&format!("  server_type: {}", server.server_type), &told),
        line(
            &format!("  location: {}", server.location),
            "if the type cannot be ordered here, you get a list",
        ),
        format!("  image: {}\n", server.image),
        line(
            "  backups: true",
            "Hetzner's own backups, 20 % of the server's price",
        ),
        format!("  ssh_keys: [{:?}]\n", server.ssh_key.display().to_string()),
        line(
            "  allow_ssh_from: [0.0.0.0/0, \"::/0\"]",
            "your own network is better",
        ),
        line(
            "  protect: true",
            "no deletion or rebuild at Hetzner until `destroy --unprotect`",
        ),
        limit(server),
    ]
    .concat()
}

/// Twice the server's price has room for addresses, backups and a volume.
fn limit(server: &WantedServer) -> String {
    let comment = "net; if it costs more, nothing is created";
    match &server.offer {
        Some(offer) => line(
            &format!("  max_monthly_eur: {:.0}", (offer.net * 2.0).ceil()),
            comment,
        ),
        None => line("  # max_monthly_eur: 30", comment),
    }
}

fn host(host: &WantedHost) -> String {
    format!(
        "host:\n  address: {}\n  port: {}\n  user: {}\n  host_key: {:?}\n",
        host.address,
        host.port,
        host.user,
        host.key.to_string()
    )
}

fn no_bucket() -> String {
    "  # s3: { … }                  # a copy of each backup off the host: `citrino-ops config docs backup.s3`\n".to_owned()
}

fn bucket(to: &WantedBucket, sealed: bool) -> String {
    let source = if sealed { "age" } else { "env" };
    format!(
        "  s3:                          # a copy of each backup off the host\n    bucket: {}\n    endpoint: {}\n    region: {}\n    key_id: {{ {source}: S3_KEY_ID }}\n    secret: {{ {source}: S3_SECRET }}\n",
        to.name, to.endpoint, to.region
    )
}

fn no_alerts() -> String {
    "# alerts: { … }                # who gets alerts by mail: `citrino-ops config docs alerts`\n"
        .to_owned()
}

fn alerts(to: &WantedAlerts, sealed: bool) -> String {
    let source = if sealed { "age" } else { "env" };
    let login = to.user.as_ref().map_or_else(String::new, |user| {
        format!(
            ", user: {:?}, password: {{ {source}: RELAY_PASSWORD }}",
            user.to_string()
        )
    });
    format!(
        "alerts:                        # `citrino-ops alerts test` tries it\n  email: [{:?}]\n  relay: {{ host: {}{login} }}\n",
        to.email.to_string(),
        to.relay
    )
}

fn secrets(sealed: bool) -> String {
    let why = "# Where each secret comes from: `age` (secrets.age), `env`, `file` or `command`. `citrino-ops docs secrets` has more.\n";
    let own = if sealed {
        "secrets:\n  DB_PASSWORD: { age: DB_PASSWORD }   # `citrino-ops secrets rotate DB_PASSWORD` gives it another value\n"
    } else {
        "# secrets:\n"
    };
    let source = if sealed { "age" } else { "env" };
    format!("{why}{own}  # ZAI_API_KEY: {{ {source}: ZAI_API_KEY }}\n")
}
