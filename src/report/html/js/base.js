  // What all parts use: the data, the two languages, times and amounts for people, and building of elements (text only, never markup).
  const data = JSON.parse(document.getElementById("data").textContent);
  const S = data.strings;
  const C = {id: 0, start: 1, duration: 2, terminal: 3, merchant: 4, host: 5, amount: 6, currency: 7, pan: 8, scheme: 9,
    interface: 10, stage: 11, outcome: 12, cause: 13, confidence: 14, strength: 15, missing: 16, alternatives: 17,
    contributing: 18, owners: 19, incident: 20, stan: 21, rrn: 22, code: 23, sw: 24, tvr: 25, aid: 26, link: 27,
    sale: 28, attempt: 29, device: 30, token: 31, entry: 32, auth: 33, kernel: 34};
  const ZH = {merchant: "商户", acquirer: "收单机构", vendor: "终端厂商", issuer: "发卡行", cardholder: "持卡人", network: "网络", switch: "转接机构",
    terminal: "终端", card: "卡片", host: "主机", site: "网段/场所", firmware: "固件", fleet: "全部终端",
    approved: "已批准", declined_offline: "脱机拒绝", declined_online: "联机拒绝", try_again: "请重试", other_interface: "改用其他方式", cancelled: "已取消",
    timed_out: "超时", aborted: "中断", reversed: "已冲正", unknown: "未知",
    started: "交易开始", polling: "寻卡", activated: "卡片激活", ppse: "选择PPSE", selected: "选择应用", gpo: "GPO", read: "读记录", cryptogram: "取得密文",
    outcome: "内核结果", online_request: "联机请求", online_response: "联机应答", completed: "完成",
    conclusive: "确凿", strong: "充分", moderate: "中等", weak: "较弱", decisive: "决定性", supporting: "支持", refuting: "反对",
    log: "日志", trace: "APDU跟踪", capture: "网络抓包", total: "合计", ok: "正常", damaged: "有损坏", unrecognised: "未识别", unreadable: "无法读取",
    contactless: "非接", contact: "接触", magstripe: "磁条", manual: "手输", qr: "二维码",
    single_source: "单一来源", card_amount_time: "卡号+金额+时间", amount_time: "金额+时间", time: "时间", stan: "流水号", rrn: "参考号"};
  const TEXT = {
    all: ["all", "全部"], other: ["other", "其他"], more: ["Show more", "显示更多"],
    todo: ["What to do", "处理办法"], who: ["Who acts", "责任方"], evidence: ["Evidence for", "支持证据"],
    against: ["Evidence against", "反对证据"], others: ["Evidence about other causes", "其他原因的证据"],
    alternatives: ["What else it could be", "其他可能"], missing: ["What would decide", "可判定的缺失证据"],
    timeline: ["Timeline", "时间线"], facts: ["Keys", "关键信息"], confidence: ["probability", "概率"], also: ["Also played a part", "促成因素"],
    moreevents: ["more events", "个事件未显示"], moreevidence: ["more pieces of evidence", "条证据未显示"], whole: ["The whole story:", "完整内容："],
    undecided: ["The evidence does not decide. The best candidate:", "证据不足以判定，最可能："],
    decides: ["decides the verdict", "判定依据"], silence: ["nothing seen", "无事件"], lasted: ["lasted", "持续"], notime: ["no time", "无时间"],
    noevidence: ["No evidence was found for or against.", "没有支持或反对的证据。"], noevents: ["No event is linked.", "没有关联的事件。"],
    nothing: ["Nothing to explain: the attempt was approved.", "无需解释：交易已批准。"],
    incident: ["Part of an incident", "所属聚集事件"], saleother: ["Other attempts of the same sale", "同一笔销售的其他尝试"], ended: ["Ended", "结果"], saleended: ["the sale", "整笔销售"],
    lanes: ["terminal, card and network on one time axis", "终端、卡片、网络同一时间轴"], content: ["content", "内容"], below: ["Places are below", "位置均位于"], close: ["Close", "关闭"]};
  const KEYS = [["merchant", "Merchant", "商户"], ["terminal", "Terminal", "终端"], ["device", "Device", "设备"], ["host", "Host", "主机"], ["scheme", "Scheme", "卡组织"],
    ["pan", "Card", "卡号"], ["token", "Card token", "卡令牌"], ["aid", "AID", "AID"], ["kernel", "Kernel", "内核"], ["stan", "STAN", "流水号"], ["rrn", "RRN", "参考号"],
    ["auth", "Authorisation", "授权码"], ["entry", "Entry mode (F22)", "输入方式 (F22)"], ["code", "Response (F39)", "应答码 (F39)"], ["sw", "Last SW", "最后状态字"],
    ["tvr", "TVR", "TVR"], ["stage", "Last step", "最后步骤"], ["interface", "Interface", "方式"], ["link", "Sources joined by", "关联依据"]];
  const WORDS = new Set(["stage", "interface", "link"]);
  const root = document.documentElement;
  root.classList.add("js");
  const zh = () => root.lang.startsWith("zh");
  const t = key => TEXT[key][zh() ? 1 : 0];
  const pick = (en, cn) => zh() ? cn || en : en;
  const word = w => zh() && Object.hasOwn(ZH, w) ? ZH[w] : /^[a-z]+(_[a-z]+)+$/.test(w) ? w.replaceAll("_", " ") : w;
  const text = n => n < 0 ? "" : S[n];
  const $ = id => document.getElementById(id);
  const el = (name, props, ...children) => {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(props || {})) k === "class" ? e.className = v : k.includes("-") ? e.setAttribute(k, v) : e[k] = v;
    e.append(...children.filter(c => c !== null && c !== undefined && c !== ""));
    return e;
  };
  const svg = (name, attributes, content) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (content !== undefined) e.textContent = content;
    return e;
  };
  const thousands = n => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
  const percent = share => { const p = share * 100; return (p === 0 || p >= 99.95 ? p.toFixed(0) : p.toFixed(1)) + " %"; };
  const iso = us => { const d = new Date(Math.floor(us / 1000)); return isNaN(d) ? "?" : d.toISOString(); };
  const time = (us, day) => us === null ? "–" : day ? iso(us).slice(0, 10) + " " + iso(us).slice(11, 23) : iso(us).slice(11, 23);
  // Cut off, never rounded up, as the terminal does: there is no 60 s in a minute.
  const span = us => us < 1e4 ? (Math.floor(us / 100) / 10).toFixed(1) + " ms" : us < 1e6 ? Math.floor(us / 1e3) + " ms" : us < 6e7 ? (Math.floor(us / 1e4) / 100).toFixed(2) + " s"
    : us < 36e8 ? Math.floor(us / 6e7) + " min " + Math.floor(us % 6e7 / 1e6) + " s" : Math.floor(us / 36e8) + " h " + Math.floor(us % 36e8 / 6e7) + " min";
  const money = r => {
    if (r[C.amount] === null) return "";
    const whole = ["JPY", "KRW", "VND", "CLP"].includes(text(r[C.currency]));
    const sign = r[C.amount] < 0 ? "-" : "", s = String(Math.abs(r[C.amount])).padStart(whole ? 1 : 3, "0");
    return sign + (whole ? s : s.slice(0, -2) + "." + s.slice(-2)) + (r[C.currency] < 0 ? "" : " " + text(r[C.currency]));
  };
  const known = code => Object.hasOwn(data.causes, code) ? data.causes[code] : {};
  const cause = code => pick(known(code).name_en, known(code).name_zh) || code;
  const place = (path, n) => S[path] + (n > 0 ? ":" + n : n < 0 ? "#" + -n : "");
  const words = () => { for (const e of document.querySelectorAll("[data-word]")) e.textContent = word(e.dataset.word); };
