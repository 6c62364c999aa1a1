import Archive
import Diagnostics
import Failures
import Foundation
import HTTPServer
import Vault

/// Counts and logs requests. Neither tells more of a request than its method, its route and
/// the numbers of channel, request and token: paths and queries may hold anything.
struct RequestRecord: Sendable {
    private enum StatusClass: String, CaseIterable {
        case success = "2xx"
        case redirection = "3xx"
        case client = "4xx"
        case server = "5xx"
    }

    private static let methods: Set<String> = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
    ]

    private let requests: Counter
    private let seconds: Histogram
    private let log: Log

    init(routes: [Route], metrics: Metrics, log: Log) throws(MetricsError) {
        let route = MetricLabel("route", values: routes.map(\.name))
        requests = try metrics.counter(
            "permanode_http_requests_total", help: "Requests by route and status class.",
            labels: [route, MetricLabel("status", StatusClass.self)])
        seconds = try metrics.histogram(
            "permanode_http_request_seconds",
            help: "Time from a request to the end of its answer, streams included, by route.",
            labels: [route])
        self.log = log
    }

    /// - Parameter route: Nil for a request that none answers.
    func begin(_ request: HTTPRequest, route: Route?) -> Entry {
        Entry(record: self, request: request, route: route)
    }

    /// One request.
    struct Entry: Sendable {
        var caller: Caller?
        /// The number in the path.
        var subject: ChannelNumber?

        private let record: RequestRecord
        private let route: Route?
        private let method: String
        private let id: String
        private let began = ContinuousClock.now

        fileprivate init(record: RequestRecord, request: HTTPRequest, route: Route?) {
            self.record = record
            self.route = route
            method = request.method
            let digits = String(UInt64.random(in: .min ... .max), radix: 16)
            id = String(repeating: "0", count: 16 - digits.count) + digits
        }

        /// The answer as it goes out; what it tells is on record when it has been handed over.
        ///
        /// - Parameter code: What a problem is about.
        func end(_ answer: HTTPResponse, code: String? = nil) -> HTTPResponse {
            var answer = answer
            answer.headers["X-Request-Id"] = id
            // Sessions make browsers ask here: what it is called is what it is.
            answer.headers["X-Content-Type-Options"] = "nosniff"
            if answer.headers["Cache-Control"] == nil {
                // What is forgotten must not live on in a cache between here and the reader.
                answer.headers["Cache-Control"] = "no-store"
            }
            // The server does not run the stream for HEAD.
            guard case .stream(let write) = answer.body, method != "HEAD" else {
                tell(answer.status, code: code)
                return answer
            }
            let status = answer.status
            answer.body = .stream { writer in
                do {
                    try await write(writer)
                    tell(status)
                } catch {
                    let problem = Problem(error).details
                    tell(status, code: problem.code, cut: true)
                    if problem.status >= 500, !(error is HTTPStreamError) { tell(error) }
                    throw error
                }
            }
            return answer
        }

        func end(failedWith error: any Error, as shape: ErrorShape, to request: HTTPRequest)
            -> HTTPResponse
        {
            let problem = Problem(error)
            if problem.details.status >= 500 { tell(error) }
            return end(shape.response(problem, to: request, by: caller), code: problem.details.code)
        }

        /// An error's own text only where it is made for this; others may say anything.
        private func tell(_ error: any Error) {
            let fields: LogFields = ["request": .string(id)]
            if let failure = error as? any Failure {
                record.log.failure(failure, "request failed", fields)
            } else {
                record.log.error(
                    "request failed",
                    fields.merging(["type": .string(String(describing: type(of: error)))]))
            }
        }

        private func tell(_ status: Int, code: String? = nil, cut: Bool = false) {
            let duration = ContinuousClock.now - began
            let name = route?.name ?? MetricLabel.other
            record.requests.add(1, name, "\(status / 100)xx")
            record.seconds.observe(duration, name)
            record.log.info("request", fields(status, duration, code, cut: cut))
        }

        private func fields(
            _ status: Int, _ duration: Duration, _ code: String?, cut: Bool
        ) -> LogFields {
            var fields: LogFields = [
                "request": .string(id),
                "method": .string(RequestRecord.methods.contains(method) ? method : "OTHER"),
                "route": .string(route?.template ?? "none"), "status": .int(Int64(status)),
                "seconds": LogValue(duration),
            ]
            if let subject { fields = fields.merging(["id": .string(subject.text)]) }
            if let caller { fields = fields.merging(["token": .string(caller.token.text)]) }
            if let code { fields = fields.merging(["code": .string(code)]) }
            if cut { fields = fields.merging(["cut": .bool(true)]) }
            return fields
        }
    }
}

extension Route {
    /// Names the route in metrics.
    var name: String { "\(method) \(template)" }
}
