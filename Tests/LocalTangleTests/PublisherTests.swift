import IRICommands
import LocalTangle
import MAM
import Tangle
import Ternary
import TestSupport
import Testing

@Suite struct PublisherTests {
    @Test func publishesMessagesThatAreFoundAndRead() async throws {
        let publisher = Publisher(ledger: Ledger(), weight: 2)
        var channel = try ChannelWriter(
            seed: Seed(String(repeating: "SEED9", count: 16) + "A"), mode: .private)
        for text in ["short", String(repeating: "long ", count: 500)] {
            let written = try channel.write(text)
            let hashes = try await publisher.publish(
                written.payload, at: written.address, tag: try tag("DEMO"),
                time: 1_600_000_000_123)
            #expect(hashes.allSatisfy { Attachment.weight(of: $0) >= 2 })
            let found = publisher.ledger.find(TransactionQuery(addresses: [written.address]))
            #expect(found == hashes.reversed())
            let outcome = BundleAssembly.assemble(
                tail: hashes[0], lookup: publisher.ledger.transaction)
            guard case .complete(let bundle) = outcome else {
                Issue.record("no bundle, but \(outcome)")
                return
            }
            #expect(bundle.transactions[0].timestamp == 1_600_000_000)
            #expect(bundle.transactions[0].attachmentTimestamp == 1_600_000_000_123)
            let request = ReadRequest(payload: bundle.messageTrytes, root: written.root)
            #expect(try MessageReader.read([request], .full)[0].get().text == text)
        }
    }

    @Test func publishesNothingOnAFullLedger() async throws {
        let publisher = Publisher(ledger: Ledger(capacity: 1))
        let payload = try Trytes(String(repeating: "A", count: 2_188))
        await #expect(throws: LedgerError.full(capacity: 1)) {
            try await publisher.publish(
                payload, at: try address("A"), tag: try tag("T"), time: 1_600_000_000_000)
        }
        #expect(publisher.ledger.count == 0)
    }
}
