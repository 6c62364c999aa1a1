// What every page does: times in the reader's own zone, and what changes meanwhile.

const shown = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
const near = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

function relative(seconds) {
  const size = Math.abs(seconds);
  if (size < 60) return near.format(Math.round(seconds), "second");
  if (size < 3600) return near.format(Math.round(seconds / 60), "minute");
  return near.format(Math.round(seconds / 3600), "hour");
}

/// Within a day, how long ago or until; else the date. The exact time is in the title.
export function tellTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const time = new Date(element.dateTime);
    if (Number.isNaN(time.getTime())) continue;
    const seconds = (time.getTime() - Date.now()) / 1000;
    element.title = `${shown.format(time)} (${element.dateTime})`;
    element.textContent = Math.abs(seconds) < 86400 && !element.hasAttribute("data-exact")
      ? relative(seconds) : shown.format(time);
  }
}

tellTimes(document);
setInterval(() => tellTimes(document), 30_000);

/// How far the crawler is with the channel that is looked at. A page in the background asks nothing.
const live = document.querySelector("[data-live]");
const asking = live && setInterval(follow, 10_000);

async function follow() {
  if (document.hidden) return;
  let channel;
  try {
    const response = await fetch(live.dataset.live, { cache: "no-store" });
    // Signed out, or forgotten: the next page says so.
    if ([401, 403, 404].includes(response.status)) clearInterval(asking);
    if (!response.ok) return;
    channel = await response.json();
  } catch {
    return;
  }
  for (const element of live.querySelectorAll("[data-field]")) {
    const value = channel[element.dataset.field];
    if (value === undefined) continue;
    const time = element.querySelector("time");
    if (time) time.dateTime = value;
    else if (typeof value === "number") {
      const head = element.dataset.field === "headPosition" ? "tree " : "";
      element.textContent = head + new Intl.NumberFormat("en-GB").format(value);
    }
  }
  tellTimes(live);
}

const plot = document.querySelector("[data-plot]");
if (plot) {
  const { start } = await import("./plot.js");
  start(plot);
}
