import Archive
import ArchiveTestSupport
import Foundation
import Ternary
import TestSupport
import Testing
import Vault

/// What an owner's messages are taken for.
@Suite struct ConsentEventTests {
    private static let provider = try? Hash(String(repeating: "P", count: 81))

    private func event(_ json: String) -> ConsentEvent? { ConsentEvent(json: Array(json.utf8)) }

    @Test func eventsOfARealClientAreUnderstood() throws {
        let events = try ChannelVector.named("events").messages.compactMap(\.text).map(event)
        try #require(events.count == 3)
        guard case .deviceAdded(let device)? = events[0], case .authorised(let given)? = events[1],
            case .revoked(let taken)? = events[2]
        else {
            Issue.record("\(events)")
            return
        }
        #expect(device.description.hasPrefix("9BIWVKWJBESYQ"))
        #expect(given == taken)
        #expect(given.goal == "Energy insights")
        #expect(given.provider.description.hasPrefix("IDRGIAZZDCKUV9"))
    }

    @Test func whateverIsNotExactlyAnEventIsNone() throws {
        let provider = try #require(Self.provider)
        #expect(event(MyHome.authorised(provider)) != nil)
        let hostile = MyHome.hostile(provider)
        #expect(hostile.count > 20)
        for (why, json) in hostile { #expect(event(json) == nil, "\(why)") }
        let enormous = String(repeating: " ", count: JSONFragment.byteLimit)
        #expect(event(MyHome.authorised(provider) + enormous) == nil)
    }

    /// Where it is about taking away, what is missing takes away more.
    @Test func aRevocationWithoutAGoalIsOfAll() throws {
        let provider = try #require(Self.provider)
        let json =
            #"{"type":"AUTHORIZATION_REVOKED","policy":{"serviceProvider":{"iotaAddress":"\#(provider)"}}}"#
        guard case .revoked(let policy)? = event(json) else {
            Issue.record("no revocation")
            return
        }
        #expect(policy.provider == provider && policy.goal == nil)
    }

    @Test func anAddressMayHaveItsChecksum() throws {
        let provider = try #require(Self.provider)
        let checksum = Trytes(trits: Kerl.hash(provider.trytes.trits)).description.suffix(9)
        #expect(IOTAAddress.hash("\(provider)\(checksum)") == provider)
        #expect(IOTAAddress.hash("\(provider)") == provider)
        for wrong in ["", "\(provider)9", "\(provider)999999999", "\(provider)\(checksum)9"] {
            #expect(IOTAAddress.hash(wrong) == nil)
        }
    }
}
