"""An archive, channels that are published for it, and the truth about both."""

import json
import os
import signal
import time

from node import Node, command
from program import Fault, Program, check_end, eventually, need

# Tables whose rows are of one channel, by its number.
CHANNEL_TABLES = (
    "channel_subject", "side_key", "tree", "earlier_chain", "message", "attachment", "node_attachment",
    "node_lookup", "candidate", "access_grant", "consent_event")

# What a killed crawler's channels and passed trees wait for: time, which a test has not.
LAPSE = """
update channel set lease_until = now() where lease_until is not null;
update channel set next_look_at = now() where next_look_at > now();
update tree set next_look_at = now() where watch_until is not null
"""


class Tangle:
    """`permanode local-tangle`, and the node in front of it."""

    def __init__(self, context):
        self.process = context.program().start("local-tangle", "--port", "0")
        eventually("the node listens", lambda: "http://" in self.process.text(1))
        port = int(self.process.text(1).strip().rsplit(":", 1)[1])
        self.place = ("127.0.0.1", port)
        self.node = Node(self.place)

    def close(self):
        self.node.shutdown()
        self.node.server_close()
        self.process.signal(signal.SIGTERM)
        self.process.end(20)


class Channel:
    """A channel that is published: what its messages say, in their order."""

    def __init__(self, name, mode, state):
        self.name = name
        self.mode = mode
        self.state = state
        self.id = None
        self.number = None
        self.subject = f"owner-of-{name}"
        self.texts = []
        # The hashes of its transactions, in the order in which the node got them.
        self.hashes = []
        self.is_forgotten = False


class Archive:
    def __init__(self, context, name, server=None, user="postgres", database_options=""):
        self.context = context
        self.random = context.random
        self.server = server or context.server
        self.name = name
        self.folder = os.path.join(context.work, name)
        os.mkdir(self.folder, 0o700)
        self.admin = self.server.session()
        self.admin.ask(f"create database {name} owner {user} {database_options}")
        self.program = Program(
            context.path,
            {
                **context.environment,
                "PERMANODE_DATABASE_URL": self.server.url(name, user),
                "PERMANODE_KEYRING": f"{self.folder}/keyring",
                "PERMANODE_LISTEN": "127.0.0.1:0",
                "PERMANODE_PROBE_LISTEN": "127.0.0.1:0",
                "PERMANODE_NODES": context.tangle.node.url,
                "PERMANODE_DISK_RESERVE": "4M",
                "PERMANODE_FORGET_DELAY": "0",
                "PERMANODE_TOKEN_RATE": "10000",
                "PERMANODE_ADDRESS_RATE": "10000",
            },
            self.folder)
        self.run = self.program.run
        self.start = self.program.start
        self.token = self.run("init").output.split()[-1]
        self.sql = self.server.session(name)
        self.channels = []

    def close(self):
        self.sql.close()
        self.admin.ask(f"drop database if exists {self.name} with (force)")
        self.admin.close()

    # Publishing: each channel has a file, in which its next leaf stands.

    def publish_channel(self, count, mode=None, subject=None, registers=True):
        mode = mode or self.random.choice(["public", "private", "restricted"])
        name = f"{self.name}c{len(self.channels)}"
        channel = Channel(name, mode, f"{self.folder}/{name}.state")
        channel.subject = subject or channel.subject
        key = "".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=20))
        key_file = f"{self.folder}/{name}.key"
        keyed = []
        if mode == "restricted":
            with open(key_file, "w", encoding="ascii") as file:
                file.write(key)
            keyed = ["--side-key-file", key_file]
        self.run("publish", "create", "--state", channel.state, "--mode", mode, "--security-level", "1", *keyed)
        self.publish(channel, count)
        self.channels.append(channel)
        if registers:
            self.register(channel, *keyed)
        return channel

    def root(self, channel):
        return self.run("publish", "root", "--state", channel.state).output

    def register(self, channel, *keyed):
        added = self.run(
            "channel", "add", "--mode", channel.mode, "--root-file", "-", "--subject", channel.subject,
            *keyed, text=self.root(channel))
        channel.id = added.output.split()[-1]
        channel.number = self.sql.number("select id from channel order by created_at desc limit 1")

    def tag(self, channel):
        letters = "9ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        return "CHAOS" + "".join(letters[byte // 27] + letters[byte % 27] for byte in channel.name.encode()[-10:])

    def publish(self, channel, count):
        texts = [f"{channel.name} {len(channel.texts) + index}" for index in range(count)]
        if not texts:
            return
        # Through the right node, however the one in front of it behaves.
        self.run(
            "publish", "--state", channel.state, "--lines", "--weight", "1", "--tag", self.tag(channel),
            text="\n".join(texts) + "\n",
            environment={"PERMANODE_NODES": "http://{}:{}".format(*self.context.tangle.place)})
        channel.texts += texts
        self.learn_hashes(channel)

    def learn_hashes(self, channel):
        tag = self.tag(channel)
        channel.hashes = command(
            self.context.tangle.place, "findTransactions", tags=[tag + "9" * (27 - len(tag))])["hashes"]

    # Nodes learn of transactions bit by bit, also of parts of bundles.

    def hide(self, share):
        """The node shows that share of what was published, of each channel from its beginning."""
        hidden = []
        for channel in self.channels:
            hidden += channel.hashes[int(len(channel.hashes) * share) :]
        self.context.tangle.node.hide(hidden)

    def show_all(self):
        self.context.tangle.node.hide([])
        self.context.tangle.node.choose = None

    # What must hold.

    def lapse(self):
        self.sql.ask(LAPSE)

    def end_leases(self, process):
        """What a minute would do to the leases of a process that is dead or asleep."""
        self.sql.ask(f"update channel set lease_until = now() where lease_owner like '%:{process.pid}:%'")

    def end_leases_within_minutes(self, process):
        """The same, where they end within two minutes by the right clock; what a wrong one gave
        for longer stays."""
        self.sql.ask(
            f"update channel set lease_until = now() where lease_owner like '%:{process.pid}:%' "
            "and lease_until < now() + interval '2 minutes'")

    def lapse_if_possible(self):
        """Where the database may be busy, away or full."""
        try:
            self.lapse()
        except Fault:
            pass

    def crawl(self, allowed=(0,), **options):
        return self.run("crawl", "--until-idle", "--json", allowed=allowed, **options)

    def settle(self):
        """Everything that was published is there to be seen, and crawled."""
        self.show_all()
        self.lapse()
        self.crawl()

    def messages(self, channel):
        lines = self.run("messages", channel.id, "--format", "ndjson").output.splitlines()
        return [json.loads(line) for line in lines]

    def check_channel(self, channel):
        """Nothing lost, nothing doubled, in its order."""
        found = self.messages(channel)
        texts = [each.get("text") for each in found]
        if texts != channel.texts:
            lost = [each for each in channel.texts if each not in texts]
            doubled = sorted({each for each in texts if texts.count(each) > 1}, key=str)
            raise Fault(
                f"{channel.name}: {len(texts)} of {len(channel.texts)} messages; lost {lost[:5]}, "
                f"doubled {doubled[:5]}; in order: {sorted(texts, key=str) == sorted(channel.texts)}")
        need(
            [each["sequence"] for each in found] == list(range(len(found))),
            f"{channel.name}: sequences have holes or doubles: {[each['sequence'] for each in found][:20]}")
        need(not any(each["conflict"] for each in found), f"{channel.name}: a conflict that nobody made")

    def check_counts(self):
        """The same without decrypting: one question for all channels."""
        rows = self.sql.ask(
            "select channel, count(*), count(distinct position), max(sequence) + 1 from message group by channel")
        counts = {int(row[0]): [int(each) for each in row[1:]] for row in rows}
        for channel in self.channels:
            if channel.is_forgotten or channel.id is None or not channel.texts:
                continue
            count = len(channel.texts)
            need(
                counts.get(channel.number) == [count] * 3,
                f"{channel.name}: {counts.get(channel.number)} messages, positions, sequences; published {count}")

    def check_forgotten(self, channel):
        """Nothing of it is left, and it is not taken again."""
        for table in CHANNEL_TABLES:
            rows = self.sql.number(f"select count(*) from {table} where channel = {channel.number}")
            need(rows == 0, f"{channel.name} is forgotten, and {rows} rows of {table} are left")
        state = self.sql.ask(f"select state, registration is null from channel where id = {channel.number}")
        need(state == [["forgotten", "t"]], f"{channel.name}: {state}")
        self.run("messages", channel.id, allowed=(3,))
        again = self.run(
            "channel", "add", "--mode", "public", "--root-file", "-", text=self.root(channel), allowed=(4,))
        need("forgotten" in again.errors, f"a forgotten root was refused for another reason: {again}")

    def check_all(self):
        """Rows, keys, ring and logs agree; what was published is there and nothing else."""
        self.settle()
        self.check_counts()
        for channel in self.channels:
            if channel.id is None:
                continue
            if channel.is_forgotten:
                self.check_forgotten(channel)
            else:
                self.check_channel(channel)
        verified = json.loads(self.run("verify", "--json").output)
        need(verified["faults"] == 0, f"verify: {verified}")
        expected = sum(len(each.texts) for each in self.channels if each.id and not each.is_forgotten)
        need(verified["messages"] == expected, f"verify saw {verified} of {expected} messages")
        agreed = self.run("restore-check").output
        need("agree" in agreed and "mended" not in agreed, f"database, ring and log did not agree: {agreed}")
        self.run("audit", "verify")
        self.run("doctor")
        need(
            self.sql.number(
                "select count(*) from forget_request where state not in ('done', 'refused')") == 0,
            "a request to forget is not done")

    # A service.

    def serve(self, roles="crawler,api,eraser"):
        return Service(self, roles)


class Service:
    """`permanode serve` under whatever is done to it."""

    def __init__(self, archive, roles):
        self.archive = archive
        self.roles = roles
        self.start()

    def start(self):
        self.process = self.archive.start("serve", "--roles", self.roles)
        self.port = None

    def listens(self):
        """Its port; None before it listens, and when it has ended."""
        if self.port is None and self.process.is_running():
            for line in self.process.text(2).splitlines():
                if " api: listening " in line:
                    self.port = int(line.rsplit(":", 1)[1])
        return self.port

    def wait(self, seconds=60):
        def ready():
            self.need_running()
            return self.listens() or ("api" not in self.roles and " serving " in self.process.text(2))

        return eventually("the service listens", ready, seconds)

    def need_running(self):
        """With what it said last, and how it ended."""
        if self.process.is_running():
            return
        told = self.process.text(2)
        raise Fault(
            f"the service ended by itself with {self.process.popen.returncode}: "
            + "\n".join(line[:300] for line in told.splitlines()[-12:]))

    def kill(self):
        was_running = self.process.is_running()
        self.process.signal(signal.SIGKILL)
        check_end(self.process.end(), (0,), (signal.SIGKILL,))
        self.port = None
        return was_running

    def stop(self):
        # Before it serves, nothing of it is there yet that could end in order.
        self.wait()
        self.process.signal(signal.SIGTERM)
        check_end(self.process.end(30))
        self.port = None

    def pause_and_wake(self, seconds):
        self.process.signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.process.signal(signal.SIGCONT)
