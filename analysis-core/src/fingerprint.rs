//! A name for the bytes of a file: equal files share it, whoever owns them.

use sha2::{Digest, Sha256};
use std::io::{self, Read, Seek, SeekFrom};

/// SHA-256 (FIPS 180-4) of everything `reader` holds, as `sha256:` and 64 hex digits; leaves the reader at
/// its start. Reads in blocks of 64 KiB, so memory does not grow with the file.
///
/// # Errors
/// Whatever reading or seeking reports.
pub fn fingerprint<R: Read + Seek>(reader: &mut R) -> io::Result<String> {
    reader.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut block) {
            Ok(0) => break,
            Ok(count) => hash.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    reader.seek(SeekFrom::Start(0))?;
    Ok(name(&hash.finalize()))
}

fn name(digest: &[u8]) -> String {
    use std::fmt::Write;
    digest.iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn agrees_with_the_standards_example_and_rewinds() {
        let mut reader = Cursor::new(b"abc".to_vec());
        reader.set_position(2);
        let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fingerprint(&mut reader).unwrap(), expected); // FIPS 180-4, example of SHA-256
        assert_eq!(reader.position(), 0);
    }

    #[test]
    fn a_file_longer_than_a_block_is_read_whole() {
        let bytes = vec![7_u8; 200_001];
        let mut other = bytes.clone();
        other[200_000] = 8;
        assert_ne!(
            fingerprint(&mut Cursor::new(bytes)).unwrap(),
            fingerprint(&mut Cursor::new(other)).unwrap()
        );
    }
}
