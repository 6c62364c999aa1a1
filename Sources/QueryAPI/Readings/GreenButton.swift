import Foundation
import Metering
import Vault

/// Readings as a Green Button file: an Atom feed of ESPI resources (NAESB REQ.21, espi.xsd). One
/// usage point for electricity, gas and water each, in it a series for each counter, and its
/// intervals. What nobody knows has no interval, since there is no value for it.
struct GreenButton: ReadingsLayout {
    /// A series: what its counter is in the words of ESPI.
    private struct Series {
        let counter: Counter
        let title: StaticString
        /// 1 electricity, 7 natural gas, 9 potable water.
        let commodity: Int
        /// 1 to the customer, 19 from him.
        let flow: Int
        /// 12 energy, 58 volume.
        let kind: Int
        /// 72 Wh, 42 m³.
        let unit: Int
        /// Values are thousandths of a m³, and whole Wh.
        let powerOfTen: Int
        /// The tariff: time of use.
        let tariff: Int

        /// 0 electricity, 1 gas, 2 water.
        var service: Int { commodity == 7 ? 1 : commodity == 9 ? 2 : 0 }

        init(_ counter: Counter) {
            self.counter = counter
            let isVolume = counter == .gas || counter == .water
            commodity = counter == .gas ? 7 : counter == .water ? 9 : 1
            kind = isVolume ? 58 : 12
            unit = isVolume ? 42 : 72
            powerOfTen = isVolume ? -3 : 0
            switch counter {
            case .imported: (title, flow, tariff) = ("Imported", 1, 0)
            case .importedTariff1: (title, flow, tariff) = ("Imported, tariff 1", 1, 1)
            case .importedTariff2: (title, flow, tariff) = ("Imported, tariff 2", 1, 2)
            case .exported: (title, flow, tariff) = ("Exported", 19, 0)
            case .exportedTariff1: (title, flow, tariff) = ("Exported, tariff 1", 19, 1)
            case .exportedTariff2: (title, flow, tariff) = ("Exported, tariff 2", 19, 2)
            case .gas: (title, flow, tariff) = ("Gas", 1, 0)
            case .water: (title, flow, tariff) = ("Water", 1, 0)
            }
        }
    }

    /// Kinds of entries, by which their names differ.
    private enum Entry: Int {
        case feed, localTime, usagePoint, meterReading, readingType, intervals
    }

    /// Data as it comes from the meter, and data that a part is missing of.
    private static let raw = 14
    private static let questionable = 10

    var filling: [UInt8] { Array("\n".utf8) }

    func start(_ head: ReadingsHead) -> [UInt8] {
        var text = ReadingsText()
        text.add("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        text.add("<feed xmlns=\"http://www.w3.org/2005/Atom\">")
        Self.add(.feed, 0, head, to: &text)
        text.add("<title>Readings of channel ")
        text.add(plain: head.channel.text)
        text.add("</title><updated>")
        Self.add(head.time, to: &text)
        text.add("</updated><link rel=\"self\" href=\"/v1/channels/")
        text.add(plain: head.channel.text)
        text.add("/readings\"/>\n")
        if head.grid.timeZone == ReadingsQuery.defaultTimeZone {
            Self.addLocalTime(head, to: &text)
        }
        return text.bytes
    }

    mutating func readings(_ readings: [Reading]) -> [UInt8] { [] }

    func write(
        _ buckets: [Bucket], _ head: ReadingsHead, to sink: ReadingsWriter.Sink
    ) async throws {
        var services: Set<Int> = []
        for counter in Counter.allCases
        where buckets.contains(where: { $0.gains[counter] != nil }) {
            let series = Series(counter)
            var text = ReadingsText()
            if services.insert(series.service).inserted {
                Self.addUsagePoint(series.service, head, to: &text)
            }
            Self.addSeries(series, head, to: &text)
            Self.open(.intervals, counter.rawValue, head, to: &text)
            Self.addLink("self", series, "/IntervalBlock/1", head, to: &text)
            Self.addLink("up", series, "/IntervalBlock", head, to: &text)
            text.add("<title/><content><IntervalBlock xmlns=\"http://naesb.org/espi\"><interval>")
            Self.add(head.grid.start, head.grid.end, to: &text)
            text.add("</interval>")
            try await sink(text.bytes)
            for start in stride(from: 0, to: buckets.count, by: ReadingsWriter.bucketsAtOnce) {
                let end = min(start + ReadingsWriter.bucketsAtOnce, buckets.count)
                try await sink(Self.intervals(buckets[start..<end], series))
            }
            text = ReadingsText()
            text.add("</IntervalBlock></content>")
            Self.close(head, to: &text)
            try await sink(text.bytes)
        }
    }

    func end(_ summary: ReadingsSummary) -> [UInt8] { Array("</feed>\n".utf8) }

    private static func intervals(_ buckets: ArraySlice<Bucket>, _ series: Series) -> [UInt8] {
        var text = ReadingsText()
        for bucket in buckets {
            guard let gain = bucket.gains[series.counter] else { continue }
            let isWhole = bucket.quality == .complete && bucket.breaks == 0
            text.add("<IntervalReading><ReadingQuality><quality>")
            text.add(isWhole ? raw : questionable)
            text.add("</quality></ReadingQuality><timePeriod>")
            add(bucket.start, bucket.end, to: &text)
            text.add("</timePeriod><value>")
            text.add(gain)
            text.add("</value>")
            if series.tariff > 0 {
                text.add("<tou>")
                text.add(series.tariff)
                text.add("</tou>")
            }
            text.add("</IntervalReading>")
        }
        return text.bytes
    }

    private static func add(_ start: Int64, _ end: Int64, to text: inout ReadingsText) {
        text.add("<duration>")
        text.add(end - start)
        text.add("</duration><start>")
        text.add(start)
        text.add("</start>")
    }

    /// The rules of Central European time: from 2:00 on the last Sunday of March to 3:00 on the
    /// last one of October (espi.xsd, *DstRuleType*).
    private static func addLocalTime(_ head: ReadingsHead, to text: inout ReadingsText) {
        open(.localTime, 0, head, to: &text)
        text.add("<link rel=\"self\" href=\"/LocalTimeParameters/1\"/><title/>")
        text.add("<content><LocalTimeParameters xmlns=\"http://naesb.org/espi\">")
        text.add("<dstEndRule>AE0E3000</dstEndRule><dstOffset>3600</dstOffset>")
        text.add("<dstStartRule>3E0E2000</dstStartRule><tzOffset>3600</tzOffset>")
        text.add("</LocalTimeParameters></content>")
        close(head, to: &text)
    }

    private static func addUsagePoint(
        _ service: Int, _ head: ReadingsHead, to text: inout ReadingsText
    ) {
        open(.usagePoint, service, head, to: &text)
        for (relation, rest) in [("self", ""), ("related", "/MeterReading")] {
            text.add(plain: "<link rel=\"\(relation)\" href=\"/UsagePoint/\(service)\(rest)\"/>")
        }
        text.add("<title/><content><UsagePoint xmlns=\"http://naesb.org/espi\"><ServiceCategory>")
        text.add("<kind>")
        text.add(service)
        text.add("</kind></ServiceCategory></UsagePoint></content>")
        close(head, to: &text)
    }

    private static func addSeries(
        _ series: Series, _ head: ReadingsHead, to text: inout ReadingsText
    ) {
        open(.meterReading, series.counter.rawValue, head, to: &text)
        addLink("self", series, "", head, to: &text)
        addLink("related", series, "/IntervalBlock", head, to: &text)
        text.add(plain: "<link rel=\"related\" href=\"/ReadingType/\(series.counter.rawValue)\"/>")
        text.add("<title>")
        text.add(series.title)
        text.add("</title><content><MeterReading xmlns=\"http://naesb.org/espi\"/></content>")
        close(head, to: &text)
        open(.readingType, series.counter.rawValue, head, to: &text)
        text.add(plain: "<link rel=\"self\" href=\"/ReadingType/\(series.counter.rawValue)\"/>")
        text.add("<title/><content><ReadingType xmlns=\"http://naesb.org/espi\">")
        // What was counted in an interval.
        text.add("<accumulationBehaviour>4</accumulationBehaviour>")
        add("commodity", series.commodity, to: &text)
        // Normal, as it comes from the meter.
        text.add("<dataQualifier>12</dataQualifier>")
        add("defaultQuality", raw, to: &text)
        add("flowDirection", series.flow, to: &text)
        switch head.grid.resolution {
        case .quarter: add("intervalLength", 900, to: &text)
        case .hour: add("intervalLength", 3600, to: &text)
        // Days have several lengths, which each interval tells.
        case .day, .raw: break
        }
        add("kind", series.kind, to: &text)
        add("powerOfTenMultiplier", series.powerOfTen, to: &text)
        text.add("<timeAttribute>0</timeAttribute>")
        if series.tariff > 0 { add("tou", series.tariff, to: &text) }
        add("uom", series.unit, to: &text)
        text.add("</ReadingType></content>")
        close(head, to: &text)
    }

    private static func add(_ name: StaticString, _ value: Int, to text: inout ReadingsText) {
        text.add("<")
        text.add(name)
        text.add(">")
        text.add(value)
        text.add("</")
        text.add(name)
        text.add(">")
    }

    private static func addLink(
        _ relation: StaticString, _ series: Series, _ rest: StaticString, _ head: ReadingsHead,
        to text: inout ReadingsText
    ) {
        text.add("<link rel=\"")
        text.add(relation)
        text.add(plain: "\" href=\"/UsagePoint/\(series.service)/MeterReading/")
        text.add(series.counter.rawValue)
        text.add(rest)
        text.add("\"/>")
    }

    private static func open(
        _ entry: Entry, _ number: Int, _ head: ReadingsHead, to text: inout ReadingsText
    ) {
        text.add("<entry>")
        add(entry, number, head, to: &text)
    }

    private static func close(_ head: ReadingsHead, to text: inout ReadingsText) {
        text.add("<published>")
        add(head.time, to: &text)
        text.add("</published><updated>")
        add(head.time, to: &text)
        text.add("</updated></entry>\n")
    }

    private static func add(_ time: Date, to text: inout ReadingsText) {
        text.add(time: Int64(time.timeIntervalSince1970.rounded(.down)))
    }

    /// The same for the same thing each time: a UUID of our own making (RFC 9562, version 8) of
    /// the channel's number, the kind of entry and its number.
    private static func add(
        _ entry: Entry, _ number: Int, _ head: ReadingsHead, to text: inout ReadingsText
    ) {
        let channel = String(format: "%012llx", UInt64(head.channel.rawValue))
        let kind = String(format: "%03x", entry.rawValue * 16 + number)
        text.add("<id>urn:uuid:7065726d-616e-8")
        text.add(plain: "\(kind)-8000-\(channel)</id>")
    }
}
