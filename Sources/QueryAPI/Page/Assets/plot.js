// A channel's energy, from a year down to an hour. Everything can be done with the keyboard.

import { draw } from "./plot-draw.js";
import { kilowattHours, kilowatts, quality, readings, resolutions, table } from "./plot-data.js";
import { interval, moment, name, named, spans, stretch, title } from "./plot-time.js";

const rows = 1000;
const words = {
  year: "Year", month: "Month", week: "Week", day: "Day", hour: "Hour",
  raw: "each reading", "15m": "quarters", "1h": "hours", "1d": "days",
};

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

class Plot {
  constructor(section) {
    this.section = section;
    this.channel = section.dataset.plot;
    this.zone = section.dataset.zone;
    this.last = Date.parse(section.dataset.last) || Date.now();
    this.measure = "energy";
    this.build();
    const [span, text] = location.hash.slice(1).split("/");
    this.show(named(text ?? "", span, this.zone) ?? stretch(this.last, "day", this.zone));
    let width = this.frame.clientWidth;
    new ResizeObserver(() => {
      if (Math.abs(this.frame.clientWidth - width) < 2) return;
      width = this.frame.clientWidth;
      this.draw();
    }).observe(this.frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  build() {
    const button = (text, label, act) => {
      const made = make("button", { type: "button", textContent: text, onclick: act });
      if (label) made.setAttribute("aria-label", label);
      return made;
    };
    this.spanButtons = spans.map((span) => button(words[span], "", () => {
      const at = this.selected?.start ?? this.middle();
      this.show(stretch(at, span, this.zone));
    }));
    this.measureButtons = ["energy", "power"].map((measure) =>
      button(measure === "energy" ? "Energy" : "Power", "", () => this.choose(measure)));
    this.detail = make("select", { onchange: () => this.load() });
    this.detail.setAttribute("aria-label", "Per");
    this.date = make("input", { type: "date", min: "2000-01-01", max: "2099-12-31" });
    this.date.setAttribute("aria-label", "Date");
    this.date.onchange = () => {
      const [year, month, day] = this.date.value.split("-").map(Number);
      if (!day) return;
      this.show(stretch(moment(year, month, day, 12, this.zone), this.range.span, this.zone));
    };
    this.title = make("h3", { className: "range" });
    this.title.setAttribute("aria-live", "polite");
    this.readout = make("p", { className: "readout" });
    this.frame = make("div", { className: "frame", tabIndex: 0 });
    this.frame.setAttribute("role", "slider");
    this.frame.setAttribute("aria-label", "Readings");
    this.frame.setAttribute("aria-valuemin", "0");
    this.frame.setAttribute("aria-describedby", "plot-keys");
    this.frame.onkeydown = (event) => this.key(event);
    this.frame.onpointermove = (event) => { if (event.pointerType === "mouse") this.point(event); };
    this.frame.onclick = (event) => this.press(event);
    this.note = make("p", { className: "note", hidden: true });
    this.note.setAttribute("role", "status");
    this.sums = make("dl", { className: "sums" });
    this.table = make("details", { className: "as-table" },
      make("summary", { textContent: "The same as a table" }), make("div", { className: "scroll" }));
    this.table.addEventListener("toggle", () => this.fillTable());
    const group = (label, className, ...children) => {
      const made = make("div", { className }, ...children);
      made.setAttribute("role", "group");
      made.setAttribute("aria-label", label);
      return made;
    };
    this.outButton = button("Zoom out", "", () => this.zoomOut());
    this.inButton = button("Zoom in", "", () => this.zoomIn());
    this.section.append(
      make("div", { className: "tools" },
        group("Stretch of time", "segments", ...this.spanButtons),
        group("Measure", "segments", ...this.measureButtons),
        make("label", { className: "per" }, "per ", this.detail)),
      make("div", { className: "range-line" },
        group("Move", "move",
          button("‹", "Earlier", () => this.move(-1)), button("›", "Later", () => this.move(1)),
          button("Latest", "", () => this.show(stretch(this.last, this.range.span, this.zone)))),
        this.title, this.date),
      this.frame, this.readout, this.note,
      make("ul", { className: "legend" },
        make("li", { className: "imported", textContent: "imported" }),
        make("li", { className: "exported", textContent: "exported" }),
        make("li", { className: "gap", textContent: "no readings" }),
        make("li", { className: "part", textContent: "readings for a part of the time" })),
      this.sums,
      make("div", { className: "tools below" }, this.inButton, this.outButton,
        button("Save as CSV", "", () => this.save())),
      this.table,
      make("p", { className: "hint", id: "plot-keys", textContent:
        "With the keyboard: arrows go from one interval to the next, Enter zooms in, Escape zooms"
        + " out, Page Up and Page Down go to the stretch before and after." }));
  }

  middle() {
    const middle = (this.range.from + this.range.to) / 2;
    return this.last >= this.range.from && this.last < this.range.to ? this.last : middle;
  }

  show(range) {
    this.range = range;
    const offered = resolutions[range.span];
    const kept = offered.includes(this.detail.value) && this.offered === offered.join()
      ? this.detail.value : offered[0];
    this.offered = offered.join();
    this.detail.replaceChildren(
      ...offered.map((value) => make("option", { value, textContent: words[value] })));
    this.detail.value = kept;
    this.title.textContent = title(range, this.zone);
    this.date.value = name(range, this.zone).slice(0, 10);
    history.replaceState(null, "", `#${range.span}/${name(range, this.zone)}`);
    spans.forEach((span, index) =>
      this.spanButtons[index].setAttribute("aria-pressed", String(span === range.span)));
    this.load();
  }

  async load() {
    this.request?.abort();
    const request = this.request = new AbortController();
    this.section.setAttribute("aria-busy", "true");
    this.tell(null);
    const slow = setTimeout(() => this.tell("Reading and decrypting…"), 400);
    try {
      const data = await readings(
        this.channel, this.range, this.detail.value, this.zone, request.signal);
      this.data = data;
      this.tell(data.totals.readings ? null : this.emptiness(data.counts), "empty");
    } catch (error) {
      if (error.name === "AbortError") return;
      this.data = { items: [], isRaw: false, totals: null };
      this.tell(error.message, "bad");
    } finally {
      clearTimeout(slow);
      if (this.request === request) this.section.removeAttribute("aria-busy");
    }
    this.index = null;
    this.choose(this.data.isRaw ? "power" : this.wanted ?? "energy", true);
    this.fillSums();
    this.fillTable();
  }

  emptiness(counts) {
    const others = counts ? counts.read - counts.readings : 0;
    return `No readings ${this.range.from > Date.now() ? "yet" : "here"}.`
      + (others > 0 ? ` ${others} messages of this time are no readings of a meter.` : "")
      + " Choose another stretch, or go to the latest.";
  }

  tell(text, kind = "") {
    this.note.hidden = !text;
    this.note.className = `note ${kind}`;
    this.note.textContent = text ?? "";
  }

  choose(measure, isOwn = false) {
    if (!isOwn) this.wanted = measure;
    this.measure = this.data?.isRaw ? "power" : measure;
    ["energy", "power"].forEach((name, index) => {
      this.measureButtons[index].setAttribute("aria-pressed", String(name === this.measure));
      this.measureButtons[index].disabled = name === "energy" && !!this.data?.isRaw;
    });
    this.draw();
  }

  draw() {
    if (!this.data) return;
    const width = Math.max(260, this.frame.clientWidth);
    const height = width < 560 ? 260 : 340;
    this.drawing = draw(this.data, this.range, this.zone, this.measure, width, height);
    this.frame.replaceChildren(this.drawing.svg);
    this.frame.setAttribute("aria-valuemax", String(Math.max(0, this.data.items.length - 1)));
    this.select(this.index);
  }

  get selected() { return this.index === null ? undefined : this.data?.items[this.index]; }

  select(index) {
    const items = this.data?.items ?? [];
    this.index = index === null || !items.length
      ? null : Math.min(Math.max(index, 0), items.length - 1);
    this.drawing?.select(this.selected);
    this.inButton.disabled = this.range.span === "hour";
    this.outButton.disabled = this.range.span === "year";
    const text = this.selected ? this.describe(this.selected) : "Point at an interval, or tap it.";
    this.readout.textContent = text;
    this.frame.setAttribute("aria-valuenow", String(this.index ?? 0));
    this.frame.setAttribute("aria-valuetext", this.selected ? text : this.title.textContent);
  }

  describe(item) {
    const parts = [interval(item.start, item.end, this.zone, this.data.isRaw && item.readings === 1)];
    if (item.quality === "gap") return `${parts[0]}: ${quality(item)}`;
    if (!this.data.isRaw) {
      parts.push(`imported ${kilowattHours(item.imported)}`, `exported ${kilowattHours(item.exported)}`);
    }
    if (item.importing || item.exporting) {
      parts.push(`power ${kilowatts(item.importing)}`
        + (item.exporting?.largest ? `, fed in ${kilowatts(item.exporting)}` : ""));
    }
    if (item.across) {
      parts.push(`${kilowattHours(item.across.imported + item.across.exported)} across the gap before`);
    }
    if (!this.data.isRaw && item.quality === "partial") parts.push("readings for a part of the time");
    return parts.join(" · ");
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const items = this.data?.items ?? [];
    const act = {
      ArrowLeft: () => this.select((this.index ?? items.length) - 1),
      ArrowRight: () => this.select((this.index ?? -1) + 1),
      ArrowDown: () => this.select((this.index ?? items.length) - 1),
      ArrowUp: () => this.select((this.index ?? -1) + 1),
      Home: () => this.select(0), End: () => this.select(items.length - 1),
      PageUp: () => this.move(-1), PageDown: () => this.move(1),
      Enter: () => this.zoomIn(), "+": () => this.zoomIn(),
      Escape: () => this.zoomOut(), "-": () => this.zoomOut(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  place(event) {
    return this.drawing?.at(event.clientX - this.frame.getBoundingClientRect().left) ?? null;
  }

  point(event) { this.select(this.place(event)); }

  /// The first tap of a finger selects, the next one goes in; a mouse has selected already.
  press(event) {
    const index = this.place(event);
    const isKnown = index === this.index;
    this.select(index);
    if (isKnown) this.zoomIn();
  }

  zoomIn() {
    const inner = spans[spans.indexOf(this.range.span) + 1];
    if (inner) this.show(stretch(this.selected?.start ?? this.middle(), inner, this.zone));
  }

  zoomOut() {
    const outer = spans[spans.indexOf(this.range.span) - 1];
    if (outer) this.show(stretch(this.range.from, outer, this.zone));
  }

  move(by) { this.show(stretch(this.range.from, this.range.span, this.zone, by)); }

  fillSums() {
    const totals = this.data.totals;
    const add = (term, text) => [make("div", {}, make("dt", { textContent: term }), make("dd", { textContent: text }))];
    if (!totals?.readings) return this.sums.replaceChildren();
    const across = totals.importedAcross + totals.exportedAcross;
    this.sums.replaceChildren(
      ...(this.data.isRaw ? [] : [
        ...add("Imported", kilowattHours(totals.imported)),
        ...add("Exported", kilowattHours(totals.exported)),
        ...(across > 0 ? add("Across gaps", `${kilowattHours(across)}, not drawn`) : []),
      ]),
      ...add("Readings", new Intl.NumberFormat("en-GB").format(totals.readings)),
      ...add("Time covered", `${Math.round(totals.covered * 100)} %`));
  }

  fillTable() {
    if (!this.table.open || !this.data) return;
    const head = ["Time", "Imported", "Exported", "Power", "Fed in", "Readings", "Quality"];
    const body = this.data.items.slice(0, rows).map((item) => {
      const when = make("th", {
        scope: "row", textContent: interval(item.start, item.end, this.zone, this.data.isRaw),
      });
      const cells = [
        kilowattHours(item.imported), kilowattHours(item.exported), kilowatts(item.importing),
        kilowatts(item.exporting), String(item.readings), quality(item),
      ].map((textContent, index) => make("td", { textContent, className: index < 5 ? "number" : "" }));
      return make("tr", {}, when, ...cells);
    });
    this.table.lastElementChild.replaceChildren(make("table", {},
      make("caption", { className: "aside", textContent: this.title.textContent }),
      make("thead", {}, make("tr", {}, ...head.map((textContent, index) =>
        make("th", { scope: "col", textContent, className: index > 0 && index < 6 ? "number" : "" })))),
      make("tbody", {}, ...body)));
    if (this.data.items.length > rows) {
      this.table.lastElementChild.append(make("p", { className: "hint", textContent:
        `The first ${rows} of ${this.data.items.length}: the rest is in the CSV file.` }));
    }
  }

  async save() {
    try {
      const blob = await table(this.channel, this.range, this.detail.value, this.zone);
      const link = make("a", {
        href: URL.createObjectURL(blob),
        download: `${this.channel}-${this.range.span}-${name(this.range, this.zone)}.csv`,
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      this.tell(error.message, "bad");
    }
  }
}

export function start(section) {
  section.plot = new Plot(section);
}
