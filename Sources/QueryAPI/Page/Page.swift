import Archive
import HTTPServer
import Vault

/// A page of the service, as a whole document.
struct Page {
    /// What the header leads to.
    enum Section: String {
        case channels = "/"
        case people = "/people"
        case requests = "/requests"
        case access = "/tokens"
        case holds = "/holds"
    }

    let title: String
    var section: Section?
    /// Who is signed in; nil for nobody.
    var caller: Caller?
    let content: HTML

    init(_ title: String, _ section: Section? = nil, for call: Call?, _ content: HTML) {
        self.title = title
        self.section = section
        caller = call?.caller
        self.content = content
    }

    /// Nothing but what comes from here, no script or style within a page, in nobody's frame.
    static let policy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
        connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'
        """

    /// Of everything that a browser shows. With `no-referrer` browsers would not say the origin of
    /// forms either, by which they are let through; of other sites' pages none is linked.
    static let headers: HTTPHeaders = [
        "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
        "Vary": "Cookie",
    ]

    func response(status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, headers: Self.headers, body: .bytes(document.bytes))
    }

    /// After something was done: to where its outcome is seen.
    ///
    /// - Parameter path: Of this service.
    static func redirect(to path: String) -> HTTPResponse {
        var response = Page("Go on", for: nil, "<p><a href=\"\(path)\">Go on</a></p>")
            .response(status: 303)
        response.headers["Location"] = path
        return response
    }

    private var document: HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title) · permanode</title>
        <link rel="icon" href="\(PageAssets.path("icon.svg"))" type="image/svg+xml">
        <link rel="stylesheet" href="\(PageAssets.path("page.css"))">
        <link rel="stylesheet" href="\(PageAssets.path("plot.css"))">
        <script type="module" src="\(PageAssets.path("page.js"))"></script>
        </head>
        <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="top"><div class="bar">
        <a class="brand" href="/">\(Self.mark)permanode</a>
        \(navigation)
        </div></header>
        <main id="main" tabindex="-1">
        \(content)
        </main>
        <footer class="foot"><p>permanode keeps what nodes prune, and forgets what people ask it to.
        <a href="/openapi.json">Interface</a></p></footer>
        </body>
        </html>

        """
    }

    private static func name(_ role: TokenRole) -> String {
        switch role {
        case .admin: "admin"
        case .reader: "reader"
        case .subject: "person"
        }
    }

    private static let mark: HTML = """
        <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">\
        <rect x="2" y="3" width="20" height="5" rx="1.5"/>\
        <rect x="2" y="10" width="14" height="5" rx="1.5"/>\
        <rect x="2" y="17" width="8" height="4" rx="1.5"/></svg>
        """

    private var navigation: HTML? {
        guard let caller else { return nil }
        let links: [(Section, String)] =
            switch caller.role {
            case .admin:
                [
                    (.channels, "Channels"), (.people, "People"), (.requests, "Requests"),
                    (.holds, "Holds"), (.access, "Access"),
                ]
            case .reader: [(.channels, "Channels")]
            case .subject: [(.channels, "My data"), (.requests, "Requests")]
            }
        let items = links.map { link, name -> HTML in
            let current: HTML? = link == section ? " aria-current=\"page\"" : nil
            return "<li><a href=\"\(link.rawValue)\"\(current)>\(name)</a></li>"
        }
        return """
            <nav aria-label="Main"><ul>\(items)</ul></nav>
            <form class="session" method="post" action="/session/end">
            <span class="who">\(Self.name(caller.role))<span class="mono"> \(caller.token.text)</span></span>
            <button class="quiet">Sign out</button>
            </form>
            """
    }
}
