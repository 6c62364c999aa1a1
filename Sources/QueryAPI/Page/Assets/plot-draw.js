// Draws a stretch of readings as SVG: what was imported upwards, what was exported downwards.

import { ticks } from "./plot-time.js";

const namespace = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const margin = { left: 46, right: 10, top: 26, bottom: 28 };

/// Round numbers, some five of them, that hold what is between.
function levels(least, largest) {
  const rough = Math.max(largest - least, 0.001) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const marks = [];
  for (let at = Math.floor(least / step); at <= Math.ceil(largest / step); at += 1) {
    marks.push(at * step);
  }
  return { marks, step };
}

function values(item, measure) {
  if (measure === "energy") return { up: item.imported, down: item.exported };
  return {
    up: item.importing?.mean, down: item.exporting?.mean,
    upBand: item.importing, downBand: item.exporting,
  };
}

/// - Returns: `{svg, x, at}`: the drawing, and which item lies at a place.
export function draw({ items, isRaw }, stretch, zone, measure, width, height) {
  const right = width - margin.right;
  const bottom = height - margin.bottom;
  const span = stretch.to - stretch.from;
  const x = (time) => margin.left
    + (Math.min(Math.max(time, stretch.from), stretch.to) - stretch.from) / span * (right - margin.left);

  let [least, largest] = [0, 0];
  for (const item of items) {
    const { up, down, upBand, downBand } = values(item, measure);
    largest = Math.max(largest, up ?? 0, upBand?.largest ?? 0);
    least = Math.min(least, -(down ?? 0), -(downBand?.largest ?? 0));
  }
  const isEmpty = largest === 0 && least === 0;
  const { marks, step } = levels(least, isEmpty ? 1 : largest);
  const [low, high] = [marks[0], marks[marks.length - 1]];
  const y = (value) => bottom - (value - low) / (high - low) * (bottom - margin.top);

  const svg = element("svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, class: "chart", "aria-hidden": "true",
  });
  const hatch = element("pattern", {
    id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
  }, element("line", { x1: 0, y1: 0, x2: 0, y2: 7, class: "hatch" }));
  svg.append(element("defs", {}, hatch));

  const decimals = [0, 1, 2, 3, 4]
    .find((count) => Math.abs(step * 10 ** count - Math.round(step * 10 ** count)) < 1e-6) ?? 4;
  for (const mark of marks) {
    svg.append(element("line", {
      x1: margin.left, x2: right, y1: y(mark), y2: y(mark),
      class: Math.abs(mark) < step / 2 ? "zero" : "grid",
    }));
    const label = element("text", { x: margin.left - 8, y: y(mark) + 4, class: "level" });
    label.textContent = Math.abs(mark).toFixed(decimals);
    svg.append(label);
  }
  const unit = element("text", { x: margin.left - 8, y: 11, class: "level unit" });
  unit.textContent = measure === "energy" ? "kWh" : "kW";
  svg.append(unit);
  for (const { at, text } of ticks(stretch, zone, right - margin.left)) {
    svg.append(element("line", { x1: x(at), x2: x(at), y1: bottom, y2: bottom + 5, class: "tick" }));
    const label = element("text", { x: x(at), y: bottom + 20, class: "when" });
    label.textContent = text;
    if (x(at) < margin.left + 12) label.setAttribute("text-anchor", "start");
    svg.append(label);
  }

  drawGaps(svg, items, x, bottom, stretch);
  if (measure === "energy" && !isRaw) drawBars(svg, items, x, y);
  else drawLines(svg, items, x, y, isRaw);

  const now = Date.now();
  if (now > stretch.from && now < stretch.to) {
    svg.append(element("line", { x1: x(now), x2: x(now), y1: margin.top, y2: bottom, class: "now" }));
  }
  const cursor = element("rect", { y: margin.top, height: bottom - margin.top, class: "cursor" });
  svg.append(cursor);

  return {
    svg,
    at: (place) => itemAt(items, stretch.from + (place - margin.left) / (right - margin.left) * span),
    select(item) {
      cursor.toggleAttribute("hidden", !item);
      if (!item) return;
      cursor.setAttribute("x", x(item.start));
      cursor.setAttribute("width", Math.max(2, x(item.end) - x(item.start)));
    },
  };
}

function itemAt(items, time) {
  let [low, high] = [0, items.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (items[middle].start <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/// What nothing is known of, one area for neighbours. What is yet to come is no gap.
function drawGaps(svg, items, x, bottom, stretch) {
  const now = Date.now();
  let open = null;
  const close = () => {
    if (!open) return;
    const [left, width] = [x(open.from), x(open.to) - x(open.from)];
    const box = { x: left, y: margin.top, width, height: bottom - margin.top };
    svg.append(element("rect", { ...box, class: "gap" }));
    svg.append(element("rect", { ...box, fill: "url(#hatch)", class: "gap-hatch" }));
    if (width > 70) {
      const label = element("text", { x: left + width / 2, y: margin.top + 18, class: "gap-label" });
      label.textContent = "no readings";
      svg.append(label);
    }
    open = null;
  };
  const bounds = items.length ? items : [{ start: stretch.from, end: stretch.to, quality: "gap" }];
  for (const item of bounds) {
    if (item.quality === "gap" && item.start < now) {
      const to = Math.min(item.end, Math.max(now, item.start));
      if (open && open.to >= item.start) open.to = to;
      else {
        close();
        open = { from: item.start, to };
      }
    } else close();
  }
  close();
}

function drawBars(svg, items, x, y) {
  for (const item of items) {
    const [left, right] = [x(item.start), x(item.end)];
    const space = right - left > 6 ? 1 : right - left > 3 ? 0.5 : 0;
    const part = item.quality === "partial" ? " part" : "";
    const bar = (value, kind) => {
      if (!value) return;
      const [top, base] = value > 0 ? [y(value), y(0)] : [y(0), y(value)];
      svg.append(element("rect", {
        x: left + space, width: Math.max(1.2, right - left - 2 * space), y: top,
        height: Math.max(0.5, base - top), class: `bar ${kind}${part}`,
      }));
    };
    bar(item.imported, "imported");
    bar(item.exported && -item.exported, "exported");
  }
}

function drawLines(svg, items, x, y, isRaw) {
  for (const [kind, sign] of [["importing", 1], ["exporting", -1]]) {
    let [line, band] = ["", ""];
    let isOpen = false;
    for (const item of items) {
      const value = item[kind];
      // Where nothing goes this way the axis says enough.
      if (!value?.largest) {
        isOpen = false;
        continue;
      }
      const [left, right] = [x(item.start).toFixed(1), x(item.end).toFixed(1)];
      const mean = y(sign * value.mean).toFixed(1);
      line += isOpen ? `V${mean}H${right}` : `M${left} ${mean}H${right}`;
      const [near, far] = isRaw ? [0, value.mean] : [value.least, value.largest];
      band += `M${left} ${y(sign * near).toFixed(1)}H${right}V${y(sign * far).toFixed(1)}H${left}Z`;
      isOpen = true;
    }
    const name = kind === "importing" ? "imported" : "exported";
    svg.append(element("path", { d: band || "M0 0", class: `band ${name}` }));
    svg.append(element("path", { d: line || "M0 0", class: `line ${name}` }));
  }
}
