//! The walk, and who tries to lead it astray.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use super::*;
use crate::core::error::code;
use crate::host::system::OwnFile;

/// A host with a folder in which the attacker does what he likes, and one that he may not reach.
struct Scene {
    root: TempDir,
    system: System,
}

/// What the attacker wants to be touched.
const VICTIM: &str = "victim/conf.d";

impl Scene {
    fn set() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in [VICTIM, "own", "own/real", "etc"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join(VICTIM).join("precious"), "kept").unwrap();
        fs::write(root.path().join("own/real/precious"), "his").unwrap();
        let system = System::at(root.path());
        Self { root, system }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Everything that the host's side does by a path, each on its own: whether it was refused.
    fn all_that_is_done(&self, folder: &str) -> Vec<(&'static str, Result<()>)> {
        let (system, file) = (&self.system, format!("{folder}/precious"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let write = system.write_atomic(&file, b"new", 0o666, None, &[]);
        let ids = system.ids("0:0").unwrap();
        let fresh = format!("{folder}/fresh");
        vec![
            ("read", system.read(&file).map(drop)),
            ("open", system.open(&file).map(drop)),
            ("stat", system.stat(&file).map(drop)),
            ("names", system.names(folder).map(drop)),
            ("read_link", system.read_link(&file).map(drop)),
            ("socket", system.socket(&file).map(drop)),
            ("write", runtime.block_on(write)),
            ("link", system.write_link(&fresh, Path::new("/"))),
            ("create", system.create(&fresh).map(drop)),
            (
                "grow",
                system.open_own(&file, OwnFile::Growing, 0o600).map(drop),
            ),
            ("kernel", system.write_kernel(&file, "new")),
            ("rename from", system.rename(&file, "/taken")),
            ("rename to", system.rename("/own/real/precious", &file)),
            ("folders", system.make_folders(format!("{fresh}/deep"))),
            (
                "directory",
                system.make_directory(format!("{fresh}/own"), 0o777, ids),
            ),
            ("running", system.install_running(&fresh)),
            ("remove", system.remove(&file)),
            ("remove all", system.remove(format!("{folder}/.."))),
        ]
    }

    fn victim_is_untouched(&self) {
        let there: Vec<_> = fs::read_dir(self.at(VICTIM))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(there, ["precious"]);
        let precious = self.at(VICTIM).join("precious");
        assert_eq!(fs::read(&precious).unwrap(), b"kept");
        let mode = fs::metadata(&precious).unwrap().permissions().mode();
        assert_eq!(mode & 0o002, 0);
    }
}

#[test]
fn nothing_is_done_through_a_link() {
    for link in ["own/link", "own/real/link"] {
        let scene = Scene::set();
        symlink(scene.at(VICTIM), scene.at(link)).unwrap();
        fs::create_dir(scene.at(VICTIM).join("..").join("deep")).unwrap();
        for folder in [format!("/{link}"), format!("/{link}/../conf.d")] {
            for (what, done) in scene.all_that_is_done(&folder) {
                let error = done.expect_err(what);
                assert_eq!(code(&error), Code::E0409, "{what}: {error:#}");
            }
        }
        scene.victim_is_untouched();
    }
}

#[test]
fn a_refusal_names_the_link_where_it_leads_and_who_made_it() {
    let scene = Scene::set();
    symlink(scene.at(VICTIM), scene.at("own/link")).unwrap();
    let (own, uid) = (scene.at("own/link"), geteuid());
    fs::write(
        scene.at("etc/passwd"),
        format!("eve:x:{uid}:0::/:/bin/sh\n"),
    )
    .unwrap();
    let error = scene.system.remove("/own/link/precious").unwrap_err();
    let expected = format!(
        "could not remove {}/precious: {0} is not safe to use: it is a link of eve to {}, and no link is followed there",
        own.display(),
        scene.at(VICTIM).display()
    );
    assert_eq!(format!("{error:#}"), expected);
}

#[test]
fn a_link_at_the_end_is_replaced_or_removed_itself() {
    let scene = Scene::set();
    let link = scene.at("own/real/link");
    symlink(scene.at(VICTIM), &link).unwrap();
    scene.system.remove("/own/real/link").unwrap();
    assert!(link.symlink_metadata().is_err());
    symlink(scene.at(VICTIM).join("precious"), &link).unwrap();
    assert!(scene.system.read("/own/real/link").is_err());
    scene
        .system
        .write_link("/own/real/link", Path::new("x"))
        .unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("x"));
    // A folder that is removed takes the links in it along, and not what they lead to.
    symlink(scene.at("victim"), scene.at("own/real/deep")).unwrap();
    scene.system.remove("/own").unwrap();
    assert!(!scene.at("own").exists());
    scene.victim_is_untouched();
}

#[test]
fn nothing_is_written_where_everybody_or_somebody_else_may_write() {
    let scene = Scene::set();
    fs::set_permissions(scene.at("own"), Permissions::from_mode(0o777)).unwrap();
    let told = scene.system.remove("/own/real/precious").unwrap_err();
    assert!(
        format!("{told:#}").ends_with("everybody may write to it"),
        "{told:#}"
    );
    // As /tmp: nobody but the owner exchanges what is in it.
    fs::set_permissions(scene.at("own"), Permissions::from_mode(0o1777)).unwrap();
    scene.system.remove("/own/real/precious").unwrap();
    if !geteuid().is_root() {
        // The rest is for root: only he can give a folder away.
        assert!(std::env::var_os("CITRINO_REQUIRE_ALL").is_none());
        return;
    }
    let system = &scene.system;
    fs::write(
        scene.at("etc/passwd"),
        "postgres:x:70:70::/:\nshop:x:71:71::/:\n",
    )
    .unwrap();
    for (uid, reads) in [(70, true), (71, false)] {
        chown(scene.at("own"), Some(uid), Some(uid)).unwrap();
        let told = system.exposed("/own/real").unwrap().unwrap();
        let name = if reads { "postgres" } else { "shop" };
        assert!(
            told.ends_with(&format!("own is not safe to use: it belongs to {name}")),
            "{told}"
        );
        assert_eq!(system.names("/own/real").is_ok(), reads, "{uid}");
        assert!(system.remove("/own/real/x").is_err());
        // What will be his may go where he rules.
        let his = system.of(Some(Ids { uid, gid: uid }));
        his.remove("/own/real/x").unwrap();
        assert!(
            his.make_directory("/own/new", 0o755, Ids { uid, gid: uid })
                .is_ok()
        );
        // But nothing of root's is given to him because it has the right name.
        fs::create_dir_all(scene.at("own/roots/inner")).unwrap();
        assert!(
            his.make_directory("/own/roots", 0o755, Ids { uid, gid: uid })
                .is_err()
        );
    }
    // Root takes back what an earlier version gave away, with all that is in it.
    chown(scene.at("own"), Some(0), Some(0)).unwrap();
    chown(scene.at("own/real"), Some(70), Some(70)).unwrap();
    system
        .make_directory("/own/real", 0o755, Ids { uid: 0, gid: 0 })
        .unwrap();
    assert_eq!(system.stat("/own/real").unwrap().unwrap().ids.uid, 0);
    chown(scene.at("own"), Some(0), Some(72)).unwrap();
    fs::set_permissions(scene.at("own"), Permissions::from_mode(0o775)).unwrap();
    assert!(system.remove("/own/real/x").is_err());
    fs::write(scene.at("etc/group"), "syslog:x:72:\n").unwrap();
    system.remove("/own/real/x").unwrap();
}

#[test]
fn what_is_no_file_is_neither_waited_for_nor_read() {
    let scene = Scene::set();
    let name = |letter: &str| format!("own/real/{}", letter.repeat(255));
    mkfifo(&scene.at(&name("f")), Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(scene.at("own/real/socket")).unwrap();
    fs::create_dir(scene.at(&name("d"))).unwrap();
    symlink("/dev/zero", scene.at(&name("l"))).unwrap();
    let huge = fs::File::create(scene.at(&name("h"))).unwrap();
    huge.set_len(1 << 40).unwrap();
    let bad = [
        name("f"),
        name("d"),
        name("l"),
        name("h"),
        "own/real/socket".to_owned(),
    ];
    for path in bad {
        let error = scene.system.read(&path).unwrap_err();
        assert_eq!(code(&error), Code::E0409, "{path}: {error:#}");
    }
    assert_eq!(scene.system.read(name("n")).unwrap(), None);
    assert_eq!(scene.system.read(name("too long")).unwrap(), None);
    let error = System::host().read("/dev/zero").unwrap_err();
    assert_eq!(code(&error), Code::E0409, "{error:#}");
    // The journal and the lock are opened to be written: no other kind of thing gets a word of it.
    let error = scene.system.open_own(name("f"), OwnFile::Growing, 0o600);
    assert_eq!(code(&error.unwrap_err()), Code::E0409);
}

#[test]
fn a_tree_too_deep_to_be_honest_ends_with_a_sentence() {
    let scene = Scene::set();
    let mut deep = scene.at("own/real");
    for _ in 0..300 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    let told = format!("{:#}", scene.system.remove("/own/real").unwrap_err());
    assert!(told.ends_with("has too many levels"), "{told}");
    let mut deep = scene.at("own/flat");
    for _ in 0..100 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    scene.system.remove("/own/flat").unwrap();
}

/// Another thread has a link in the folder's place half of the time. It goes on until enough came through and enough was refused:
/// a scheduler that lets one of the two sides run alone for long would make it show nothing.
#[test]
fn who_swaps_a_folder_for_a_link_all_the_time_gains_nothing() {
    const ENOUGH: usize = 400;
    const ROUNDS: usize = 100_000;
    let scene = Scene::set();
    symlink(scene.at(VICTIM), scene.at("own/link")).unwrap();
    let over = AtomicBool::new(false);
    let (mut came_through, mut refused) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (real, link) = (scene.at("own/real"), scene.at("own/link"));
            while !over.load(Ordering::Relaxed) {
                let flags = RenameFlags::RENAME_EXCHANGE;
                renameat2(AT_FDCWD, &real, AT_FDCWD, &link, flags).unwrap();
            }
        });
        for _ in 0..ROUNDS {
            let done = scene.all_that_is_done("/own/real");
            let well = done.iter().filter(|(_, done)| done.is_ok()).count();
            came_through += well;
            refused += done.len() - well;
            let _ = scene.system.sweep("/own/real");
            if came_through >= ENOUGH && refused >= ENOUGH {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    scene.victim_is_untouched();
    assert!(
        came_through >= ENOUGH && refused >= ENOUGH,
        "{came_through} came through, {refused} were refused"
    );
}

#[test]
fn only_links_that_root_made_where_nobody_else_can_are_resolved() {
    let scene = Scene::set();
    fs::create_dir(scene.at("usr")).unwrap();
    fs::write(scene.at("usr/os"), "debian").unwrap();
    symlink("../usr/os", scene.at("etc/os")).unwrap();
    symlink("/own/real", scene.at("etc/live")).unwrap();
    let resolved = |path: &str| scene.system.resolve(path).unwrap();
    assert_eq!(resolved("/etc/os"), Path::new("/usr/os"));
    assert_eq!(
        resolved("/etc/live/precious"),
        Path::new("/own/real/precious")
    );
    assert_eq!(resolved("/none/x"), Path::new("/none/x"));
    symlink("a", scene.at("etc/b")).unwrap();
    symlink("b", scene.at("etc/a")).unwrap();
    assert!(scene.system.resolve("/etc/a").is_err());
    fs::set_permissions(scene.at("own"), Permissions::from_mode(0o777)).unwrap();
    symlink(scene.at(VICTIM), scene.at("own/link")).unwrap();
    assert_eq!(
        resolved("/own/link/precious"),
        Path::new("/own/link/precious")
    );
    assert!(scene.system.read("/own/link/precious").is_err());
}
