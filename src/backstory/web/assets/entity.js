"use strict";
// ---- one entity: the states are in the page, so that dragging asks nobody; large ones are asked for at rest

let playing = 0;
if (scrubber) {
  const { steps, chosen, base, command } = JSON.parse(one("#steps").textContent);
  const slider = one("input[type=range]", scrubber), end = steps.length - 1, hasBefore = "before" in scrubber.dataset;
  let state = base, since = {}, rest = 0, asked = 0;
  for (const [index, step] of base ? steps.entries() : []) {
    step.before = state;
    step.state = state = { ...state, ...step.set };
    step.since = since = { ...since, ...Object.fromEntries(Object.keys(step.set).map((field) => [field, index])) };
  }
  const fill = (place, text) => {
    place.classList.toggle("withheld", text === "***");
    place.textContent = text === "***" ? "masked" : text ?? "—";
    return place;
  };
  const piece = (name, text) => { const made = document.createElement("span"); made.className = name; return fill(made, text); };
  const ranges = {};
  const height = (field, step) => {
    const numbers = () => steps.map((each) => Number(each.state[field] ?? 0));
    const [low, high] = (ranges[field] ??= [Math.min(...numbers()), Math.max(...numbers())]);
    return 21 - (18 * (Number(step.state[field] ?? 0) - low)) / (high - low || 1);
  };
  const changes = (step, index, names) => {
    const fields = Object.keys(step.set);
    if (!index && !hasBefore) return [piece("faint", `made with ${fields.length} fields`)];
    if (!fields.length) return [piece("faint", "no field of this state")];
    const more = fields.length > 12 ? [piece("faint", `and ${fields.length - 12} more`)] : [];
    return fields.slice(0, 12).flatMap((field) => [piece("field-name", names[field]), ...(step.before[field] == null ? [] : [piece("before", step.before[field])]), step.set[field] == null ? piece("faint", "gone") : piece("after", step.set[field]), " "]).concat(more);
  };
  const showState = (step, index) => {
    const names = {}, onlyChanged = "onlyChanged" in one("[data-part=state]").dataset;
    let number = 0;
    for (const row of all("[data-field]")) {
      const field = row.dataset.field, now = step.state[field], old = step.before[field], changed = field in step.set;
      names[field] = one("th", row).textContent;
      number += now != null;
      row.hidden = !changed && (now == null || onlyChanged);
      row.classList.toggle("has-changed", changed);
      fill(one(".value", row), now);
      const before = fill(one(".before", row), old), sign = one(".sign", row), kind = now == null ? "gone" : old == null ? "added" : "changed";
      before.hidden = !changed || old == null;
      sign.hidden = !changed;
      sign.className = `sign is-${kind}`;
      sign.setAttribute("aria-label", kind);
      const giver = steps[step.since[field]];
      one(".since", row).textContent = giver ? `#${giver.position} ${giver.author}` : now != null && hasBefore ? `before #${steps[0].position}` : "";
      one(".spark-now", row)?.setAttribute("d", `M${(120 * index) / (end || 1)} ${height(field, step)}h0`);
    }
    one("[data-changes]").replaceChildren(...changes(step, index, names));
  };
  const ago = (time) => {
    let left = (Date.now() - new Date(time)) / 1000;
    if (left < 1) return "now";
    for (const [size, unit] of [[60, "s"], [60, "min"], [24, "h"], [365, "d"], [Infinity, "y"]]) {
      if (left < size) return `${Math.floor(left)} ${unit} ago`;
      left /= size;
    }
  };
  const atRest = async (step, url, parts) => {
    const mine = ++asked, answer = await fetch(url, { headers: { accept: "text/html" } });
    const page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page || mine !== asked) return;
    for (const name of parts) {
      const old = one(`[data-part=${name}]`), fresh = one(`[data-part=${name}]`, page);
      if (fresh) old.replaceWith(document.adoptNode(fresh));
    }
    mark(step);
  };
  const mark = (step) => {
    let found = false;
    for (const item of all(".timeline li")) {
      const position = Number(item.dataset.step), here = position === step.position;
      found ||= here;
      item.classList.toggle("is-chosen", here);
      item.classList.toggle("is-later", position > step.position);
      const link = one("a", item);
      if (here) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
      if (here) item.parentElement.scrollTop = item.offsetTop - 80;
    }
    return found;
  };
  // The links, the command and the header are those that the server gives for the address of this step.
  const place = one(".address a:last-child"), placeWas = place.cloneNode(true);
  const follow = (step, index, at, isNewest) => {
    const carries = (link, value = at) => {
      const url = new URL(link.href);
      if (value) url.searchParams.set("at", value); else url.searchParams.delete("at");
      return url;
    };
    const diff = one("a[aria-keyshortcuts=d]"), permalink = one("[data-permalink]"), from = index < end ? step : steps[index - 1];
    for (const link of all(".sections a, .tabs a, .foot a:not([data-permalink]), .entity header a"))
      if (link !== diff) link.href = carries(link);
    permalink.href = carries(permalink, step.commit);
    if (from) diff.href = diff.href.replace(/\/diff\/[^/]+/, `/diff/${from.at}`);
    const words = command[0] + (at ? ` --at ${step.at === String(step.position) ? `'#${at}'` : at}` : "") + command[1];
    one(".terminal code").textContent = one(".terminal [data-copy]").dataset.copy = words;
    const isPast = placeWas.matches(".is-past");
    place.classList.toggle("is-past", !isNewest);
    if (isNewest === isPast) place.textContent = isNewest ? "HEAD" : `#${step.position}`;
    else place.replaceChildren(...placeWas.cloneNode(true).childNodes);
    if (!isNewest) {
      place.href = one("[data-go=last]").href;
      one("[data-now=position]", place)?.replaceChildren(`#${step.position}`);
    }
  };
  const show = (index) => {
    const step = steps[index];
    slider.value = index;
    slider.setAttribute("aria-valuetext", `#${step.position} ${step.type}, ${index + 1} of ${steps.length}`);
    for (const [name, value] of [["position", `#${step.position}`], ["type", step.type], ["when", ago(step.time)], ["place", `${index + 1} of ${steps.length}`]])
      for (const slot of all(`[data-now=${name}]`)) {
        slot.textContent = value;
        if (slot.href) slot.href = slot.href.replace(/\/c\/\d+/, `/c/${step.position}`);
      }
    const ticks = all(".ticks g");
    ticks.forEach((tick, i) => tick.classList.toggle("is-past", Math.ceil((i * steps.length) / ticks.length) <= index));
    if (base) showState(step, index);
    const isListed = mark(step), isNewest = index === end && !scrubber.dataset.after;
    const url = new URL(isNewest ? one("[data-go=last]").href : location);
    if (!isNewest) url.searchParams.set("at", step.at);
    url.searchParams.delete("print");
    follow(step, index, url.searchParams.get("at"), isNewest);
    clearTimeout(rest);
    rest = setTimeout(() => {
      history.replaceState(null, "", url);
      if (!isListed || !base) atRest(step, url, base ? ["timeline"] : ["timeline", "state"]);
    }, 80);
  };
  const stop = () => { clearInterval(playing); playing = 0; one("[data-go=play]").setAttribute("aria-pressed", "false"); };
  const go = (where) => {
    const now = Number(slider.value);
    if (where === "play") {
      if (playing) return stop();
      one("[data-go=play]").setAttribute("aria-pressed", "true");
      if (now === end) show(0);
      playing = setInterval(() => { const next = Number(slider.value) + 1; if (next <= end) show(next); else stop(); }, 900);
      return;
    }
    stop();
    const { before, after } = scrubber.dataset, url = new URL(location);
    const out = { first: before, prev: !now && before, next: now === end && after, last: after }[where];
    url.searchParams.set("at", out);
    if (out) location.assign(where === "prev" || where === "next" ? url : one(`[data-go=${where}]`).href);
    else show({ first: 0, prev: Math.max(0, now - 1), next: Math.min(end, now + 1), last: end }[where]);
  };
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  document.addEventListener("click", (event) => {
    const step = event.target.closest("[data-go]"), item = event.target.closest(".timeline li");
    const index = item ? steps.findIndex((each) => each.position === Number(item.dataset.step)) : -1;
    if (event.ctrlKey || event.metaKey || event.shiftKey || (!step && index < 0)) return;
    event.preventDefault();
    if (step) return go(step.dataset.go);
    stop();
    show(index);
  });
  mark(steps[chosen]);
  if (one("[data-print]")) print();
  scrubber.go = go;
}
