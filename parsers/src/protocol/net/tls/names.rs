//! What versions, cipher suites and alerts of TLS are called (IANA TLS parameters; RFC 8446, section 6).

/// Name of a version as on the wire.
#[must_use]
pub fn version(number: u16) -> &'static str {
    match number {
        0x0002 => "SSL 2.0",
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        0x7F00..=0x7FFF => "TLS 1.3 draft",
        _ => "unknown",
    }
}

/// Name of a cipher suite that payment hosts and terminals are met with.
#[must_use]
pub fn cipher(number: u16) -> Option<&'static str> {
    Some(match number {
        0x0004 => "RSA_WITH_RC4_128_MD5",
        0x0005 => "RSA_WITH_RC4_128_SHA",
        0x000A => "RSA_WITH_3DES_EDE_CBC_SHA",
        0x002F => "RSA_WITH_AES_128_CBC_SHA",
        0x0033 => "DHE_RSA_WITH_AES_128_CBC_SHA",
        0x0035 => "RSA_WITH_AES_256_CBC_SHA",
        0x0039 => "DHE_RSA_WITH_AES_256_CBC_SHA",
        0x003C => "RSA_WITH_AES_128_CBC_SHA256",
        0x003D => "RSA_WITH_AES_256_CBC_SHA256",
        0x0067 => "DHE_RSA_WITH_AES_128_CBC_SHA256",
        0x006B => "DHE_RSA_WITH_AES_256_CBC_SHA256",
        0x009C => "RSA_WITH_AES_128_GCM_SHA256",
        0x009D => "RSA_WITH_AES_256_GCM_SHA384",
        0x009E => "DHE_RSA_WITH_AES_128_GCM_SHA256",
        0x009F => "DHE_RSA_WITH_AES_256_GCM_SHA384",
        0xC009 => "ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        0xC00A => "ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        0xC013 => "ECDHE_RSA_WITH_AES_128_CBC_SHA",
        0xC014 => "ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0xC023 => "ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        0xC024 => "ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        0xC027 => "ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        0xC028 => "ECDHE_RSA_WITH_AES_256_CBC_SHA384",
        0xC02B => "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xC02C => "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xC02F => "ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xC030 => "ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xCCA8 => "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xCCA9 => "ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        0xCCAA => "DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0x1301 => "AES_128_GCM_SHA256",
        0x1302 => "AES_256_GCM_SHA384",
        0x1303 => "CHACHA20_POLY1305_SHA256",
        0x1304 => "AES_128_CCM_SHA256",
        0xE011 => "ECDHE_SM4_CBC_SM3",
        0xE013 => "ECC_SM4_CBC_SM3",
        0xE051 => "ECDHE_SM4_GCM_SM3",
        0xE053 => "ECC_SM4_GCM_SM3",
        0x00C6 => "SM4_GCM_SM3",
        0x00C7 => "SM4_CCM_SM3",
        _ => return None,
    })
}

/// Name of an alert.
#[must_use]
pub fn alert(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "unknown",
    }
}
