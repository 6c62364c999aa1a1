// What every page does: times in the reader's own zone, and asking before what cannot be undone.

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

const plot = document.querySelector("[data-plot]");
if (plot) {
  const { start } = await import("./plot.js");
  start(plot);
}
