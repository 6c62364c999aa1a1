import Failures
import Foundation

/// Where lines go: called once a line, with its line end, from any thread.
package typealias LogSink = @Sendable (String) -> Void

/// Writes events as single lines.
///
/// Messages and field names are literals and values are `LogValue`s, so what varies
/// stands in fields and secrets have no way in.
package struct Log: Sendable {
    private let threshold: LogThreshold
    private let format: LogFormat
    private let component: String
    private let bound: LogFields
    private let clock: @Sendable () -> Date
    private let sink: LogSink

    /// - Parameters:
    ///   - component: The part that speaks, such as `crawler`.
    ///   - minimum: Lines below it are not even built.
    ///   - clock: Gives each line its time; tests pass their own.
    ///   - sink: By default standard error.
    package init(
        component: StaticString = "permanode", minimum: LogLevel = .info,
        format: LogFormat = .text, clock: @escaping @Sendable () -> Date = { Date() },
        sink: @escaping LogSink = StandardError.write
    ) {
        self.init(
            threshold: LogThreshold(minimum), format: format,
            component: String(describing: component),
            bound: [:], clock: clock, sink: sink)
    }

    private init(
        threshold: LogThreshold, format: LogFormat, component: String, bound: LogFields,
        clock: @escaping @Sendable () -> Date, sink: @escaping LogSink
    ) {
        self.threshold = threshold
        self.format = format
        self.component = component
        self.bound = bound
        self.clock = clock
        self.sink = sink
    }

    /// A log that writes nothing.
    package static let silent = Log(minimum: .error, sink: { _ in })

    /// The same log for another part, with `fields` on each of its lines.
    package func component(_ name: StaticString, _ fields: LogFields = [:]) -> Log {
        Log(
            threshold: threshold, format: format, component: String(describing: name),
            bound: bound.merging(fields), clock: clock, sink: sink)
    }

    /// The same log with `fields` on each of its lines.
    package func with(_ fields: LogFields) -> Log {
        Log(
            threshold: threshold, format: format, component: component,
            bound: bound.merging(fields), clock: clock, sink: sink)
    }

    /// Another lowest level from now on, for this log, what it was made of, and what was made of it.
    package func setMinimum(_ level: LogLevel) { threshold.set(level) }

    package func debug(_ message: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
        write(.debug, message, fields)
    }

    package func info(_ message: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
        write(.info, message, fields)
    }

    package func warning(_ message: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
        write(.warning, message, fields)
    }

    package func error(_ message: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
        write(.error, message, fields)
    }

    /// Writes what an operator needs of `failure`: the fields `code`, `operation`,
    /// `subject` (where there is one), `retryable` and `reason` (its `operatorText`).
    package func failure(
        _ failure: any Failure, _ message: StaticString, level: LogLevel = .error,
        _ fields: @autoclosure () -> LogFields = [:]
    ) {
        write(level, message) { fields().merging(Self.fields(of: failure)) }
    }

    private static func fields(of failure: any Failure) -> LogFields {
        let start: LogFields = [
            "code": .string(failure.code), "operation": .string(failure.operation),
        ]
        let end: LogFields = [
            "retryable": .bool(failure.retryable), "reason": .string(failure.operatorText),
        ]
        guard let subject = failure.subject else { return start.merging(end) }
        return start.merging(["subject": .string(subject)]).merging(end)
    }

    private func write(_ level: LogLevel, _ message: StaticString, _ fields: () -> LogFields) {
        guard threshold.admits(level) else { return }
        let event = LogLine.Event(
            time: clock(), level: level, component: component,
            message: String(describing: message), fields: bound.merging(fields()))
        sink(LogLine.render(event, as: format) + "\n")
    }
}
