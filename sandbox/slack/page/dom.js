// Small helpers: elements made with textContent only, and the requests of this page.

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") made.className = value;
    else if (key === "text") made.textContent = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Replace children only when what they show has changed, so that focus and selection survive. */
const shown = new WeakMap();
export function fill(parent, key, make) {
  const wanted = JSON.stringify(key);
  if (shown.get(parent) === wanted) return false;
  shown.set(parent, wanted);
  parent.replaceChildren(...make());
  return true;
}

export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const given = await answer.json();
  return { ok: answer.ok, ...given };
}

let hiding = 0;
export function toast(words) {
  const place = byId("toast");
  place.textContent = words;
  place.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { place.hidden = true; }, 5000);
}
