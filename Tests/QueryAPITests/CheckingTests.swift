import Foundation
import HTTPServer
import TestSupport
import Testing

/// What the other suites rely on finds what it looks for.
@Suite struct CheckingTests {
    @Test(arguments: [
        (418, "application/json", "{}", "status 418"),
        (200, "text/html", "{}", "text/html"),
        (200, "application/json", #"{"channels": []}"#, ""),
        (200, "application/json", "{}", "channels is missing"),
        (200, "application/json", #"{"channels": [], "root": ""}"#, "root is not described"),
        (200, "application/json", #"{"channels": {}}"#, "another type"),
        (200, "application/json", #"{"channels": [{}]}"#, "[].id is missing"),
        (200, "application/json", #"{"channels": [{"id": "x"}]}"#, "pattern"),
        (200, "application/json", #"{"channels": [{"mode": "x"}]}"#, "none of the values"),
        (200, "application/json", #"{"channels": [{"createdAt": "x"}]}"#, "no time"),
        (200, "application/json", #"{"channels": [{"sideKeys": 0.5}]}"#, "no integer"),
        (401, "application/problem+json", "{}", "WWW-Authenticate is missing"),
    ])
    func anAnswerThatIsNotAsDescribedIsFound(
        status: Int, type: String, body: String, fault: String
    ) throws {
        let answer = Answer(
            status: status, headers: ["Content-Type": type], body: Array(body.utf8))
        let faults = try OpenAPI.shared.faults(answer, of: "GET", "/v1/channels")
        #expect(
            fault.isEmpty ? faults.isEmpty : faults.contains { $0.contains(fault) }, "\(faults)")
    }

    @Test func aSecretThatWasToldIsFound() throws {
        let vector = try ChannelVector.named("meter")
        for secret in [vector.messages[3].root, vector.messages[0].sideKey ?? "", "the token"] {
            let logged = Told()
            logged.protect("the token")
            try logged.check()
            logged.log("something=\(secret)\n")
            withKnownIssue { try logged.check() }
            let answered = Told()
            answered.protect("the token")
            answered.answer(
                Answer(status: 200, headers: ["Location": "/\(secret)"], body: Array("x".utf8)))
            withKnownIssue { try answered.check() }
        }
    }
}
