// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], swiftSettings: swiftSettings)
}

let systemLibraries: [Target] = [
    .systemLibrary(
        name: "CPostgreSQL", pkgConfig: "libpq",
        providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    .systemLibrary(
        name: "CMicroHTTPD", pkgConfig: "libmicrohttpd",
        providers: [.apt(["libmicrohttpd-dev"]), .brew(["libmicrohttpd"])]),
    .systemLibrary(
        name: "CSodium", pkgConfig: "libsodium",
        providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
    .systemLibrary(
        name: "CCurl", pkgConfig: "libcurl",
        providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
    .systemLibrary(
        name: "CZlib", pkgConfig: "zlib",
        providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
        name: "CLzma", pkgConfig: "liblzma",
        providers: [.apt(["liblzma-dev"]), .brew(["xz"])]),
    .systemLibrary(
        name: "CZeroMQ", providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
    .systemLibrary(name: "CMalloc"),
]

let pure: [Target] = [
    library("Failures"),
    .target(name: "CCurlP", cSettings: [.unsafeFlags(["-O3"])]),
    library("Ternary", ["CCurlP", "Failures"]),
    library("Tangle", ["Ternary", "Failures"]),
    library("MAM", ["Ternary", "Failures"]),
    library("NTRU", ["Ternary", "Failures"]),
    library("Metering", ["Failures"]),
]

let adapters: [Target] = [
    library("Diagnostics", ["Failures"]),
    library("Secrets", ["CSodium", "Failures"]),
    library("Postgres", ["CPostgreSQL", "Failures", "Diagnostics"]),
    library("Compressors", ["CZlib", "CLzma", "Failures"]),
    library("HTTPServer", ["CMicroHTTPD", "Compressors", "Failures", "Diagnostics"]),
    library("NodeClient", ["Tangle", "Ternary", "CCurl", "Failures", "Diagnostics"]),
    library("NodeFeed", ["Ternary", "CZeroMQ", "Failures"]),
    .target(
        name: "PermanodeSchema", path: "Schema", exclude: ["optional"],
        resources: [.embedInCode("V0001_archive.sql")], swiftSettings: swiftSettings),
]

let services: [Target] = [
    library("Vault", ["Secrets", "Failures"]),
    library(
        "Archive",
        [
            "Ternary", "Tangle", "MAM", "NTRU", "Secrets", "Vault", "Postgres",
            "PermanodeSchema", "Failures", "Diagnostics",
        ]),
    library(
        "Crawler", ["Ternary", "MAM", "Tangle", "Vault", "Archive", "Failures", "Diagnostics"]),
    library(
        "Erasure",
        ["MAM", "Secrets", "Vault", "Archive", "Postgres", "Failures", "Diagnostics"]),
    .target(
        name: "QueryAPI",
        dependencies: [
            "Ternary", "Tangle", "MAM", "Secrets", "Vault", "Archive", "Crawler", "Erasure",
            "HTTPServer", "IRICommands", "Metering",
            "Failures", "Diagnostics",
        ],
        resources: [
            .embedInCode("openapi.json"), .embedInCode("Page/Assets/page.css"),
            .embedInCode("Page/Assets/plot.css"), .embedInCode("Page/Assets/icon.svg"),
            .embedInCode("Page/Assets/page.js"), .embedInCode("Page/Assets/plot.js"),
            .embedInCode("Page/Assets/plot-data.js"), .embedInCode("Page/Assets/plot-draw.js"),
            .embedInCode("Page/Assets/plot-time.js"),
        ], swiftSettings: swiftSettings),
    library("IRICommands", ["Ternary", "Tangle", "HTTPServer", "Failures"]),
    library(
        "LocalTangle",
        ["Ternary", "Tangle", "HTTPServer", "IRICommands", "Failures", "Diagnostics"]),
]

let parts: [Target.Dependency] = [
    "Ternary", "Tangle", "MAM", "NTRU", "Secrets", "Postgres", "HTTPServer", "NodeClient",
    "NodeFeed", "PermanodeSchema", "Vault", "Archive", "Crawler", "Erasure", "QueryAPI",
    "IRICommands",
    "LocalTangle", "Metering", "Compressors",
    "Failures", "Diagnostics",
]

let programs: [Target] = [
    library("Assembly", parts + ["CMalloc"]),
    program("permanode", parts + ["Assembly"]),
    program("permanode-bench", parts + ["Assembly"]),
]

let testTargets: [Target] = [
    .target(
        name: "TestSupport", dependencies: ["Ternary", "Tangle", "MAM", "Postgres"],
        path: "Tests/TestSupport", swiftSettings: swiftSettings),
    .target(
        name: "ArchiveTestSupport", dependencies: parts + ["TestSupport"],
        path: "Tests/ArchiveTestSupport", swiftSettings: swiftSettings),
    tests("DiagnosticsTests", ["Diagnostics", "Failures"]),
    tests("TernaryTests", ["Ternary"]),
    tests("TangleTests", ["Tangle", "Ternary"]),
    tests("MAMTests", ["MAM", "Ternary", "Tangle"]),
    tests("NTRUTests", ["NTRU", "Ternary", "Secrets"]),
    tests("MeteringTests", ["Metering"]),
    tests("SecretsTests", ["Secrets"]),
    tests("PostgresTests", ["Postgres"]),
    tests("CompressorsTests", ["Compressors", "Ternary"]),
    tests("HTTPServerTests", ["HTTPServer"]),
    tests("NodeClientTests", ["NodeClient", "Tangle", "Ternary"]),
    tests("NodeFeedTests", ["NodeFeed", "Ternary"]),
    tests("VaultTests", ["Vault", "Secrets"]),
    tests(
        "LocalTangleTests",
        ["LocalTangle", "IRICommands", "HTTPServer", "NodeClient", "Tangle", "Ternary", "MAM"]),
    tests("ArchiveTests", parts + ["ArchiveTestSupport"]),
    tests("CrawlerTests", parts + ["Assembly", "ArchiveTestSupport"]),
    tests("ErasureTests", parts + ["Assembly", "ArchiveTestSupport"]),
    tests("QueryAPITests", parts + ["ArchiveTestSupport"]),
    tests("AssemblyTests", parts + ["Assembly", "ArchiveTestSupport"]),
    tests("CommandTests", parts + ["Assembly", "ArchiveTestSupport", "permanode"]),
]

/// `PERMANODE_TESTS=CrawlerTests,ArchiveTests swift build --build-tests` builds these alone.
let selectedTests = Context.environment["PERMANODE_TESTS"]?.split(separator: ",").map(String.init)
let selectedTargets = testTargets.filter { target in
    target.type != .test || selectedTests?.contains(target.name) ?? true
}

let package = Package(
    name: "permanode",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "permanode", targets: ["permanode"]),
        .executable(name: "permanode-bench", targets: ["permanode-bench"]),
    ],
    targets: systemLibraries + pure + adapters + services + programs + selectedTargets
)
