"""Series in which the database fails, beneath a service and beneath commands."""

import http.client
import os
import signal
import threading

from archive import Archive
from kills import Reader, finish_by_eraser
from program import check_end, eventually, need

# What a command says that could not have its database: it failed, and said so.
MAY_FAIL = (0, 1)


def readiness(service):
    """The status and the text of /readyz; 0 where nobody answers."""
    port = service.listens()
    if port is None:
        return 0, ""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def is_ready(service):
    status, text = readiness(service)
    return status == 200 and '"crawler":"ok"' in text


def serve_through(context, archive, harm, rounds):
    """A service, readers and a forget, while something is done to the database round after round."""
    leaver = archive.publish_channel(2)
    archive.hide(0.2)
    archive.crawl()
    service = archive.serve()
    service.wait()
    readers = [Reader(archive, service, channel) for channel in archive.channels[:2]]
    for reader in readers:
        reader.start()
    for number in range(rounds):
        archive.hide(0.2 + 0.8 * (number + 1) / rounds)
        forget = None
        if number == rounds // 2:
            archive.show_all()
            forget = archive.start("forget", "--yes", "--json", "--channel", leaver.id)
        threading.Event().wait(context.random.random() * 0.3)
        harm()
        if forget is not None:
            check_end(forget.end(), MAY_FAIL)
        service.need_running()
        eventually("the service is ready again", lambda: is_ready(service), 90)
        archive.lapse()
    archive.run("forget", "--yes", "--json", "--channel", leaver.id, allowed=(0, 3))
    leaver.is_forgotten = True
    archive.show_all()
    archive.lapse()
    for reader in readers:
        reader.end()
    need(sum(reader.answers.get(200, 0) for reader in readers) > 0, "no reader was ever answered")
    context.count("answers to readers", sum(reader.answers.get(200, 0) for reader in readers))
    service.stop()
    archive.check_all()
    archive.close()


def database_killed(context):
    """PostgreSQL killed with all its processes, one of them killed, or stopped in each of its ways."""
    server = context.own_server("fragile")
    archive = Archive(context, context.fresh_name(), server)
    for _ in range(3):
        archive.publish_channel(context.random.randint(6, 12))

    def harm():
        way = context.random.choice(["kill", "backend", "immediate", "fast"])
        if way == "kill":
            server.kill()
            context.count("kill -9 of PostgreSQL")
        elif way == "backend":
            backends = server.backends()
            if backends:
                os.kill(context.random.choice(backends), signal.SIGKILL)
                context.count("kill -9 of one PostgreSQL backend")
        else:
            server.pause(way)
            context.count(f"PostgreSQL stopped ({way}) and started")
        threading.Event().wait(context.random.random())
        if way != "backend":
            server.resume()
        eventually("PostgreSQL answers", server.answers)

    serve_through(context, archive, harm, 5)


def sessions_ended(context):
    """pg_terminate_backend and pg_cancel_backend at random, under commands and the service."""
    archive = Archive(context, context.fresh_name())
    for _ in range(3):
        archive.publish_channel(context.random.randint(6, 12))
    is_over = threading.Event()
    random = context.random

    def end_sessions():
        session = archive.server.session()
        while not is_over.wait(0.01 + 0.06 * random.random()):
            how = random.choice(["pg_terminate_backend", "pg_cancel_backend"])
            ended = session.ask(
                f"select {how}(pid) from pg_stat_activity where datname = '{archive.name}' "
                "and application_name = 'permanode' order by random() limit 1")
            if ended == [["t"]]:
                context.count(how)
        session.close()

    for number in range(context.kills_a_series // 2):
        archive.hide((number + 1) / (context.kills_a_series // 2))
        archive.lapse()
        is_over.clear()
        enemy = threading.Thread(target=end_sessions, daemon=True)
        enemy.start()
        process = archive.start("crawl", "--until-idle")
        check_end(process.end(), MAY_FAIL)
        is_over.set()
        enemy.join()

    def harm():
        is_over.clear()
        enemy = threading.Thread(target=end_sessions, daemon=True)
        enemy.start()
        threading.Event().wait(0.5 + random.random())
        is_over.set()
        enemy.join()

    serve_through(context, archive, harm, 4)


def connections_gone(context):
    """No connection to be had: the role's limit, and a server whose slots others took."""
    server = context.own_server("fragile")
    admin = server.session()
    name = context.fresh_name()
    admin.ask(f"create role {name}_role login")
    archive = Archive(context, name, server, user=f"{name}_role")
    for _ in range(3):
        archive.publish_channel(context.random.randint(4, 8))

    def harm():
        hogs = []
        way = context.random.choice(["role", "slots"])
        if way == "role":
            admin.ask(f"alter role {name}_role connection limit {context.random.choice([0, 1, 2])}")
        else:
            free = admin.number(
                "select current_setting('max_connections')::int"
                " - current_setting('superuser_reserved_connections')::int - count(*)"
                " from pg_stat_activity where backend_type = 'client backend'")
            hogs = [server.session() for _ in range(free + 30)]
        context.count(f"connections taken away ({way})")
        admin.ask(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{name}_role'")
        result = archive.run("channel", "list", allowed=MAY_FAIL)
        if way == "slots" or result.status == 1:
            need("postgres." in result.errors or result.status == 0, str(result))
        threading.Event().wait(0.3)
        if way == "role":
            admin.ask(f"alter role {name}_role connection limit -1")
        for hog in hogs:
            hog.close()

    serve_through(context, archive, harm, 4)
    admin.close()


def serialization(context):
    """Transactions that fail because of others: every one is serializable, and many write at once."""
    archive = Archive(context, context.fresh_name())
    level = context.random.choice(["serializable", "repeatable read"])
    archive.admin.ask(f"alter database {archive.name} set default_transaction_isolation = '{level}'")
    shared = f"person-of-{archive.name}"
    for index in range(5):
        archive.publish_channel(context.random.randint(4, 8), subject=shared if index > 2 else None)
    before = archive.admin.number(
        f"select xact_rollback from pg_stat_database where datname = '{archive.name}'")
    rounds = max(3, context.kills_a_series // 4)
    for number in range(rounds):
        archive.hide((number + 1) / rounds)
        archive.lapse()
        running = [archive.start("crawl", "--until-idle") for _ in range(3)]
        if number == rounds - 1:
            running += [
                archive.start("forget", "--yes", "--json", "--subject", shared),
                archive.start("forget", "--yes", "--json", "--channel", archive.channels[3].id)]
        while any(process.is_running() and not context.is_late(process) for process in running):
            for process in running:
                if not process.is_running():
                    archive.end_leases(process)
            threading.Event().wait(0.2)
        for process in running:
            check_end(process.end(1), (0, 1, 3))
            context.count(f"commands under {level}")
    archive.run("forget", "--yes", "--json", "--subject", shared, allowed=(0, 3))
    for channel in archive.channels[3:]:
        archive.run("forget", "--yes", "--json", "--channel", channel.id, allowed=(0, 3))
        channel.is_forgotten = True
    # One whose channel went with its person's is left to an eraser, which finds nothing to do.
    finish_by_eraser(archive)
    after = archive.admin.number(
        f"select xact_rollback from pg_stat_database where datname = '{archive.name}'")
    context.count("transactions rolled back", after - before)
    archive.check_all()
    archive.close()
