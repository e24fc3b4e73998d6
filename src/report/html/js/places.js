  // Causes, terminals, merchants, hosts, issuers, schemes under the filters, most failed first.
  const SHOWN = 10;
  const bar = (share, kind) => {
    const s = svg("svg", {viewBox: "0 0 100 8", preserveAspectRatio: "none", class: "bar", "aria-hidden": "true"});
    s.append(svg("rect", {class: "track", width: 100, height: 8}), svg("rect", {class: kind, width: Math.min(share * 100, 100).toFixed(2), height: 8}));
    return s;
  };
  const drawCauses = counts => {
    const body = $("causes");
    if (!body) return;
    const found = new Map(ranked(counts, 0).map(([n, count]) => [names(0)[n - 1], count]));
    const total = [...found.values()].reduce((sum, n) => sum + n, 0), most = Math.max(1, ...found.values());
    const rows = [...body.rows].map(row => ({row, count: found.get(row.dataset.code) ?? 0})).sort((a, b) => b.count - a.count);
    rows.forEach(({row, count}, n) => {
      row.classList.toggle("rest", n >= SHOWN);
      row.classList.toggle("chosen", filters.cause === row.dataset.code);
      row.hidden = count === 0;
      row.querySelector(".bar rect:last-child").setAttribute("width", (100 * count / most).toFixed(2));
      row.querySelector(".share").textContent = percent(count / Math.max(total, 1));
      row.cells[2].textContent = about() + thousands(count);
    });
    body.append(...rows.map(r => r.row));
  };
  const drawPlaces = counts => {
    for (const card of document.querySelectorAll("[data-places]")) {
      const kind = card.dataset.places, d = DIMS.indexOf(kind), list = ranked(counts, d).slice(0, SHOWN);
      card.hidden = list.length === 0;
      // What fails there most, for the few that are shown.
      const causes = new Map(list.map(([n]) => [n, new Map()])), own = 1 << d;
      for (let i = 0; i < all.n; i++) {
        const of = (failing[i] & ~own) === 0 && causes.get(columns[d][i]);
        if (of) of.set(columns[0][i], (of.get(columns[0][i]) ?? 0) + 1);
      }
      const rate = !active([kind]) && all.every === 1, most = Math.max(1, ...list.map(([, count]) => count));
      card.querySelector("tbody").replaceChildren(...list.map(([n, count]) => {
        const name = names(d)[n - 1], attempts = all.dims[kind].attempts?.[n - 1];
        const worst = [...causes.get(n)].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
        return el("tr", {class: filters[kind] === name ? "chosen" : ""}, el("td", {}, filterButton(kind, name)),
          el("td", {class: "wide"}, bar(rate ? count / attempts : count / most, "bad")), el("td", {class: "num"}, rate ? thousands(count) + " / " + thousands(attempts) : about() + thousands(count)),
          el("td", {class: "most"}, worst ? cause(names(0)[worst[0] - 1] ?? t("other")) : ""));
      }));
    }
  };
  const filterButton = (kind, value) => {
    const b = el("button", {type: "button", class: "link"}, value);
    b.dataset.filter = kind;
    b.dataset.value = value;
    return b;
  };
