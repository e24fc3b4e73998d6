//! `tapscope key`: makes and reads the secret under which card numbers become tokens.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;

use crate::cli::args::{KeyArgs, KeyCommand};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::{DONE, Ending};
use crate::parse::edge::key_id;
use crate::plan::PanKey;

/// Longest key file that is read: more is no key.
const MOST: u64 = 1 << 16;

pub(crate) fn run(args: &KeyArgs, output: &Output) -> Ending {
    let KeyCommand::New { file } = &args.command;
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret)
        .map_err(|e| Failure::failed(format!("the system gives no random bytes: {e}")))?;
    let mut text = secret.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    text.push('\n');
    let key = PanKey::from(secret);
    write_new(file, text.as_bytes())?;
    output.note(&format!(
        "key {} written; whoever has it can rebuild card numbers from tokens: keep it away from the outputs",
        key_id(key.bytes())
    ));
    output.result(&format!("{}\n", file.display()))?;
    Ok(DONE)
}

/// A new file that only its owner may read, from its first moment on.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let shown = path.display();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(|e| {
        if e.kind() == std::io::ErrorKind::AlreadyExists {
            Failure::failed(format!("{shown} exists already and is left alone"))
                .hint("tokens made under another key cannot be joined: keep the old one, or give another name")
        } else {
            Failure::failed(format!("{shown}: {e}"))
        }
    })?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|e| {
        let _ = std::fs::remove_file(path);
        Failure::failed(format!("{shown}: {e}; nothing was written"))
    })
}

/// Reads the secret. Whoever else could read it could rebuild card numbers from tokens: then it is refused.
pub(crate) fn read(path: &Path) -> Result<PanKey, Failure> {
    let shown = path.display();
    let fail = |e: std::io::Error| Failure::failed(format!("--pan-key {shown}: {e}"));
    let file =
        std::fs::File::open(path).map_err(|e| fail(e).hint("`tapscope key new FILE` makes one"))?;
    // Of the file that was opened, whatever stands under its name by now.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let about = file.metadata().map_err(fail)?;
        if about.permissions().mode() & 0o077 != 0 {
            let message = format!("--pan-key {shown}: others may read this file");
            return Err(Failure::failed(message).hint(format!("chmod 600 {shown}")));
        }
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(fail)?;
    let digits = bytes.trim_ascii();
    let mut secret = [0_u8; 32];
    if digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit) {
        for (byte, pair) in secret.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |value, digit| {
                value << 4 | char::from(*digit).to_digit(16).unwrap_or(0) as u8
            });
        }
    } else if bytes.len() >= 32 {
        secret = blake3::derive_key("tapscope 2026 card token key", &bytes);
    } else {
        let message = format!("--pan-key {shown}: shorter than 32 bytes");
        return Err(Failure::failed(message).hint("tapscope key new FILE"));
    }
    bytes.fill(0);
    if secret.iter().all(|b| *b == secret[0]) {
        return Err(
            Failure::failed(format!("--pan-key {shown}: not a random key"))
                .hint("tapscope key new FILE"),
        );
    }
    Ok(PanKey::from(secret))
}
