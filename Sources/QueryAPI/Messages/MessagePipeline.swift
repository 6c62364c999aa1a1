import Archive
import Synchronization

/// Reads batches ahead and decrypts them, two at a time, so that no processor waits for the rest of a
/// batch. What is under way is cancelled when the pipeline goes.
///
/// - Parameters:
///   - Item: A message as it is read.
///   - Key: Its place in the order in which they are.
final class MessagePipeline<Item: Sendable, Key: Sendable, Part: Sendable>: Sendable {
    struct Batch: Sendable {
        let messages: [Item]
        /// What was made of them.
        let part: Part
        /// Where more is; nil where there is nothing more now.
        let next: Key?
        let isLast: Bool
    }

    /// Messages after a place, at most so many, and where to go on.
    typealias Source =
        @Sendable (_ after: Key?, _ wanted: Int?) async throws -> (messages: [Item], next: Key?)

    /// Makes of messages what is handed out.
    typealias Form =
        @Sendable (inout MessageReading, [Item]) async throws -> Part

    /// What was read, and what is left to read; nothing where `isLast`.
    private struct Portion: Sendable {
        var messages: [Item] = []
        var after: Key?
        /// Messages still wanted; nil for all there are.
        var wanted: Int?
        var isLast = false
    }

    private typealias Reading = Task<Portion, any Error>
    private typealias Forming = Task<(batch: Batch, reading: MessageReading), any Error>

    private struct State {
        /// The batch that is handed out next.
        var formed: Forming
        /// The one after it.
        var following: Forming
        /// The portion after both.
        var read: Reading
    }

    private let source: Source
    private let form: Form
    private let state: Mutex<State>

    init(
        after: Key?, wanted: Int?, reading: MessageReading, form: @escaping Form,
        source: @escaping Source
    ) {
        self.source = source
        self.form = form
        let start = Portion(after: after, wanted: wanted)
        let first = Task { try await Self.portion(after: start, source) }
        let second = Self.read(after: first, source)
        // Side keys that one of them has loaded are loaded again for the other, once.
        state = Mutex(
            State(
                formed: Task { try await Self.form(first.value, reading, form) },
                following: Task { try await Self.form(second.value, reading, form) },
                read: Self.read(after: second, source)))
    }

    deinit {
        state.withLock { state in
            state.formed.cancel()
            state.following.cancel()
            state.read.cancel()
        }
    }

    /// The next batch. Not to be called after the last one.
    func next() async throws -> Batch {
        let current = state.withLock { $0.formed }
        let (batch, reading) = try await withTaskCancellationHandler {
            try await current.value
        } onCancel: {
            current.cancel()
        }
        guard !batch.isLast else { return batch }
        state.withLock { state in
            let portion = state.read
            state.formed = state.following
            state.following = Task { [form] in
                try await Self.form(portion.value, reading, form)
            }
            state.read = Self.read(after: portion, source)
        }
        return batch
    }

    private static func read(after portion: Reading, _ source: @escaping Source) -> Reading {
        Task { try await self.portion(after: portion.value, source) }
    }

    private static func portion(after last: Portion, _ source: Source) async throws -> Portion {
        guard !last.isLast else { return Portion(isLast: true) }
        try Task.checkCancellation()
        let (messages, next) = try await source(last.after, last.wanted)
        let wanted = last.wanted.map { $0 - messages.count }
        return Portion(
            messages: messages, after: next, wanted: wanted, isLast: next == nil || wanted == 0)
    }

    private static func form(
        _ portion: Portion, _ reading: MessageReading, _ form: Form
    ) async throws -> (batch: Batch, reading: MessageReading) {
        var reading = reading
        let part = try await form(&reading, portion.messages)
        let batch = Batch(
            messages: portion.messages, part: part, next: portion.after, isLast: portion.isLast)
        return (batch, reading)
    }
}
