//! A line to a server that is bad in a way that a test says.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is wrong with it.
#[derive(Clone, Copy)]
pub enum Bad {
    /// It is dead after so many bytes to the server, on all of its connections together.
    CutAfter(usize),
    /// The byte at this place of what the server says on a connection has a bit flipped.
    FlipsAt(usize),
}

/// Gives the address of a line to a server; it is there as long as the tests are.
pub fn line(server: &str, bad: Bad) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = server.to_owned();
    let passed = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let there = TcpStream::connect(&server).unwrap();
            let (up, down) = (
                (client.try_clone().unwrap(), there.try_clone().unwrap()),
                (there, client),
            );
            let passed = passed.clone();
            std::thread::spawn(move || match bad {
                Bad::CutAfter(cut) => pass(up, |bytes| {
                    passed.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len() <= cut
                }),
                Bad::FlipsAt(_) => pass(up, |_| true),
            });
            std::thread::spawn(move || match bad {
                Bad::CutAfter(_) => pass(down, |_| true),
                Bad::FlipsAt(place) => {
                    let mut before = 0;
                    pass(down, |bytes| {
                        let at = place.checked_sub(before);
                        if let Some(byte) = at.and_then(|at| bytes.get_mut(at)) {
                            *byte ^= 1;
                        }
                        before += bytes.len();
                        true
                    });
                }
            });
        }
    });
    address.to_string()
}

/// Passes on what comes, as long as `goes` says so.
fn pass((mut from, mut to): (TcpStream, TcpStream), mut goes: impl FnMut(&mut [u8]) -> bool) {
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let bytes = &mut piece[..length];
        if !goes(bytes) || to.write_all(bytes).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}
