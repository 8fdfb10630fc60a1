//! The task kinds' cases of the host ring, on a machine of their own.

#[path = "../tasks.rs"]
mod cases;

use std::path::Path;
use std::process::Command;

use crate::stack::{said, serving};

/// The binary of this very test is static, and has the cases' runner in it.
#[test]
fn every_case_of_the_host_ring_holds_on_a_machine() {
    let Some(stack) = serving() else { return };
    let wishes = std::fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    stack.write(
        "tasks.yml",
        &wishes.replace("stack: rehearsal", "stack: tasks"),
    );
    let ops = |arguments: &[&str]| stack.citrino(&[&["-c", "tasks.yml"], arguments].concat());
    // The packages as Debian leaves them: our own settings would be in the way of some cases.
    let install = "DEBIAN_FRONTEND=noninteractive apt-get install -qq -y nginx postgresql-15 postgresql-15-postgis-3 ufw";
    // But the role that reads is let in, as `converge` lets it.
    let reader = "systemctl start postgresql@15-main; cd /
        runuser -u postgres -- psql -qc 'CREATE ROLE citrino_reader LOGIN BYPASSRLS IN ROLE pg_read_all_data'
        sed -i '1i local all citrino_reader peer map=citrino-reader' /etc/postgresql/15/main/pg_hba.conf
        echo 'citrino-reader postgres citrino_reader' >>/etc/postgresql/15/main/pg_ident.conf
        systemctl reload postgresql@15-main";
    for verb in [
        &["provision", "--yes"][..],
        &["ssh", install],
        &["ssh", reader],
    ] {
        let made = ops(verb);
        assert_eq!(made.code, 0, "{}", made.text);
    }
    let own = std::env::current_exe().unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tasks");
    let archive = Command::new("tar")
        .args(["-cz", "-C"])
        .arg(own.parent().unwrap())
        .arg(own.file_name().unwrap())
        .arg("-C")
        .arg(cases.parent().unwrap())
        .arg("tasks")
        .output()
        .unwrap();
    assert!(archive.status.success());
    let packed = stack.home.join("cases.tar.gz");
    std::fs::write(&packed, archive.stdout).unwrap();
    let put = stack
        .command(&["-c", "tasks.yml", "ssh", "tar -xz -C /root"])
        .stdin(std::fs::File::open(&packed).unwrap())
        .status()
        .unwrap();
    assert!(put.success());
    let line = format!(
        "cd /root && CITRINO_TASK_CASES=/root/tasks ./{} tasks::cases::host_ring --exact --ignored --nocapture",
        own.file_name().unwrap().display()
    );
    let ran = said(&mut stack.command(&["-c", "tasks.yml", "ssh", &line]));
    let kept = ops(&["destroy", "--yes"]);
    let unprotected = ops(&["destroy", "--unprotect"]);
    let gone = ops(&["destroy", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.text);
    assert!(ran.text.contains("1 passed"), "{}", ran.text);
    assert!(
        kept.code == 7 && kept.text.contains("E0310"),
        "{}",
        kept.text
    );
    assert_eq!(unprotected.code, 0, "{}", unprotected.text);
    assert_eq!(gone.code, 0, "{}", gone.text);
    let nothing = ops(&["destroy", "--yes"]);
    assert!(
        nothing.code == 0
            && nothing
                .text
                .contains("stack tasks has no resources at Hetzner"),
        "{}",
        nothing.text
    );
}
