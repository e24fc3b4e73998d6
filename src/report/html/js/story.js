  // Tells one transaction: verdict, remedy, who acts, timeline, evidence for and against, what else it could be.
  const eventsOf = i => {
    const start = data.rows[i][C.start] ?? 0;
    return data.events[i].map(([at, lasts, kind, step, summary, path, n, detail]) => ({at: at === null ? null : start + at, lasts, kind: S[kind], step: text(step),
      summary: S[summary], place: place(path, n), detail: detail === undefined ? "" : S[detail]}));
  };
  const piecesOf = i => data.evidence[i].map(([code, role, weight, en, cn, fact, value, places, more]) => {
    const list = [];
    for (let n = 0; n < places.length; n += 2) list.push(place(places[n], places[n + 1]));
    return {cause: S[code], role: S[role], weight, en: S[en], zh: S[cn], fact: S[fact], value: S[value], places: list, more};
  });
  const speaksAgainst = e => e.role === "refuting" || e.weight < 0;
  // Where the verdict was decided: decisive evidence, else the heaviest.
  const decidingPlaces = (pieces, code) => {
    const mine = pieces.filter(e => e.cause === code && !speaksAgainst(e)), decisive = mine.filter(e => e.role === "decisive");
    const heaviest = mine.slice().sort((a, b) => b.weight - a.weight).slice(0, 1);
    return new Set((decisive.length ? decisive : heaviest).flatMap(e => e.places));
  };
  const pairsOf = (names, values) => {
    const n = names.split(","), v = values.split(",");
    return n.length === v.length ? n.map((name, i) => name + " = " + v[i]).join(", ") : names + " = " + values;
  };
  const pieceList = pieces => el("ul", {class: "evidence"}, ...pieces.map(e => el("li", {class: speaksAgainst(e) ? "against" : e.role === "decisive" ? "decisive" : "for"},
    el("span", {class: "sr"}, word(e.role) + ": "), pick(e.en, e.zh) + " ", el("code", {}, pairsOf(e.fact, e.value)),
    el("span", {class: "locator"}, e.places.join("  ·  ") + (e.more ? "  · +" + e.more : "")))));
  const likelihood = (code, confidence) => el("div", {class: "maybe"}, el("span", {class: "meter", "aria-hidden": "true"}, meter(confidence)),
    el("b", {}, Math.round(confidence * 100) + " %"), " ", cause(code), " ", el("code", {}, code));
  const meter = share => {
    const s = svg("svg", {viewBox: "0 0 100 8", preserveAspectRatio: "none", class: "bar"});
    s.append(svg("rect", {class: "track", width: 100, height: 8}), svg("rect", {class: "known", width: (share * 100).toFixed(1), height: 8}));
    return s;
  };

  // The folder that all cited places share: said once, not on every line.
  const commonFolder = places => {
    if (!places.length) return "";
    let common = places[0];
    for (const p of places) while (!p.startsWith(common)) common = common.slice(0, -1);
    return common.slice(0, common.lastIndexOf("/") + 1);
  };
  const steps = (events, decisive, folder) => {
    const body = el("tbody");
    let last = null;
    for (const e of events) {
      const n = lane(e.kind), gap = last !== null && e.at !== null ? e.at - last : null;
      if (gap !== null && gap > CUT) body.append(el("tr", {class: "gap"}, el("td"), el("td", {class: "num"}, "+" + span(gap)), el("td", {colSpan: 3}, "⋮ " + t("silence") + " " + span(gap))));
      const decides = decisive.has(e.place);
      const says = / in [\d.]+ ms/.test(e.summary);
      const what = el("td", {}, decides ? el("b", {class: "decides"}, "► ", el("span", {class: "sr"}, t("decides") + " ")) : null, e.summary,
        e.lasts && !says ? el("span", {class: "hint"}, " · " + t("lasted") + " " + span(e.lasts)) : null);
      if (e.detail) what.append(el("details", {class: "raw"}, el("summary", {}, t("content")), el("pre", {}, pretty(e.detail))));
      body.append(el("tr", {class: decides ? "decisive" : ""}, el("td", {class: "num"}, time(e.at)), el("td", {class: "num hint"}, gap === null || gap > CUT ? "" : "+" + span(gap)),
        el("td", {class: "tag " + LANES[n]}, word(LANES[n])), what, el("td", {class: "locator"}, e.place.slice(folder.length))));
      if (e.at !== null) last = e.at;
    }
    return el("div", {class: "scroll", tabIndex: 0, role: "region", ariaLabel: t("timeline")}, el("table", {class: "steps"}, body));
  };
  const pretty = json => { try { return JSON.stringify(JSON.parse(json), null, 1); } catch { return json; } };

  const story = (i, width) => {
    const r = data.rows[i], code = text(r[C.cause]), about = known(code), out = el("div", {class: "detail"});
    const pieces = piecesOf(i), events = eventsOf(i), decisive = decidingPlaces(pieces, code);
    const head = (key, ...content) => out.append(el("h4", {}, t(key)), ...content);
    const undecided = code === "UNDETERMINED";
    if (!code) out.append(el("p", {class: "verdict"}, t("nothing")));
    else out.append(el("p", {class: "verdict name"}, el("b", {}, cause(code)), " ", undecided ? "" : el("code", {}, code),
      undecided || r[C.confidence] === null ? "" : " · " + Math.round(r[C.confidence] * 100) + " % " + t("confidence"), r[C.strength] < 0 || undecided ? "" : " · " + word(text(r[C.strength]))));
    if (undecided && r[C.alternatives].length) out.append(el("p", {class: "verdict"}, t("undecided") + " ", el("b", {}, cause(S[r[C.alternatives][0][0]])), " " + Math.round(r[C.alternatives][0][1] * 100) + " %"));
    if (about.explanation_en) out.append(el("p", {class: "verdict"}, pick(about.explanation_en, about.explanation_zh)));
    if (about.remedy_en) out.append(el("p", {class: "verdict"}, el("b", {}, t("todo") + ": "), pick(about.remedy_en, about.remedy_zh)));
    if (r[C.owners].length) out.append(el("p", {class: "verdict"}, el("b", {}, t("who") + ": "), ...r[C.owners].map(o => el("span", {class: "owner"}, word(S[o])))));
    out.append(el("p", {class: "verdict"}, el("b", {}, t("ended") + ": "), word(text(r[C.outcome])), r[C.sale] >= 0 && r[C.sale] !== r[C.outcome] ? "; " + t("saleended") + ": " + word(text(r[C.sale])) : ""));
    if (r[C.contributing].length) out.append(el("p", {class: "verdict"}, el("b", {}, t("also") + ": "), r[C.contributing].map(o => cause(S[o])).join("; ")));
    const incident = text(r[C.incident]);
    if (incident && Object.hasOwn(data.incidents, incident)) {
      const [scope, value, en, cn] = data.incidents[incident];
      out.append(el("p", {class: "verdict"}, el("b", {}, t("incident") + ": "), el("span", {class: "scope"}, word(scope)), value + ". ", pick(en, cn)));
    }

    out.append(el("h4", {}, t("timeline") + " "));
    if (events.length) {
      const picture = lanes(events, decisive, width);
      if (picture) out.append(el("div", {class: "scroll"}, picture));
      const folder = commonFolder(events.map(e => e.place));
      out.append(steps(events, decisive, folder));
      if (folder) out.append(el("p", {class: "hint"}, t("below") + " ", el("code", {}, folder)));
    } else out.append(el("p", {class: "hint"}, t("noevents")));
    if (data.more[i]) out.append(el("p", {class: "hint"}, "+" + data.more[i] + " " + t("moreevents")));

    const mine = pieces.filter(e => e.cause === code), rest = pieces.filter(e => e.cause !== code);
    const both = el("div", {class: "sides"});
    for (const [key, list] of [["evidence", mine.filter(e => !speaksAgainst(e))], ["against", mine.filter(speaksAgainst)]])
      if (list.length) both.append(el("div", {}, el("h4", {}, t(key)), pieceList(list)));
    out.append(both.children.length || !code ? both : el("p", {class: "hint"}, t("noevidence")));
    if (rest.length) {
      const others = el("div", {class: "sides"});
      for (const other of new Set(rest.map(e => e.cause))) others.append(el("div", {}, el("h5", {}, cause(other), " ", el("code", {}, other)), pieceList(rest.filter(e => e.cause === other))));
      head("others", others);
    }
    if (data.moreEvidence[i]) out.append(el("p", {class: "hint"}, "+" + data.moreEvidence[i] + " " + t("moreevidence")));
    if (r[C.alternatives].length) head("alternatives", ...r[C.alternatives].map(([other, confidence]) => likelihood(S[other], confidence)));
    if (r[C.missing] >= 0) head("missing", el("p", {class: "verdict"}, text(r[C.missing])));
    const pairs = el("dl", {class: "pairs"});
    for (const [key, en, cn] of KEYS) {
      const value = text(r[C[key]]);
      if (value) pairs.append(el("div", {}, el("dt", {}, pick(en, cn)), el("dd", {}, WORDS.has(key) ? word(value) : value)));
    }
    head("facts", pairs);
    out.append(el("p", {class: "hint"}, t("whole") + " ", el("code", {class: "cmd"}, "tapscope inspect DIR " + r[C.id])));
    return out;
  };
