// The page: asks for the state, draws what changed, and turns what the person does into requests.
import { blocks, readAll } from "./blocks.js";
import { askFirst, drawView, watchDialogs } from "./dialogs.js";
import { byId, el, fill, post, toast } from "./dom.js";
import { clock, isoDay, mrkdwn } from "./mrkdwn.js";
import { drawWorld } from "./world.js";

const EVERY_MS = 700;
const at = { user: "ada", channel: "gpu-lab", tab: "messages" };
const nodes = new Map();
const read = new Map();
const sent = [];
let state = null;
let who = null;
let asking = null;
let drawnFor = "";

function viewer(given) {
  return {
    me: given.me.id, tz: given.me.tz, now: given.now * 1000, channels: given.names,
    users: Object.fromEntries(given.users.map((user) => [user.id, user])),
  };
}

async function refresh() {
  // One question at a time: an older answer must not paint over a newer one.
  if (asking) return asking;
  asking = ask().finally(() => { asking = null; });
  return asking;
}

async function ask() {
  const place = `${at.user}|${at.channel}`;
  const asked = new URLSearchParams({ user: at.user, channel: at.channel });
  let given;
  try {
    const answer = await fetch(`/sandbox/state?${asked}`);
    if (answer.status === 403 || answer.status === 404) { at.channel = ""; return; }
    given = await answer.json();
  } catch {
    banner("The local run does not answer. Is it still running?");
    return;
  }
  if (place !== `${at.user}|${at.channel}`) return;
  state = given;
  at.channel = given.channel;
  who = viewer(given);
  draw();
}

function banner(words) {
  byId("banner").textContent = words ?? "";
  byId("banner").hidden = !words;
}

function draw() {
  if (!state.deployed) banner("The app is being deployed: commands work in a moment.");
  else banner(state.slack_down ? "Slack is down for the app: its calls are answered with 503." : null);
  byId("slack-down").checked = state.slack_down;
  drawPeople();
  drawSidebar();
  drawHead();
  drawMessages();
  drawHome();
  drawView(state.views.at(-1), who, { act: viewAct, refresh, user: () => at.user });
  drawWorld(state, who);
}

function drawPeople() {
  const people = state.users.filter((user) => !user.is_bot && user.name !== "slackbot");
  fill(byId("user"), people.map((user) => user.id), () => people.map((user) => el("option", {
    value: user.name, text: user.real_name + (user.note ? ` (${user.note})` : ""),
  })));
  byId("user").value = people.find((user) => user.id === who.me).name;
}

function drawSidebar() {
  const lines = state.channels.map((line) => ({ ...line, open: line.id === at.channel, fresh: fresh(line) }));
  fill(byId("sidebar"), [lines, who.me], () => [
    group("Channels", lines.filter((line) => line.kind !== "direct")),
    group("Direct messages", lines.filter((line) => line.kind === "direct" && !line.has_app)),
    group("Apps", lines.filter((line) => line.kind === "direct" && line.has_app)),
  ].flat());
}

function fresh(line) {
  const key = `${who.me}|${line.id}`;
  if (line.id === at.channel || !read.has(key)) read.set(key, line.latest ?? "");
  const since = read.get(key);
  if (!line.latest || line.latest <= since) return "";
  return line.kind === "direct" || (line.mention ?? "") > since ? "called" : "new";
}

function group(title, lines) {
  if (!lines.length) return [];
  const list = el("ul", {}, lines.map((line) => el("li", {}, conversation(line))));
  return [el("h2", { text: title }), list];
}

function conversation(line) {
  const sign = {
    public: "#", private: el("span", { class: "icon lock" }), direct: line.has_app ? "⚡" : "●",
  }[line.kind];
  const made = el("button", {
    type: "button", class: line.fresh, "data-channel": line.id,
    "aria-current": line.open ? "page" : null,
  }, el("span", { class: "sign", "aria-hidden": "true" }, sign), el("span", { class: "clip", text: line.name }),
  line.fresh === "called" ? el("span", { class: "badge", text: "new" }) : null);
  made.addEventListener("click", () => go(at.user, line.id));
  return made;
}

function go(user, channel) {
  if (user !== at.user) nodes.clear();
  Object.assign(at, { user, channel, tab: "messages" });
  asking = null;
  refresh();
}

function drawHead() {
  const line = state.channels.find((one) => one.id === at.channel);
  const name = line.kind === "direct" ? line.name : `#${line.name}`;
  const app = line.kind === "direct" && line.has_app;
  document.title = `${name} · GPU Lab`;
  byId("title").textContent = name;
  byId("topic").textContent = line.kind === "direct" ? "" : `${line.members} members · ${line.topic}`;
  byId("tabs").hidden = !app;
  const home = app && at.tab === "home";
  byId("tab-home").setAttribute("aria-selected", String(home));
  byId("tab-messages").setAttribute("aria-selected", String(!home));
  for (const id of ["scroll", "compose", "hint"]) byId(id).hidden = home;
  byId("home").hidden = !home;
  byId("composer").placeholder = `Message ${name}`;
}

function drawHome() {
  const list = state.home?.blocks ?? [];
  fill(byId("home"), [list, who.tz], () => (list.length
    ? blocks(list, who, (element, value, button) => viewAct(state.home, element, value, button))
    : [el("p", { class: "quiet", text: "This app has not published a Home tab yet." })]));
}

function drawMessages() {
  const list = byId("messages");
  const scroll = byId("scroll");
  const place = `${at.user}|${at.channel}`;
  const moved = place !== drawnFor;
  if (moved) nodes.clear();
  drawnFor = place;
  const below = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  const wanted = [];
  let day = "";
  for (const message of state.messages) {
    const today = isoDay(new Date(Number(message.ts) * 1000), who.tz);
    if (today !== day) wanted.push(kept(`day ${today}`, today, () => dayLine(message)));
    day = today;
    wanted.push(kept(message.ts, [message, who.tz], () => messageNode(message)));
  }
  if (!wanted.length) wanted.push(kept("none", 0, () => el("li", { class: "quiet empty", text: "Nothing has been said here yet." })));
  const changed = wanted.length !== list.children.length || wanted.some((node, n) => list.children[n] !== node);
  if (!changed) return;
  place_in(list, wanted);
  if (moved || below) scroll.scrollTop = scroll.scrollHeight;
}

/** Put the nodes in this order, touching only those that are not there already. */
function place_in(list, wanted) {
  const keep = new Set(wanted);
  for (const child of [...list.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((node, n) => {
    if (list.children[n] !== node) list.insertBefore(node, list.children[n] ?? null);
  });
}

function kept(key, content, make) {
  const told = JSON.stringify(content);
  const old = nodes.get(key);
  if (old?.told === told) return old.node;
  const node = make();
  nodes.set(key, { told, node });
  return node;
}

function dayLine(message) {
  const spec = `<!date^${Math.floor(Number(message.ts))}^{date_long_pretty}|today>`;
  return el("li", { class: "day", role: "separator" }, el("span", {}, mrkdwn(spec, who)));
}

function messageNode(message) {
  const moment = new Date(Number(message.ts) * 1000);
  const act = (element, value, button) => click(message, element, value, button);
  const said = message.blocks ? blocks(message.blocks, who, act)
    : [el("div", { class: "block said" }, mrkdwn(message.text, who))];
  const name = message.user === "USLACKBOT" ? "Slackbot" : message.name;
  const colour = [...message.user].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
  const kind = ["message", message.ephemeral ? "ephemeral" : "", message.is_app ? "app" : ""];
  return el("li", { class: kind.filter(Boolean).join(" "), "data-ts": message.ts },
    el("span", { class: `avatar a${colour}${message.is_app ? " bot" : ""}`, "aria-hidden": "true", text: message.is_app ? "⚡" : name[0] }),
    el("div", { class: "body" },
      message.ephemeral ? el("p", { class: "only quiet" }, el("span", { class: "icon eye", "aria-hidden": "true" }), "Only visible to you") : null,
      el("p", { class: "meta" }, el("strong", { text: name }),
        message.is_app ? el("span", { class: "tag", text: "APP" }) : null,
        el("time", { class: "quiet", datetime: moment.toISOString(), text: clock(moment, who) })),
      said,
      (message.files ?? []).map(shared),
      message.edited ? el("span", { class: "edited quiet", text: "(edited)" }) : null,
      message.ephemeral ? dismiss(message) : null,
      message.replies.length ? thread(message.replies) : null));
}

function shared(file) {
  return el("div", { class: "block file" },
    el("a", { href: file.url_private, download: file.name, text: file.title }),
    el("span", { class: "quiet", text: ` ${file.name}, ${file.size} bytes` }),
    file.preview ? el("pre", { class: "preview", text: file.preview }) : null);
}

function thread(replies) {
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  return el("details", { class: "thread", open: true }, el("summary", { text: count }),
    el("ol", { class: "replies" }, replies.map(messageNode)));
}

function dismiss(message) {
  const made = el("button", { type: "button", class: "plain quiet", text: "Dismiss" });
  made.addEventListener("click", async () => {
    await post("/sandbox/dismiss", { user: at.user, channel: at.channel, ts: message.ts });
    refresh();
  });
  return made;
}

async function pressed(button, send) {
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await send();
    if (!answer.ok) toast(answer.message ?? "That cannot be done.");
    else if (answer.shown) toast(answer.shown);
    return answer;
  } finally {
    button.removeAttribute("aria-busy");
    refresh();
  }
}

async function click(message, element, value, button) {
  if (button.hasAttribute("aria-busy") || !(await askFirst(element, who))) return;
  const given = { user: at.user, channel: at.channel, ts: message.ts, action_id: element.action_id, value };
  await pressed(button, () => post("/sandbox/click", given));
}

async function viewAct(view, element, value, button) {
  if (button.hasAttribute("aria-busy") || !(await askFirst(element, who))) return;
  const place = view.type === "home" ? byId("home") : byId("view-blocks");
  const given = { user: at.user, view: view.id, action_id: element.action_id, value, values: readAll(view.blocks, place) };
  await pressed(button, () => post("/sandbox/click", given));
}

async function send(text) {
  const slash = text.match(/^(\/\S+)\s*([\s\S]*)$/);
  const where = { user: at.user, channel: at.channel };
  const answer = slash
    ? await post("/sandbox/slash", { ...where, command: slash[1], text: slash[2] })
    : await post("/sandbox/say", { ...where, text });
  // Slack leaves a command that failed in the box, so that Enter tries it again.
  if (slash && (!answer.ok || answer.error)) {
    if (!byId("composer").value) byId("composer").value = text;
    if (!answer.ok) toast(answer.message ?? "That cannot be done.");
  }
  refresh();
}

function submit() {
  const box = byId("composer");
  const text = box.value.trim();
  if (!text) return;
  sent.push(text);
  box.value = "";
  grow(box);
  byId("scroll").scrollTop = byId("scroll").scrollHeight;
  send(text).catch(() => banner("The local run does not answer. Is it still running?"));
}

function grow(box) {
  box.rows = Math.min(8, box.value.split("\n").length);
}

/** On a narrow screen the panel is closed until it is asked for, on a wide one it is open. */
function expandedOrNot() {
  const open = getComputedStyle(byId("world")).display !== "none";
  byId("toggle-world").setAttribute("aria-expanded", String(open));
}

function watch() {
  byId("compose").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  byId("composer").addEventListener("input", (event) => grow(event.target));
  byId("composer").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
    if (event.key === "ArrowUp" && !event.target.value && sent.length) {
      event.preventDefault();
      event.target.value = sent.at(-1);
    }
  });
  byId("user").addEventListener("change", (event) => go(event.target.value, ""));
  byId("slack-down").addEventListener("change", async (event) => {
    await post("/sandbox/settings", { slack_down: event.target.checked });
    refresh();
  });
  byId("toggle-world").addEventListener("click", () => {
    document.body.classList.toggle("no-world");
    expandedOrNot();
  });
  for (const button of document.querySelectorAll(".try")) {
    button.addEventListener("click", () => { byId("composer").value = button.textContent; byId("composer").focus(); });
  }
  byId("tab-messages").addEventListener("click", () => { at.tab = "messages"; draw(); });
  byId("tab-home").addEventListener("click", async () => {
    at.tab = "home";
    draw();
    const answer = await post("/sandbox/home", { user: at.user });
    if (!answer.ok) toast(answer.message);
    refresh();
  });
  addEventListener("resize", expandedOrNot);
  expandedOrNot();
  watchDialogs();
}

watch();
byId("composer").focus();
await refresh();
setInterval(() => { if (!document.hidden) refresh(); }, EVERY_MS);
