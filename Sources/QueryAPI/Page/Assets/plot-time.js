// Stretches of local time, whatever the reader's own zone: a meter's days are those where it stands.

export const spans = ["year", "month", "week", "day", "hour"];

const fields = new Map();

/// Year, month (1 to 12), day, hour and minute of a moment (milliseconds since 1970) in a zone.
export function civil(moment, zone) {
  if (!fields.has(zone)) {
    fields.set(zone, new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
      hour: "numeric", minute: "numeric", second: "numeric",
    }));
  }
  const parts = {};
  for (const { type, value } of fields.get(zone).formatToParts(moment)) parts[type] = Number(value);
  return parts;
}

/// The moment at which clocks in a zone show this.
export function moment(year, month, day, hour, zone) {
  const wanted = Date.UTC(year, month - 1, day, hour);
  let guess = wanted;
  // The offset at the guess leads to the moment; once more where that lies behind a change of it.
  for (let round = 0; round < 2; round += 1) {
    const shown = civil(guess, zone);
    guess = wanted - (Date.UTC(
      shown.year, shown.month - 1, shown.day, shown.hour, shown.minute, shown.second) - guess);
  }
  return guess;
}

/// The stretch that a moment lies in, moved by so many: from its first moment to that of the next.
export function stretch(at, span, zone, by = 0) {
  if (span === "hour") {
    const from = Math.floor(at / 3600e3) * 3600e3 + by * 3600e3;
    return { span, from, to: from + 3600e3 };
  }
  let { year, month, day } = civil(at, zone);
  const edge = (number) => {
    switch (span) {
      case "year": return moment(year + number, 1, 1, 0, zone);
      case "month": return moment(year, month + number, 1, 0, zone);
      case "week": return moment(year, month, day + 7 * number, 0, zone);
      default: return moment(year, month, day + number, 0, zone);
    }
  };
  // Weeks begin on Mondays.
  if (span === "week") day -= (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  return { span, from: edge(by), to: edge(by + 1) };
}

/// `2026-11-22`, and the hour where it counts.
export function name({ span, from }, zone) {
  const { year, month, day, hour } = civil(from, zone);
  const two = (number) => String(number).padStart(2, "0");
  const date = `${year}-${two(month)}-${two(day)}`;
  return span === "hour" ? `${date}T${two(hour)}` : date;
}

/// What `name` gives; null for anything else.
export function named(text, span, zone) {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}))?$/.exec(text);
  if (!match || !spans.includes(span)) return null;
  const [year, month, day, hour] = match.slice(1).map((part) => Number(part ?? 0));
  if (year < 2000 || year > 2099) return null;
  return stretch(moment(year, month, day, hour, zone), span, zone);
}

const titles = {
  year: { year: "numeric" },
  month: { month: "long", year: "numeric" },
  week: { day: "numeric", month: "long", year: "numeric" },
  day: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  hour: { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
};

export function title({ span, from, to }, zone) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...titles[span] });
  if (span === "week") return format.formatRange(from, to - 1);
  if (span === "hour") return `${format.format(from)} – ${clock(to, zone)}`;
  return format.format(from);
}

export function clock(at, zone) {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(at);
}

/// An interval of a stretch: `14:15 – 14:30`, or the day.
export function interval(from, to, zone, isMoment = false) {
  const date = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, weekday: "short", day: "numeric", month: "short",
  }).format(from);
  if (to - from > 22 * 3600e3) return date;
  if (isMoment) {
    return `${date}, ${new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
    }).format(from)}`;
  }
  return `${date}, ${clock(from, zone)} – ${clock(to, zone)}`;
}

/// Where the axis is marked and how, some 60 pixels apart at least.
export function ticks({ span, from, to }, zone, width) {
  const room = Math.max(3, Math.floor(width / 60));
  const marks = [];
  const add = (at, text) => { if (at >= from && at < to) marks.push({ at, text }); };
  const text = (at, options) =>
    new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }).format(at);
  const start = civil(from, zone);
  if (span === "year") {
    const step = room >= 12 ? 1 : room >= 6 ? 2 : 3;
    for (let month = 1; month <= 12; month += step) {
      const at = moment(start.year, month, 1, 0, zone);
      add(at, text(at, { month: "short" }));
    }
  } else if (span === "month" || span === "week") {
    const days = span === "week" ? 7 : 31;
    const step = [1, 2, 5, 7, 10].find((size) => days / size <= room) ?? 10;
    for (let day = 0; day < days; day += step) {
      const at = moment(start.year, start.month, start.day + day, 0, zone);
      add(at, text(at, span === "week" ? { weekday: "short", day: "numeric" } : { day: "numeric", month: "short" }));
    }
  } else if (span === "day") {
    const step = [1, 2, 3, 4, 6, 12].find((size) => 24 / size <= room) ?? 12;
    for (let hour = 0; hour < 24; hour += step) {
      const at = moment(start.year, start.month, start.day, hour, zone);
      add(at, clock(at, zone));
    }
  } else {
    const step = room >= 12 ? 5 : room >= 6 ? 10 : 15;
    for (let minute = 0; minute < 60; minute += step) {
      const at = from + minute * 60e3;
      add(at, clock(at, zone));
    }
  }
  return marks;
}
