//! A master of ssh's multiplexing protocol (PROTOCOL.mux of OpenSSH) which starts no program anywhere: it answers itself.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use crate::script::{Script, Word};

const HELLO: u32 = 1;
const NEW_SESSION: u32 = 0x1000_0002;
const ALIVE_CHECK: u32 = 0x1000_0004;
const OK: u32 = 0x8000_0001;
const EXIT: u32 = 0x8000_0004;
const ALIVE: u32 = 0x8000_0005;
const OPENED: u32 = 0x8000_0006;
const VERSION: u32 = 4;

/// No command of a test lasts longer; whoever started this one may be gone.
const LONGEST: Duration = Duration::from_mins(10);

/// Serves at the socket that is named in the environment, until it is killed.
pub fn serve(script: &Script) {
    let socket = std::env::var_os("LYING_SOCKET").unwrap();
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(|| {
        thread::sleep(LONGEST);
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        let (stream, script) = (stream.unwrap(), script.clone());
        // Who breaks off ends its own connection only.
        thread::spawn(move || answer(stream, &script));
    }
}

fn answer(mut stream: UnixStream, script: &Script) -> io::Result<()> {
    loop {
        let packet = Packet::read(&mut stream)?;
        match packet.number(0) {
            HELLO => say(&mut stream, &[HELLO, VERSION])?,
            ALIVE_CHECK => say(&mut stream, &[ALIVE, packet.number(1), std::process::id()])?,
            NEW_SESSION => session(&mut stream, &packet, script)?,
            _ => say(&mut stream, &[OK, packet.number(1)])?,
        }
    }
}

/// A program that is started over the connection.
fn session(stream: &mut UnixStream, packet: &Packet, script: &Script) -> io::Result<()> {
    let mut stdin = descriptor(stream, OpenOptions::new().read(true))?;
    let mut stdout = descriptor(stream, OpenOptions::new().write(true))?;
    let _stderr = descriptor(stream, OpenOptions::new().write(true))?;
    say(stream, &[OPENED, packet.number(1), 1])?;
    thread::spawn(move || {
        // It takes in whatever it is told.
        io::copy(&mut stdin, &mut io::sink())
    });
    for word in script.of(&packet.command()) {
        // Nobody listens any more: the program would be ended by it.
        if speak(&mut stdout, &word).is_err() {
            break;
        }
    }
    drop(stdout);
    say(stream, &[EXIT, 1, 0])
}

fn speak(to: &mut File, word: &Word) -> io::Result<()> {
    match word {
        Word::Text(text) => to.write_all(text.as_bytes()),
        Word::Bytes(bytes) => to.write_all(bytes),
        Word::Endless(piece) => {
            let many = piece.repeat(65536 / piece.len() + 1);
            loop {
                to.write_all(many.as_bytes())?;
            }
        }
        Word::Silence => loop {
            thread::park();
        },
    }
}

fn say(to: &mut UnixStream, numbers: &[u32]) -> io::Result<()> {
    let length = u32::try_from(4 * numbers.len()).unwrap();
    let all = [length].into_iter().chain(numbers.iter().copied());
    let bytes: Vec<u8> = all.flat_map(u32::to_be_bytes).collect();
    to.write_all(&bytes)
}

/// A file that the other side passes on. It is opened anew by its number, so that it is closed as any file is.
fn descriptor(stream: &UnixStream, how: &OpenOptions) -> io::Result<File> {
    let mut byte = [0];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let mut into = [IoSliceMut::new(&mut byte)];
    let message = recvmsg::<()>(
        stream.as_raw_fd(),
        &mut into,
        Some(&mut space),
        MsgFlags::empty(),
    )?;
    let mut passed = message.cmsgs()?.filter_map(|control| match control {
        ControlMessageOwned::ScmRights(numbers) => numbers.first().copied(),
        _ => None,
    });
    let number = passed.next().ok_or(io::ErrorKind::UnexpectedEof)?;
    let file = how.open(format!("/proc/self/fd/{number}"));
    nix::unistd::close(number)?;
    file
}

struct Packet(Vec<u8>);

impl Packet {
    fn read(from: &mut UnixStream) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut bytes)?;
        Ok(Self(bytes))
    }

    fn number(&self, index: usize) -> u32 {
        let bytes = self.0[4 * index..][..4].try_into().unwrap();
        u32::from_be_bytes(bytes)
    }

    /// The last of its texts: behind a reserved one, five numbers and the terminal's name.
    fn command(&self) -> String {
        let text = |at: usize| {
            let length = u32::from_be_bytes(self.0[at..at + 4].try_into().unwrap()) as usize;
            (&self.0[at + 4..at + 4 + length], at + 4 + length)
        };
        let (_, flags) = text(8);
        let (_, command) = text(flags + 20);
        String::from_utf8_lossy(text(command).0).into_owned()
    }
}
