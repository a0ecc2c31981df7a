// Block Kit blocks and elements as DOM nodes. What a press does is the caller's matter.
import { chart } from "./chart.js";
import { el } from "./dom.js";
import { link, mrkdwn, openable, unescape } from "./mrkdwn.js";

/** `act(element, value, button)` is called for a press or a choice. */
export function blocks(list, who, act) {
  return list.map((block) => render(block, who, act));
}

export function words(text, who) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, who) : [unescape(text.text)];
}

function render(block, who, act) {
  const id = { "data-block": block.block_id };
  switch (block.type) {
    case "section": return section(block, who, act, id);
    case "divider": return el("hr", { class: "block", ...id });
    case "header": return el("h3", { class: "block header", ...id }, words(block.text, who));
    case "context": return el("div", { class: "block context", ...id },
      block.elements.map((piece) => (piece.type === "image"
        ? picture(piece) : el("span", {}, words(piece, who)))));
    case "actions": return el("div", { class: "block actions", ...id },
      block.elements.map((element) => control(element, who, act)));
    case "image": return el("figure", { class: "block", ...id },
      block.title ? el("figcaption", {}, words(block.title, who)) : null, picture(block));
    case "input": return input(block, who, act, id);
    case "data_visualization": return chart(block, id);
    default: return el("p", { class: "block quiet", ...id, text: `[${block.type}]` });
  }
}

function section(block, who, act, id) {
  const said = block.text ? el("div", { class: "said" }, words(block.text, who)) : null;
  const fields = block.fields
    ? el("div", { class: "fields" }, block.fields.map((f) => el("div", {}, words(f, who)))) : null;
  const side = block.accessory ? el("div", { class: "side" }, control(block.accessory, who, act)) : null;
  return el("div", { class: "block section", ...id }, el("div", { class: "grow" }, said, fields), side);
}

function picture(image) {
  // The page loads nothing from elsewhere: such a picture is a link with its words.
  if (image.image_url.startsWith("data:image/") || image.image_url.startsWith("/")) {
    return el("img", { src: image.image_url, alt: image.alt_text });
  }
  return el("span", { class: "picture" }, link(image.image_url, image.alt_text));
}

function control(element, who, act) {
  if (element.type === "image") return picture(element);
  if (element.type === "button") return button(element, who, act);
  const field = choice(element, who);
  field.addEventListener("change", () => act(element, read(element, field), field));
  return field;
}

function button(element, who, act) {
  const made = el("button", {
    type: "button",
    class: `btn ${element.style ?? ""}`.trim(),
    "data-action": element.action_id,
    "data-value": element.value ?? "",
    "aria-label": element.accessibility_label,
  }, words(element.text, who));
  made.addEventListener("click", () => {
    if (element.url && openable(element.url)) window.open(element.url, "_blank", "noopener");
    act(element, element.value, made);
  });
  return made;
}

function input(block, who, act, id) {
  const element = block.element;
  const field = choice(element, who);
  const name = `f-${block.block_id}`;
  field.id = name;
  if (block.dispatch_action) field.addEventListener("change", () => act(element, read(element, field), field));
  return el("div", { class: "block input", ...id },
    el("label", { for: name }, words(block.label, who), block.optional ? el("span", { class: "quiet", text: " (optional)" }) : null),
    field,
    block.hint ? el("p", { class: "quiet" }, words(block.hint, who)) : null,
    el("p", { class: "wrong", role: "alert", hidden: true }));
}

function choice(element, who) {
  const common = { "data-field": element.action_id, "data-kind": element.type };
  const told = element.placeholder?.text;
  const typed = {
    number_input: "number", url_text_input: "url", datepicker: "date", timepicker: "time",
  }[element.type];
  if (element.type === "plain_text_input" && element.multiline) {
    const area = el("textarea", { ...common, rows: 4, placeholder: told });
    area.value = element.initial_value ?? "";
    return area;
  }
  if (element.type === "checkboxes" || element.type === "radio_buttons") return boxes(element, who, common);
  if (element.type === "users_select") {
    const people = Object.values(who.users).map((user) => [user.id, user.real_name]);
    return menu(people, element.initial_user, told, common);
  }
  if (element.type === "channels_select") {
    return menu(Object.entries(who.channels), element.initial_channel, told, common);
  }
  if (element.options || element.option_groups) {
    const groups = (element.option_groups ?? []).flatMap((group) => group.options);
    const options = [...(element.options ?? []), ...groups];
    const listed = options.map((option) => [option.value, unescape(option.text.text)]);
    return menu(listed, element.initial_option?.value, told ?? (element.type === "overflow" ? "⋯" : "Choose…"), common);
  }
  if (element.type === "datetimepicker") {
    const local = element.initial_date_time ? clockOf(element.initial_date_time, who.tz) : "";
    return el("input", { ...common, type: "datetime-local", value: local, "data-tz": who.tz, "aria-label": "Date and time" });
  }
  const first = element.initial_value ?? element.initial_date ?? element.initial_time ?? "";
  return el("input", { ...common, type: typed ?? "text", value: first, placeholder: told });
}

function menu(pairs, first, told, common) {
  const none = first === undefined ? [el("option", { value: "", text: told ?? "Choose…" })] : [];
  const made = el("select", { ...common, "aria-label": told }, none,
    pairs.map(([value, text]) => el("option", { value, text, selected: value === first })));
  return made;
}

function boxes(element, who, common) {
  const kind = element.type === "checkboxes" ? "checkbox" : "radio";
  const first = new Set([...(element.initial_options ?? []), element.initial_option].filter(Boolean).map((o) => o.value));
  return el("div", { ...common, role: kind === "radio" ? "radiogroup" : "group" },
    element.options.map((option) => el("label", { class: "tick" },
      el("input", { type: kind, name: element.action_id, value: option.value, checked: first.has(option.value) }),
      " ", words(option.text, who))));
}

/** What a clock in `tz` shows at that moment (seconds), as a datetime-local field takes it. */
function clockOf(seconds, tz) {
  const parts = { timeZone: tz, dateStyle: "short", timeStyle: "short" };
  return new Intl.DateTimeFormat("sv-SE", parts).format(new Date(seconds * 1000)).replace(" ", "T");
}

/** The moment, in seconds, at which a clock in `tz` shows that. */
function momentOf(shown, tz) {
  const wanted = Date.parse(`${shown}:00Z`) / 1000;
  let moment = wanted;
  for (let n = 0; n < 2; n += 1) moment += wanted - Date.parse(`${clockOf(moment, tz)}:00Z`) / 1000;
  return moment;
}

/** The value of one field, as the sandbox routes take it. */
export function read(element, field) {
  const ticked = () => [...field.querySelectorAll("input:checked")].map((one) => one.value);
  if (element.type === "checkboxes") return ticked();
  if (element.type === "radio_buttons") return ticked()[0] ?? null;
  if (field.value === "") return null;
  return element.type === "datetimepicker" ? momentOf(field.value, field.dataset.tz) : field.value;
}

/** Every field below `place`: block id → action id → value. */
export function readAll(list, place) {
  const found = {};
  for (const block of list) {
    for (const element of [block.element, block.accessory, ...(block.elements ?? [])]) {
      if (!element?.action_id || element.type === "button") continue;
      const named = `[data-block="${CSS.escape(block.block_id)}"] [data-field="${CSS.escape(element.action_id)}"]`;
      const field = place.querySelector(named);
      if (field) (found[block.block_id] ??= {})[element.action_id] = read(element, field);
    }
  }
  return found;
}
