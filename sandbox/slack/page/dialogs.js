// The confirm dialog of a button, and the forms that the app opens.
import { blocks, readAll, words } from "./blocks.js";
import { byId, post, toast } from "./dom.js";

/** True when the element asks nothing or the person agrees. */
export function askFirst(element, who) {
  if (!element.confirm) return Promise.resolve(true);
  const dialog = byId("confirm");
  const { title, text, confirm, deny, style } = element.confirm;
  byId("confirm-title").replaceChildren(...words(title, who));
  byId("confirm-text").replaceChildren(...words(text, who));
  byId("confirm-cancel").replaceChildren(...words(deny, who));
  byId("confirm-ok").replaceChildren(...words(confirm, who));
  byId("confirm-ok").className = `btn ${style ?? "primary"}`;
  dialog.returnValue = "no";
  dialog.showModal();
  byId("confirm-cancel").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

let open = null;
let hands = null;

/** Show the form on top, or none. What was typed stays until the form itself changes. */
export function drawView(view, who, given) {
  hands = given;
  const dialog = byId("view");
  if (!view) {
    open = null;
    if (dialog.open) dialog.close();
    return;
  }
  if (open?.id === view.id && open.hash === view.hash) return;
  open = view;
  byId("view-title").replaceChildren(...words(view.title, who));
  byId("view-error").hidden = true;
  byId("view-blocks").replaceChildren(...blocks(view.blocks, who, (...acted) => hands.act(view, ...acted)));
  byId("view-close").textContent = view.close?.text ?? "Cancel";
  byId("view-submit").textContent = view.submit?.text ?? "";
  byId("view-submit").hidden = !view.submit;
  if (!dialog.open) dialog.showModal();
}

async function close() {
  if (!open) return;
  await post("/sandbox/close", { user: hands.user(), view: open.id });
  hands.refresh();
}

async function submit() {
  const values = readAll(open.blocks, byId("view-blocks"));
  const button = byId("view-submit");
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await post("/sandbox/submit", { user: hands.user(), view: open.id, values });
    show(answer);
  } finally {
    button.removeAttribute("aria-busy");
    hands.refresh();
  }
}

function show(answer) {
  const trouble = answer.ok ? answer.shown : answer.message;
  byId("view-error").textContent = trouble ?? "";
  byId("view-error").hidden = !trouble;
  for (const place of byId("view-blocks").querySelectorAll(".input")) {
    const wrong = answer.errors?.[place.dataset.block];
    const line = place.querySelector(".wrong");
    line.textContent = wrong ?? "";
    line.hidden = !wrong;
  }
}

export function watchDialogs() {
  byId("view-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit().catch(() => toast("The local run does not answer."));
  });
  byId("view-close").addEventListener("click", close);
  byId("view").addEventListener("cancel", (event) => { event.preventDefault(); close(); });
}
