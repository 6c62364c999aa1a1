import Metering
import TestSupport
import Testing

@Suite struct FuzzTests {
    private static let count = 100_000

    /// Nothing that stands in a message stops the reader, or makes it read more than it says.
    @Test func mutatedMessagesAreReadOrRefused() throws {
        var generator = SeededGenerator.announced()
        let bodies = [Telegrams.version5, Telegrams.version2, Telegrams.belgian]
        let seeds: [[UInt8]] = bodies.flatMap { body in
            [Telegrams.whole(body), Telegrams.split(body), body].flatMap {
                [Array(message($0).utf8), Array($0.utf8)]
            }
        }
        var reader = MeterMessageReader()
        var readings: [Reading] = []
        var tally = MessageTally()
        var aggregation = Aggregation(
            try BucketGrid(
                from: 1_577_836_800, to: 1_640_995_200, .hour, timeZone: "Europe/Amsterdam"))
        for number in 0..<Self.count {
            let seed = seeds[number % seeds.count]
            let other = seeds.randomElement(using: &generator) ?? seed
            let content = Self.mutated(seed, other, &generator)
            let before = readings.count
            reader.read(content, into: &readings, &tally)
            #expect(readings.count - before <= 4)
            if readings.count > 1000 {
                aggregation.add(readings)
                readings.removeAll(keepingCapacity: true)
            }
        }
        #expect(tally.messages == Self.count)
        let refused = MessageFault.allCases.reduce(0) { $0 + tally.count($1) }
        #expect(tally.readings > Self.count / 50)
        #expect(refused > Self.count / 2)
        for fault in [MessageFault.damaged, .notJSON, .cut, .merged, .otherMessage] {
            #expect(tally.count(fault) > 0, "\(fault)")
        }
        #expect(aggregation.finished().buckets.count == (366 + 365) * 24)
    }

    private static func mutated(
        _ seed: [UInt8], _ other: [UInt8], _ generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let length = min(Int.random(in: 1...60, using: &generator), bytes.count - place)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: bytes[place] = .random(in: .min ... .max, using: &generator)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes.removeSubrange(place..<place + length)
            case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
            case 4: bytes.removeSubrange(place...)
            case 5:
                let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
                if let digit = digits.randomElement(using: &generator) {
                    bytes[digit] = .random(in: 0x30...0x39, using: &generator)
                }
            case 6:
                let from = Int.random(in: 0...other.count, using: &generator)
                bytes.replaceSubrange(place..., with: other[from...])
            default:
                let special = Array("!/\r\n()*:-.\"\\{}[],u".utf8)
                bytes.insert(special.randomElement(using: &generator) ?? 0, at: place)
            }
        }
        return bytes
    }

    @Test func nonsensicalReadingsAreAddedUpInBoundedSpace() throws {
        var generator = SeededGenerator.announced()
        let grid = try BucketGrid(
            from: 1_609_459_200, to: 1_609_545_600, .quarter, timeZone: "UTC")
        var aggregation = Aggregation(grid)
        for _ in 0..<Self.count {
            var counters = CounterValues.none
            for counter in Counter.allCases where Bool.random(using: &generator) {
                counters[counter] = .random(in: 0...999_999_999_999, using: &generator)
            }
            var reading = Reading(
                seconds: .random(in: grid.start - 9000...grid.end + 9000, using: &generator),
                check: .none, counters: counters)
            reading.meter = .random(in: 0...2, using: &generator)
            reading.powerImported = .random(in: 0...999_999_999_999, using: &generator)
            reading.voltages = [.max, -1, 0, -1]
            reading.gas = .init(
                seconds: .random(in: .min ... .max, using: &generator), meter: 0)
            aggregation.add(reading)
        }
        let result = aggregation.finished()
        #expect(result.buckets.count == 96)
        #expect(result.outside > 0 && result.duplicates > 0)
        for bucket in result.buckets {
            #expect(bucket.coveredSeconds <= 900)
            for counter in Counter.allCases { #expect(bucket.gains[counter] ?? 0 >= 0) }
        }
    }
}
