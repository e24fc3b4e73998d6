//! Bytes of a data object: nearly all are short, and stand where the object stands.

use std::ops::Deref;

/// Bytes that are held in place.
const SHORT: usize = 22;

/// A byte string; short ones need no memory of their own.
#[derive(Clone)]
pub struct ShortBytes(Held);

#[derive(Clone)]
enum Held {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl Deref for ShortBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Held::Long(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for ShortBytes {
    fn from(bytes: &[u8]) -> Self {
        let mut held = [0; SHORT];
        match (held.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(slot), Ok(length)) => {
                slot.copy_from_slice(bytes);
                Self(Held::Short(length, held))
            }
            _ => Self(Held::Long(bytes.into())),
        }
    }
}

impl PartialEq for ShortBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ShortBytes {}

impl std::fmt::Debug for ShortBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::ShortBytes;

    #[test]
    fn any_length_comes_back() {
        for length in [0, 1, 21, 22, 23, 300] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let held = ShortBytes::from(bytes.as_slice());
            assert_eq!(&*held, bytes.as_slice());
            assert_eq!(held, ShortBytes::from(bytes.as_slice()));
            assert_eq!(format!("{held:?}"), format!("{bytes:?}"));
        }
        assert_ne!(ShortBytes::from(&[1][..]), ShortBytes::from(&[1, 0][..]));
    }
}
