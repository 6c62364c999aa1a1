import Postgres
import Testing

@Suite("Connection settings")
struct ConfigurationTests {
    @Test("No text of a configuration holds its password")
    func redacted() throws {
        let configuration = try PostgresConfiguration(
            url: "postgresql://archive:hunter2secret@db.example:5433/permanode?sslmode=disable")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("hunter2secret"))
            #expect(text.contains("db.example:5433/permanode"))
        }
    }

    @Test(
        "A URI that would spill its password into messages is refused without quoting it",
        arguments: [
            "postgresql://user:hunter2@secret@host/db", "postgresql://user:hun/ter2secret@host/db",
            "postgresql://user:hun?ter2secret@host/db", "postgresql://user:hunter2secret@[::1/db",
            "nonsense hunter2secret", "postgresql://h:hunter2secret/db",
            "postgresql://host/db?password=%zzhunter2secret", "postgresql://a\0hunter2secret",
        ])
    func unusable(url: String) throws {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url) }
        let found = try #require(error)
        #expect(found.kind == .configuration)
        for text in [found.publicText, found.operatorText, "\(found)"] {
            #expect(!text.contains("ter2"))
            #expect(!text.contains("secret"))
        }
    }

    @Test("Nobody there is an error that may be retried, and tells the host but not the password")
    func unreachable() async throws {
        for host in ["%2Fnonexistent", "127.0.0.1:1"] {
            let configuration = try PostgresConfiguration(
                url: "postgresql://archive:hunter2secret@\(host)/permanode")
            let error = try await #require(
                postgresError { _ = try await PostgresConnection.connect(configuration) })
            #expect(error.kind == .connection)
            #expect(error.retryable)
            #expect(error.code == "postgres.connection-lost")
            #expect(error.subject?.contains("permanode") == true)
            #expect(!"\(error)".contains("hunter2secret"))
        }
    }
}
