  // The page of one transaction: its story, and the sale's other attempts.
  const draw = () => {
    const target = $("story");
    const r = data.rows[0];
    const line = el("p", {class: "verdict"}, [text(r[C.terminal]), money(r), text(r[C.pan]), text(r[C.scheme])].filter(Boolean).join(" · "));
    target.replaceChildren(line, story(0, target.clientWidth - 60));
    if (data.sale.length) target.append(el("h4", {}, t("saleother")), ...data.sale.map(other => el("p", {class: "verdict"},
      time(other[C.start], true) + " · " + word(text(other[C.interface])) + " · " + word(text(other[C.outcome])), other[C.cause] < 0 ? "" : " · " + cause(text(other[C.cause])), " ", el("code", {}, other[C.id]))));
    words();
  };
  $("language").addEventListener("click", () => { root.lang = zh() ? "en" : "zh-Hans"; draw(); });
  addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details.raw")) d.open = false; });
  draw();
  root.dataset.ready = "1";
