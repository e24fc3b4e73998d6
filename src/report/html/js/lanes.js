  // Draws a transaction's events in three lanes on one time axis. The axis is to scale, but long silences are cut out and say how long they were.
  const LANES = ["terminal", "card", "network"];
  const lane = kind => kind === "log" ? 0 : kind === "apdu" || kind === "nfc" ? 1 : 2;
  const LEFT = 74, ROW = 44, TOP = 30, CUT = 1.5e6, CUT_WIDTH = 84;

  // Turns instants into places from `left` to `right`; silences longer than CUT get a fixed width.
  const axis = (instants, left, right) => {
    const at = [...new Set(instants)].sort((a, b) => a - b);
    const gaps = at.slice(1).map((b, i) => b - at[i]);
    const total = gaps.reduce((sum, g) => sum + g, 0);
    const long = gaps.map(g => g > CUT && g > total / 8);
    const room = right - left, cut = Math.min(CUT_WIDTH, room / (1 + 2 * long.filter(Boolean).length));
    const fixed = cut * long.filter(Boolean).length;
    // What is close together still gets a hair's breadth, as long as there is room for that.
    const hair = Math.min(7, (room - fixed) / (2 * Math.max(gaps.length, 1)));
    const short = gaps.reduce((sum, g, i) => sum + (long[i] ? 0 : g), 0), shorts = gaps.length - long.filter(Boolean).length;
    const scale = short ? (room - fixed - hair * shorts) / short : 0;
    const x = new Map(), cuts = [];
    let here = left;
    at.forEach((instant, i) => {
      x.set(instant, here);
      if (i === gaps.length) return;
      const width = long[i] ? cut : hair + gaps[i] * scale;
      if (long[i]) cuts.push({from: here, to: here + width, lasts: gaps[i]});
      here += width;
    });
    return {x: instant => x.get(instant), cuts, first: at[0], last: at[at.length - 1]};
  };

  const lanes = (events, decisive, width) => {
    const timed = events.filter(e => e.at !== null);
    if (timed.length < 2) return null;
    const W = Math.max(330, Math.min(width || 900, 1160)), bottom = TOP + ROW * 3, right = W - 14;
    const ends = timed.filter(e => e.lasts > 0).map(e => e.at + e.lasts);
    const {x, cuts, first, last} = axis([...timed.map(e => e.at), ...ends], LEFT + 8, right);
    const s = svg("svg", {viewBox: "0 0 " + W + " " + (bottom + 26), class: "lanes", role: "img", "aria-label": t("timeline") + ": " + t("lanes")});
    LANES.forEach((name, n) => {
      const y = TOP + ROW * n + ROW / 2;
      s.append(svg("line", {class: "lane", x1: LEFT, x2: W, y1: y, y2: y}), svg("text", {class: "name " + name, x: 0, y: y + 4}, word(name)));
    });
    for (const cut of cuts) {
      s.append(svg("rect", {class: "cut", x: cut.from + 6, y: TOP - 4, width: Math.max(cut.to - cut.from - 12, 2), height: ROW * 3 + 4}),
        svg("text", {class: "silence", x: (cut.from + cut.to) / 2, y: TOP - 12, "text-anchor": "middle"}, span(cut.lasts)));
    }
    const free = [LEFT, LEFT, LEFT];
    for (const e of timed) {
      const n = lane(e.kind), y = TOP + ROW * n + ROW / 2, from = x(e.at);
      const group = svg("g", {});
      group.append(svg("title", {}, time(e.at) + " " + e.summary + (e.lasts ? " (" + t("lasted") + " " + span(e.lasts) + ")" : "")));
      if (e.lasts > 0) group.append(svg("rect", {class: "lasts " + LANES[n], x: from, y: y - 4, width: Math.max(x(e.at + e.lasts) - from, 2), height: 8, rx: 3}));
      group.append(svg("circle", {class: LANES[n], cx: from, cy: y, r: 4.5}));
      if (decisive.has(e.place)) group.append(svg("circle", {class: "decisive", cx: from, cy: y, r: 9}));
      s.append(group);
      // A name where there is room for it.
      const label = e.step ? word(e.step) : e.kind === "apdu" || e.kind === "log" ? "" : e.kind;
      const wide = [...label].reduce((sum, c) => sum + (c > "\u2e80" ? 11 : 6), 0);
      if (label && from - 4 >= free[n] && from - 4 + wide <= W) {
        s.append(svg("text", {class: "step", x: from - 4, y: y - 11}, label));
        free[n] = from + wide + 4;
      }
    }
    s.append(svg("text", {x: LEFT + 4, y: bottom + 18}, time(first)), svg("text", {x: W, y: bottom + 18, "text-anchor": "end"}, time(last) + "  (+" + span(last - first) + ")"));
    return s;
  };
