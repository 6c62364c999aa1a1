"""Series in which something else fails: disks, nodes, the clock, streams."""

import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import threading
import time

from archive import Archive
from database import Server
from databases import MAY_FAIL, is_ready
from kills import KILLED
from node import LATE, WRONG
from program import check_end, eventually, need


def disk_full(context):
    """A disk that is full again and again: tables, the write-ahead log with them, the key ring."""
    if not context.can_mount():
        return
    way = context.random.choice(["tables", "all", "ring"])
    disk = f"{context.work}/disk"
    os.makedirs(disk, exist_ok=True)
    size = {"tables": "40m", "all": "110m", "ring": "64m"}[way]
    mode = "0700" if way == "ring" else "0755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode={mode}", "tmpfs", disk], check=True)
    server = None
    try:
        options = ""
        if way == "all":
            server = Server(f"{disk}/pg")
        elif way == "tables":
            # Of its own: where a series fails, what is left of its tablespace is nobody else's.
            server = Server(f"{context.work}/beside")
        else:
            server = context.server
        name = context.fresh_name()
        if way == "tables":
            owner = os.stat(server.folder)
            os.chown(disk, owner.st_uid, owner.st_gid)
            session = server.session()
            session.ask(f"create tablespace {name}_disk location '{disk}'")
            session.close()
            options = f"tablespace {name}_disk"
        archive = Archive(context, name, server, database_options=options)
        if way == "ring":
            for file in os.listdir(archive.folder):
                if file.startswith("keyring"):
                    shutil.move(f"{archive.folder}/{file}", f"{disk}/{file}")
            archive.program.environment["PERMANODE_KEYRING"] = f"{disk}/keyring"
        fill_and_free(context, archive, disk, way)
    finally:
        if server not in (None, context.server):
            server.remove()
        subprocess.run(["umount", "-l", disk], check=False)


def fill(disk, leave=0):
    try:
        with open(f"{disk}/fill", "wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 65536)
    except OSError:
        pass
    if leave:
        os.truncate(f"{disk}/fill", max(0, os.path.getsize(f"{disk}/fill") - leave))


def fill_and_free(context, archive, disk, way):
    for _ in range(3):
        archive.publish_channel(context.random.randint(8, 20))
    leaver = archive.publish_channel(3)
    archive.hide(0.3)
    archive.crawl()
    service = archive.serve()
    service.wait()
    for number in range(2):
        fill(disk)
        context.count(f"disk full ({way})")
        archive.hide(0.5 + number / 2)
        if way != "all":
            archive.lapse_if_possible()
        threading.Event().wait(0.5 + context.random.random())
        # Reading goes on, unless the database itself has stopped for want of room.
        read = archive.run("messages", archive.channels[0].id, allowed=(0,) if way == "ring" else MAY_FAIL)
        need(read.status != 0 or read.output, "nothing to be read")
        if read.status != 0 and way == "tables":
            # PostgreSQL takes no new session in where it cannot write what it keeps of its catalogue.
            need("could not write init file" in read.errors, f"nothing can be read: {read}")
            context.count("sessions that PostgreSQL did not take in for want of room")
        if number == 0:
            if way == "ring":
                # A forget writes the ring anew; what crawling leaves free for it is there.
                os.truncate(f"{disk}/fill", max(0, os.path.getsize(f"{disk}/fill") - (4 << 20)))
            forgot = archive.run(
                "forget", "--yes", "--json", "--channel", leaver.id,
                allowed=(0,) if way == "tables" else MAY_FAIL)
            context.count(f"forgets on a full disk ({way}): {'done' if forgot.status == 0 else 'failed, with the reason'}")
        os.unlink(f"{disk}/fill")
        if way == "all" and not archive.server.answers():
            # It has stopped, as PostgreSQL does when its log cannot grow.
            if not os.path.exists(f"/proc/{archive.server.postmaster()}/exe"):
                archive.server.resume()
                context.count("PostgreSQL had stopped for want of room")
            eventually("PostgreSQL answers", archive.server.answers)
        service.need_running()
        eventually("crawling goes on by itself", lambda: is_ready(service), 120)
    archive.run("forget", "--yes", "--json", "--channel", leaver.id, allowed=(0, 3))
    leaver.is_forgotten = True
    service.stop()
    archive.check_all()
    archive.close()


def hostile_nodes(context):
    """A node that is slow, wrong, endless, in pieces, or another; alone and beside a right one."""
    archive = Archive(context, context.fresh_name())
    for _ in range(3):
        archive.publish_channel(context.random.randint(4, 10))
    node = context.tangle.node
    node.other = context.other_tangle().place
    right = "http://{}:{}".format(*context.tangle.place)
    random = context.random
    rounds = max(4, context.kills_a_series // 3)
    for number in range(rounds):
        archive.hide((number + 1) / rounds)
        hows = random.sample(LATE + WRONG, random.choice([1, 1, 3]))
        share = random.choice([0.1, 0.3, 1])
        commands = random.choice([None, ["getTrytes"], ["findTransactions"], ["getNodeInfo", "getNodeAPIConfiguration"]])

        def choose(command):
            if commands is not None and command not in commands or random.random() >= share:
                return None
            return random.choice(hows)

        node.choose = choose
        archive.lapse()
        is_alone = random.random() < 0.5
        nodes = node.url if is_alone else ",".join(random.sample([node.url, right], 2))
        crawl = archive.start("crawl", "--until-idle", environment={"PERMANODE_NODES": nodes})
        try:
            crawl.popen.wait(random.choice([2, 4, 8]))
        except subprocess.TimeoutExpired:
            # Patience with nodes takes up to minutes; that it can be ended is what counts.
            crawl.signal(signal.SIGKILL)
            context.count("kill -9 of crawl that waits for a node")
        check_end(crawl.end(), (0, 1), KILLED)
        context.count("crawls at a hostile node")
    for how, count in node.misbehaved.items():
        context.count(f"node: {how}", count)
    node.misbehaved = {}
    archive.check_all()
    archive.close()


def clock_jumps(context):
    """The program's clock jumps by hours, days and years, forwards and backwards, under its feet."""
    library = context.clock_library()
    if library is None:
        return
    archive = Archive(context, context.fresh_name())
    for _ in range(3):
        archive.publish_channel(context.random.randint(5, 10))
    path = f"{archive.folder}/clock"
    jumping = {"LD_PRELOAD": library, "CHAOS_CLOCK": path}

    def set_clock(seconds):
        with open(path, "r+b" if os.path.exists(path) else "wb") as file:
            file.write(struct.pack("<q", seconds))

    def jump():
        set_clock(
            context.random.choice([1, -1])
            * context.random.choice([30, 3600, 86400, 40 * 86400, 3 * 365 * 86400]))
        context.count("jumps of the clock")

    rounds = max(4, context.kills_a_series // 3)
    for number in range(rounds):
        archive.hide((number + 1) / rounds)
        jump()
        crawl = archive.start("crawl", "--until-idle", environment=jumping)
        for _ in range(context.random.randint(0, 4)):
            threading.Event().wait(0.05)
            if crawl.is_running():
                jump()
        if context.random.random() < 0.3:
            # With leases that its clock ends when it will.
            crawl.signal(signal.SIGKILL)
            context.count("kill -9 of crawl with a wrong clock")
            crawl.popen.wait()
            archive.end_leases_within_minutes(crawl)
        check_end(crawl.end(90), (0, 1), KILLED)
        context.count("crawls with jumps of the clock")
    # With the right clock again everything is looked at, without anybody's hand: by a service
    # at once, and not in the years that the wrong one named.
    archive.show_all()
    # What a clock that was less than two hours ahead has put off is waited for: clocks differ.
    archive.sql.ask(
        "update channel set next_look_at = now() where next_look_at > now() and next_look_at < now() + interval '2 hours'")
    service = archive.serve()
    for channel in archive.channels:
        eventually(
            f"a service with the right clock takes in all of {channel.name}", lambda: archive.sql.number(
                f"select count(*) from message where channel = {channel.number}") == len(channel.texts), 90)
    service.stop()
    archive.crawl()
    # A forget with a clock that is wrong is a forget.
    leaver = archive.channels[1]
    for _ in range(3):
        jump()
        if archive.run(
                "forget", "--yes", "--json", "--channel", leaver.id, allowed=(0, 1, 3),
                environment=jumping).status != 1:
            break
    archive.run("forget", "--yes", "--json", "--channel", leaver.id, allowed=(0, 3))
    leaver.is_forgotten = True
    archive.check_all()
    archive.close()


def full_streams(context):
    """Standard output and error that are full, closed, or read by nobody for a while."""
    archive = Archive(context, context.fresh_name())
    archive.publish_channel(40, mode="public")
    leaver = archive.publish_channel(2)
    archive.settle()
    channel = archive.channels[0]
    with open("/dev/full", "wb") as full:
        commands = [
            ["messages", channel.id], ["messages", channel.id, "--format", "csv"], ["channel", "list"], ["verify"],
            ["channel", "show", channel.id, "--json"], ["doctor"], ["audit", "list"], ["requests"], ["keyring", "show"],
            ["crawl", "--until-idle", "--json"], ["--help"], ["restore-check"], ["token", "list"],
            # It shows its plan before it begins: not shown, nothing is erased.
            ["forget", "--yes", "--channel", leaver.id],
        ]
        for arguments in commands:
            check_end(archive.start(*arguments, output=full).end(), (1,))
            context.count("commands into a full /dev/full")
        need(
            archive.sql.ask(f"select state from channel where id = {leaver.number}") == [["following"]],
            "a forget that could not show its plan went on")
        check_end(archive.start("forget", "--yes", "--json", "--channel", leaver.id, output=full).end(), (1,))
        # With standard error full as well, nothing can be said; the exit code is left.
        silent = archive.start("messages", channel.id, output=full, errors=full).end()
        need(silent.status == 1, str(silent))
        silent = archive.start("messages", "0000000000", errors=full).end()
        need(silent.status == 3, str(silent))
        context.count("commands with standard error full")
        service = archive.start("serve", output=full, errors=full)
        threading.Event().wait(1)
        need(service.is_running(), "a service whose log is full ends")
        service.signal(signal.SIGTERM)
        need(service.end(30).status == 0, "a service whose log is full does not end cleanly")
        context.count("services with a full log")
    # The forget was done, though its receipt could not be printed.
    leaver.is_forgotten = True
    for _ in range(10):
        reading, writing = os.pipe()
        process = archive.start("messages", channel.id, "--format", context.random.choice(["text", "json", "ndjson", "csv"]), output=writing)
        os.close(writing)
        threading.Event().wait(context.random.random() * 0.2)
        some = os.read(reading, context.random.choice([1, 100, 5000]))
        os.close(reading)
        check_end(process.end(), (0, 1))
        need(some or process.popen.returncode != 0, "nothing was printed, and it ended with 0")
        context.count("pipes closed while they were written to")
    reading, writing = os.pipe()
    # A pipe that holds a page, so that the rest has to wait for who reads.
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = archive.start("messages", channel.id, "--format", "ndjson", output=writing)
    os.close(writing)
    threading.Event().wait(1)
    need(process.is_running(), "who writes into a full pipe does not wait")
    read = b""
    while some := os.read(reading, 65536):
        read += some
    os.close(reading)
    check_end(process.end())
    texts = [json.loads(line)["text"] for line in read.decode().splitlines()]
    need(texts == channel.texts, "what came through a full pipe is not what was published")
    context.count("pipes that were full for a second")
    archive.check_all()
    archive.close()
