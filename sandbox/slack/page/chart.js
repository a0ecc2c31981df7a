// A data_visualization block as SVG: lines, areas and bars over categories. A pie is a list.
import { el } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 640, HIGH = 240, LEFT = 84, RIGHT = 24, TOP = 12, BOTTOM = 44;
const ROWS = 4;

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The block's figure: title, drawing, and a legend: of lines their last value, of bars their sum. */
export function chart(block, id) {
  const drawing = block.chart.type === "pie" ? [pie(block.chart)] : [lines(block), legend(block.chart)];
  return el("figure", { class: "block chart", ...id },
    el("figcaption", { text: block.title }), drawing);
}

function pie({ segments }) {
  return el("ul", {}, segments.map(({ label, value }) => el("li", { text: `${label}: ${value}` })));
}

function legend({ series, type }) {
  const told = (data) => (type === "bar" ? data.reduce((sum, { value }) => sum + value, 0) : data.at(-1).value);
  return el("ul", { class: "legend" }, series.map(({ name, data }, n) =>
    el("li", { class: `series-${n}`, text: `${name} ${figure(told(data))}` })));
}

function figure(value) {
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

function lines(block) {
  const { series, axis_config: axes, type } = block.chart;
  const scale = scaled(series.flatMap(({ data }) => data.map(({ value }) => value)), type);
  // Points reach from edge to edge; bars have a column each and stand in its middle.
  const bar = type === "bar";
  const gaps = axes.categories.length - (bar ? 0 : 1);
  const step = (WIDE - LEFT - RIGHT) / Math.max(1, gaps);
  const x = (n) => LEFT + (n + (bar ? 0.5 : 0)) * step;
  const y = (value) => TOP + (HIGH - TOP - BOTTOM) * (1 - (value - scale.low) / (scale.high - scale.low));
  return svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": block.title },
    ...rows(scale, y), ...columns(axes, x), ...titles(axes),
    ...series.map(({ data }, n) => drawn(type, data, n, series.length, x, y, step)));
}

/** Prices that hardly move are seen to move: only bars and areas have to stand on zero. */
function scaled(values, type) {
  const low = Math.min(...values), high = Math.max(...values);
  const room = (high - low || Math.abs(high) || 1) * 0.1;
  const floor = low < 0 ? low - room : Math.max(0, low - room);
  return type === "line" ? { low: floor, high: high + room } : { low: Math.min(0, low), high: high + room };
}

function rows({ low, high }, y) {
  return Array.from({ length: ROWS + 1 }, (_, n) => low + (high - low) * n / ROWS).flatMap((value) => [
    svg("line", { class: "grid", x1: LEFT, x2: WIDE - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, figure(value)),
  ]);
}

/** About six labels, however many categories there are. */
function columns({ categories }, x) {
  const every = Math.max(1, Math.ceil((categories.length - 1) / 6));
  return categories.flatMap((label, n) => (n % every ? [] : [
    svg("text", { x: x(n), y: HIGH - BOTTOM + 18, "text-anchor": "middle" }, label),
  ]));
}

function titles({ x_label: across, y_label: up }) {
  const middle = TOP + (HIGH - TOP - BOTTOM) / 2;
  return [
    svg("text", { x: (LEFT + WIDE - RIGHT) / 2, y: HIGH - 6, "text-anchor": "middle" }, across ?? ""),
    svg("text", { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, up ?? ""),
  ];
}

function drawn(type, data, n, count, x, y, step) {
  if (type === "bar") return bars(data, n, count, x, y, step);
  const points = data.map(({ value }, at) => `${x(at)},${y(value)}`).join(" ");
  const line = svg("polyline", { class: `line series-${n}`, points });
  if (type === "line") return line;
  const ground = `${x(data.length - 1)},${HIGH - BOTTOM} ${x(0)},${HIGH - BOTTOM}`;
  return svg("g", {}, svg("polygon", { class: `area series-${n}`, points: `${points} ${ground}` }), line);
}

function bars(data, n, count, x, y, step) {
  const wide = Math.min(step, 60) * 0.7 / count;
  const left = -wide * count / 2;
  return svg("g", {}, ...data.map(({ value }, at) => svg("rect", {
    class: `bar series-${n}`, x: x(at) + left + n * wide, y: y(value), width: wide, height: HIGH - BOTTOM - y(value),
  })));
}
