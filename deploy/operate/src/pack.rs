//! A function's zip: one executable named `bootstrap`, with fixed times, so that the same binary gives the same bytes.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::say::good;

const NAME: &[u8] = b"bootstrap";
/// 1980-01-01, the first day of a zip.
const DATE: u16 = 0b1_00001;
const DEFLATED: u16 = 8;
/// Lambda takes zips of up to 250 MB unpacked.
const UNPACKED_MAX: usize = 250 << 20;

/// # Errors
/// When the binary cannot be read, is too large for Lambda, or the zip not be written.
pub fn pack(binary: &Path, zip: &Path) -> Result<()> {
    let bytes = fs::read(binary).with_context(|| format!("reading {}", binary.display()))?;
    anyhow::ensure!(bytes.len() < UNPACKED_MAX, "{} is larger than Lambda takes (250 MB)", binary.display());
    let packed = zipped(&bytes)?;
    // Two runs may pack at once: neither uploads half a file.
    let new = zip.with_extension(format!("zip.{}", std::process::id()));
    fs::write(&new, &packed).with_context(|| format!("writing {}", new.display()))?;
    fs::rename(&new, zip)?;
    good(&format!("{}: {}, unpacked {}", zip.display(), megabytes(packed.len()), megabytes(bytes.len())));
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// APPNOTE.TXT 4.3: local header, data, central directory, its end.
fn zipped(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    let data = encoder.finish()?;
    let mut crc = Crc::new();
    crc.update(bytes);
    let (sum, packed, unpacked) = (crc.sum(), u32::try_from(data.len())?, u32::try_from(bytes.len())?);

    let mut common = Vec::new(); // what both headers say of the file
    for field in [20, 0, DEFLATED, 0, DATE] {
        common.extend(u16::to_le_bytes(field));
    }
    for field in [sum, packed, unpacked] {
        common.extend(u32::to_le_bytes(field));
    }
    common.extend(u16::to_le_bytes(u16::try_from(NAME.len())?));
    common.extend([0, 0]); // no extra field

    let mut zip = [&b"PK\x03\x04"[..], &common, NAME, &data].concat();
    let directory_at = u32::try_from(zip.len())?;
    zip.extend(b"PK\x01\x02");
    zip.extend([20, 3]); // made on Unix, so that the mode counts
    zip.extend(&common);
    zip.extend([0; 6]); // no comment, first disk, binary
    zip.extend(u32::to_le_bytes(0o100_755 << 16));
    zip.extend([0; 4]); // the file begins at the beginning
    zip.extend(NAME);
    let directory = u32::try_from(zip.len())? - directory_at;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(u32::to_le_bytes(directory));
    zip.extend(u32::to_le_bytes(directory_at));
    zip.extend([0, 0]);
    Ok(zip)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn the_same_binary_gives_the_same_zip_and_it_unpacks_to_an_executable() {
        let folder = tempfile::tempdir().unwrap();
        let (binary, zip) = (folder.path().join("worker"), folder.path().join("worker.zip"));
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        fs::write(&binary, &bytes).unwrap();
        pack(&binary, &zip).unwrap();
        let first = fs::read(&zip).unwrap();
        pack(&binary, &zip).unwrap();
        assert_eq!(first, fs::read(&zip).unwrap());

        // Python's own unpacker forgets modes: they are read from the directory.
        let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
            z.extractall(sys.argv[2]); print(oct(z.getinfo('bootstrap').external_attr >> 16))";
        let output = Command::new("python3").args(["-c", script]).arg(&zip).arg(folder.path()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0o100755", "{output:?}");
        let unpacked = folder.path().join("bootstrap");
        assert_eq!(fs::read(&unpacked).unwrap(), bytes);
        assert!(fs::metadata(&unpacked).unwrap().permissions().mode() & 0o400 != 0);
    }
}
