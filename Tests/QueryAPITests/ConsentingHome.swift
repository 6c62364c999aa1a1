import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import MAM
import QueryAPI
import Ternary
import TestSupport
import Testing
import Vault

/// Anna's meter and her consent channel, and a reader that her events name.
final class ConsentingHome {
    let api: TestAPI
    let source = MemoryTangle()
    let provider: Hash
    let device: Hash
    var meter: WrittenChain
    var consent: WrittenChain
    let channel: ChannelNumber
    let consentChannel: ChannelNumber
    let reader: Token
    let token: ChannelNumber
    let crawler: CrawlService

    init(_ api: TestAPI, leaves: Int = 1, hasDevice: Bool = false) async throws {
        self.api = api
        provider = try Hash(String(repeating: "P", count: 81))
        device = try Hash(String(repeating: "D", count: 81))
        meter = try WrittenChain("M", on: source)
        consent = try WrittenChain("C", on: source, leaves: leaves)
        var registration = ChannelRegistration(
            root: meter.root, mode: .private, subjects: ["anna"])
        registration.device = hasDevice ? device : nil
        channel = try await api.archive.register(registration, now: api.clock.now)
        registration = ChannelRegistration(
            root: consent.root, mode: .private, subjects: ["anna"])
        registration.isConsent = true
        consentChannel = try await api.archive.register(registration, now: api.clock.now)
        let made = try await api.archive.createToken(
            .reader, address: provider, now: api.clock.now)
        reader = .text(made.text)
        token = made.record.id
        crawler = try api.test.crawler(source, clock: api.clock)
    }

    func measure(_ texts: String...) throws {
        for text in texts { try meter.write(text, at: api.clock.now) }
    }

    func say(_ text: String) throws { try consent.write(text, at: api.clock.now) }

    /// What is on the ledger is taken in, and a day goes by, or less.
    func crawl(_ pause: TimeInterval = 86_400) async throws {
        _ = try await crawler.crawlUntilIdle()
        api.clock.advance(pause)
    }

    var path: String { "/v1/channels/\(channel.text)" }

    /// What the reader gets; nil where the channel is not there for him.
    func read() async throws -> [String]? {
        let page = try await api.get("\(path)/messages", token: reader)
        let streamed = try await api.get(
            "\(path)/messages", token: reader, accept: "application/x-ndjson")
        #expect(page.status == streamed.status)
        guard page.status == 200 else {
            let never = try await api.get(
                "/v1/channels/\(ChannelNumber.random().text)/messages", token: reader)
            #expect(page.status == 404 && page.body == never.body)
            #expect(try await api.get(path, token: reader).status == 404)
            return nil
        }
        let texts = page.json["messages"]?.array?.compactMap { $0["text"]?.text }
        #expect(try streamed.lines.compactMap(\.text) == texts)
        return texts
    }
}
