// What a channel's meter tells of a stretch of time, asked for and put into one shape.

/// Which resolutions go with a stretch, the usual one first.
export const resolutions = {
  year: ["1d"], month: ["1d", "1h"], week: ["1h", "15m", "1d"], day: ["15m", "1h", "raw"],
  hour: ["raw", "15m"],
};

export class Trouble extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

function address(channel, { from, to }, resolution, zone) {
  const query = new URLSearchParams({
    from: new Date(from).toISOString(), to: new Date(to).toISOString(), resolution, timeZone: zone,
  });
  return `/v1/channels/${channel}/readings?${query}`;
}

async function ask(url, accept, signal) {
  let response;
  try {
    response = await fetch(url, { headers: { Accept: accept }, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The archive cannot be reached.", 0);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) throw new Trouble("You are signed out. Load the page again.", 401);
  if (response.status === 429) throw new Trouble("Too many questions at once. Try again shortly.", 429);
  throw new Trouble(`The readings cannot be had: ${problem.detail ?? response.status}.`, response.status);
}

export async function table(channel, stretch, resolution, zone) {
  return (await ask(address(channel, stretch, resolution, zone), "text/csv")).blob();
}

/// - Returns: `{items, totals, counts, isRaw}`. An item is what is known from `start` to `end`:
///   kWh, kW, how complete it is, and what was counted across a gap that ends in it.
export async function readings(channel, stretch, resolution, zone, signal) {
  const response = await ask(
    address(channel, stretch, resolution, zone), "application/json", signal);
  let body;
  try {
    body = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The answer broke off: the channel changed meanwhile. Try again.", 0);
  }
  const isRaw = resolution === "raw";
  const items = isRaw ? moments(body.readings) : body.buckets.map(bucket);
  return { items, isRaw, totals: totals(items, stretch), counts: body.messages };
}

function bucket(told) {
  const spread = (value) => value && { mean: value.mean, least: value.least, largest: value.largest };
  return {
    start: Date.parse(told.start), end: Date.parse(told.end), quality: told.quality,
    readings: told.readings, covered: told.coveredSeconds, breaks: told.breaks,
    imported: told.imported?.total, exported: told.exported?.total,
    importing: spread(told.power?.imported), exporting: spread(told.power?.exported),
    across: told.gap && { imported: told.gap.imported?.total ?? 0, exported: told.gap.exported?.total ?? 0 },
  };
}

/// Single readings, each until the next; longer than the meter's usual pace there is a gap.
function moments(told) {
  const times = told.map((reading) => Date.parse(reading.time));
  const paces = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
  const usual = paces.length ? paces[Math.floor(paces.length / 2)] : 60e3;
  const longest = Math.max(60e3, usual * 3);
  const items = [];
  told.forEach((reading, index) => {
    const start = times[index];
    const next = times[index + 1] ?? start + usual;
    const same = (value) =>
      value === undefined ? undefined : { mean: value, least: value, largest: value };
    const isBroken = next - start > longest;
    items.push({
      start, end: isBroken ? start + usual : next, quality: "complete", readings: 1,
      covered: (isBroken ? usual : next - start) / 1000,
      importing: same(reading.power?.imported), exporting: same(reading.power?.exported),
    });
    if (isBroken) {
      items.push({ start: start + usual, end: next, quality: "gap", readings: 0, covered: 0 });
    }
  });
  return items;
}

function totals(items, { from, to }) {
  const sum = (value) => items.reduce((whole, item) => whole + (value(item) ?? 0), 0);
  const known = Math.min(to, Date.now()) - from;
  return {
    imported: sum((item) => item.imported), exported: sum((item) => item.exported),
    importedAcross: sum((item) => item.across?.imported),
    exportedAcross: sum((item) => item.across?.exported),
    readings: sum((item) => item.readings),
    covered: known > 0 ? Math.min(1, sum((item) => item.covered) * 1000 / known) : 0,
  };
}

const digits = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

export function kilowattHours(value) {
  return value === undefined ? "–" : `${(Math.abs(value) < 10 ? fine : digits).format(value)} kWh`;
}

export function kilowatts(spread) {
  return spread === undefined ? "–" : `${fine.format(spread.mean)} kW`;
}

const qualities = { complete: "complete", partial: "in part", gap: "no readings" };

export function quality(item) {
  return item.start > Date.now() ? "to come" : qualities[item.quality];
}
