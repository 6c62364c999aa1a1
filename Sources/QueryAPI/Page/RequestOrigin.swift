import HTTPServer

/// Where a request comes from, as the browser says it. Scripts cannot change what it says.
enum RequestOrigin {
    /// That a page of this service made a request that changes something.
    ///
    /// `Sec-Fetch-Site` says so by itself; browsers without it say the page's origin, which has to
    /// be the one that was asked. A request without either is not let through.
    ///
    /// - Throws: `RequestError.foreignOrigin`.
    static func check(_ request: HTTPRequest, isSecure: Bool) throws(RequestError) {
        guard changes(request.method) else { return }
        if let site = request.headers["Sec-Fetch-Site"] {
            guard site == "same-origin" else { throw .foreignOrigin }
            return
        }
        guard let host = request.headers["Host"], !host.isEmpty,
            request.headers.values("Origin") == ["\(isSecure ? "https" : "http")://\(host)"]
        else { throw .foreignOrigin }
    }

    private static func changes(_ method: String) -> Bool {
        !["GET", "HEAD", "OPTIONS"].contains(method)
    }
}
