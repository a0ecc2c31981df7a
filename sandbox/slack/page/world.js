// The world panel: what EC2 holds, what AWS was asked, and the hands that change it.
import { byId, el, fill, post, toast } from "./dom.js";
import { clock } from "./mrkdwn.js";

async function command(given) {
  const answer = await post("/sandbox/world", given);
  if (!answer.ok) toast(answer.message ?? "The world refused that.");
}

function act(label, given, style = "") {
  const made = el("button", { type: "button", class: `btn small ${style}`.trim(), "data-do": given.do, text: label });
  made.addEventListener("click", async () => {
    made.disabled = true;
    await command(given);
    made.disabled = false;
  });
  return made;
}

export function drawWorld(state, who) {
  const world = state.world;
  const place = byId("world");
  if (!place.firstChild) place.append(...frame());
  place.classList.toggle("none", !world);
  if (world) {
    fill(byId("w-instances"), world.instances, () => instances(world.instances));
    fill(byId("w-counts"), world.counts, () => counts(world.counts));
    fill(byId("w-requests"), world.quota_requests, () => requests(world.quota_requests));
    fill(byId("w-quotas"), world.quotas, () => quotas(world.quotas));
    fill(byId("w-full"), world.full_zones, () => fullZones(world.full_zones ?? []));
    const regions = [...new Set((world.quotas ?? []).map((quota) => quota.region))].sort();
    fill(byId("w-region"), regions, () => regions.map((name) => el("option", { value: name, text: name })));
  }
  fill(byId("w-log"), [state.deliveries, who.tz], () => log(state.deliveries, who));
}

function frame() {
  const part = (title, id, tag = "ul", open = true) =>
    el("details", { open }, el("summary", { text: title }), el(tag, { id }));
  return [
    el("h2", { text: "World" }),
    el("p", { class: "quiet", text: "What the emulated AWS account holds. The people in the channel do not see this." }),
    part("Machines", "w-instances"),
    el("p", { id: "w-counts", class: "quiet" }),
    part("Asked of AWS", "w-requests"),
    part("GPU quotas in use", "w-quotas"),
    el("details", { open: true }, el("summary", { text: "Capacity" }), zoneForm(), el("ul", { id: "w-full" })),
    el("details", {}, el("summary", { text: "Bad days" }), badDays()),
    part("Delivered to the app", "w-log", "ol"),
    el("p", { class: "row" }, again()),
  ];
}

function again() {
  const made = el("button", { type: "button", class: "btn small", id: "again", text: "Deliver the last one again" });
  made.addEventListener("click", async () => {
    const answer = await post("/sandbox/duplicate", {});
    toast(answer.ok ? `Delivered again: ${answer.status} in ${answer.ms} ms` : answer.message);
  });
  return made;
}

function zoneForm() {
  const zones = ["", "a", "b", "c", "d", "e", "f"];
  const form = el("form", { id: "w-zone-form", class: "row" },
    el("select", { id: "w-region", "aria-label": "Region" }),
    el("select", { id: "w-zone", "aria-label": "Zone" },
      zones.map((zone) => el("option", { value: zone, text: zone ? `zone ${zone}` : "all zones" }))),
    el("input", { id: "w-type", "aria-label": "Instance type", placeholder: "every type", size: 11 }),
    el("button", { type: "submit", class: "btn small", text: "Fill" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const region = byId("w-region").value;
    const zone = byId("w-zone").value;
    const kind = byId("w-type").value.trim();
    command({
      do: "fill-zone", region,
      ...(zone ? { zone: region + zone } : {}),
      ...(kind ? { instance_type: kind } : {}),
    });
  });
  return form;
}

const BAD_DAYS = [
  ["No default VPC", { do: "remove-default-vpc" }],
  ["No public subnet", { do: "hide-subnets" }],
  ["No free addresses", { do: "fill-subnets" }],
  ["Region not enabled", { do: "disable-region" }],
  ["Account in verification", { do: "doubt-account" }],
  ["Account blocked", { do: "block-account" }],
  ["Launch denied by policy", { do: "deny", operation: "RunInstances", by: "scp" }],
  ["No list prices", { do: "remove-prices" }],
  ["Quotas not readable", { do: "fault", operation: "GetServiceQuota", code: "AccessDeniedException", times: 20 }],
];

// Each happens in the region that the capacity form names; a blocked account is blocked everywhere.
function badDays() {
  const buttons = BAD_DAYS.map(([label, given]) => {
    const made = el("button", { type: "button", class: "btn small", "data-do": given.do, text: label });
    made.addEventListener("click", () =>
      command(given.do === "block-account" ? given : { ...given, region: byId("w-region").value }));
    return made;
  });
  return el("p", { class: "row wrap" }, ...buttons, act("A good day again", { do: "mend" }, "primary"));
}

const nothing = (words) => [el("li", { class: "quiet", text: words })];

function instances(list) {
  const living = (one) => !["terminated"].includes(one.state);
  const sorted = [...list].sort((a, b) => Number(living(b)) - Number(living(a)));
  if (!sorted.length) return nothing("none");
  return sorted.slice(0, 20).map((one) => el("li", { class: `card ${one.state}`, "data-instance": one.id },
    el("div", { class: "row" }, el("span", { class: "dot", "aria-hidden": "true" }),
      el("strong", { text: one.name || one.id }), el("span", { class: "grow" }), el("span", { class: "state", text: one.state })),
    el("div", { class: "quiet", text: [one.type, one.market, one.zone].filter(Boolean).join(" · ") }),
    el("div", { class: "quiet mono", text: [one.id, one.address].filter(Boolean).join(" · ") }),
    one.state === "running" ? el("div", { class: "row" },
      one.market === "spot" ? act("Interrupt", { do: "interrupt", instance: one.id }, "danger") : null,
      one.market === "spot" ? act("Advise to move", { do: "rebalance", instance: one.id }) : act("Stop outside", { do: "stop-outside", instance: one.id }),
      act("Terminate outside", { do: "terminate-outside", instance: one.id }), one.load ? load(one) : null) : null));
}

// What a machine tells of its use. The first is how it begins.
const LOADS = [
  ["somebody logged in", { gpu: 0, cpu: 3, ssh: 1 }],
  ["training", { gpu: 93, cpu: 40, ssh: 0 }],
  ["unused", { gpu: 0, cpu: 3, ssh: 0 }],
  ["cannot tell", { gpu: null, cpu: null, ssh: null }],
  ["silent", { silent: true }],
];

function load(one) {
  const now = LOADS.findIndex(([, given]) => (one.load.silent ? given.silent
    : Object.entries(given).every(([name, value]) => one.load[name] === value)));
  const made = el("select", { "aria-label": `Load of ${one.name || one.id}`, "data-do": "load" },
    now < 0 ? [el("option", { value: "", text: `GPU ${one.load.gpu ?? "?"} %`, selected: true })] : [],
    LOADS.map(([label], number) => el("option", { value: String(number), text: label, selected: number === now })));
  made.addEventListener("change", () => {
    if (made.value) command({ do: "load", instance: one.id, ...LOADS[Number(made.value)][1] });
  });
  return made;
}

function counts(found) {
  if (!found) return [];
  const told = Object.entries(found).map(([name, number]) => `${name} ${number}`);
  return [`In the account: ${told.join(", ")}`];
}

function requests(list) {
  if (!list?.length) return nothing("nothing asked");
  return [...list].reverse().map((one) => {
    const open = ["PENDING", "CASE_OPENED"].includes(one.status);
    return el("li", { class: "card", "data-request": one.id },
      el("div", {}, el("strong", { text: `${one.desired} vCPUs` }), ` ${one.name}`),
      el("div", { class: "quiet", text: `${one.region} · ${one.status}` }),
      open ? el("div", { class: "row" },
        act("Grant", { do: "grant-quota", request: one.id }, "primary"),
        act("Refuse", { do: "deny-quota", request: one.id }, "danger")) : null);
  });
}

function quotas(list) {
  const used = (list ?? []).filter((one) => !one.name.includes("Standard")
    && (Number(one.limit) > 0 || Number(one.used) > 0));
  if (!used.length) return nothing("all GPU quotas are 0, as in a new account");
  return used.map((one) => el("li", {},
    el("span", { class: "mono", text: `${one.used}/${one.limit}` }), ` ${one.name}`,
    el("span", { class: "quiet", text: ` ${one.region}` })));
}

function fullZones(list) {
  return list.map((one) => {
    const given = typeof one === "string" ? { region: one.replace(/[a-z]$/, ""), zone: one }
      : Object.fromEntries(Object.entries(one).filter(([, value]) => value));
    const told = [given.zone ?? `${given.region}, all zones`, given.instance_type, given.market];
    return el("li", { class: "row" }, el("span", { class: "grow", text: `full: ${told.filter(Boolean).join(" · ")}` }),
      act("Free", { ...given, do: "free-zone" }));
  });
}

function log(list, who) {
  if (!list.length) return nothing("nothing yet");
  return list.slice(0, 15).map((one) => el("li", { class: one.error ? "bad row" : "row" },
    el("span", { class: "quiet mono", text: clock(new Date(one.at * 1000), who, true) }),
    el("span", { class: "grow clip", text: `${one.kind} ${one.what}` }),
    el("span", { class: "mono", text: one.error ?? `${one.status} · ${one.ms} ms` })));
}
