"use strict";
(() => {
  const bar = document.querySelector(".filter");
  const groups = [...document.querySelectorAll("details.group")];
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
  if (!bar) return;
  const [text, kind, rule, count] = ["text", "kind", "rule", "count"].map((name) =>
    document.getElementById("filter-" + name));
  const found = groups.flatMap((group) =>
    [...group.querySelectorAll(".finding")].map((item) => ({ item, group, words: null })));
  const folds = groups.flatMap((group) => [group, ...group.querySelectorAll("details")]);
  const before = new Map();
  const said = (number) => number.toLocaleString("en");

  const apply = () => {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const active = Boolean(wanted.length || kind.value || rule.value);
    const matching = new Set();
    let shown = 0;
    for (const one of found) {
      let hit = (!kind.value || one.item.dataset.kind === kind.value)
        && (!rule.value || one.group.dataset.rule === rule.value);
      if (hit && wanted.length) {
        one.words ??= one.item.textContent.toLowerCase();
        hit = wanted.every((word) => one.words.includes(word));
      }
      one.item.hidden = !hit;
      if (!hit) continue;
      shown += 1;
      for (let at = one.item.parentElement; at && at !== one.group.parentElement; at = at.parentElement) matching.add(at);
    }
    for (const fold of folds) {
      if (active && !before.has(fold)) before.set(fold, fold.open);
      if (active) fold.open = matching.has(fold);
      else if (before.has(fold)) fold.open = before.get(fold);
      fold.hidden = active && !matching.has(fold);
    }
    if (!active) before.clear();
    count.textContent = active
      ? `${said(shown)} of ${said(found.length)} findings`
      : `${said(found.length)} findings`;
  };

  let timer = 0;
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  });
  kind.addEventListener("change", apply);
  rule.addEventListener("change", apply);
  document.getElementById("filter-reset").addEventListener("click", () => {
    text.value = kind.value = rule.value = "";
    apply();
    text.focus();
  });
  bar.hidden = false;
  // A page that is gone back to keeps what was typed.
  if (text.value || kind.value || rule.value) apply();
})();
