//! Turns finished files into one zip archive (deflate, no time stamps, so that bytes repeat).

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

/// Writes the archive, removes the files, returns the archive's size.
pub fn write(root: &Path, names: &[String], target: &Path) -> io::Result<u64> {
    let mut out = BufWriter::new(File::create(target)?);
    let mut central = Vec::new();
    let mut at = 0u32;
    for name in names {
        let mut data = Vec::new();
        File::open(root.join(name))?.read_to_end(&mut data)?;
        std::fs::remove_file(root.join(name))?;
        let mut crc = flate2::Crc::new();
        crc.update(&data);
        let mut enc = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
        enc.write_all(&data)?;
        let packed = enc.finish()?;
        let member = name.rsplit('/').next().unwrap_or(name).as_bytes();
        let mut common = Vec::new();
        for v in [20u16, 0x0800, 8, 0, 0x21] {
            common.extend_from_slice(&v.to_le_bytes());
        }
        for v in [crc.sum(), packed.len() as u32, data.len() as u32] {
            common.extend_from_slice(&v.to_le_bytes());
        }
        common.extend_from_slice(&(member.len() as u16).to_le_bytes());
        common.extend_from_slice(&0u16.to_le_bytes());
        out.write_all(b"PK\x03\x04")?;
        out.write_all(&common)?;
        out.write_all(member)?;
        out.write_all(&packed)?;
        central.extend_from_slice(b"PK\x01\x02");
        central.extend_from_slice(&20u16.to_le_bytes());
        central.extend_from_slice(&common);
        central.extend_from_slice(&[0; 10]);
        central.extend_from_slice(&at.to_le_bytes());
        central.extend_from_slice(member);
        at += (4 + common.len() + member.len() + packed.len()) as u32;
    }
    out.write_all(&central)?;
    out.write_all(b"PK\x05\x06\0\0\0\0")?;
    let n = names.len() as u16;
    out.write_all(&n.to_le_bytes())?;
    out.write_all(&n.to_le_bytes())?;
    out.write_all(&(central.len() as u32).to_le_bytes())?;
    out.write_all(&at.to_le_bytes())?;
    out.write_all(&[0, 0])?;
    out.flush()?;
    Ok(u64::from(at) + central.len() as u64 + 22)
}
