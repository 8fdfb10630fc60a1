use super::*;
use crate::core::digest;
use crate::core::error::Code;

fn round(packing: ArchivePacking, to: &Recipients, by: &[Identity]) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part");
    let mut packer = Packer::new(File::create(&path).unwrap(), packing, to)?;
    let text = b"a row of the dump\n".repeat(20_000);
    packer.write_all(&text)?;
    let (sha256, bytes, unpacked) = packer.finish()?;
    let found = digest::sha256_of(&mut File::open(&path).unwrap()).unwrap();
    assert_eq!(found, (sha256, bytes), "what is told is what lies there");
    assert_eq!(unpacked, text.len() as u64);
    assert!(bytes < unpacked / 10);
    let mut read = Vec::new();
    unpack(File::open(&path)?, packing, !to.keys.is_empty(), by)?.read_to_end(&mut read)?;
    assert_eq!(read, text);
    Ok(std::fs::read(&path)?)
}

#[test]
fn gives_back_what_was_packed() {
    for packing in [ArchivePacking::Zstd, ArchivePacking::Gzip] {
        round(packing, &Recipients::default(), &[]).unwrap();
    }
}

#[test]
fn an_operators_key_and_the_writer_alone_read_what_is_encrypted() {
    let ana = Identity::generate();
    let to = Recipients::of(&[ana.to_public().to_string()]).unwrap();
    for packing in [ArchivePacking::Zstd, ArchivePacking::Gzip] {
        round(packing, &to, std::slice::from_ref(&ana)).unwrap();
        let sealed = round(packing, &to, &to.identities()).unwrap();
        assert!(sealed.starts_with(b"age-encryption.org/v1"));
        for stranger in [vec![], vec![Identity::generate()]] {
            let refused = round(packing, &to, &stranger).unwrap_err();
            let fault = refused.downcast_ref::<Fault>().unwrap();
            assert_eq!(fault.code, Code::E0425, "{refused:#}");
        }
    }
}

#[test]
fn a_key_file_is_read_past_its_comments_and_never_repeated() {
    use age::secrecy::ExposeSecret;
    let key = Identity::generate();
    let text = key.to_string();
    let file = format!(
        "# created: today\n# public key: x\n{}\n",
        text.expose_secret()
    );
    assert_eq!(identities(&[Secret::new(file)]).unwrap().len(), 1);
    let refused = identities(&[Secret::new("hunter2")])
        .map(|_| ())
        .unwrap_err();
    assert!(!format!("{refused:#}").contains("hunter2"));
    assert!(Recipients::of(&["age1nonsense".to_owned()]).is_err());
}
