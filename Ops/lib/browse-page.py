"""Goes through the page for people as its users do, and says what is not as it should be.

usage: browse-page.py ADDRESS [SCREENSHOTS]   (tokens in PAGE_ADMIN, PAGE_READER, PAGE_PERSON)
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from webdriver import Browser  # noqa: E402

LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]

# What has no name for who cannot see it, and what is wider than the window.
EXAMINE = """
const faults = [];
if (document.documentElement.scrollWidth > window.innerWidth) {
  const wide = [...document.querySelectorAll("main *")].filter(
    (one) => one.getBoundingClientRect().right > window.innerWidth + 1 && !one.closest(".scroll"));
  faults.push(`is ${document.documentElement.scrollWidth} wide in ${window.innerWidth}: `
    + wide.slice(0, 3).map((one) => one.tagName + "." + one.className).join(", "));
}
for (const table of document.querySelectorAll("main table")) {
  if (!table.closest(".scroll") && table.scrollWidth > table.parentElement.clientWidth + 1) {
    faults.push(`a table is cut off: ${table.scrollWidth} in ${table.parentElement.clientWidth}`);
  }
}
for (const cell of document.querySelectorAll("main td, main th, main dd")) {
  if (cell.scrollWidth > cell.clientWidth + 1 && cell.clientWidth > 0) {
    faults.push("text beyond its cell: " + cell.textContent.trim().slice(0, 40));
  }
}
if (document.body.textContent.includes("markup:")) faults.push("markup is told as text");
if (document.querySelectorAll("h1").length !== 1) faults.push("has not one h1");
for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
  if (!field.labels?.length && !field.getAttribute("aria-label")) faults.push(`no label: ${field.name}`);
}
for (const one of document.querySelectorAll("button, a, summary, [role=slider]")) {
  if (!(one.textContent.trim() || one.getAttribute("aria-label"))) faults.push("no name: " + one.outerHTML);
}
const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
if (new Set(ids).size !== ids.length) faults.push("an id twice");
for (const one of document.querySelectorAll("[aria-labelledby]")) {
  if (!document.getElementById(one.getAttribute("aria-labelledby"))) faults.push("a label is missing");
}
return faults;
"""

IDLE = "return !document.querySelector('[data-plot][aria-busy]') && !!document.querySelector('.chart')"


class Visit:
    def __init__(self, browser, address, folder):
        self.browser = browser
        self.address = address
        self.folder = folder
        self.faults = []
        self.looks = 0

    def check(self, is_so, claim):
        if not is_so:
            self.faults.append(claim)

    def sign_in(self, token):
        self.browser.go(self.address + "/")
        self.browser.write("#token", token)
        self.browser.click("button.primary")
        self.browser.wait("signing in", lambda: self.browser.count("nav a") > 0)

    def sign_out(self):
        self.browser.click("form.session button")
        self.browser.wait("signing out", lambda: self.browser.count("#token") == 1)

    def look(self, name, path=None, looks=LOOKS, ready=None):
        """Looks at a page, the one that is there unless a path is given, in every way."""
        for width, scheme in looks:
            self.browser.look_as(width, scheme)
            if path is not None:
                self.browser.go(self.address + path)
            if ready:
                self.browser.wait(f"{name} is there", ready)
            what = f"{name} at {width}, {scheme}"
            for fault in self.browser.run(EXAMINE):
                self.faults.append(f"{what}: {fault}")
            for complaint in self.browser.complaints():
                self.faults.append(f"{what}: {complaint}")
            if self.folder:
                self.browser.screenshot(f"{self.folder}/{name}-{width}-{scheme}.png")
            self.looks += 1
        self.browser.look_as(1280, "light")

    def plot_is_drawn(self):
        return self.browser.run(IDLE)


def try_plot(visit, channel):
    """The plot by mouse and by keyboard, from a year to an hour."""
    browser = visit.browser
    idle = visit.plot_is_drawn
    browser.go(f"{visit.address}{channel}")
    browser.wait("the plot is drawn", idle)

    def press(label):
        browser.run("[...document.querySelectorAll('[data-plot] button')]"
                    ".find((one) => (one.ariaLabel ?? one.textContent) === arguments[0]).click()",
                    label)
        browser.wait(f"the plot after {label}", idle)

    # Days on which clocks are set have as many hours as they have.
    lengths = browser.run("""
        return import(document.querySelector("script[src]").src.replace("page.js", "plot-time.js"))
          .then((times) => ["2026-03-29", "2026-10-25", "2026-11-22"].map((day) => {
            const stretch = times.named(day, "day", "Europe/Amsterdam");
            return (stretch.to - stretch.from) / 3600e3;
          }))""")
    visit.check(lengths == [23, 25, 24], f"days have {lengths} hours")

    # Yesterday is whole: with energy both ways, and the time in which the gateway was off.
    press("Earlier")
    visit.check(browser.count(".bar.imported") > 40, "a day has no imported energy to see")
    visit.check(browser.count(".bar.exported") > 8, "a day has no exported energy to see")
    visit.check(browser.count(".chart .gap") == 1, "the gap of the day is not one")
    sums = browser.run("return document.querySelector('.sums').textContent")
    visit.check(re.search(r"Imported[1-9]\d*\.\d+ kWhExported[1-9]", sums) is not None,
                f"the day's sums are wrong: {sums}")
    visit.check("Across gaps" in sums, "what was counted across the gap is not told")
    day = browser.path()
    visit.look("channel-power", ready=lambda: (press("Power"), browser.count("path.line") == 2)[1])
    press("Energy")

    browser.run("document.querySelector('.frame').focus()")
    browser.press(*["Right"] * 40)
    told = browser.run("return document.querySelector('.frame').ariaValueText")
    visit.check("imported" in told and "kWh" in told, f"the slider does not tell: {told}")
    visit.check(browser.run("return document.querySelector('.readout').textContent") == told,
                "what is seen and what is told differ")
    browser.press("Enter")
    browser.wait("the hour", lambda: "#hour/" in browser.path() and idle())
    visit.check(browser.count("path.line") == 2, "an hour has no power to see")
    visit.look("channel-hour", looks=LOOKS[:1])
    browser.press("Escape")
    browser.wait("the day again", lambda: browser.path() == day and idle())
    browser.press("PageDown")
    browser.wait("the day after", lambda: browser.path() != day and idle())
    for span in ("Week", "Month", "Year"):
        press(span)
        visit.check(browser.count(".bar") > 0, f"a {span} has nothing to see")
    visit.check("#year/" in browser.path(), "the year is not shown")
    visit.look("channel-year", looks=[LOOKS[0], LOOKS[3]])
    press("Earlier")
    visit.check(browser.count(".note.empty") == 1, "an empty year does not say so")
    press("Latest")
    press("Day")
    browser.click(".as-table summary")
    browser.wait("the table", lambda: browser.count(".as-table tbody tr") >= 92)


def try_access(visit, channel):
    """A token made by keyboard, a grant given and taken back, and the token's end."""
    browser, address = visit.browser, visit.address
    visit.look("new-channel", "/channels/new")
    visit.look("access", "/tokens")
    number = channel.rsplit("/", 1)[1]
    visit.look("new-token", f"/tokens/new?channel={number}")
    browser.run("document.querySelector('#purpose').focus()")
    browser.run("document.querySelector('#purpose').value = 'advice on heating'")
    browser.press("Enter")
    browser.wait("the token", lambda: browser.count("#token") == 1)
    text = browser.run("return document.querySelector('#token').textContent")
    visit.check(re.fullmatch(r"pmn_[0-9a-z]{10}_[A-Za-z0-9_-]{43}", text) is not None,
                f"no token is shown: {text}")
    visit.look("token-made")
    browser.click("a.primary")
    browser.wait("the token's page", lambda: browser.count("#grants") == 1)
    visit.check(browser.count("tbody tr") == 1, "the token has not the grant it was made with")
    browser.write("#channel", number)
    browser.write("section #purpose", "a study")
    browser.run("document.querySelector('#firstPosition').value = '5'")
    browser.click("form button.primary")
    browser.wait("the grant", lambda: browser.count("tbody tr") == 2)
    visit.look("token")
    browser.click("tbody tr:last-child form button")
    browser.wait("its end", lambda: browser.count("tbody .badge") == 1)
    browser.run("[...document.querySelectorAll('details')].at(-1).open = true")
    browser.click("button.danger")
    browser.wait("the token's end", lambda: browser.count(".head .badge") == 1 and "revoked"
                 in browser.run("return document.querySelector('.head').textContent"))


def try_holds(visit):
    """A hold set on a person, seen, and lifted."""
    browser = visit.browser
    visit.look("no-holds", "/holds", looks=[LOOKS[0], LOOKS[3]])
    browser.write("#subject", "household-7")
    browser.write("#reason", "a claim in court")
    browser.click("form button.primary")
    browser.wait("the hold", lambda: browser.count("tbody tr") == 1)
    visit.look("holds")
    browser.click("tbody form button")
    browser.wait("its end", lambda: browser.count("tbody tr") == 0)


def tour(visit):
    """Every page, as each of those who see it."""
    browser, address = visit.browser, visit.address
    visit.look("sign-in", "/")
    browser.write("#token", "pmn_0000000000_AAAA")
    browser.click("button.primary")
    browser.wait("the refusal", lambda: browser.count("[role=alert]") == 1)
    # That it answers 401 the console says, too.
    visit.check(all("401" in one for one in browser.complaints()), "more than a refusal")

    visit.sign_in(os.environ["PAGE_ADMIN"])
    cookie = browser.cookies()
    visit.check(len(cookie) == 1 and cookie[0]["httpOnly"] and cookie[0]["sameSite"] == "Strict",
                f"the cookie is open: {cookie}")
    visit.check(os.environ["PAGE_ADMIN"] not in str(cookie), "the token lies in the cookie")
    visit.look("channels", "/")
    channel = browser.run(
        "return [...document.querySelectorAll('tbody tr')].find("
        "(row) => row.textContent.includes('Dorpsstraat')).querySelector('a').pathname")
    visit.look("channel", channel, ready=visit.plot_is_drawn)
    try_plot(visit, channel)
    visit.look("messages", channel + "/messages")
    visit.look("message", channel + "/messages/3")
    visit.look("readings", channel + "/readings")
    visit.look("people", "/people")
    visit.look("person", browser.run("return document.querySelector('tbody a').pathname"))
    visit.look("requests", "/requests")
    requests = browser.run(
        "return [...document.querySelectorAll('tbody a')].map((link) => link.pathname)")
    visit.look("request-open", requests[0])
    visit.look("request-done", requests[-1])
    visit.look("new-request", "/requests/new")
    browser.write("#subject", "household-7")
    browser.click("form button.primary")
    browser.wait("the plan", lambda: browser.count("[name=sure]") == 1)
    visit.look("plan")
    try_access(visit, channel)
    try_holds(visit)
    browser.go(address + "/nowhere")
    browser.complaints()
    visit.look("nothing", looks=LOOKS[:1])
    browser.go(address + "/")
    visit.sign_out()

    visit.sign_in(os.environ["PAGE_READER"])
    visit.look("reader", "/", looks=LOOKS[:1])
    visit.check(browser.count("tbody tr") == 1, "a reader does not see his one channel")
    visit.sign_out()
    visit.sign_in(os.environ["PAGE_PERSON"])
    visit.look("person-own", "/")
    visit.look("person-asks", "/requests/new", looks=[LOOKS[2]])

    browser.go(address + "/")
    visit.sign_out()
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    visit.sign_in(os.environ["PAGE_READER"])
    browser.go(address + channel)
    visit.check(browser.count(".chart") == 0 and browser.count("noscript .alert") == 1,
                "without scripts it is not said where the readings are")
    browser.click("noscript a")
    browser.wait("the readings", lambda: browser.count("tbody tr") >= 23)


def main():
    address = sys.argv[1]
    folder = sys.argv[2] if len(sys.argv) > 2 else ""
    if folder:
        os.makedirs(folder, exist_ok=True)
    with Browser() as browser:
        visit = Visit(browser, address, folder)
        try:
            tour(visit)
        except RuntimeError as error:
            visit.faults.append(f"could not go on at {browser.path()}: {error}")
    for fault in visit.faults:
        print(f"Ops/page-test: {fault}", file=sys.stderr)
    if not visit.looks:
        visit.faults.append("nothing was looked at")
    print(f"Ops/page-test: {visit.looks} looks, {len(visit.faults)} faults", file=sys.stderr)
    return 1 if visit.faults else 0


if __name__ == "__main__":
    sys.exit(main())
