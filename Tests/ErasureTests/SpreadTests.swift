import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import Postgres
import TestSupport
import Testing
import Vault

/// The files of `Schema/optional`, by which an archive is spread over disks and servers.
@Suite struct SpreadTests {
    private static func file(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(
            contentsOf: root.appendingPathComponent("Schema/optional/\(name)"), encoding: .utf8)
    }

    private static func run(_ file: String, in test: TestArchive) async throws {
        let sql = try Self.file(file)
        try await test.pool.withTransaction { try await $0.script(sql) }
    }

    private static func texts(_ sql: String, in test: TestArchive) async throws -> [String] {
        try await test.pool.withConnection { try await $0.query(sql) }.map { try $0.text("value") }
    }

    /// Everything that is done with an archive, as it is done with one that is not spread.
    private static func story(_ test: TestArchive) async throws {
        let clock = TestClock()
        let vectors = try ChannelVector.all().filter { $0.name != "waiting" }
        let channels = try await test.fill(vectors, clock: clock)
        #expect(channels.count > 8)
        let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
        func counts() async throws -> [Int] {
            var counts: [Int] = []
            for channel in channels {
                let found = try? await test.archive.messages(
                    of: channel, MessageRange(), limit: 1000)
                counts.append(found?.messages.count ?? -1)
            }
            return counts
        }
        let before = try await counts()
        #expect(before.reduce(0, +) > 50)
        // Of two rows of the same place in their partitions only one goes.
        for index in [0, 2, 5] {
            let request = try await test.archive.receiveForgetRequest(
                .channel(channels[index]), reason: nil, now: clock.now)
            #expect(try await eraser.execute(request.id).state == .done)
        }
        let month = Period(clock.now)
        let part = try await test.archive.receiveForgetRequest(
            .period(channels[6], month...month), reason: nil, now: clock.now)
        #expect(try await eraser.execute(part.id).state == .done)
        try await eraser.complete(atOnce: true)
        var wanted = before
        for index in [0, 2, 5] { wanted[index] = -1 }
        wanted[6] = 0
        #expect(try await counts() == wanted)
        let rows = try await Self.texts(
            "select count(*)::text as value from message", in: test)
        #expect(rows == [String(wanted.filter { $0 > 0 }.reduce(0, +))])
        // A root that was forgotten is not registered again, and one that is registered neither.
        for index in [0, 1] {
            await #expect(throws: ArchiveError.self) {
                try await test.register(vectors[index], now: clock.now)
            }
        }
        let receipt = try receipt(await test.archive.forgetRequest(part.id))
        #expect(receipt.final && receipt.proof.dataFiles.found == 0)
    }

    @Test(arguments: [2, 8])
    func aPartitionedArchiveIsReadAndForgottenAsOneThatIsNot(_ partitions: Int) async throws {
        try await TestArchive.with { test in
            let before = try await Self.indexes(in: test)
            try await test.pool.withConnection {
                try await $0.script("set permanode.partitions = \(partitions)")
                try await $0.script(try Self.file("partitions.sql"))
            }
            let parts = try await Self.texts(
                """
                select relid::regclass::text as value from pg_partition_tree('message') where isleaf
                """, in: test)
            #expect(parts.count == partitions)
            #expect(try await Self.indexes(in: test) == before)
            let samples = try await Self.texts(
                """
                select attrelid::regclass::text as value from pg_attribute
                where atttypid = 'bytea'::regtype and attnum > 0 and attstattarget <> 0
                    and attrelid in (select oid from pg_class
                        where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace)
                """, in: test)
            #expect(samples == [])
            try await Self.story(test)
        }
    }

    /// Names, columns and order of the indexes of both tables.
    private static func indexes(in test: TestArchive) async throws -> [String] {
        try await texts(
            """
            select replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as value from pg_index
            where indrelid in ('message'::regclass, 'attachment'::regclass) order by 1
            """, in: test)
    }

    /// To another disk, while it is read: whoever reads waits, and lacks nothing.
    @Test func aPartitionIsMovedWhileItIsRead() async throws {
        try await TestServer.with { server in
            try await TestArchive.with(on: server) { test in
                try await Self.run("partitions.sql", in: test)
                let clock = TestClock()
                let channel = try await test.fill(channel: "meter", clock: clock)
                try await test.multiply(channel, to: 3000, now: clock.now)
                let folder = server.directory + "/far"
                try server.makeFolder(folder)
                try await test.pool.withConnection {
                    try await $0.script("create tablespace far location '\(folder)'")
                }
                let archive = test.archive
                let reading = Task {
                    var rounds = 0
                    while !Task.isCancelled || rounds < 3 {
                        let found = try await Task {
                            try await archive.messages(
                                of: channel, MessageRange(), limit: 1000, recorded: false)
                        }.value
                        #expect(found.messages.count == 1000)
                        rounds += 1
                    }
                    return rounds
                }
                let place = try await Self.texts(
                    "select distinct tableoid::regclass::text as value from message", in: test)
                #expect(place.count == 1)
                for tablespace in ["far", "pg_default", "far"] {
                    try await test.pool.withConnection {
                        try await $0.script("alter table \(place[0]) set tablespace \(tablespace)")
                    }
                }
                reading.cancel()
                #expect(try await reading.value >= 3)
                let moved = try await Self.texts(
                    """
                    select t.spcname as value from pg_class c
                    join pg_tablespace t on t.oid = c.reltablespace where c.oid = '\(place[0])'::regclass
                    """, in: test)
                #expect(moved == ["far"])
                #expect(try await test.rowCount(of: "message") == 3000)
                // Nothing may be left there when it is dropped.
                try await test.pool.withConnection {
                    try await $0.script("alter table \(place[0]) set tablespace pg_default")
                    try await $0.script("drop tablespace far")
                }
            }
        }
    }

    /// Functions of the names that Citus has, which take note of what they are asked for.
    private static let notes = """
        create schema notes;
        create table notes.spread (name text, how text, key text, beside text);
        create function create_distributed_table(
            name regclass, key text, colocate_with text default 'default') returns void
        language sql as $$ insert into notes.spread values (name::text, 'spread', key, colocate_with) $$;
        create function create_reference_table(name regclass) returns void
        language sql as $$ insert into notes.spread values (name::text, 'everywhere') $$;
        create function citus_add_local_table_to_metadata(name regclass) returns void
        language sql as $$ insert into notes.spread values (name::text, 'first') $$;
        """

    /// What Citus asks of a schema, seen in the catalogue of PostgreSQL alone.
    @Test func theSchemaKeepsTheRulesOfCitus() async throws {
        try await TestArchive.with { test in
            try await test.pool.withConnection { try await $0.script(Self.notes) }
            try await Self.run("citus.sql", in: test)
            // Every table once.
            let named = try await Self.texts("select name as value from notes.spread", in: test)
            let tables = try await Self.texts(
                """
                select relname::text as value from pg_class
                where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
                """, in: test)
            #expect(named.sorted() == tables.sorted())
            #expect(tables.count > 30)
            // Every key of a table that is spread has the column by which it is.
            let wrong = try await Self.texts(
                """
                select i.indexrelid::regclass::text as value
                from notes.spread s join pg_index i on i.indrelid = s.name::regclass
                where s.how = 'spread' and i.indisunique and not exists (
                    select from pg_attribute a
                    where a.attrelid = i.indrelid and a.attname = s.key
                        and a.attnum = any (i.indkey::int2[]))
                """, in: test)
            #expect(wrong == [])
            // Foreign keys stay within what lies together, and have the column as well.
            let across = try await Self.texts(
                """
                with placed as (
                    select name::regclass as oid, how, key, case
                        when how <> 'spread' then how
                        when beside in ('default', 'none') then name
                        else beside end as home
                    from notes.spread)
                select f.conname::text as value
                from pg_constraint f join placed a on a.oid = f.conrelid
                    join placed b on b.oid = f.confrelid
                where f.contype = 'f' and (a.home <> b.home or a.how = 'spread' and not exists (
                    select from unnest(f.conkey, f.confkey) as k (mine, other)
                        join pg_attribute m on m.attrelid = a.oid and m.attnum = k.mine
                        join pg_attribute o on o.attrelid = b.oid and o.attnum = k.other
                    where m.attname = a.key and o.attname = b.key))
                """, in: test)
            #expect(across == [])
            // Types of what lies together agree, and there are no triggers where Citus takes none.
            let types = try await Self.texts(
                """
                select distinct format_type(a.atttypid, a.atttypmod) as value
                from notes.spread s join pg_attribute a
                    on a.attrelid = s.name::regclass and a.attname = s.key
                where s.beside = 'channel' or s.name = 'channel'
                """, in: test)
            #expect(types == ["bigint"])
            let triggers = try await Self.texts(
                """
                select t.tgname::text as value from pg_trigger t
                    join notes.spread s on s.name::regclass = t.tgrelid
                where not t.tgisinternal and s.how <> 'first'
                """, in: test)
            #expect(triggers == [])
            // And with the keys as they are now everything is done as before.
            try await Self.story(test)
        }
    }
}
