//! Work of the parsers alone: each family on what could make it slow.

use std::hint::black_box;

use tapscope_parsers::container::{self, trace};
use tapscope_parsers::content::{self, Readers};
use tapscope_parsers::explain;
use tapscope_parsers::protocol::emv::{afl, dol, tlv, value};
use tapscope_parsers::protocol::iso8583;
use tapscope_parsers::protocol::net::tcp::{Stream, StreamLimits};
use tapscope_parsers::protocol::net::tls::keylog::KeyLog;
use tapscope_parsers::protocol::net::{capture::Reader, dns, http, ip, link, proxy, tls};
use tapscope_parsers::sensitive::{in_bytes, in_text, normalise};

use super::{Job, Kind, job};

pub const KINDS: &[Kind] = &[
    ("tlv_nested", 40_000, |n| tlv(&[0x70, 0x80], n)),
    ("tlv_siblings", 20_000, |n| tlv(&[0x9F, 0x36, 2, 0, 1], n)),
    ("tlv_long_lengths", 40_000, |n| {
        tlv(&[0x5A, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], n)
    }),
    ("tlv_long_tags", 40_000, |n| tlv(&[0x9F, 0xFF, 0xFF], n)),
    ("tlv_explained", 2_000, |n| {
        let bytes = [0x9F, 0x36, 2, 0, 1].repeat(n);
        job(move || {
            for kind in ["tlv", "apdu", "response", "iso8583", "dol", "atr", "iad"] {
                if let Some(kind) = explain::Kind::from_name(kind) {
                    black_box(explain::explain(kind, &bytes, explain::Context::default()));
                }
            }
            black_box(explain::guess(&bytes));
        })
    }),
    ("dol", 20_000, |n| {
        let (list, data) = ([0x9A, 3].repeat(n), vec![0; 3 * n]);
        job(move || drop(black_box(dol::split(&list, &data))))
    }),
    ("dol_long_lengths", 20_000, |n| {
        let list = [0x9A, 0xFF].repeat(n);
        job(move || drop(black_box(dol::split(&list, &[0; 400]))))
    }),
    ("afl_every_record", 20_000, |n| {
        let list = [0x08, 1, 255, 0].repeat(n);
        job(move || {
            let (entries, _) = afl::entries(&list);
            let read: Vec<(u8, u8)> = (0..=255).map(|k| (1, k)).collect();
            black_box(afl::compare(&entries, &read));
        })
    }),
    ("cvm_list", 20_000, |n| {
        let list = [0x42, 3].repeat(n + 4);
        job(move || drop(black_box(value::cvm_list(&list))))
    }),
    ("iso8583_locate", 2_000, |n| iso(b"02003238".repeat(n))),
    ("iso8583_zeros", 20_000, |n| iso(vec![0; n])),
    ("iso8583_ones", 20_000, |n| iso(vec![0xFF; n])),
    ("iso8583_digits", 20_000, |n| iso(vec![b'0'; n])),
    ("iso8583_detect", 2_000, |n| {
        let stream = super::pipeline::union_pay_messages(n);
        job(move || drop(black_box(iso8583::detect(&stream, true))))
    }),
    ("mask_digits", 2_500, |n| mask(b"4111 ", n)),
    ("mask_one_run", 7_500, |n| mask(b"4", n)),
    ("mask_hex", 2_500, |n| mask(b"5A08", n)),
    ("mask_tags", 2_500, |n| mask(b"57 13 62 ", n)),
    ("mask_list", 2_500, |n| mask(b"98, ", n)),
    ("mask_base64", 2_500, |n| mask(b"NDEx", n)),
    ("mask_escapes", 1_250, |n| mask(b"\\u0034", n)),
    ("mask_percent", 1_250, |n| mask(b"%34%31", n)),
    ("mask_lines", 1_250, |n| mask(b"4111\n", n)),
    ("mask_dump", 125, |n| {
        mask(
            b"0000  62 12 34 00 00 00 12 31 62 12 34 00 00 00 12 31\n",
            n,
        )
    }),
    ("mask_labels", 1_250, |n| mask(b"pan pin cvv track2 ", n)),
    ("mask_labels_json", 1_250, |n| {
        mask(b"{\"pan\":{\"pin\":", n)
    }),
    ("mask_carets", 1_250, |n| mask(b"4111111111111111^", n)),
    ("mask_tracks", 625, |n| {
        mask(b";6212345678900000003=2912201123456789?", n)
    }),
    ("mask_wide", 1_250, |n| mask("４１".as_bytes(), n)),
    ("mask_nulls", 1_250, |n| mask(b"4\x001\x00", n)),
    ("mask_equal_signs", 1_250, |n| mask(b"4111111111111111=", n)),
    ("mask_fillers", 2_500, |n| mask(b"41111111**", n)),
    ("mask_words", 1_250, |n| mask(b"4111 11 1111 1 ", n)),
    ("mask_bytes_objects", 5_000, |n| {
        bytes(&[0x9F, 0x36, 2, 0x41, 0x11], n)
    }),
    ("mask_bytes_zeros", 10_000, |n| bytes(&[0x34, 0], n)),
    ("mask_bytes", 5_000, |n| bytes(&[0x57, 0x13, 0x62, 0x12], n)),
    ("mask_bytes_digits", 5_000, |n| bytes(&[0x41, 0x11], n)),
    ("records_every_format", 200, |n| {
        records(b"07-15 10:56:49.152   889  6213 D Tag: x\n  more\n{\"a\":1}\n<log>\n".repeat(n))
    }),
    ("records_own_lines", 40, |n| {
        // Each format on many of its own lines.
        let texts: Vec<Vec<u8>> = container::FORMATS
            .iter()
            .map(|format| (format.samples.join("\n") + "\n").repeat(n).into_bytes())
            .collect();
        job(move || {
            for (format, text) in container::FORMATS.iter().zip(&texts) {
                black_box(container::count(format, text));
                black_box(container::detect(&[text]));
            }
        })
    }),
    ("records_folded", 5_000, |n| {
        records(
            [
                b"07-15 10:56:49.152   889  6213 D Tag: x\n".to_vec(),
                b"  more\n".repeat(n),
            ]
            .concat(),
        )
    }),
    ("records_never_ending_xml", 4_000, |n| {
        records(
            [
                b"<log realm=\"a\" at=\"2026-07-15T10:56:00.152\">\n".to_vec(),
                b"<field id=\"2\" value=\"x\"/>\n".repeat(n),
            ]
            .concat(),
        )
    }),
    ("records_endless_line", 100_000, |n| records(vec![b'x'; n])),
    ("records_braces", 20_000, |n| records(vec![b'{'; n])),
    ("records_quotes", 20_000, |n| records(b"\"\\".repeat(n))),
    ("records_brackets", 20_000, |n| records(vec![b'['; n])),
    ("records_empty_lines", 20_000, |n| records(vec![b'\n'; n])),
    ("records_returns", 20_000, |n| records(vec![b'\r'; n])),
    ("heads_long", 4_000, |n| {
        heads(&["2026-07-15 10:56:49.152 INFO ", " a=b", "\n"], n)
    }),
    ("heads_spaces", 20_000, |n| heads(&["07-15", " ", "\n"], n)),
    ("heads_brackets", 20_000, |n| {
        heads(&["[2026-07-15 10:56:49]", "[a]", "\n"], n)
    }),
    ("heads_digits", 20_000, |n| heads(&["", "1", "\n"], n)),
    ("traces_every_kind", 400, |n| {
        let text = b"=> 00A404000E325041592E5359532E444446303100\n<= 6A82\nTX: 00 A4 04 00\nRX: 90 00\n        0 |       1056 | Rdr |26                |     | REQA\n".repeat(n);
        job(move || {
            for format in trace::TRACES {
                black_box((format.fits)(&text));
                black_box((format.read)(&text, &mut |seen| {
                    black_box(seen);
                }));
            }
        })
    }),
    ("json_nested", 20_000, |n| content(b"{\"a\":", n)),
    ("json_arrays", 20_000, |n| content(b"[", n)),
    ("json_keys", 10_000, |n| {
        let text = format!("{{{}\"b\":1}}", "\"a\":1,".repeat(n));
        contents(text.into_bytes())
    }),
    ("json_escapes", 10_000, |n| content(b"\\u0022", n)),
    ("content_hex", 20_000, |n| content(b"00A4", n)),
    ("content_hex_spaced", 20_000, |n| content(b"00 A4 ", n)),
    ("content_apdu_labels", 5_000, |n| {
        content(b"send: recv: => <= apdu ", n)
    }),
    ("content_key_values", 5_000, |n| {
        content(b"stan=123 amount=12.00 rrn=7 ", n)
    }),
    ("content_equal_signs", 20_000, |n| content(b"stan==", n)),
    ("content_labels_alone", 10_000, |n| {
        content(b"amount: stan: rrn: ", n)
    }),
    ("content_codes", 5_000, |n| {
        content(b"code=-40001 ret=51 result: 91 ", n)
    }),
    ("content_exceptions", 2_000, |n| {
        content(
            b"java.net.SocketTimeoutException: x\n\tat a.b.C.d(E.java:1)\nCaused by: ",
            n,
        )
    }),
    ("content_iso_list", 5_000, |n| {
        content(b"F2=4 F4=000000001200 F39=51 DE55=9F ", n)
    }),
    ("content_iso_xml", 2_000, |n| {
        content(
            b"<isomsg><field id=\"39\" value=\"51\"/><isomsg id=\"48\">",
            n,
        )
    }),
    ("content_xml_angles", 20_000, |n| content(b"<isomsg <", n)),
    ("content_nexo", 2_000, |n| {
        content(
            b"<SaleToPOIRequest><MessageHeader MessageClass=\"Service\"/><PaymentRequest>",
            n,
        )
    }),
    ("content_nci", 5_000, |n| {
        content(b"NxpNciR len = 3 > 600603 ", n)
    }),
    ("content_zvt", 5_000, |n| {
        content(b"06 0F 04 27 6C 29 10 ", n)
    }),
    ("content_uri", 5_000, |n| {
        content(b"app://pay?result=%34%31&code=5&", n)
    }),
    ("content_wording", 5_000, |n| {
        content("交易失败 请插卡 请求超时 declined timeout ".as_bytes(), n)
    }),
    ("dns_pointers", 8_000, |n| {
        // A name of pointers to pointers.
        let mut packet = vec![0, 1, 0x81, 0x80, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0];
        for at in 0..n.min(8_000) {
            let to = 12 + 2 * at.saturating_sub(1);
            packet.extend([0xC0 | (to >> 8) as u8 & 0x3F, to as u8]);
        }
        job(move || drop(black_box(dns::parse(&packet))))
    }),
    ("dns_answers", 2_000, |n| {
        // Long names, each pointed at by many answers.
        let mut packet = vec![0, 1, 0x81, 0x80, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0];
        for _ in 0..60 {
            packet.extend([3, b'a', b'b', b'c']);
        }
        packet.extend([0, 0, 1, 0, 1]);
        for _ in 0..n {
            packet.extend([0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 1, 0, 2, 0xC0, 12]);
        }
        job(move || drop(black_box(dns::parse(&packet))))
    }),
    ("tls_small_records", 10_000, |n| {
        tls_half([22, 3, 3, 0, 1, 1].repeat(n), usize::MAX)
    }),
    ("tls_bytes_one_by_one", 20_000, |n| {
        let mut hello = vec![22, 3, 3, 0x40, 0, 1, 0, 0x3F, 0xFC];
        hello.resize(n, 0);
        tls_half(hello, 1)
    }),
    ("tls_endless_handshake", 10_000, |n| {
        // One message of 16 MiB, in records of one byte.
        tls_half(
            [
                &[22, 3, 3, 0, 4, 11, 0xFF, 0xFF, 0xFF][..],
                &[22, 3, 3, 0, 1, 7].repeat(n),
            ]
            .concat(),
            1400,
        )
    }),
    ("tls_certificates", 2_000, |n| {
        let one = [0, 0, 5, 0x30, 3, 2, 1, 5];
        let body = one.repeat(n);
        let length = (body.len() as u32).to_be_bytes();
        let chain = [&length[1..], &body[..]].concat();
        job(move || {
            black_box(tls::certificates(&chain, false).linked());
        })
    }),
    ("tls_keylog", 2_000, |n| {
        let text: String = (0..n)
            .map(|k| format!("CLIENT_RANDOM {k:064x} {:096x}\n", 7))
            .collect();
        job(move || {
            let mut log = KeyLog::default();
            log.add(text.as_bytes());
            black_box(log.len());
        })
    }),
    ("http_headers", 10_000, |n| {
        http_text([b"HTTP/1.1 200 OK\r\n".to_vec(), b"a: b\r\n".repeat(n)].concat())
    }),
    ("http_folded", 10_000, |n| {
        http_text(
            [
                b"HTTP/1.1 200 OK\r\na: b\r\n".to_vec(),
                b" folded\r\n".repeat(n),
            ]
            .concat(),
        )
    }),
    ("http_no_line_ends", 40_000, |n| {
        http_text([b"HTTP/1.1 200 ".to_vec(), vec![b'a'; n]].concat())
    }),
    ("http_chunks", 10_000, |n| {
        http_text(b"1\r\na\r\n".repeat(n))
    }),
    ("proxy_header", 40_000, |n| {
        let text = [b"PROXY TCP4 ".to_vec(), vec![b'1'; n]].concat();
        job(move || {
            black_box(proxy::read(&text));
        })
    }),
    ("link_tunnels", 400, |n| {
        // VLAN in VLAN in VLAN.
        let frame = [vec![2; 12], [0x81, 0, 0, 1].repeat(16 * n)].concat();
        job(move || {
            black_box(link::decode(1, &frame));
        })
    }),
    ("ip_fragments", 2_000, |n| fragments(n, |k| k as u16)),
    ("ip_fragments_of_one", 4_000, |n| fragments(n, |_| 7)),
    ("tcp_in_order", 4_000, |n| {
        segments((0..n as u32).map(|k| k * 10).collect())
    }),
    ("tcp_every_second_missing", 4_000, |n| {
        segments((0..n as u32).map(|k| k * 20).collect())
    }),
    ("tcp_backwards", 4_000, |n| {
        segments((0..n as u32).rev().map(|k| k * 10).collect())
    }),
    ("tcp_overlaps", 4_000, |n| {
        segments((0..n as u32).map(|k| 100 + (k * 7919) % 5000).collect())
    }),
    ("tcp_same_again", 8_000, |n| segments(vec![500; n])),
    ("pcap_packets", 10_000, |n| {
        pcap([0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4].repeat(n))
    }),
    ("pcap_garbage", 40_000, |n| {
        pcap([0xFF, 0x0A, 0x0D, 0x0D, 0x0A].repeat(n / 5))
    }),
    ("pcap_plausible_garbage", 20_000, |n| {
        pcap(
            [
                0, 0, 0, 1, 0, 0, 0, 0, 0xFF, 0xFF, 3, 0, 0xFF, 0xFF, 3, 0, 9,
            ]
            .repeat(n / 17),
        )
    }),
    ("pcapng_blocks", 4_000, |n| {
        pcapng(
            &[
                6, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 32, 0, 0, 0,
            ],
            n,
        )
    }),
    ("pcapng_interfaces", 4_000, |n| {
        pcapng(
            &[1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 20, 0, 0, 0],
            n,
        )
    }),
    ("pcapng_sections", 4_000, |n| pcapng(SECTION, n)),
];

const SECTION: &[u8] = &[
    0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 28, 0, 0, 0,
];

fn tlv(pattern: &[u8], n: usize) -> Job {
    let bytes = pattern.repeat(n);
    job(move || {
        black_box(tlv::walk(&bytes).count());
        black_box(tlv::siblings(&bytes).count());
        black_box(tlv::find(&bytes, 0x9F99));
        black_box(tlv::is_whole(&bytes));
    })
}

fn iso(bytes: Vec<u8>) -> Job {
    job(move || {
        black_box(iso8583::locate(&bytes));
        black_box(iso8583::detect(&bytes, true));
        for dialect in iso8583::dialects() {
            black_box(iso8583::parse(dialect, &bytes));
        }
    })
}

fn mask(pattern: &[u8], n: usize) -> Job {
    let text = pattern.repeat(n);
    job(move || {
        let mut spans = Vec::new();
        in_text(&text, &mut spans);
        normalise(&mut spans);
        black_box(spans);
    })
}

fn bytes(pattern: &[u8], n: usize) -> Job {
    let bytes = pattern.repeat(n);
    job(move || {
        let mut spans = Vec::new();
        in_bytes(&bytes, &mut spans);
        normalise(&mut spans);
        black_box(spans);
    })
}

fn records(text: Vec<u8>) -> Job {
    job(move || {
        for format in container::FORMATS {
            black_box(container::count(format, &text));
        }
        black_box(container::detect(&[&text]));
    })
}

/// One long line: its head in every format.
fn heads(parts: &[&str; 3], n: usize) -> Job {
    let line = [parts[0], &parts[1].repeat(n), parts[2]]
        .concat()
        .into_bytes();
    job(move || {
        for format in container::FORMATS {
            black_box(format.is_head(&line));
            black_box(format.head(&line).is_some());
            black_box(format.ends(&line));
        }
        black_box(container::unwrap(&line));
    })
}

fn content(pattern: &[u8], n: usize) -> Job {
    contents(pattern.repeat(n))
}

/// Every reader of contents on one text.
fn contents(text: Vec<u8>) -> Job {
    let readers = Readers::new().unwrap();
    job(move || {
        black_box(content::apdu::read(&readers.apdu, &text, false));
        black_box(content::apdu::read(&readers.apdu, &text, true));
        black_box(content::exception::read(&text));
        black_box(content::iso_list::read(&text));
        black_box(content::iso_list::message_bytes(&text));
        black_box(content::iso_xml::read(&text));
        black_box(content::json::walk(&text, &mut |path, value| {
            black_box((path.len(), value));
        }));
        black_box(content::json::unescape(&text));
        black_box(readers.keys.read(&text));
        black_box(content::nci::read(b"NxpNciR", &text));
        black_box(content::nexo::read(&text));
        black_box(content::uri::read(&text));
        black_box(readers.wording.read(&text));
        black_box(content::zvt::read(&text));
        black_box(readers.codes.symbol(&text));
    })
}

fn tls_half(bytes: Vec<u8>, step: usize) -> Job {
    job(move || {
        let mut half = tls::Half::default();
        for part in bytes.chunks(step.min(bytes.len()).max(1)) {
            half.push(part, &mut |said| {
                black_box(said);
            });
        }
    })
}

fn http_text(text: Vec<u8>) -> Job {
    job(move || {
        black_box(http::answer(&text));
        black_box(http::head(&text));
        black_box(http::chunks(&text, 1 << 20));
    })
}

fn fragments(n: usize, id: fn(usize) -> u16) -> Job {
    let packets: Vec<Vec<u8>> = (0..n)
        .map(|k| {
            let mut b = vec![0x45, 0, 0, 28];
            b.extend(id(k).to_be_bytes());
            b.extend((0x2000 | (2 * k as u16 & 0x1FFF)).to_be_bytes());
            b.extend([64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
            b.extend([7; 8]);
            b
        })
        .collect();
    job(move || {
        let mut held = ip::Fragments::default();
        for (k, packet) in packets.iter().enumerate() {
            if let Ok(datagram) = link::datagram(packet) {
                black_box(held.push(&datagram, k as u32, k as i64 * 1000));
            }
        }
    })
}

fn segments(at: Vec<u32>) -> Job {
    job(move || {
        let limits = StreamLimits {
            pending_bytes: 1 << 20,
            pending_segments: 4096,
        };
        let mut stream = Stream::default();
        stream.begin(0);
        for (n, at) in at.into_iter().enumerate() {
            stream.push(at, &[7; 10], 0, (n as u32, 0), &limits, &mut |piece| {
                black_box(piece);
            });
        }
    })
}

fn read(file: Vec<u8>) -> Job {
    job(move || {
        let mut packets = Vec::new();
        black_box(Reader::new().feed(&file, true, &mut packets));
        black_box(packets);
    })
}

fn pcap(rest: Vec<u8>) -> Job {
    let mut file = vec![
        0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
    ];
    file.extend(rest);
    read(file)
}

fn pcapng(block: &[u8], n: usize) -> Job {
    let interface = [1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 20, 0, 0, 0];
    read([SECTION, &interface, &block.repeat(n)].concat())
}
