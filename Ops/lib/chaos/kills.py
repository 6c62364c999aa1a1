"""Series in which the program is killed: kill -9 at random instants."""

import gzip
import http.client
import json
import signal
import threading

from archive import Archive
from node import command
from program import Window, check_end, eventually, need

KILLED = (signal.SIGKILL,)


def kill_crawl(context):
    """crawl, while the node learns of more and more."""
    archive = Archive(context, context.fresh_name())
    for _ in range(4):
        archive.publish_channel(context.random.randint(3, 12))
    archive.hide(0.1)
    first = archive.start("crawl", "--until-idle")
    check_end(first.end())
    window = Window(0.4)
    kills = context.kills_a_series
    for kill in range(kills):
        archive.hide((kill + 1) / kills)
        archive.lapse()
        process = archive.start("crawl", "--until-idle")
        if window.kill(process, context.random, on_request=context.tangle.node):
            context.count("kill -9 of crawl")
        check_end(process.end(), (0,), KILLED)
    archive.check_all()
    archive.close()


def kill_forget(context):
    """forget of channels, people and months; each is finished by whoever comes next."""
    archive = Archive(context, context.fresh_name())
    shared = f"person-of-{archive.name}"
    for index in range(6):
        archive.publish_channel(context.random.randint(1, 4), subject=shared if index in (1, 2) else None)
    archive.settle()
    month = archive.sql.ask("select to_char(now() at time zone 'utc', 'YYYY-MM')")[0][0]
    kept = archive.channels[5]
    plans = [
        (["--channel", archive.channels[0].id], archive.channels[0:1]),
        (["--subject", shared], archive.channels[1:3]),
        (["--channel", archive.channels[3].id, "--period", month], []),
        (["--channel", archive.channels[3].id], archive.channels[3:4]),
        (["--subject", archive.channels[4].subject], archive.channels[4:5]),
    ]
    window = Window(0.5)
    for arguments, channels in plans:
        for _ in range(context.random.randint(2, 6)):
            process = archive.start("forget", "--yes", "--json", *arguments)
            was_running = window.kill(process, context.random)
            result = process.end()
            # 3: the one before was killed when only the telling was left.
            check_end(result, (0, 3), KILLED)
            if was_running:
                context.count("kill -9 of forget")
            for channel in channels:
                looks_whole_or_gone(archive, channel)
            if result.status in (0, 3):
                break
        finish_forget(context, archive, arguments)
        for channel in channels:
            channel.is_forgotten = True
        if "--period" in arguments:
            gone = archive.sql.number(f"select count(*) from message where channel = {archive.channels[3].number}")
            need(gone == 0, f"{gone} messages of a forgotten month are left")
            archive.channels[3].texts = []
    archive.check_channel(kept)
    archive.check_all()
    archive.close()


def looks_whole_or_gone(archive, channel):
    """Between a kill and the next start a reader sees all of it or nothing, and never a part."""
    result = archive.run("messages", channel.id, "--format", "ndjson", allowed=(0, 3))
    if result.status == 0:
        texts = [json.loads(line).get("text") for line in result.output.splitlines()]
        need(texts == channel.texts, f"a reader sees {len(texts)} of {len(channel.texts)} messages of a half-forgotten channel")


def open_requests(archive):
    return archive.sql.number("select count(*) from forget_request where state not in ('done', 'refused')")


def finish_by_eraser(archive):
    """An eraser that knows nothing of what was begun; whether there was something."""
    if not open_requests(archive):
        return False
    service = archive.serve("eraser")
    eventually("the eraser finishes what was begun", lambda: open_requests(archive) == 0, 90)
    service.stop()
    return True


def finish_forget(context, archive, arguments):
    """By the same command again, or by an eraser."""
    if context.random.random() < 0.4 and finish_by_eraser(archive):
        context.count("forgets finished by the eraser")
    archive.run("forget", "--yes", "--json", *arguments, allowed=(0, 3))
    need(open_requests(archive) == 0, "a forget is left open")


def kill_import(context):
    """import of a dump with an index, plain, packed and through a pipe."""
    archive = Archive(context, context.fresh_name())
    for _ in range(3):
        archive.publish_channel(context.random.randint(4, 12))
    others = [archive.publish_channel(2, mode="private", registers=False) for _ in range(2)]
    hashes = [each for channel in archive.channels for each in channel.hashes]
    context.random.shuffle(hashes)
    trytes = []
    for start in range(0, len(hashes), 500):
        trytes += command(context.tangle.place, "getTrytes", hashes=hashes[start : start + 500])["trytes"]
    lines = [
        json.dumps({"hash": hash, "trytes": each, "milestone": 7}) for hash, each in zip(hashes, trytes)]
    junk = ['{"hash":"9","trytes":"9"}', "nothing", "[1, 2"]
    context.tangle.node.hide(hashes)
    way = context.random.choice(["plain", "gzip", "pipe"])
    text = "\n".join(lines + junk * 30) + "\n"
    path = f"{archive.folder}/dump.ndjson" + (".gz" if way == "gzip" else "")
    with open(path, "wb") as file:
        file.write(gzip.compress(text.encode()) if way == "gzip" else text.encode())
    arguments = ["import", "--json", "--index", f"{archive.folder}/index", "-" if way == "pipe" else path]
    window = Window(0.5)
    for _ in range(context.kills_a_series):
        archive.lapse()
        process = archive.start(*arguments, text=text if way == "pipe" else "")
        was_running = window.kill(process, context.random)
        # 1: some lines are no transactions.
        check_end(process.end(), (0, 1), KILLED)
        if was_running:
            context.count("kill -9 of import")
        if not was_running and context.random.random() < 0.3:
            # Begun anew, so that the kills do not all fall on an index that is complete.
            context.remove(f"{archive.folder}/index")
    archive.lapse()
    end = archive.run(*arguments, text=text if way == "pipe" else "", allowed=(0, 1))
    need("hung" not in end.errors, str(end))
    archive.check_counts()
    for channel in archive.channels[:3]:
        archive.check_channel(channel)
    # Those that were no channels of ours are found in the index later.
    for channel in others:
        archive.register(channel)
    archive.lapse()
    archive.run("import", "--index", f"{archive.folder}/index", allowed=(0, 1))
    for channel in others:
        archive.check_channel(channel)
    archive.check_all()
    archive.close()


class Reader(threading.Thread):
    """Reads a channel over HTTP page by page, and goes on by its cursor whatever happens."""

    def __init__(self, archive, service, channel):
        super().__init__(daemon=True)
        self.archive, self.service, self.channel = archive, service, channel
        self.texts = []
        self.sequences = []
        self.cursor = None
        self.answers = {}
        self.broken = 0
        self.is_over = threading.Event()
        self.fault = None

    def run(self):
        while not self.is_over.is_set() and self.fault is None:
            try:
                if not self.read():
                    self.is_over.wait(0.02)
            except (OSError, http.client.HTTPException):
                self.broken += 1
                self.is_over.wait(0.01)
            except Exception as error:  # noqa: BLE001 - told by whoever waits for this thread
                self.fault = repr(error)

    def read(self):
        """One page; whether it had messages."""
        port = self.service.listens()
        if port is None:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            path = f"/v1/channels/{self.channel.id}/messages?limit=3"
            if self.cursor:
                path += f"&after={self.cursor}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.archive.token}"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        if answer.status != 200:
            need(answer.status in (503, 429), f"a reader is answered {answer.status} {body[:200]}")
            return False
        page = json.loads(body)
        self.texts += [each.get("text") for each in page["messages"]]
        self.sequences += [each["sequence"] for each in page["messages"]]
        self.cursor = page.get("next") or self.cursor
        return bool(page["messages"])

    def end(self):
        self.is_over.set()
        self.join(30)
        need(self.fault is None, f"a reader: {self.fault}")
        count = len(self.sequences)
        need(self.sequences == list(range(count)), f"a reader missed or doubled: {self.sequences[:40]}")
        need(self.texts == self.channel.texts[:count], "a reader read something else than was published")


def kill_query(context):
    """The service, with all of its roles, in the middle of answers to readers who go on afterwards."""
    archive = Archive(context, context.fresh_name())
    for _ in range(3):
        archive.publish_channel(context.random.randint(6, 12))
    archive.hide(0.3)
    archive.crawl()
    service = archive.serve()
    readers = [Reader(archive, service, channel) for channel in archive.channels]
    for reader in readers:
        reader.start()
    kills = max(4, context.kills_a_series // 2)
    for kill in range(kills):
        archive.hide(0.3 + 0.7 * (kill + 1) / kills)
        archive.lapse()
        if context.random.random() < 0.8:
            service.wait()
        reader = context.random.choice(readers)
        seen = sum(reader.answers.values())
        if context.random.random() < 0.5:
            for _ in range(200):
                if sum(reader.answers.values()) > seen + context.random.randint(0, 3):
                    break
                threading.Event().wait(0.005)
        threading.Event().wait(context.random.random() * 0.15)
        if service.kill():
            context.count("kill -9 of serve")
        service.start()
    service.wait()
    archive.show_all()
    archive.lapse()
    for reader in readers:
        eventually(
            "every message is taken in", lambda: archive.sql.number(
                f"select count(*) from message where channel = {reader.channel.number}")
            == len(reader.channel.texts), 90)
    for reader in readers:
        reader.end()
    context.count("answers to readers", sum(reader.answers.get(200, 0) for reader in readers))
    service.stop()
    archive.check_all()
    archive.close()


def kill_publish(context):
    """publish: what was told as published is there once, in its order; nothing is there twice."""
    archive = Archive(context, context.fresh_name())
    channel = archive.publish_channel(1)
    window = Window(0.3)
    told, written = list(channel.texts), list(channel.texts)
    for _ in range(context.kills_a_series):
        texts = [f"{channel.name} line {len(written) + index}" for index in range(3)]
        written += texts
        process = archive.start(
            "publish", "--state", channel.state, "--lines", "--weight", "1", "--tag", archive.tag(channel),
            text="\n".join(texts) + "\n")
        if window.kill(process, context.random, on_request=context.tangle.node):
            context.count("kill -9 of publish")
        result = process.end()
        check_end(result, (0,), KILLED)
        told.append(len(result.output.splitlines()))
    # What was under way is sent by the next start.
    archive.run("publish", "--state", channel.state, "--lines", "--weight", "1", "--tag", archive.tag(channel))
    archive.settle()
    found = [each["text"] for each in archive.messages(channel)]
    need(len(set(found)) == len(found), "a message was published twice")
    need(found == [each for each in written if each in set(found)], "messages changed their order")
    need(len(found) >= 1 + sum(each for each in told if isinstance(each, int)), "a message that was told as published is lost")
    channel.texts = found
    archive.learn_hashes(channel)
    archive.check_all()
    archive.close()


def two_crawlers(context):
    """Two and three crawlers on the same channels; some sleep for a while and wake up, some are killed."""
    archive = Archive(context, context.fresh_name())
    for _ in range(3):
        archive.publish_channel(context.random.randint(6, 16))
    archive.hide(0.1)
    rounds = max(3, context.kills_a_series // 4)
    for number in range(rounds):
        archive.hide((number + 1) / rounds)
        archive.lapse()
        crawlers = [archive.start("crawl", "--until-idle") for _ in range(context.random.choice([2, 3]))]
        asleep = context.random.choice(crawlers)
        if context.random.random() < 0.7:
            context.tangle.node.wait_for_request(context.random.randint(1, 6), 1, asleep)
            asleep.signal(signal.SIGSTOP)
            context.count("crawlers put to sleep and woken")
            if context.random.random() < 0.7:
                # Its leases run out meanwhile, and the others take its channels.
                archive.end_leases(asleep)
            threading.Event().wait(0.2 + 0.3 * context.random.random())
        killed = context.random.choice(crawlers) if context.random.random() < 0.5 else None
        if killed is not None and killed is not asleep and killed.is_running():
            killed.signal(signal.SIGKILL)
            killed.popen.wait()
            context.count("kill -9 of one of two crawlers")
            archive.end_leases(killed)
        asleep.signal(signal.SIGCONT)
        for crawler in crawlers:
            check_end(crawler.end(), (0,), KILLED)
        context.count("rounds of crawlers on the same channels")
    archive.check_all()
    archive.close()
