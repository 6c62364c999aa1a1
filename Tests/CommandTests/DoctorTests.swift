import Foundation
import LocalTangle
import TestSupport
import Testing

/// From each fault to its cause, as a stranger is led.
@Suite struct DoctorTests {
    private struct Finding: Decodable {
        let check: String, state: String, found: String, advice: String?
    }

    private func examine(_ place: Workplace) async throws -> (Int32, [Finding]) {
        let result = try await place.run("doctor", "--json")
        return (result.status, try result.json([Finding].self))
    }

    private func failing(_ place: Workplace) async throws -> Set<String> {
        let (status, findings) = try await examine(place)
        let failing = findings.filter { $0.state == "failing" }
        #expect((status == 1) == !failing.isEmpty)
        // Who reads that something is wrong reads what to do.
        for finding in findings where ["failing", "warning"].contains(finding.state) {
            #expect(finding.advice?.isEmpty == false, "\(finding.check)")
        }
        return Set(failing.map(\.check))
    }

    @Test func nothingFailsWhereAllIsAsItShouldBe() async throws {
        let server = try LocalTangleServer()
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", server.url)
            let (status, findings) = try await examine(place)
            #expect(status == 0)
            #expect(findings.count >= 9)
            #expect(findings.contains { $0.check == "schema" && $0.state == "well" })
            // What will hurt one day is said all the same.
            let warnings = Set(findings.filter { $0.state == "warning" }.map(\.check))
            #expect(
                warnings.isSuperset(
                    of: ["copies of the key ring", "wrap of the key ring", "nodes"]))
            let text = try await place.run("doctor")
            #expect(text.status == 0)
            #expect(text.output.contains("what to do: "))
        }
        await server.shutdown()
    }

    @Test func eachFaultIsNamedWithWhatToDo() async throws {
        let server = try LocalTangleServer()
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", server.url)
            #expect(try await failing(place) == [])
            place.set("PERMANODE_NODES", "http://127.0.0.1:1")
            #expect(try await failing(place) == ["node http://127.0.0.1:1"])
            place.set("PERMANODE_NODES", "not a URL")
            #expect(try await failing(place) == ["configuration"])
            place.set("PERMANODE_NODES", server.url)

            let copy = place.folder.appendingPathComponent("copy").path
            place.set("PERMANODE_KEYRING_BACKUPS", copy)
            #expect(try await failing(place) == ["copy copy"])
            #expect(try await place.run("keyring", "backup").status == 0)
            #expect(try await failing(place) == [])

            #expect(chmod(place.keyRing, 0o644) == 0)
            #expect(try await failing(place).contains("key ring"))
            #expect(chmod(place.keyRing, 0o600) == 0)
            let away = place.keyRing + "-away"
            #expect(rename(place.keyRing, away) == 0)
            let (_, missing) = try await examine(place)
            #expect(missing.first { $0.check == "key ring" }?.advice?.contains("restore") == true)
            // One fault hides no other's state.
            #expect(missing.contains { $0.check == "schema" && $0.state == "well" })
            #expect(rename(away, place.keyRing) == 0)
            #expect(try await failing(place) == [])
        }
        await server.shutdown()
    }

    @Test func aDatabaseThatIsEmptyOrAwayIsTold() async throws {
        let server = try LocalTangleServer()
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", server.url)
            try await TestDatabase.with { empty in
                place.set("PERMANODE_DATABASE_URL", empty.url)
                let (_, findings) = try await examine(place)
                let schema = try #require(findings.first { $0.check == "schema" })
                #expect(schema.state == "failing" && schema.advice?.contains("init") == true)
            }
            place.set(
                "PERMANODE_DATABASE_URL", "postgresql://nobody:geheim@127.0.0.1:1/nothing")
            let result = try await place.run("doctor")
            #expect(result.status == 1)
            #expect(result.output.contains("FAILS    database"))
            #expect(!(result.output + result.errors).contains("geheim"))
        }
        await server.shutdown()
    }
}
