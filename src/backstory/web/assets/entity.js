"use strict";
// ---- one entity: the states are in the page, so that dragging asks nobody; large ones are asked for at rest

if (scrubber) {
  const slider = one("input[type=range]", scrubber), play = one("[data-go=play]"), last = one("[data-go=last]").href;
  const dataOf = (page) => JSON.parse(one("#steps", page).textContent);
  const part = (name) => `[data-part=${name}]`;
  let data, steps, base, end, now, ranges, playing = 0, rest = 0, asked = 0;

  const take = (told) => {
    data = told;
    ({ steps, base } = data);
    ranges = {};
    slider.max = end = steps.length - 1;
    let state = base, since = {};
    for (const [index, step] of base ? steps.entries() : []) {
      step.before = state;
      step.state = state = { ...state, ...step.set };
      step.since = since = { ...since };
      for (const field in step.set) since[field] = index;
      for (const field of step.filled ?? []) delete step.set[field]; // it has parts now, and is not gone
    }
  };
  const fill = (place, text) => {
    place.classList.toggle("withheld", text === "***");
    place.textContent = text === "***" ? "masked" : text ?? "—";
    return place;
  };
  const piece = (name, text) => fill(Object.assign(document.createElement("span"), { className: name }), text);
  const faint = (text) => piece("faint", text);
  const height = (field, step) => {
    const number = ({ state }) => Number(state[field] ?? 0);
    const [low, high] = (ranges[field] ??= [Math.min(...steps.map(number)), Math.max(...steps.map(number))]);
    return 21 - (18 * (number(step) - low)) / (high - low || 1);
  };
  const changes = ({ set, before }, index, names) => {
    const fields = Object.keys(set);
    if (!index && !data.before) return [faint(`made with ${fields.length} fields`)];
    if (!fields.length) return [faint("no field of this state")];
    const told = fields.slice(0, 12).flatMap((field) => [
      piece("field-name", names[field]), before[field] == null ? "" : piece("before", before[field]), set[field] == null ? faint("gone") : piece("after", set[field]), " ",
    ]);
    return fields.length > 12 ? [...told, faint(`and ${fields.length - 12} more`)] : told;
  };
  const showState = (step, index) => {
    const names = {}, onlyChanged = "onlyChanged" in one(part("state")).dataset;
    for (const row of all("[data-field]")) {
      const field = row.dataset.field, value = step.state[field], old = step.before[field], changed = field in step.set;
      names[field] = one("th", row).textContent;
      row.hidden = !changed && (value == null || onlyChanged);
      row.classList.toggle("has-changed", changed);
      fill(one(".value", row), value);
      fill(one(".before", row), old).hidden = !changed || old == null;
      const sign = one(".sign", row), kind = value == null ? "gone" : old == null ? "added" : "changed";
      sign.hidden = !changed;
      sign.className = `sign is-${kind}`;
      sign.ariaLabel = kind;
      const giver = steps[step.since[field]];
      one(".since", row).textContent = giver ? `#${giver.position} ${giver.author}` : value != null && data.before ? `before #${steps[0].position}` : "";
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
  const atRest = async (step, url) => {
    const mine = ++asked, page = await read(url);
    if (mine !== asked) return;
    swap(part("timeline"), page);
    if (!base) swap(part("state"), page);
    mark(step);
  };
  const mark = (step) => {
    let found = false;
    for (const item of all(".timeline li")) {
      const position = Number(item.dataset.step), here = position === step.position;
      found ||= here;
      item.classList.toggle("is-chosen", here);
      item.classList.toggle("is-later", position > step.position);
      one("a", item).ariaCurrent = here || null;
      if (here) item.parentElement.scrollTop = item.offsetTop - 80;
    }
    return found;
  };
  // The links, the command and the header are those that the server gives for the address of this step.
  const place = one(".address a:last-child"), placeWas = place.cloneNode(true);
  const lead = (step, index, at, isNewest) => {
    const carries = (link, value = at) => {
      const url = new URL(link.href);
      if (value) url.searchParams.set("at", value); else url.searchParams.delete("at");
      return url;
    };
    const diff = one("a[aria-keyshortcuts=d]"), permalink = one("[data-permalink]"), from = index < end ? step : steps[index - 1];
    for (const link of all(".sections a, .tabs a, .foot a:not([data-permalink]), .entity header a"))
      if (link !== diff) link.href = carries(link);
    permalink.href = carries(permalink, step.commit);
    if (from) diff.href = diff.href.replace(/\/diff\/[^/]+/, `/diff/${encodeURIComponent(from.at)}`);
    const revision = at === String(step.position) ? `#${at}` : at;
    const words = data.command[0] + (at ? ` --at ${revision.includes("#") ? `'${revision}'` : at}` : "") + data.command[1];
    one(".terminal code").textContent = one(".terminal [data-copy]").dataset.copy = words;
    const isPast = placeWas.matches(".is-past");
    place.classList.toggle("is-past", !isNewest);
    if (isNewest === isPast) place.textContent = isNewest ? "HEAD" : `#${step.position}`;
    else place.replaceChildren(...placeWas.cloneNode(true).childNodes);
    if (!isNewest) {
      place.href = last;
      one("[data-now=position]", place)?.replaceChildren(`#${step.position}`);
    }
  };
  const isNewest = () => now === end && !data.after;
  const show = (index, isFresh) => {
    const step = steps[(now = index)];
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
    const isListed = mark(step), url = new URL(isNewest() ? last : location);
    if (!isNewest()) url.searchParams.set("at", step.at);
    url.searchParams.delete("print");
    lead(step, index, url.searchParams.get("at"), isNewest());
    clearTimeout(rest);
    asked++;
    rest = setTimeout(() => {
      history.replaceState(null, "", url);
      if (!isFresh && (!isListed || !base)) atRest(step, url);
    }, 80);
  };
  const choose = (index) => {
    show(index);
    isAtEnd = isNewest();
    if (isAtEnd) tellNewer(0);
  };
  const stop = () => {
    clearInterval(playing);
    playing = 0;
    play.ariaPressed = "false";
  };
  const go = (where) => {
    if (where === "play") {
      if (playing) return stop();
      play.ariaPressed = "true";
      if (now === end) choose(0);
      playing = setInterval(() => (now < end ? choose(now + 1) : stop()), 900);
      return;
    }
    stop();
    const { before, after } = data, url = new URL(location);
    const out = { first: before, prev: !now && before, next: now === end && after, last: after }[where];
    url.searchParams.set("at", out);
    if (out) location.assign(where === "prev" || where === "next" ? url : one(`[data-go=${where}]`).href);
    else if (where === "last" && !newer.hidden) renew(true);
    else choose({ first: 0, prev: Math.max(0, now - 1), next: Math.min(end, now + 1), last: end }[where]);
  };
  slider.addEventListener("input", () => {
    stop();
    choose(Number(slider.value));
  });
  document.addEventListener("click", (event) => {
    const step = event.target.closest("[data-go]"), item = event.target.closest(".timeline li");
    const index = item ? steps.findIndex((each) => each.position === Number(item.dataset.step)) : -1;
    if (event.ctrlKey || event.metaKey || event.shiftKey || (!step && index < 0)) return;
    event.preventDefault();
    if (step) return go(step.dataset.go);
    stop();
    choose(index);
  });

  // ---- live: newer events are counted, and are ticks at the right. A reader who left the slider at HEAD follows them

  const newer = one("[data-count]", scrubber), always = () => true;
  const isHeld = () => playing || slider.matches(":active") || one(`${part("state")} :focus`) || !getSelection().isCollapsed;
  const isListRead = () => isRead(one(".timeline"));
  const isUntouched = () => !isHeld() && isLeft(one(".timeline"));
  let due, isAtEnd, busy, isPressed, next = 0, seen = live && Number(new URL(live.dataset.live, location).searchParams.get("after")); // `due` says when there is something to bring, and somebody lets it in

  const tellNewer = (count) => {
    newer.hidden = !count;
    newer.textContent = newer.dataset.count.replace("{}", count);
    if (!count) seen = steps[end].position;
  };
  const bring = async (pressed) => {
    const here = now, follows = pressed || (isAtEnd && isUntouched());
    due = null;
    const page = await read(last), told = dataOf(page);
    const index = follows ? told.steps.length - 1 : told.steps.findIndex((step) => step.position === steps[here].position);
    const count = told.steps.filter((step) => step.position > seen).length;
    if (!follows) tellNewer(count === told.steps.length ? `more than ${count}` : count);
    if (here !== now && !pressed) due = always;
    else if (isHeld() && !pressed) due = () => !isHeld();
    else if (index >= 0) {
      const chosen = () => one(".timeline .is-chosen"), list = () => one(".timeline");
      const isListed = follows || one(`.timeline [data-step="${steps[here].position}"]`, page);
      const top = chosen() && chosen().offsetTop - list().scrollTop;
      take(told);
      for (const name of ["counts", "ticks", "paper"]) swap(part(name), page);
      if (base || follows) swap(part("state"), page);
      if (follows || (isListed && !isListRead())) swap(part("timeline"), page);
      else if (isListed) due = () => !isListRead();
      show(index, follows);
      if (follows) {
        isAtEnd = true;
        tellNewer(0);
        for (const from of [place, placeWas]) one("[data-head]", from)?.replaceChildren(one("[data-head]", page).textContent);
      } else {
        if (chosen()) list().scrollTop = chosen().offsetTop - top;
        if (isAtEnd && count) due = isUntouched;
      }
    }
  };
  const renew = async (pressed) => {
    if (busy) return void (isPressed ||= pressed);
    busy = true;
    const started = Date.now();
    try {
      await bring(pressed);
    } catch {
      due = () => !lost; // the stream says when the server is lost
    } finally {
      busy = false;
      next = Date.now() + 10 * (Date.now() - started); // so a large entity that changes all the time costs a tenth
      if (isPressed) {
        isPressed = false;
        renew(true);
      }
    }
  };
  document.addEventListener("backstory:news", (event) => {
    event.preventDefault();
    due = always;
  });
  setInterval(() => Date.now() >= next && due?.() && renew(), 500);

  take(dataOf(document));
  now = data.chosen;
  isAtEnd = isNewest() && !one(".address .is-past");
  mark(steps[now]);
  if (one("[data-print]")) print();
  scrubber.go = go;
}
