import Assembly
import Foundation
import Vault

/// How long requests took.
struct Latencies: Sendable {
    private(set) var seconds: [Double] = []

    var count: Int { seconds.count }

    mutating func add(_ duration: Duration) { seconds.append(duration / .seconds(1)) }

    mutating func add(_ other: Latencies) { seconds += other.seconds }

    /// - Parameter share: Of the requests, that were not slower.
    func milliseconds(_ share: Double) -> Double {
        guard !seconds.isEmpty else { return .nan }
        let sorted = seconds.sorted()
        return sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)] * 1000
    }
}

/// Readers who ask over HTTP for a page of some channel, each at its own pace whatever the
/// service does: a machine that is busy without them would show nothing else.
struct PacedReaders: Sendable {
    /// Messages a request asks for.
    static let page = 100
    private static let readers = 4
    /// Between a reader's requests.
    private static let pause: Duration = .milliseconds(50)

    let client: LoopbackClient
    let token: String
    let channels: [ChannelNumber]

    /// The requests that began while `work` went on.
    func during(_ work: @Sendable @escaping () async throws -> Void) async throws -> Latencies {
        let reading = Task {
            try await withThrowingTaskGroup(of: Latencies.self) { readers in
                for _ in 0..<Self.readers { readers.addTask { try await read() } }
                return try await readers.reduce(into: Latencies()) { $0.add($1) }
            }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await work()) } catch { result = .failure(error) }
        reading.cancel()
        let latencies = try await reading.value
        try result.get()
        return latencies
    }

    /// Until it is cancelled.
    private func read() async throws -> Latencies {
        var latencies = Latencies()
        while !Task.isCancelled {
            guard let channel = channels.randomElement() else { break }
            let start = ContinuousClock.now
            let answer = try await client.request(
                "GET", "/v1/channels/\(channel.text)/messages?limit=\(Self.page)", token: token)
            guard answer.status == 200 else { throw BenchError("a reader got \(answer.status)") }
            latencies.add(ContinuousClock.now - start)
            try? await Task.sleep(until: start + Self.pause, clock: .continuous)
        }
        return latencies
    }
}
