  // The list of the transactions that the page holds; each opens to its story.
  let shown = 100, hits = [], room = 900;
  const haystack = data.rows.map(r => {
    const code = text(r[C.cause]), c = known(code);
    return [r[C.id], time(r[C.start], true), ...[C.terminal, C.merchant, C.host, C.pan, C.scheme, C.stan, C.rrn, C.code, C.sw, C.outcome, C.stage, C.incident].map(k => text(r[k])),
      code, c.name_en, c.name_zh, money(r)].join("\n").toLowerCase();
  });
  const matches = i => {
    const r = data.rows[i], is = (key, k) => !filters[key] || text(r[k]) === filters[key];
    return is("cause", C.cause) && is("terminal", C.terminal) && is("merchant", C.merchant) && is("scheme", C.scheme) && is("host", C.host) && is("incident", C.incident)
      && (!filters.issuer || text(r[C.pan]).slice(0, 6) === filters.issuer)
      && (!filters.owners || r[C.owners].some(o => S[o] === filters.owners))
      && (filters.from === null || r[C.start] !== null && r[C.start] >= filters.from) && (filters.until === null || r[C.start] !== null && r[C.start] < filters.until)
      && filters.text.toLowerCase().split(/\s+/).every(w => haystack[i].includes(w));
  };
  const toggle = (row, i) => {
    const open = row.classList.toggle("open"), twist = row.querySelector("button");
    twist.setAttribute("aria-expanded", open);
    twist.textContent = open ? "▾" : "▸";
    if (!open) return row.nextSibling.remove();
    row.after(el("tr", {class: "told", id: "story-" + data.rows[i][C.id]}, el("td", {colSpan: 8}, story(i, room))));
  };
  const line = i => {
    const r = data.rows[i];
    const twist = el("button", {type: "button", class: "twist", "aria-expanded": "false", "aria-controls": "story-" + r[C.id],
      "aria-label": pick("Open", "展开") + " " + [time(r[C.start], true), text(r[C.terminal]), cause(text(r[C.cause]))].join(", ")}, "▸");
    const row = el("tr", {class: "tap"}, el("td", {}, twist), el("td", {class: "num"}, time(r[C.start], true)), el("td", {}, text(r[C.terminal])),
      el("td", {class: "num"}, money(r)), el("td", {class: "hex"}, text(r[C.pan])), el("td", {}, word(text(r[C.outcome]))),
      el("td", {}, cause(text(r[C.cause]))),
      el("td", {}, r[C.strength] < 0 ? "" : word(text(r[C.strength])), r[C.confidence] === null || text(r[C.cause]) === "UNDETERMINED" ? "" : " " + Math.round(r[C.confidence] * 100) + " %"));
    row.id = "tx-" + r[C.id];
    row.addEventListener("click", e => { if (e.target === twist || !getSelection().toString()) toggle(row, i); });
    return row;
  };
  // SQL for what the page does not hold; only from values that cannot break out of a command line.
  const question = () => {
    const column = {cause: "cause", terminal: "terminal_id", merchant: "merchant_id", scheme: "scheme", host: "host", incident: "incident_id"}, conditions = ["failed"];
    for (const [key, name] of Object.entries(column)) if (filters[key]) {
      if (!/^[\w.:-]+$/.test(filters[key])) return "";
      conditions.push(name + " = '" + filters[key] + "'");
    }
    return filters.owners || filters.issuer || filters.from !== null || filters.until !== null ? "" : "tapscope query DIR \"SELECT tx_id, started_at, terminal_id, cause FROM transactions WHERE " + conditions.join(" AND ") + "\"";
  };
  const drawList = total => {
    // Asked once: asking again for each story would lay the whole list out again.
    room = $("failures").clientWidth - (matchMedia("(max-width: 640px)").matches ? 34 : 80);
    hits = [];
    for (let i = 0; i < data.rows.length; i++) if (matches(i)) hits.push(i);
    $("rows").replaceChildren(...hits.slice(0, shown).map(line));
    const beyond = !filters.text && total > hits.length, sql = beyond ? question() : "";
    $("count").replaceChildren(pick(thousands(hits.length) + " of " + thousands(data.rows.length) + " in this page", "本页 " + thousands(data.rows.length) + " 笔中的 " + thousands(hits.length) + " 笔")
      + (beyond ? pick("; in all " + about() + thousands(total) + " failed transactions match", "；全部失败交易中共 " + about() + thousands(total) + " 笔符合") : ""),
      ...(sql ? [". ", el("code", {class: "cmd"}, sql)] : []));
    $("more").hidden = hits.length <= shown;
  };
