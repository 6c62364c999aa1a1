import HTTPServer

/// Styles, scripts and pictures of the page, embedded in the program.
enum PageAssets {
    private struct Asset {
        let contentType: String
        let bytes: [UInt8]
    }

    private static let script = "text/javascript; charset=utf-8"
    private static let assets = [
        "page.css": Asset(
            contentType: "text/css; charset=utf-8", bytes: PackageResources.page_css),
        "plot.css": Asset(
            contentType: "text/css; charset=utf-8", bytes: PackageResources.plot_css),
        "page.js": Asset(contentType: script, bytes: PackageResources.page_js),
        "plot.js": Asset(contentType: script, bytes: PackageResources.plot_js),
        "plot-data.js": Asset(contentType: script, bytes: PackageResources.plot_data_js),
        "plot-draw.js": Asset(contentType: script, bytes: PackageResources.plot_draw_js),
        "plot-time.js": Asset(contentType: script, bytes: PackageResources.plot_time_js),
        "icon.svg": Asset(contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
    ]

    /// Changes when any of them does: it stands in their paths, so that browsers may keep them.
    static let version: String = {
        // FNV-1a: this tells one build from another, and guards nothing.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for (_, asset) in assets.sorted(by: { $0.key < $1.key }) {
            for byte in asset.bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return String(hash, radix: 36)
    }()

    static func path(_ name: String) -> String { "/assets/\(version)/\(name)" }

    static let route = Route("GET", "/assets/{version}/{name}", .anyone, errors: .page) { call in
        guard let name = call.parameters["name"], let asset = assets[name] else {
            throw RequestError.noSuchPage
        }
        let tag = "\"\(version)\""
        let isCurrent = call.parameters["version"] == version
        var response = HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": asset.contentType, "ETag": tag,
                "Cache-Control": isCurrent
                    ? "public, max-age=31536000, immutable" : "public, no-cache",
                "X-Content-Type-Options": "nosniff",
            ], body: .bytes(asset.bytes))
        if call.request.headers["If-None-Match"] == tag {
            response.status = 304
            response.body = .bytes([])
        }
        return response
    }
}
