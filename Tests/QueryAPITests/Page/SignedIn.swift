import HTTPServer
import Testing

/// Somebody's browser at the page.
struct SignedIn {
    let api: TestAPI
    /// As it goes into a `Cookie` field.
    let cookie: String

    /// What the browser says of a form or script of the page itself.
    static let ownOrigin: HTTPHeaders = [
        "Host": "archive.example", "Origin": "http://archive.example",
    ]

    func get(_ target: String) async throws -> Answer {
        try await api.call("GET", target, token: .none, headers: ["Cookie": cookie])
    }

    /// - Parameter headers: Besides the cookie.
    func post(
        _ target: String, _ form: String = "", headers: HTTPHeaders = ownOrigin
    ) async throws -> Answer {
        var headers = headers
        headers["Cookie"] = cookie
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return try await api.call("POST", target, token: .none, headers: headers, body: form)
    }
}

extension TestAPI {
    /// Signs in with a token, by the form.
    func signIn(_ token: String) async throws -> SignedIn {
        let answer = try await SignedIn(api: self, cookie: "").post("/session", "token=\(token)")
        #expect(answer.status == 303)
        #expect(answer.headers["Location"] == "/")
        let field = try #require(answer.headers["Set-Cookie"])
        return SignedIn(api: self, cookie: String(field.prefix { $0 != ";" }))
    }
}
