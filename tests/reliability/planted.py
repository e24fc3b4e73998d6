"""Plants made-up card numbers in logs and captures, and looks for them in what came out. Knows nothing of the program it tests.

    planted.py plant FOLDER LIST COUNT   writes logs and a capture into FOLDER, and what was planted into LIST
    planted.py look LIST FOLDER...       ends with 1 where anything of LIST stands in a file of the folders, in any dress
"""

import base64
import os
import random
import re
import struct
import sys

BRANDS = [("62123456", 16), ("621234", 19), ("62", 18), ("411111", 16), ("4", 13), ("5413", 16), ("2221", 16), ("3782", 15), ("3530", 16), ("6011", 16)]
EBCDIC = {str(d): f"F{d}" for d in range(10)}


def luhn(body):
    total = 0
    for place, digit in enumerate(reversed(body)):
        digit = int(digit)
        if place % 2 == 0:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return str(-total % 10)


def number(dice):
    prefix, length = dice.choice(BRANDS)
    body = prefix + "".join(dice.choice("0123456789") for _ in range(length - len(prefix) - 1))
    return body + luhn(body)


def even(text):
    return text + "F" * (len(text) % 2)


def dresses(pan, secret):
    """Thirty ways in which a number (or a track with it) gets into a log."""
    bcd = even(pan)
    track = even(pan + "D" + "2912201" + secret)
    ascii_hex = pan.encode().hex().upper()
    raw = bytes.fromhex(bcd)
    groups = [pan[i:i + 4] for i in range(0, len(pan), 4)]
    return [
        f"pan={pan}", f"card number: {pan} read", f"cardNo:{' '.join(groups)}", f"card {'-'.join(groups)}", "card " + "\u00a0".join(groups),
        f"5A{len(raw):02X}{bcd}", f"5A {len(raw):02X} " + " ".join(bcd[i:i + 2] for i in range(0, len(bcd), 2)), f"57{len(track) // 2:02X}{track}",
        f"70{len(raw) + 2:02X}5A{len(raw):02X}{bcd}9000", f"track2=;{pan}=29122011{secret}?", f"%B{pan}^PLANTED/NAME^29122011{secret}?", f"ascii {ascii_hex}",
        "pan hex " + " ".join(ascii_hex[i:i + 2] for i in range(0, len(ascii_hex), 2)), "ebcdic pan " + "".join(EBCDIC[d] for d in pan), f"b64 pan {base64.b64encode(pan.encode()).decode()}",
        f"b64 tag {base64.b64encode(bytes([0x5A, len(raw)]) + raw).decode()}", '{"pan":"%s","cvv2":"%s"}' % (pan, secret[:3]), '{"card_no": %s}' % pan, f"卡号：{pan}", f"账号:{pan[:4]} {pan[4:]}",
        "byte[] 5A " + ", ".join(str(b - 256 if b > 127 else b) for b in bytes([0x5A, len(raw)]) + raw), "{ 0x5A, 0x%02X, " % len(raw) + ", ".join(f"0x{b:02X}" for b in raw) + " }",
        f"GET /pay?pan={pan}&amount=1200", "pan=" + "".join(f"%{ord(c):02X}" for c in pan), "pan " + "".join(f"\\u{ord(c):04x}" for c in pan), f"java.lang.NumberFormatException: For input string: \"{pan}\"",
        "wide " + "".join(chr(0xFF10 + int(d)) for d in pan), f"<field id=\"2\" value=\"{pan}\"/>", f"F2={pan} F35={pan}=29122011{secret} F52=0123456789ABCDEF", f"primary account number {pan}.",
    ]


def packet(at, sequence, flags, payload):
    tcp = struct.pack(">HHIIBBHHH", 40000, 7001, sequence, 1, 0x50, flags, 8192, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0, bytes([10, 0, 0, 7]), bytes([10, 0, 0, 9])) + tcp
    frame = bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]) + ip
    return struct.pack("<IIII", 1784000000 + at, 0, len(frame), len(frame)) + frame


def plant(folder, listing, count):
    dice = random.Random(20261122)
    planted, wire, sequence = [], [struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1), packet(0, 1000, 2, b"")], 1001
    forms = {
        "terminal.logcat": lambda n, text: f"07-15 10:{n // 60 % 60:02}:{n % 60:02}.152   889  6213 D PosEngine: transaction {text}\n",
        "gateway.log": lambda n, text: f"2026-07-15 10:{n // 60 % 60:02}:{n % 60:02}.152 [main] ERROR com.acme.Pay - declined {text}\n",
        "app.txt": lambda n, text: f"[2026-07-15 10:{n // 60 % 60:02}:{n % 60:02}] pay failed {text}\n",
    }
    files = {name: open(os.path.join(folder, name), "w", encoding="utf-8") for name in forms}
    gbk = open(os.path.join(folder, "chinese.log"), "w", encoding="gb18030")
    wide = open(os.path.join(folder, "windows.log"), "w", encoding="utf-16")
    for n in range(count):
        pan, secret = number(dice), "98765" + "".join(dice.choice("0123456789") for _ in range(5))
        planted.append((pan, secret))
        ways = dresses(pan, secret)
        # Each number in six of the dresses, each dress as often as the others; whole runs of many numbers cover all.
        for k in range(6):
            text = ways[(n * 6 + k) % len(ways)]
            name = list(forms)[(n + k) % len(forms)]
            files[name].write(forms[name](n, text))
        gbk.write(f"2026-07-15 10:{n // 60 % 60:02}:{n % 60:02}.500 [main] ERROR com.acme.Pay - 交易失败 卡号：{pan}\n")
        wide.write(f"2026-07-15 10:{n // 60 % 60:02}:{n % 60:02}.600 [main] ERROR com.acme.Pay - declined pan={pan}\n")
        if n < 2000:
            track = f"{pan}=2912201{secret}"
            bits = 0
            for field in (2, 3, 4, 7, 11, 12, 13, 22, 25, 35, 41, 42, 49):
                bits |= 1 << (64 - field)
            body = f"0200{bits:016X}{len(pan):02}{pan}0000000000000012000715105600{n + 1:06}1056000715072" + f"00{len(track):02}{track}10000019TESTMERCHANT001156"
            message = struct.pack(">H", len(body)) + body.encode()
            wire.append(packet(n + 1, sequence, 0x18, message))
            sequence += len(message)
    for file in [*files.values(), gbk, wide]:
        file.close()
    open(os.path.join(folder, "wire.pcap"), "wb").write(b"".join(wire))
    open(listing, "w").writelines(f"{pan} {secret}\n" for pan, secret in planted)
    print(f"{count} numbers, {len(dresses('4111111111111111', '9876512345'))} renderings, {count * 8 + min(count, 2000)} places")


def views(data):
    """What a file says, read in every way: as it is, without what stands between digits, and out of hex, base64, EBCDIC, UTF-16, escapes."""
    text = data.decode("utf-8", "replace")
    yield "text", text
    yield "latin", data.decode("latin-1")
    if b"\0" in data:
        yield "utf-16", data.decode("utf-16-le", "ignore")
        yield "utf-16", data[1:].decode("utf-16-le", "ignore")
    yield "wide", "".join(chr(ord(c) - 0xFEE0) if "\uff10" <= c <= "\uff19" else c for c in text)
    yield "escapes", re.sub(r"\\u00([0-9a-f]{2})|%([0-9A-F]{2})", lambda m: chr(int(m[1] or m[2], 16)), text)
    hexed = []
    for run in re.findall(r"(?:[0-9A-Fa-f]{2}[ :,]?){6,}", text):
        digits = re.sub(r"[^0-9A-Fa-f]", "", run).upper()
        hexed.append(digits)
        for shift in (0, 1):
            part = digits[shift:]
            raw = bytes.fromhex(part[:len(part) // 2 * 2])
            hexed.append(raw.decode("latin-1"))
            hexed.append("".join(str(b - 0xF0) if 0xF0 <= b <= 0xF9 else " " for b in raw))
    yield "hex", "\n".join(hexed)
    yield "c", "\n".join("".join(re.findall(r"0x([0-9A-Fa-f]{2})", run)) for run in re.findall(r"(?:0x[0-9A-Fa-f]{2}, ?){5,}0x[0-9A-Fa-f]{2}", text))
    yield "java", "\n".join(bytes(int(v) % 256 for v in re.findall(r"-?\d+", run)).hex() for run in re.findall(r"(?:-?\d{1,3}, ?){5,}-?\d{1,3}", text))
    packed = []
    for run in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text):
        for shift in range(4):
            part = run[shift:].rstrip("=")
            try:
                raw = base64.b64decode(part[:-1] if len(part) % 4 == 1 else part + "=" * (-len(part) % 4))
            except ValueError:
                continue
            packed += [raw.decode("latin-1"), raw.hex()]
    yield "base64", "\n".join(packed)


def finds(data, pans, secrets, lengths):
    """What of it stands in these bytes."""
    for view, text in views(data):
        tight = re.sub(r"(?<=\d)[ \u00a0\u2007\u202f._-](?=\d)", "", text)
        for shown in {text, tight}:
            for run in re.findall(r"\d{10,}", shown):
                for length in lengths:
                    for at in range(len(run) - length + 1):
                        if run[at:at + length] in pans:
                            yield f"({view}): a whole number {run[at:at + 6]}...{run[at + length - 4:at + length]}"
                for at in range(len(run) - 9):
                    if run[at:at + 10] in secrets:
                        yield f"({view}): what belongs to a track"
        if "PLANTED/NAME" in text:
            yield f"({view}): a holder's name"
        if "0123456789ABCDEF" in text:
            yield f"({view}): a PIN block"
        if re.search(r"cvv2\W{1,5}987", text):
            yield f"({view}): a verification value"


def look(listing, folders):
    # What it could not find it could not miss: each dress must be seen through.
    for way in dresses("6212345678900000003", "9876512345"):
        if not any("whole number" in find for find in finds(way.encode(), {"6212345678900000003"}, set(), [19])):
            sys.exit(f"this script is blind to: {way}")
    planted = [line.split() for line in open(listing)]
    pans = {pan for pan, _ in planted}
    secrets = {secret for _, secret in planted}
    lengths = sorted({len(pan) for pan in pans})
    found, files, size = [], 0, 0
    for folder in folders:
        for root, _, names in os.walk(folder):
            for name in names:
                data = open(os.path.join(root, name), "rb").read()
                files, size = files + 1, size + len(data)
                found += [f"{name} {find}" for find in finds(data, pans, secrets, lengths)]
    for line in sorted(set(found))[:40]:
        print(line)
    print(f"{len(found)} finds in {files} files of {size >> 10} KiB")
    sys.exit(bool(found))


if sys.argv[1] == "plant":
    plant(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    look(sys.argv[2], sys.argv[3:])
