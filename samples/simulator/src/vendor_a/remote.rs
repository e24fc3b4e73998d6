//! The half of vendor A's words that speaks of network and host.

use super::{l, one};
use crate::say::{Line, Say, yuan};

/// Renders.
#[allow(clippy::too_many_lines, reason = "one arm a sentence")]
pub(super) fn render(say: &Say<'_>, v: u64, o: &mut Vec<Line>) {
    match say {
        Say::Online { host, port } => match v % 3 {
            0 => l(o, 'D', "IsoComm", format!("connecting {host}:{port}")),
            1 => l(
                o,
                'D',
                "IsoComm",
                format!("open socket to {host} port {port}"),
            ),
            _ => l(
                o,
                'D',
                "IsoComm",
                format!("connect -> {host}:{port} timeout=10000"),
            ),
        },
        Say::Connected { ms } => l(o, 'D', "IsoComm", format!("connected in {ms} ms")),
        Say::Sent { mti, stan, bytes } => match v % 2 {
            0 => l(
                o,
                'D',
                "IsoComm",
                format!("send {mti} trace={stan:06} len={bytes}"),
            ),
            _ => l(
                o,
                'D',
                "IsoComm",
                format!("tx {bytes} bytes, msgType={mti}, F11={stan:06}"),
            ),
        },
        Say::Received {
            mti,
            f39,
            rrn,
            bytes,
        } => match v % 2 {
            0 => l(
                o,
                'D',
                "IsoComm",
                format!("recv {mti} len={bytes} rspCode={f39} rrn={rrn}"),
            ),
            _ => l(
                o,
                'D',
                "IsoComm",
                format!("rx {bytes} bytes, msgType={mti}, F37={rrn}, F39={f39}"),
            ),
        },
        Say::Approved {
            rrn,
            auth,
            amount,
            stan,
        } => match v % 3 {
            0 => l(
                o,
                'I',
                "TradeFlow",
                format!(
                    "APPROVED trace={stan:06} rrn={rrn} auth={auth} amount={}",
                    yuan(*amount)
                ),
            ),
            1 => l(
                o,
                'I',
                "TradeFlow",
                format!("trade success, refNo={rrn}, authCode={auth}, voucher {stan:06}"),
            ),
            _ => l(
                o,
                'I',
                "TradeFlow",
                format!("result=00 交易成功 refNum={rrn} traceNo={stan:06}"),
            ),
        },
        Say::Refused { f39 } => {
            let t = crate::say_f39::screen(f39);
            match v % 3 {
                0 => l(
                    o,
                    'W',
                    "TradeFlow",
                    format!("DECLINED by host, code={f39} msg={t}"),
                ),
                1 => l(
                    o,
                    'W',
                    "TradeFlow",
                    format!("trade failed rspCode={f39} [{t}]"),
                ),
                _ => l(o, 'W', "TradeFlow", format!("host answered {f39}: {t}")),
            }
        }
        Say::ConnectTimeout { host, port, secs } => match v % 2 {
            0 => l(
                o,
                'E',
                "IsoComm",
                format!(
                    "java.net.SocketTimeoutException: failed to connect to /{host} (port {port}) after {}ms",
                    secs * 1000
                ),
            ),
            _ => l(
                o,
                'E',
                "IsoComm",
                format!("connect {host}:{port} timed out ({secs}s)"),
            ),
        },
        Say::ConnectRefused { host, port } => match v % 2 {
            0 => l(
                o,
                'E',
                "IsoComm",
                format!(
                    "java.net.ConnectException: failed to connect to /{host} (port {port}): ECONNREFUSED (Connection refused)"
                ),
            ),
            _ => l(
                o,
                'E',
                "IsoComm",
                format!("connection to {host}:{port} refused by peer"),
            ),
        },
        Say::ConnectDenied { host, port } => l(
            o,
            'E',
            "IsoComm",
            format!(
                "connect {host}:{port} failed: EACCES/EHOSTUNREACH, administratively prohibited"
            ),
        ),
        Say::DnsFail { name } => match v % 2 {
            0 => l(
                o,
                'E',
                "IsoComm",
                format!(
                    "java.net.UnknownHostException: Unable to resolve host \"{name}\": No address associated with hostname"
                ),
            ),
            _ => l(o, 'E', "IsoComm", format!("dns lookup failed for {name}")),
        },
        Say::TlsHandshake => l(
            o,
            'E',
            "IsoComm",
            one(
                v,
                &[
                    "javax.net.ssl.SSLHandshakeException: Handshake failed: SSLV3_ALERT_HANDSHAKE_FAILURE / unsupported protocol",
                    "javax.net.ssl.SSLProtocolException: SSL handshake aborted: protocol version not supported by server",
                ],
            ),
        ),
        Say::TlsCert { expired: false } => l(
            o,
            'E',
            "IsoComm",
            "javax.net.ssl.SSLHandshakeException: java.security.cert.CertPathValidatorException: Trust anchor for certification path not found.",
        ),
        Say::TlsCert { expired: true } => l(
            o,
            'E',
            "IsoComm",
            "javax.net.ssl.SSLHandshakeException: java.security.cert.CertificateExpiredException: certificate expired",
        ),
        Say::ConnLost => l(
            o,
            'E',
            "IsoComm",
            one(
                v,
                &[
                    "java.net.SocketException: Connection reset",
                    "connection closed by peer while waiting for response",
                ],
            ),
        ),
        Say::ReadTimeout { secs } => match v % 2 {
            0 => l(
                o,
                'E',
                "IsoComm",
                format!(
                    "java.net.SocketTimeoutException: Read timed out ({}ms)",
                    secs * 1000
                ),
            ),
            _ => l(
                o,
                'E',
                "IsoComm",
                format!("no response from host within {secs}s"),
            ),
        },
        Say::Reversal { stan } => l(
            o,
            'W',
            "TradeFlow",
            format!(
                "{} trace={stan:06}",
                one(
                    v,
                    &["save reversal,", "reversal queued", "need to reverse,"]
                )
            ),
        ),
        Say::ReversalDone { stan } => {
            l(o, 'I', "TradeFlow", format!("reversal {stan:06} accepted"))
        }
        Say::LinkDown => {
            l(
                o,
                'W',
                "ConnectivityService",
                one(
                    v,
                    &[
                        "NetworkAgentInfo [WIFI () - 104] disconnected",
                        "default network lost",
                    ],
                ),
            );
            l(
                o,
                'E',
                "IsoComm",
                "java.net.ConnectException: connect failed: ENETUNREACH (Network is unreachable)",
            );
        }
        Say::LinkUp => l(
            o,
            'I',
            "ConnectivityService",
            "network validated, default network is WIFI",
        ),
        Say::Signal { rssi } => l(
            o,
            'D',
            "WifiStateTracker",
            format!("rssi={rssi} linkSpeed={} Mbps", (rssi + 100).max(1)),
        ),
        _ => {}
    }
}
