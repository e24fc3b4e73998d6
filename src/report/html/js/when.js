  // The chart over time: stacked columns by cause, the failed share as a line; dragging, buttons and the period's fields zoom.
  const color = name => getComputedStyle(root).getPropertyValue(name).trim();
  const TOP_CAUSES = data.order.slice(0, 5);
  const utc = us => iso(us).slice(0, 19);
  let chart = null, bins = [];
  const range = () => [filters.from ?? START, filters.until ?? END];
  const binSize = (length, most) => [1, 2, 3, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 10080].map(n => n * STEP).find(size => length / size <= most) ?? Math.ceil(length / most / STEP) * STEP;

  const collect = width => {
    const [from, until] = range(), size = binSize(until - from, Math.max(24, Math.min(120, Math.floor(width / 9))));
    const first = Math.floor((from - START) / size) * size + START, length = Math.max(1, Math.ceil((until - first) / size));
    bins = Array.from({length}, (_, i) => ({at: first + i * size, until: first + (i + 1) * size, failed: 0, attempts: 0, causes: new Array(TOP_CAUSES.length + 1).fill(0)}));
    const line = new Uint8Array(names(0).length + 2).fill(TOP_CAUSES.length);
    TOP_CAUSES.forEach((code, n) => { if (numberOf[0].has(code)) line[numberOf[0].get(code)] = n; });
    for (let i = 0; i < all.n; i++) {
      const at = instantOf(i);
      if (at === null || (failing[i] & ~TIME) !== 0) continue;
      const bin = bins[Math.floor((at - first) / size)];
      if (!bin) continue;
      bin.failed += all.every;
      bin.causes[line[columns[0][i]]] += all.every;
    }
    all.time.attempts.forEach((count, i) => { const bin = bins[Math.floor((START + i * STEP - first) / size)]; if (bin) bin.attempts += count; });
    return size;
  };
  const rated = () => !DIMS.some(d => filters[d]);
  const describe = bin => {
    const listed = bin.causes.map((n, i) => [i < TOP_CAUSES.length ? cause(TOP_CAUSES[i]) : t("other"), n]).filter(([, n]) => n).map(([name, n]) => name + " " + thousands(n));
    return utc(bin.at).slice(0, 16).replace("T", " ") + "–" + utc(bin.until).slice(11, 16) + ": " + about() + thousands(bin.failed) + " " + pick("failed", "失败")
      + (rated() && bin.attempts ? " / " + thousands(bin.attempts) + " (" + percent(bin.failed / bin.attempts) + ")" : "") + (listed.length ? " · " + listed.join(" · ") : "");
  };
  const drawChart = () => {
    const target = $("chart");
    if (!target) return;
    const width = Math.max(target.clientWidth, 280), height = width < 500 ? 200 : 230;
    const size = collect(width), top = Math.max(1, ...bins.map(b => b.failed));
    chart?.destroy();
    const cumulated = [];
    let sum = bins.map(() => 0);
    for (let n = 0; n <= TOP_CAUSES.length; n++) cumulated.push(sum = bins.map((b, i) => sum[i] + b.causes[n]));
    const bars = uPlot.paths.bars({size: [0.86, 48], align: 1});
    const series = cumulated.map((_, n) => ({fill: color("--c" + (n === TOP_CAUSES.length ? 9 : n)), width: 0, paths: bars, points: {show: false}})).reverse();
    const share = bins.map(b => rated() && b.attempts >= 20 ? 100 * b.failed / b.attempts : null);
    // A share of few attempts swings wildly and says nothing: then there is no line.
    const line = share.some(s => s !== null);
    $("line").hidden = !line;
    const axis = more => ({stroke: color("--soft"), grid: {stroke: color("--line"), width: 1}, ticks: {stroke: color("--line")}, font: "11px system-ui, sans-serif", ...more});
    chart = new uPlot({
      width, height, legend: {show: false}, tzDate: seconds => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      cursor: {y: false, drag: {x: true, y: false, setScale: false}, points: {show: false}},
      scales: {x: {time: true, range: () => [bins[0].at / 1e6, bins[bins.length - 1].until / 1e6]}, y: {range: () => [0, top * 1.08]}, share: {range: () => [0, Math.max(10, ...share) * 1.08]}},
      axes: [axis({size: 32, values: (_, at) => at.map(s => { const z = utc(s * 1e6); return size >= 864e8 || z.slice(11, 16) === "00:00" ? z.slice(5, 10) : size < 6e7 ? z.slice(11, 19) : z.slice(11, 16); })}),
        axis({size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6], values: (_, n) => n.map(thousands)}),
        axis({scale: "share", side: 1, size: 44, show: line, grid: {show: false}, values: (_, n) => n.map(v => v + " %")})],
      series: [{}, ...series, {scale: "share", stroke: color("--ink"), width: 1.5, dash: [4, 3], show: line, spanGaps: true, points: {show: false}}],
      hooks: {
        setCursor: [u => {
          const i = u.cursor.left < 0 ? -1 : bins.findIndex(b => u.posToVal(u.cursor.left, "x") * 1e6 < b.until);
          if (i >= 0) $("at").textContent = describe(bins[i]);
        }],
        setSelect: [u => {
          if (u.select.width < 4) return;
          const at = px => Math.round(u.posToVal(px, "x") * 1e6);
          const from = at(u.select.left), until = at(u.select.left + u.select.width);
          u.setSelect({left: 0, width: 0, top: 0, height: 0}, false);
          setPeriod(Math.max(from, START), Math.min(until, END));
        }],
      },
    }, [bins.map(b => b.at / 1e6), ...cumulated.reverse(), share], target);
    $("at").textContent = pick("Point at a column for its figures; drag across the chart to zoom.", "指向柱形查看数据；拖动可放大。");
    $("figures").replaceChildren(el("thead", {}, el("tr", {}, ...[pick("Time (UTC)", "时间 (UTC)"), pick("Failed", "失败"), pick("Attempts", "尝试"), "%"].map((h, n) => el("th", {scope: "col", class: n ? "num" : ""}, h)))),
      el("tbody", {}, ...bins.filter(b => b.failed || b.attempts).map(b => el("tr", {}, el("td", {}, utc(b.at).slice(0, 16).replace("T", " ")), el("td", {class: "num"}, thousands(b.failed)),
        el("td", {class: "num"}, rated() ? thousands(b.attempts) : ""), el("td", {class: "num"}, rated() && b.attempts ? percent(b.failed / b.attempts) : "")))));
  };

  const setPeriod = (from, until) => {
    const least = STEP;
    if (from !== null && until !== null && until - from < least) { const middle = (from + until) / 2; from = Math.floor(middle - least / 2); until = from + least; }
    filters.from = from === null || from <= START ? null : from;
    filters.until = until === null || until >= END ? null : until;
    $("f-from").value = filters.from === null ? "" : utc(filters.from);
    $("f-until").value = filters.until === null ? "" : utc(filters.until);
    refresh();
  };
  const zoom = (factor, shift) => {
    const [from, until] = range(), half = (until - from) / 2 * factor, middle = (from + until) / 2 + shift * (until - from);
    const length = Math.min(half * 2, END - START), start = Math.max(START, Math.min(END - length, middle - half));
    setPeriod(Math.round(start), Math.round(start + length));
  };
  const wireChart = () => {
    if (!$("chart")) return;
    for (const [id, factor, shift] of [["closer", 0.5, 0], ["wider", 2, 0], ["earlier", 1, -0.5], ["later", 1, 0.5]]) $(id).addEventListener("click", () => zoom(factor, shift));
    $("wholeday").addEventListener("click", () => setPeriod(null, null));
    let was = $("chart").clientWidth;
    new ResizeObserver(() => { const is = $("chart").clientWidth; if (Math.abs(is - was) > 8) { was = is; drawChart(); } }).observe($("chart"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawChart);
  };
