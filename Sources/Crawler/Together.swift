import Failures

/// Work that is done for several who ask, and an answer for each.
package enum Together {
    /// Where the work throws for several and repeating would not help, it is called for each alone,
    /// so that one request does not make the others fail.
    ///
    /// - Parameter work: gives one answer a request, in their order. It must not mind being called
    ///   again.
    package static func answers<Request, Answer>(
        to requests: [Request], _ work: ([Request]) async throws -> [Answer]
    ) async -> [Result<Answer, any Error>] {
        do {
            let answers = try await work(requests)
            if answers.count == requests.count { return answers.map { .success($0) } }
            return requests.map { _ in .failure(TogetherError.answersMissing) }
        } catch {
            let isForAll = requests.count == 1 || (error as? any Failure)?.retryable ?? true
            guard !isForAll else { return requests.map { _ in .failure(error) } }
            var results: [Result<Answer, any Error>] = []
            for request in requests { results += await answers(to: [request], work) }
            return results
        }
    }
}

/// Several were answered with another number of answers than there were requests.
enum TogetherError: Failure {
    case answersMissing

    var code: String { "crawl.answers-missing" }
    var operation: String { "answer several requests" }
    var publicText: String { "several requests were not answered as they should" }
}
