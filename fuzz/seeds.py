#!/usr/bin/env python3
"""Makes seeds for the fuzz targets out of the project's own samples and rules: seeds.py FOLDER writes FOLDER/TARGET/*.

What is committed under corpus/ is what `run.sh --merge` left of these and of what the fuzzer found.
seeds.py --sift FOLDER removes from FOLDER what holds digits that could be somebody's card number: mutations make them by chance."""

import bz2, gzip, hashlib, io, lzma, pathlib, re, struct, sys, tarfile, zipfile

root = pathlib.Path(__file__).resolve().parent.parent
out = pathlib.Path(sys.argv[-1])


def could_be_a_card(digits):
    """Fifteen to nineteen digits of a brand with the right check digit, outside the ranges that tests/house.rs allows."""
    house = (root / "tests/house.rs").read_text("utf8").split("TEST_RANGES", 1)[1].split("];", 1)[0]
    allowed = tuple(re.findall(r'"(\d+)"', house))
    total = 0
    for place, digit in enumerate(reversed(digits)):
        digit = int(digit) * (1 + place % 2)
        total += digit - 9 if digit > 9 else digit
    return digits[0] in "3456" and total % 10 == 0 and not digits.startswith(allowed)


if "--sift" in sys.argv:
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        runs = re.findall(rb"(?<!\d)\d{15,19}(?!\d)", path.read_bytes())
        if any(could_be_a_card(run.decode()) for run in runs):
            print("removed", path.relative_to(out))
            path.unlink()
    sys.exit()


def put(target, data):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def pieces(data, size):
    """The beginning, the middle and the end, from a line's begin where there are lines."""
    for at in sorted({0, len(data) // 2, max(0, len(data) - size)}):
        if at and b"\n" in data[at : at + size]:
            at = data.index(b"\n", at) + 1
        yield data[at : at + size]


def records(data):
    """Packets of a little-endian pcap or pcapng file."""
    if data[:4] == b"\xd4\xc3\xb2\xa1":
        at = 24
        while at + 16 <= len(data):
            size = struct.unpack_from("<I", data, at + 8)[0]
            yield data[at + 16 : at + 16 + size]
            at += 16 + size
    elif data[:4] == b"\x0a\x0d\x0d\x0a":
        at = 0
        while at + 12 <= len(data):
            kind, size = struct.unpack_from("<II", data, at)
            if size < 12:
                break
            if kind == 6:
                captured = struct.unpack_from("<I", data, at + 20)[0]
                yield data[at + 28 : at + 28 + captured]
            at += size


def payload(frame):
    """Protocol, ports and payload of an Ethernet frame with IPv4."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None
    ip = frame[14:]
    head = (ip[0] & 15) * 4
    body = ip[head : struct.unpack_from(">H", ip, 2)[0]]
    if ip[9] == 6 and len(body) >= 20:
        return 6, struct.unpack_from(">HH", body), body[(body[12] >> 4) * 4 :]
    if ip[9] == 17 and len(body) >= 8:
        return 17, struct.unpack_from(">HH", body), body[8:]
    return None


inputs = sorted(p for p in (root / "samples").glob("*/input/**/*") if p.is_file())
kinds = {}
for path in inputs:
    kind = path.parent.name[:4] + path.name.split("-")[0] + "".join(path.suffixes)
    kinds.setdefault(kind, []).append(path)
for paths in kinds.values():
    # Some of each kind, spread over the causes.
    for path in paths[:: max(1, len(paths) // 12)][:12]:
        data = path.read_bytes()
        if path.suffix == ".gz":
            put("archive", data[:8192])
            data = gzip.decompress(data)
        capture = path.suffix in (".pcap", ".pcapng")
        for piece in [data[:6000]] if capture else pieces(data, 6000):
            put("pipeline", b"\x00\x04\x00" + piece)
            if capture:
                put("capture", b"\x07" + piece)
            else:
                put("dialogue", b"\x01" + piece[:3000])
                put("records", b"\xff\x05\xff" + piece[:2000])
                put("card_numbers", b"\x03" + bytes(range(20)) + piece[:300])
                put("encoding", b"\x50\x00" + piece[:600].decode("utf8", "replace").encode("utf-16-le"))
        for frame in list(records(data))[:40]:
            put("capture", b"\x00" + data[:24] + frame[:200]) if data[:4] == b"\xd4\xc3\xb2\xa1" else None
            found = payload(frame)
            if not found or not found[2]:
                continue
            protocol, ports, body = found
            if protocol == 17 or body[:1] in (b"\x14", b"\x15", b"\x16", b"\x17") or body[:4] in (b"HTTP", b"POST", b"GET "):
                put("protocols", b"\x09" + body[:1500])
            else:
                put("iso8583", body[:1500])
for folder in sorted((root / "samples").glob("*/input"))[::6]:
    logs = sorted(p for p in folder.glob("**/*") if p.suffix in (".log", ".txt", ".trace"))
    captures = sorted(p for p in folder.glob("**/*") if p.suffix in (".pcap", ".pcapng"))
    parts = [p.read_bytes()[:5000] for p in logs[:3] + captures[:1]]
    put("report", b"\x40\x00\x03" + b"\xff\xfe\xfd\xfc".join(parts))

for rule in sorted((root / "rules").glob("*.toml"))[::2]:
    text = rule.read_bytes()
    put("rules", b"\x00" + text)
    for line in text.splitlines():
        if line.startswith(b'when = "'):
            put("rules", b"\x01" + line[8:-1])
own = b"""name = "acme-day"
title = "Acme POS, day log"
pattern = '''^(?<time>\\d\\d\\.\\d\\d\\.\\d{4} \\d\\d:\\d\\d:\\d\\d)\\|(?<level>.)\\|(?<tag>\\w+)\\|(?<stan>\\d*)\\|(?<message>.*)$'''
time = "%d.%m.%Y %H:%M:%S"
matches = ["14.03.2024 13:16:47|E|PAY|000123|declined"]
rejects = ["14.03.2024 13:16:47 E PAY declined"]
"""
put("rules", b"\x02" + own)
put("rules", b"\x03^(?<time>.{19}) (?<message>.*)$\n2024-03-14 13:16:47 declined")

text = "2024-03-14 13:16:47 交易失败 卡号:6212340000001232 响应码=51 余额不足\n".encode() * 8
for name in ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "cp1252"):
    put("encoding", b"\x21\x00" + text.decode().encode(name, "replace"))


def zipped(name, data):
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return box.getvalue()


def tarred(name, data):
    box = io.BytesIO()
    with tarfile.open(fileobj=box, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return box.getvalue()


layers = [gzip.compress, bz2.compress, lzma.compress, lambda d: zipped("a.log", d), lambda d: tarred("日志/a.log", d)]
for outer in layers:
    put("archive", outer(text))
    for inner in layers:
        put("archive", outer(inner(text)))
put("archive", gzip.compress(bytes(3 << 20)))
put("archive", bz2.compress(bytes(3 << 20)))
# zstd and lz4 frames that hold their bytes as they are.
put("archive", b"\x28\xb5\x2f\xfd\x04\x50" + struct.pack("<I", (40 << 3) | 1)[:3] + text[:40] + b"\0\0\0\0")
put("archive", b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", 40 | 1 << 31) + text[:40] + b"\0\0\0\0")
