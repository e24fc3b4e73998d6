"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const S = data.strings;
  const C = {id: 0, start: 1, duration: 2, terminal: 3, merchant: 4, host: 5, amount: 6, currency: 7, pan: 8, scheme: 9,
    interface: 10, stage: 11, outcome: 12, cause: 13, confidence: 14, strength: 15, missing: 16, alternatives: 17,
    contributing: 18, owners: 19, incident: 20, stan: 21, rrn: 22, code: 23, sw: 24, tvr: 25, aid: 26, link: 27};
  const ZH = {merchant: "商户", acquirer: "收单机构", vendor: "终端厂商", issuer: "发卡行", cardholder: "持卡人", network: "网络", switch: "转接机构",
    terminal: "终端", card: "卡片", host: "主机", site: "网段/场所", firmware: "固件", fleet: "全部终端",
    approved: "已批准", declined_offline: "脱机拒绝", declined_online: "联机拒绝", try_again: "请重试", other_interface: "改用其他方式", cancelled: "已取消",
    timed_out: "超时", aborted: "中断", reversed: "已冲正", unknown: "未知",
    started: "交易开始", polling: "寻卡", activated: "卡片激活", ppse: "选择PPSE", selected: "选择应用", gpo: "GPO", read: "读记录", cryptogram: "取得密文",
    outcome: "内核结果", online_request: "联机请求", online_response: "联机应答", completed: "完成",
    conclusive: "确凿", strong: "充分", moderate: "中等", weak: "较弱", decisive: "决定性", supporting: "支持", refuting: "反对",
    log: "日志", trace: "APDU跟踪", capture: "网络抓包", total: "合计", ok: "正常", damaged: "有损坏", unrecognised: "未识别", unreadable: "无法读取",
    contactless: "非接", contact: "接触", magstripe: "磁条", manual: "手输", qr: "二维码"};
  const TEXT = {
    all: ["all", "全部"], more: ["Show more", "显示更多"], of: ["of", "/"], listed: ["listed", "已列出"],
    why: ["Why", "原因"], todo: ["What to do", "处理办法"], who: ["Who acts", "责任方"], evidence: ["Evidence", "证据"],
    against: ["Evidence against", "反对证据"], others: ["Evidence about other causes", "其他原因的证据"],
    alternatives: ["What else it could be", "其他可能"], missing: ["What would decide", "可判定的缺失证据"],
    timeline: ["Timeline", "时间线"], facts: ["Keys", "关键信息"], confidence: ["probability", "概率"], also: ["Also played a part", "促成因素"],
    noevidence: ["No evidence is in this page; see", "本页无证据，请用"], moreevents: ["more events; see", "个事件未显示，请用"],
    undecided: ["The evidence does not decide. Best candidate:", "证据不足以判定，最可能："], copy: ["Whole story:", "完整内容："]};
  const KEYS = [["merchant", "Merchant", "商户"], ["terminal", "Terminal", "终端"], ["host", "Host", "主机"], ["scheme", "Scheme", "卡组织"], ["aid", "AID", "AID"],
    ["stan", "STAN", "流水号"], ["rrn", "RRN", "参考号"], ["code", "Response (F39)", "应答码"], ["sw", "Last SW", "状态字"], ["tvr", "TVR", "TVR"],
    ["stage", "Last step", "最后步骤"], ["interface", "Interface", "方式"], ["link", "Joined by", "关联依据"], ["incident", "Incident", "聚集事件"]];
  const LANES = ["terminal", "card", "network"];
  const lane = kind => kind === "log" ? 0 : kind === "apdu" || kind === "nfc" ? 1 : 2;
  const root = document.documentElement;
  const zh = () => root.lang.startsWith("zh");
  const t = key => TEXT[key][zh() ? 1 : 0];
  const word = w => zh() && ZH[w] || w.replaceAll("_", " ");
  const text = n => n < 0 ? "" : S[n];
  const $ = id => document.getElementById(id);
  const el = (name, props, ...children) => {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(props || {})) k === "class" ? e.className = v : e[k] = v;
    e.append(...children.filter(c => c !== null && c !== undefined));
    return e;
  };
  const svg = (name, attributes, content) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (content !== undefined) e.textContent = content;
    return e;
  };
  const pad = (n, w) => String(n).padStart(w, "0");
  const time = (us, day) => {
    if (us === null) return "–";
    const d = new Date(Math.floor(us / 1000));
    const iso = d.toISOString();
    return day ? iso.slice(0, 10) + " " + iso.slice(11, 23) : iso.slice(11, 23);
  };
  const delta = us => us < 1e6 ? "+" + (us / 1e3).toFixed(us < 1e4 ? 1 : 0) + " ms" : "+" + (us / 1e6).toFixed(us < 1e7 ? 2 : 1) + " s";
  const money = r => {
    if (r[C.amount] === null) return "";
    const digits = ["JPY", "KRW", "VND", "CLP"].includes(text(r[C.currency])) ? 0 : 2;
    const sign = r[C.amount] < 0 ? "-" : "", s = pad(Math.abs(r[C.amount]), digits + 1);
    return sign + (digits ? s.slice(0, -digits) + "." + s.slice(-digits) : s) + " " + text(r[C.currency]);
  };
  const cause = code => {
    const c = data.causes[code];
    return c ? (zh() ? c.name_zh || c.name_en : c.name_en) || code : code;
  };

  const filters = {text: "", cause: "", terminal: "", merchant: "", scheme: "", owner: "", incident: ""};
  let shown = 100, hits = [];
  const haystack = data.rows.map(r => {
    const code = text(r[C.cause]), c = data.causes[code] || {};
    return [r[C.id], time(r[C.start], true), ...[C.terminal, C.merchant, C.host, C.pan, C.scheme, C.stan, C.rrn, C.code, C.sw, C.outcome, C.stage, C.incident].map(k => text(r[k])),
      code, c.name_en, c.name_zh, money(r)].join("\n").toLowerCase();
  });
  const matches = i => {
    const r = data.rows[i];
    return (!filters.cause || text(r[C.cause]) === filters.cause)
      && (!filters.terminal || text(r[C.terminal]) === filters.terminal)
      && (!filters.merchant || text(r[C.merchant]) === filters.merchant)
      && (!filters.scheme || text(r[C.scheme]) === filters.scheme)
      && (!filters.incident || text(r[C.incident]) === filters.incident)
      && (!filters.owner || r[C.owners].some(o => S[o] === filters.owner))
      && filters.text.toLowerCase().split(/\s+/).every(w => haystack[i].includes(w));
  };

  const fillSelect = (name, values, label) => {
    const select = $("f-" + name), counts = new Map();
    for (const v of values) if (v) counts.set(v, (counts.get(v) || 0) + 1);
    const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 1000);
    select.replaceChildren(el("option", {value: ""}, t("all")),
      ...sorted.map(([v, n]) => el("option", {value: v}, (label ? label(v) : v) + " (" + n + ")")));
    select.value = filters[name];
    select.parentElement.hidden = sorted.length === 0;
  };
  const fillSelects = () => {
    const column = k => data.rows.map(r => text(r[k]));
    fillSelect("cause", column(C.cause), cause);
    fillSelect("terminal", column(C.terminal));
    fillSelect("merchant", column(C.merchant));
    fillSelect("scheme", column(C.scheme));
    fillSelect("incident", column(C.incident));
    fillSelect("owner", data.rows.flatMap(r => r[C.owners].map(o => S[o])), word);
  };

  const decisivePlaces = i => {
    const code = text(data.rows[i][C.cause]), places = new Set();
    for (const e of data.evidence[i]) if (S[e[1]] === "decisive" && S[e[0]] === code) for (const l of e[7]) places.add(S[l]);
    return places;
  };
  const lanes = (i, decisive) => {
    const events = data.events[i].filter(e => e[0] !== null);
    if (events.length < 2) return null;
    const from = Math.min(...events.map(e => e[0])), to = Math.max(...events.map(e => e[0]));
    const span = Math.max(to - from, 1), W = 1000, L = 80, x = at => L + 10 + (W - L - 20) * (at - from) / span;
    const s = svg("svg", {viewBox: "0 0 " + W + " 118", class: "lanes", role: "img", "aria-label": t("timeline")});
    LANES.forEach((name, n) => {
      const y = 20 + n * 32;
      s.append(svg("line", {class: "lane", x1: L, x2: W, y1: y, y2: y}), svg("text", {x: 0, y: y + 4}, word(name)));
    });
    for (const e of events) {
      const n = lane(S[e[1]]), y = 20 + n * 32;
      const mark = svg("circle", {class: LANES[n], cx: x(e[0]).toFixed(1), cy: y, r: 5});
      mark.append(svg("title", {}, time(e[0]) + " " + S[e[3]]));
      s.append(mark);
      if (decisive.has(S[e[4]])) s.append(svg("circle", {class: "decisive", cx: x(e[0]).toFixed(1), cy: y, r: 9}));
    }
    s.append(svg("text", {x: L, y: 114}, time(from)), svg("text", {x: W, y: 114, "text-anchor": "end"}, delta(to - from)));
    return s;
  };
  const evidenceList = pieces => el("ul", {class: "evidence"}, ...pieces.map(e => {
    const role = S[e[1]];
    return el("li", {class: role === "refuting" || e[2] < 0 ? "against" : role === "decisive" ? "decisive" : "for"},
      (zh() ? S[e[4]] || S[e[3]] : S[e[3]]) + " ",
      el("code", {}, S[e[5]] + " = " + S[e[6]]),
      el("span", {class: "locator"}, e[7].map(l => S[l]).join("  ·  ")));
  }));
  const detail = i => {
    const r = data.rows[i], code = text(r[C.cause]), c = data.causes[code] || {}, out = el("div", {class: "detail"});
    const command = el("code", {class: "cmd"}, "tapscope inspect DIR " + r[C.id]);
    const pick = (en, cn) => zh() ? cn || en : en;
    out.append(el("p", {class: "verdict"}, el("b", {}, cause(code)), " ", el("code", {}, code),
      r[C.confidence] === null ? "" : " · " + Math.round(r[C.confidence] * 100) + " % " + t("confidence"),
      r[C.strength] < 0 ? "" : " · " + word(text(r[C.strength]))));
    if (c.explanation_en) out.append(el("p", {class: "verdict"}, pick(c.explanation_en, c.explanation_zh)));
    if (c.remedy_en) out.append(el("p", {class: "verdict"}, el("b", {}, t("todo") + ": "), pick(c.remedy_en, c.remedy_zh)));
    if (r[C.owners].length) out.append(el("p", {class: "verdict"}, el("b", {}, t("who") + ": "), ...r[C.owners].map(o => el("span", {class: "owner"}, word(S[o])))));
    if (r[C.contributing].length) out.append(el("p", {class: "verdict"}, el("b", {}, t("also") + ": "), r[C.contributing].map(o => cause(S[o])).join("; ")));
    const mine = data.evidence[i].filter(e => S[e[0]] === code), rest = data.evidence[i].filter(e => S[e[0]] !== code);
    const section = (title, pieces) => pieces.length && out.append(el("h4", {}, title), evidenceList(pieces));
    section(t("evidence"), mine.filter(e => S[e[1]] !== "refuting" && e[2] >= 0));
    section(t("against"), mine.filter(e => S[e[1]] === "refuting" || e[2] < 0));
    if (rest.length) {
      out.append(el("h4", {}, t("others")));
      for (const other of new Set(rest.map(e => e[0]))) out.append(el("div", {}, cause(S[other])), evidenceList(rest.filter(e => e[0] === other)));
    }
    if (r[C.alternatives].length) out.append(el("h4", {}, t("alternatives")),
      el("p", {class: "verdict"}, r[C.alternatives].map(a => cause(S[a[0]]) + " " + Math.round(a[1] * 100) + " %").join("  ·  ")));
    if (r[C.missing] >= 0) out.append(el("h4", {}, t("missing")), el("p", {class: "verdict"}, text(r[C.missing])));
    const events = data.events[i];
    if (events.length) {
      const decisive = decisivePlaces(i), body = el("tbody");
      out.append(el("h4", {}, t("timeline")));
      const picture = lanes(i, decisive);
      if (picture) out.append(picture);
      let last = null;
      for (const e of events) {
        const n = lane(S[e[1]]);
        body.append(el("tr", {class: decisive.has(S[e[4]]) ? "decisive" : ""},
          el("td", {class: "num"}, time(e[0])), el("td", {class: "num hint"}, last !== null && e[0] !== null ? delta(e[0] - last) : ""),
          el("td", {class: "tag " + LANES[n]}, word(LANES[n])), el("td", {}, S[e[3]]), el("td", {class: "locator"}, S[e[4]])));
        if (e[0] !== null) last = e[0];
      }
      out.append(el("div", {class: "scroll"}, el("table", {class: "steps"}, body)));
    }
    if (data.more[i]) out.append(el("p", {class: "hint"}, "+" + data.more[i] + " " + t("moreevents") + " ", command));
    else out.append(el("p", {class: "hint"}, t("copy") + " ", command));
    const pairs = el("dl", {class: "pairs"});
    for (const [key, en, cn] of KEYS) {
      const value = text(r[C[key]]);
      if (value) pairs.append(el("div", {}, el("dt", {}, pick(en, cn)), el("dd", {}, ["stage", "interface", "link"].includes(key) ? word(value) : value)));
    }
    out.append(el("h4", {}, t("facts")), pairs);
    return out;
  };

  const toggle = (row, i) => {
    const open = row.classList.toggle("open");
    row.querySelector("button").setAttribute("aria-expanded", open);
    row.querySelector("button").textContent = open ? "▾" : "▸";
    if (!open) return row.nextSibling.remove();
    const cell = el("td", {colSpan: 8}, detail(i));
    row.after(el("tr", {}, cell));
  };
  const line = i => {
    const r = data.rows[i];
    const twist = el("button", {type: "button", class: "twist", ariaLabel: r[C.id]}, "▸");
    twist.setAttribute("aria-expanded", "false");
    const row = el("tr", {class: "tap"}, el("td", {}, twist), el("td", {class: "num"}, time(r[C.start], true)), el("td", {}, text(r[C.terminal])),
      el("td", {class: "num"}, money(r)), el("td", {class: "hex"}, text(r[C.pan])), el("td", {}, word(text(r[C.outcome]))),
      el("td", {}, cause(text(r[C.cause]))),
      el("td", {}, r[C.strength] < 0 ? "" : word(text(r[C.strength])), r[C.confidence] === null ? "" : " " + Math.round(r[C.confidence] * 100) + " %"));
    row.addEventListener("click", e => { if (!getSelection().toString() || e.target === twist) toggle(row, i); });
    return row;
  };
  const draw = () => {
    hits = [];
    for (let i = 0; i < data.rows.length; i++) if (matches(i)) hits.push(i);
    $("rows").replaceChildren(...hits.slice(0, shown).map(line));
    $("count").textContent = hits.length + " " + t("of") + " " + data.rows.length + " " + t("listed");
    $("more").hidden = hits.length <= shown;
  };
  const refresh = () => { shown = 100; draw(); };
  const words = () => { for (const e of document.querySelectorAll("[data-word]")) e.textContent = word(e.dataset.word); };

  for (const name of Object.keys(filters)) $("f-" + name).addEventListener("input", e => { filters[name] = e.target.value; refresh(); });
  $("filters").addEventListener("submit", e => e.preventDefault());
  $("filters").addEventListener("reset", () => { for (const k of Object.keys(filters)) filters[k] = ""; setTimeout(refresh); });
  $("more").addEventListener("click", () => { const from = shown; shown += 200; $("rows").append(...hits.slice(from, shown).map(line)); $("more").hidden = hits.length <= shown; });
  document.addEventListener("click", e => {
    const b = e.target.closest("[data-filter]");
    if (!b) return;
    for (const k of Object.keys(filters)) { filters[k] = ""; $("f-" + k).value = ""; }
    filters[b.dataset.filter] = $("f-" + b.dataset.filter).value = b.dataset.value;
    refresh();
    $("failures").scrollIntoView();
  });
  const showAll = (button, list) => $(button)?.addEventListener("click", e => { document.querySelector(list).classList.add("all"); e.currentTarget.remove(); });
  showAll("allcauses", ".causes");
  showAll("allincidents", "#incidents");
  $("language").addEventListener("click", () => { root.lang = zh() ? "en" : "zh-Hans"; words(); fillSelects(); draw(); });
  words(); fillSelects(); draw();
})();
