import Foundation
import Testing
import Vault

/// Files and times of a ring that has forgotten much, through the vault: log, ring, opening.
@Suite(.serialized) struct LargeRingTests {
    private let ring: TemporaryRing

    init() throws {
        ring = try TemporaryRing()
    }

    private func byteCount(_ path: String) throws -> Int {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw CocoaError(.fileNoSuchFile) }
        return Int(status.st_size)
    }

    private func neighbour(of number: ChannelNumber) throws -> ChannelNumber {
        try #require(ChannelNumber(rawValue: number.rawValue ^ 1))
    }

    private func context(_ number: ChannelNumber, _ month: UInt16 = 620) -> SealingContext {
        SealingContext(
            table: "message", column: "sealed_head", channel: number,
            period: Period(rawValue: month), row: 7)
    }

    @Test(.timeLimit(.minutes(5))) func aHundredThousandForgottenChannels() throws {
        let vault = try Vault(ring: ring.file)
        let numbers = (0..<100_000).map { _ in ChannelNumber.random() }
        // Strangers, and the next neighbours of what goes.
        let gone = Set(numbers)
        let others = Set(
            try (0..<500).map { _ in ChannelNumber.random() }
                + numbers.prefix(500).map { try neighbour(of: $0) }
        ).subtracting(gone)
        let kept = try others.map { try (context($0), vault.seal([1, 2, 3], context($0))) }
        let lost = try numbers.prefix(500).map {
            try (context($0), vault.seal([1, 2, 3], context($0)))
        }
        try vault.forget(numbers.map(ForgetScope.channel))
        // 31 nodes for each, of 41 bytes; a record of 64.
        #expect(try byteCount(ring.path) < 100_000 * 32 * 41)
        #expect(try byteCount(ring.path + ".forgotten") == 64 * (numbers.count + 1))
        let clock = ContinuousClock()
        let one = try clock.measure { try vault.forget(.random()) }
        let opening = try clock.measure {
            let again = try Vault(ring: ring.file)
            #expect(again.notices.isEmpty)
            #expect(try numbers.allSatisfy { try again.isForgotten($0) })
            #expect(kept.count > 900)
            for (context, sealed) in kept {
                #expect(try again.open(sealed, context) == [1, 2, 3])
            }
            for (context, sealed) in lost {
                #expect(throws: VaultError.forgotten(context.channel)) {
                    try again.open(sealed, context)
                }
            }
        }
        print(
            "ring of 100,001 forgotten channels: \(try byteCount(ring.path) >> 20) MiB,"
                + " one more takes \(one), opening \(opening)")
        // Far above what it takes on a busy machine: a forget that went over the log or the
        // ring once for each channel would take hours.
        #expect(one < .seconds(60))
        #expect(opening < .seconds(60))
    }

    /// Each month every channel forgets all before it. What is in the log already is not said
    /// again, so that a month costs a record a channel.
    @Test(.timeLimit(.minutes(5))) func monthlyRetentionOfTenThousandChannels() throws {
        let vault = try Vault(ring: ring.file)
        let numbers = (0..<10_000).map { _ in ChannelNumber.random() }
        let sample = numbers.prefix(200)
        let sealed = try sample.flatMap { number in
            try (UInt16(620)..<628).map { month in
                let place = context(number, month)
                return try (place, vault.seal([4, 5, 6], place))
            }
        }
        var records: UInt64 = 0
        for month in UInt16(623)..<627 {
            let change = try vault.forget(
                numbers.map { .before($0, Period(rawValue: month)) })
            let head = try vault.logHead().sequence
            if month > 623 { #expect(head == records + 10_000) }
            records = head
            #expect(change.generation == UInt64(month) - 621)
            #expect(vault.nodeCount <= 10_000 * (36 + 16))
            #expect(try byteCount(ring.path) <= 102 + 10_000 * (36 + 16) * 41)
        }
        #expect(records <= 10_000 * (16 + 3))
        let again = try Vault(ring: ring.file)
        for (place, value) in sealed {
            let isGone = place.period < Period(rawValue: 626)
            #expect(try again.isForgotten(place.channel, place.period) == isGone)
            if isGone {
                #expect(throws: VaultError.self) { try again.open(value, place) }
            } else {
                #expect(try again.open(value, place) == [4, 5, 6])
            }
        }
    }
}
