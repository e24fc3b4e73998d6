  // Puts the report together: filters, language, links within the page.
  const LIMIT = 400;
  const option = (value, label) => el("option", {value}, label);
  const incidentName = id => Object.hasOwn(data.incidents, id) ? word(data.incidents[id][0]) + " " + data.incidents[id][1] : id;
  const labels = {cause, owners: word, incident: incidentName, scheme: String, host: String, issuer: String};
  const fillSelects = counts => {
    for (const [key, label] of Object.entries(labels)) {
      const select = $("f-" + key), d = DIMS.indexOf(key);
      if (select === document.activeElement) continue;
      let found = ranked(counts, d).map(([n, count]) => [names(d)[n - 1], count]);
      if (key === "owners") {
        const each = new Map();
        for (const [set, count] of found) for (const owner of set.split("\u001f")) each.set(owner, (each.get(owner) ?? 0) + count);
        found = [...each].sort((a, b) => b[1] - a[1]);
      }
      found = found.slice(0, LIMIT);
      if (filters[key] && !found.some(([value]) => value === filters[key])) found.push([filters[key], 0]);
      select.replaceChildren(option("", t("all")), ...found.map(([value, count]) => option(value, label(value) + " (" + about() + thousands(count) + ")")));
      select.value = filters[key];
      select.parentElement.hidden = all.dims[key].names.length === 0;
    }
    for (const key of ["terminal", "merchant"]) {
      const d = DIMS.indexOf(key);
      $("l-" + key).replaceChildren(...ranked(counts, d).slice(0, LIMIT).map(([n, count]) => option(names(d)[n - 1], about() + thousands(count))));
      $("f-" + key).parentElement.hidden = all.dims[key].names.length === 0;
      $("f-" + key).setAttribute("aria-invalid", filters[key] !== "" && !numberOf[d].has(filters[key]));
    }
  };
  const say = total => {
    const some = active();
    $("bar").classList.toggle("on", some);
    $("state").textContent = some ? pick(about() + thousands(total) + " of " + thousands(all.failed) + " failed transactions match", thousands(all.failed) + " 笔失败交易中 " + about() + thousands(total) + " 笔符合")
      : pick("all " + thousands(all.failed) + " failed transactions; by period, cause, terminal, merchant …", "全部 " + thousands(all.failed) + " 笔失败交易；可按时段、原因、终端、商户等筛选");
  };
  const draw = () => {
    const {total, counts} = evaluate();
    say(total);
    fillSelects(counts);
    drawCauses(counts);
    drawPlaces(counts);
    drawChart();
    drawList(total);
  };
  const refresh = () => { shown = 100; draw(); };

  for (const key of [...DIMS, "text"]) $("f-" + key).addEventListener("input", e => {
    filters[key] = e.target.value;
    if (key === "text") { shown = 100; drawList(evaluate().total); } else refresh();
  });
  const instant = value => { const at = Date.parse(value + "Z"); return isNaN(at) ? null : at * 1000; };
  for (const key of ["from", "until"]) $("f-" + key).addEventListener("change", e => { filters[key] = e.target.value ? instant(e.target.value) : null; refresh(); });
  $("filters").addEventListener("submit", e => e.preventDefault());
  $("filters").addEventListener("reset", () => {
    for (const k of Object.keys(filters)) filters[k] = k === "from" || k === "until" ? null : "";
    setTimeout(refresh);
  });
  $("more").addEventListener("click", () => { const from = shown; shown += 200; $("rows").append(...hits.slice(from, shown).map(line)); $("more").hidden = hits.length <= shown; });
  document.addEventListener("click", e => {
    const b = e.target.closest("[data-filter]");
    if (!b) return;
    const key = b.dataset.filter, off = filters[key] === b.dataset.value;
    filters[key] = off ? "" : b.dataset.value;
    refresh();
    $("f-" + key).value = filters[key];
    // From a cause or an incident to its transactions; a place only narrows the figures around it.
    if (!off && (key === "cause" || key === "incident")) { $("failures").scrollIntoView(); $("failures").focus({preventScroll: true}); }
  });
  const showAll = (button, list) => $(button)?.addEventListener("click", e => { $(list).classList.add("all"); e.currentTarget.remove(); });
  showAll("allcauses", "causes");
  showAll("allincidents", "incidents");
  $("language").addEventListener("click", () => { root.lang = zh() ? "en" : "zh-Hans"; words(); draw(); });
  // A link to one transaction: report.html#tx_id.
  const follow = () => {
    const i = data.rows.findIndex(r => "#" + r[C.id] === location.hash);
    if (i < 0) return;
    let row = $("tx-" + data.rows[i][C.id]);
    if (!row) { row = line(i); $("rows").prepend(row); }
    if (!row.classList.contains("open")) toggle(row, i);
    row.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  words();
  wireChart();
  draw();
  follow();
  root.dataset.ready = "1";
