import Archive
import HTTPServer

/// Signing in and out.
struct SessionRoutes: Sendable {
    let archive: Archive
    let sessions: Sessions

    var routes: [Route] {
        [
            Route("POST", "/session", .anyone, errors: .page, signIn),
            Route("POST", "/session/end", .visitor, errors: .page, signOut),
        ]
    }

    /// The token comes in the body, and is not kept: the cookie that is given for it names it only.
    @Sendable private func signIn(_ call: Call) async throws -> HTTPResponse {
        // Nobody is to be signed in by another's page, either.
        try RequestOrigin.check(call.request, isSecure: sessions.isSecure)
        let form = try FormBody(call.request, known: ["token", "next"])
        let next = form.text("next").flatMap(SignInPage.path)
        guard let token = form.text("token"),
            let caller = try await archive.authenticate(token)
        else {
            return SignInPage.page(next: next, refusal: "This token is not valid.")
                .response(status: 401)
        }
        var response = Page.redirect(to: next ?? "/")
        response.headers.append("Set-Cookie", try sessions.begin(caller.token))
        return response
    }

    @Sendable private func signOut(_ call: Call) async throws -> HTTPResponse {
        try RequestOrigin.check(call.request, isSecure: sessions.isSecure)
        var response = Page.redirect(to: "/")
        response.headers.append("Set-Cookie", try await sessions.end(call.session))
        return response
    }
}

/// The form that asks for a token.
enum SignInPage {
    /// - Parameters:
    ///   - next: Where to go on, as `path` gives it.
    ///   - refusal: What was wrong.
    static func page(next: String?, refusal: String? = nil) -> Page {
        let alert = refusal.map { text -> HTML in
            "<p class=\"alert bad\" role=\"alert\" id=\"refusal\">\(text)</p>"
        }
        let described: HTML? =
            refusal == nil ? nil : " aria-invalid=\"true\" aria-errormessage=\"refusal\""
        let goOn = next.map { path -> HTML in
            "<input type=\"hidden\" name=\"next\" value=\"\(path)\">"
        }
        return Page(
            "Sign in", for: nil,
            """
            <div class="card narrow">
            <h1>Sign in</h1>
            <p class="lead">With the token that you were given for this archive.</p>
            \(alert)
            <form class="stack" method="post" action="/session">
            <label for="token">Token</label>
            <input id="token" name="token" type="password" required autofocus\(described)
            autocomplete="current-password" spellcheck="false" autocapitalize="none" maxlength="128">
            \(goOn)
            <button class="primary">Sign in</button>
            </form>
            <p class="hint">An admin makes tokens: <code>permanode token create</code>. The token is not
            kept in this browser. You are signed out after an hour without use.</p>
            </div>
            """)
    }

    /// A path of this service that may be gone on to; nil for anything else.
    static func path(_ text: String) -> String? {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "/"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return text.utf8.count <= 100 && isPlain && text.hasPrefix("/") && !text.hasPrefix("//")
            ? text : nil
    }
}
