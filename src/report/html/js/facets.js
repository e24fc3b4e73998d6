  // Counts all failed attempts of the run under the filters, from packed columns: time, then one number for each dimension.
  const all = data.all;
  const DIMS = ["cause", "owners", "terminal", "merchant", "scheme", "host", "issuer", "incident"];
  const filters = {from: null, until: null, text: ""};
  for (const d of DIMS) filters[d] = "";
  // Six bits a sign; the signs are those of facets.rs.
  const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+-./~";
  const bytes = new Uint8Array(all.bits.length / 4 * 3);
  {
    const value = new Uint8Array(128);
    for (let i = 0; i < 64; i++) value[SIGNS.charCodeAt(i)] = i;
    for (let i = 0, to = 0; i < all.bits.length; i += 4) {
      const group = value[all.bits.charCodeAt(i)] << 18 | value[all.bits.charCodeAt(i + 1)] << 12 | value[all.bits.charCodeAt(i + 2)] << 6 | value[all.bits.charCodeAt(i + 3)];
      bytes[to++] = group >> 16;
      bytes[to++] = group >> 8 & 255;
      bytes[to++] = group & 255;
    }
  }
  let nextByte = 0;
  const column = width => {
    const out = new Uint32Array(all.n);
    let bit = nextByte * 8;
    for (let i = 0; i < all.n && width; i++) {
      let value = 0;
      for (let got = 0; got < width;) {
        const shift = bit & 7, take = Math.min(8 - shift, width - got);
        value |= (bytes[bit >> 3] >> shift & (1 << take) - 1) << got;
        got += take;
        bit += take;
      }
      out[i] = value;
    }
    nextByte += Math.ceil(all.n * width / 8);
    return out;
  };
  const instants = column(all.time.width);
  const columns = DIMS.map(d => column(all.dims[d].width));
  const numberOf = DIMS.map(d => new Map(all.dims[d].names.map((name, i) => [name, i + 1])));
  const START = all.time.start, UNIT = all.time.unit * 1e6, STEP = all.time.step * 1e6, END = all.time.last + 1;
  const instantOf = i => instants[i] ? START + (instants[i] - 1) * UNIT : null;
  const names = d => all.dims[DIMS[d]].names;
  const active = but => Object.keys(filters).some(k => filters[k] && k !== "text" && !but?.includes(k));

  // For each dimension, which of its numbers pass; null where all do.
  const passing = () => DIMS.map((d, n) => {
    if (!filters[d]) return null;
    const pass = new Uint8Array(names(n).length + 2);
    if (d === "owners") names(n).forEach((set, i) => { pass[i + 1] = set.split("\u001f").includes(filters[d]); });
    else pass[numberOf[n].get(filters[d]) ?? names(n).length + 1] = numberOf[n].has(filters[d]);
    return pass;
  });
  const TIME = 1 << DIMS.length;
  // Which filters each attempt fails: 0 for none. A dimension's own figures leave its own filter aside, so that one can choose anew.
  const failing = new Uint16Array(all.n);
  const evaluate = () => {
    const pass = passing(), counts = DIMS.map((_, d) => new Uint32Array(names(d).length + 2));
    const from = filters.from === null ? -Infinity : filters.from, until = filters.until === null ? Infinity : filters.until;
    const timed = filters.from !== null || filters.until !== null;
    let total = 0;
    for (let i = 0; i < all.n; i++) {
      let mask = 0;
      for (let d = 0; d < DIMS.length; d++) if (pass[d] && !pass[d][columns[d][i]]) mask |= 1 << d;
      if (timed) {
        const at = instantOf(i);
        // An attempt is told by the unit of time that it falls into.
        if (at === null || at + UNIT <= from || at >= until) mask |= TIME;
      }
      failing[i] = mask;
      if (mask === 0) {
        total++;
        for (let d = 0; d < DIMS.length; d++) counts[d][columns[d][i]]++;
      } else if ((mask & mask - 1) === 0 && mask !== TIME) {
        const d = 31 - Math.clz32(mask);
        counts[d][columns[d][i]]++;
      }
    }
    return {total: total * all.every, counts};
  };
  // Numbers of a dimension with their counts, most first.
  const ranked = (counts, d) => {
    const list = [];
    for (let n = 1; n <= names(d).length; n++) if (counts[d][n]) list.push([n, counts[d][n] * all.every]);
    return list.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  };
  const about = () => all.every > 1 ? "≈ " : "";
