// Slack's mrkdwn as DOM nodes: never as HTML, so nothing that somebody typed becomes markup.
import { el } from "./dom.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", warning: "⚠️", x: "❌", grey_question: "❔", rocket: "🚀",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", zap: "⚡", moneybag: "💰", key: "🔑",
  lock: "🔒", octagonal_sign: "🛑", information_source: "ℹ️", bulb: "💡", tada: "🎉",
  large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", white_circle: "⚪",
  wave: "👋", eyes: "👀", alarm_clock: "⏰", computer: "💻", no_entry: "⛔", mag: "🔍",
};

const INLINE = new RegExp(
  "```([\\s\\S]+?)```" +                              // 1 code block
  "|`([^`\\n]+)`" +                                   // 2 code
  "|<([^<>\\n]+)>" +                                  // 3 link, mention, date
  "|(?<![\\w*])\\*(?=\\S)([^*\\n]*[^\\s*])\\*(?![\\w*])" + // 4 bold
  "|(?<![\\w_])_(?=\\S)([^_\\n]*[^\\s_])_(?![\\w_])" +     // 5 italic
  "|(?<![\\w~])~(?=\\S)([^~\\n]*[^\\s~])~(?![\\w~])" +     // 6 struck
  "|:([a-z0-9_+-]+):",                                // 7 emoji
  "g",
);

export function unescape(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** `who` knows users, channels, the viewer's id and time zone, and the present. */
export function mrkdwn(text, who) {
  const nodes = [];
  let quote = [];
  const flush = () => {
    if (quote.length) nodes.push(el("blockquote", {}, inline(quote.join("\n"), who)));
    quote = [];
  };
  const parts = text.includes("```") ? [text] : text.split("\n");
  parts.forEach((line, at) => {
    const quoted = parts.length === 1 && text.includes("\n") ? null : line.match(/^&gt; ?(.*)$/);
    if (quoted) { quote.push(quoted[1]); return; }
    flush();
    nodes.push(...inline(line, who));
    if (at < parts.length - 1) nodes.push(el("br"));
  });
  flush();
  return nodes;
}

function inline(text, who) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) nodes.push(...plain(text.slice(from, match.index)));
    nodes.push(...piece(match, who, nodes.length > 0));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(...plain(text.slice(from)));
  return nodes;
}

function piece([whole, block, code, tag, bold, italic, struck, emoji], who, within) {
  if (block !== undefined) return [el("pre", { text: unescape(block.replace(/^\n|\n$/g, "")) })];
  if (code !== undefined) return [el("code", { text: unescape(code) })];
  if (tag !== undefined) return tagged(tag, who, within);
  if (bold !== undefined) return [el("strong", {}, inline(bold, who))];
  if (italic !== undefined) return [el("em", {}, inline(italic, who))];
  if (struck !== undefined) return [el("s", {}, inline(struck, who))];
  return [EMOJI[emoji] ?? whole];
}

function plain(text) {
  return unescape(text).split("\n").flatMap((line, at) => (at ? [el("br"), line] : [line]));
}

function tagged(tag, who, within) {
  const cut = tag.indexOf("|");
  const target = cut < 0 ? tag : tag.slice(0, cut);
  const label = cut < 0 ? "" : unescape(tag.slice(cut + 1));
  if (target.startsWith("@")) {
    const user = who.users[target.slice(1)];
    const mine = target.slice(1) === who.me ? " mine" : "";
    return [el("span", { class: `mention${mine}`, text: `@${user ? user.name : label || "unknown"}` })];
  }
  if (target.startsWith("#")) {
    return [el("span", { class: "mention", text: `#${who.channels[target.slice(1)] || label}` })];
  }
  if (target.startsWith("!subteam^")) {
    return [el("span", { class: "mention", text: label || `@${target.slice(9)}` })];
  }
  if (target.startsWith("!date^")) return [dated(target.slice(6), label, who, within)];
  if (/^!(here|channel|everyone)$/.test(target)) {
    return [el("span", { class: "mention mine", text: `@${target.slice(1)}` })];
  }
  if (openable(target)) return [link(unescape(target), label)];
  return [`<${unescape(tag)}>`];
}

const SAFE = /^(https?|mailto|vscode|ssh):/i;

/** True for an address that may be opened: never a script. */
export function openable(address) {
  return SAFE.test(address);
}

export function link(address, label) {
  if (!openable(address)) return label || address;
  const safe = { href: address, target: "_blank", rel: "noopener noreferrer" };
  return el("a", { ...safe, text: label || address.replace(/^mailto:/, "") });
}

function dated(spec, fallback, who, within) {
  const [epoch, format] = spec.split("^");
  const moment = new Date(Number(epoch) * 1000);
  if (!format || Number.isNaN(moment.getTime())) return fallback;
  const words = format.replace(/\{(\w+)\}/g, (whole, name) => dateWord(name, moment, who) ?? whole);
  const told = within ? words.replace(/^(Today|Tomorrow|Yesterday)/, (w) => w.toLowerCase()) : words;
  const long = { dateStyle: "full", timeStyle: "long", timeZone: who.tz };
  const title = new Intl.DateTimeFormat("en-GB", long).format(moment);
  return el("time", { datetime: moment.toISOString(), title, text: told });
}

function dateWord(name, moment, who) {
  const say = (options) =>
    new Intl.DateTimeFormat("en-US", { ...options, timeZone: who.tz }).format(moment);
  const styles = {
    date: { year: "numeric", month: "long", day: "numeric" },
    date_short: { year: "numeric", month: "short", day: "numeric" },
    date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  };
  if (name === "time" || name === "time_secs") return clock(moment, who, name === "time_secs");
  if (name === "date_num") return isoDay(moment, who.tz);
  if (name === "ago") return ago(moment, who.now);
  const pretty = name.endsWith("_pretty");
  const style = styles[pretty ? name.slice(0, -7) : name];
  if (!style) return null;
  return (pretty && nearDay(moment, who)) || say(style);
}

/** Twelve hours with AM and PM in America, twenty-four elsewhere. */
export function clock(moment, who, seconds = false) {
  const american = who.tz.startsWith("America/");
  const parts = { hour: american ? "numeric" : "2-digit", minute: "2-digit", timeZone: who.tz };
  if (seconds) parts.second = "2-digit";
  return new Intl.DateTimeFormat(american ? "en-US" : "en-GB", parts).format(moment);
}

export function isoDay(moment, tz) {
  const parts = { year: "numeric", month: "2-digit", day: "2-digit", timeZone: tz };
  return new Intl.DateTimeFormat("en-CA", parts).format(moment);
}

function nearDay(moment, who) {
  const day = 86400000;
  const wanted = isoDay(moment, who.tz);
  if (wanted === isoDay(new Date(who.now), who.tz)) return "Today";
  if (wanted === isoDay(new Date(who.now + day), who.tz)) return "Tomorrow";
  if (wanted === isoDay(new Date(who.now - day), who.tz)) return "Yesterday";
  return null;
}

function ago(moment, now) {
  const minutes = Math.round((moment.getTime() - now) / 60000);
  const told = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (Math.abs(minutes) < 60) return told.format(minutes, "minute");
  if (Math.abs(minutes) < 1440) return told.format(Math.round(minutes / 60), "hour");
  return told.format(Math.round(minutes / 1440), "day");
}
