import Archive
import Assembly
import Diagnostics
import Foundation
import NodeClient
import Postgres
import QueryAPI
import TestSupport
import Testing
import Vault

/// The environment, read.
@Suite struct ConfigurationTests {
    private static let complete = [
        "PERMANODE_DATABASE_URL": "postgresql://user:s3cret@db.example/archive",
        "PERMANODE_KEYRING": "/var/lib/permanode/keyring",
        "PERMANODE_NODES": "http://one.example:14265, https://user:s3cret@two.example",
    ]

    @Test func everyProblemIsToldAtOnceAndNoValueIsRepeated() throws {
        let environment = [
            "PERMANODE_DATABASE_URL": "postgresql://user:s3cret@db:notaport/archive",
            "PERMANODE_NODES": "http://one.example, ftp://user:s3cret@two.example",
            "PERMANODE_KEYRING": "  ",
            "PERMANODE_LISTEN": "s3cret.example:80",
            "PERMANODE_TLS_CERT": "/s3cret/cert",
            "PERMANODE_PROXY_ENDS_TLS": "s3cret",
            "PERMANODE_LOG_LEVEL": "s3cret",
            "PERMANODE_LOG_FORMAT": "s3cret",
        ]
        let error = try #require(throws: ConfigurationError.self) {
            try Configuration(environment, needs: Set(Configuration.Need.allCases))
        }
        #expect(
            Set(error.problems.map(\.variable)) == [
                .databaseURL, .nodes, .keyRing, .listen, .tlsCertificate, .proxyEndsTLS,
                .logLevel, .logFormat,
            ])
        #expect(!error.isRefusal)
        #expect(!error.operatorText.contains("s3cret"))
        for problem in error.problems {
            #expect(error.operatorText.contains(problem.variable.rawValue))
        }
    }

    @Test func replicasAreListedAndTheirHostsMayHaveCommas() throws {
        #expect(try Configuration([:]).readDatabases.isEmpty)
        #expect(try Configuration([:]).readStaleness == .seconds(5))
        let configuration = try Configuration([
            "PERMANODE_READ_URLS":
                "postgresql://a:1,b:2/archive?target_session_attrs=any, postgres://user:s3cret@c/archive",
            "PERMANODE_READ_STALENESS": "30s",
        ])
        #expect(configuration.readDatabases.count == 2)
        #expect(configuration.readDatabases[0].description.contains("a,b"))
        #expect(!"\(configuration.readDatabases)".contains("s3cret"))
        #expect(configuration.readStaleness == .seconds(30))
        for (urls, staleness) in [
            ("s3cret", "5s"), ("postgresql://a/b, s3cret@c", "5s"),
            ("postgresql://a:s3cret/b", "5s"),
            ("postgresql://a/b", "0s"), ("postgresql://a/b", "5"), ("postgresql://a/b", "3601s"),
            (Array(repeating: "postgresql://a/b", count: 17).joined(separator: ","), "5s"),
        ] {
            let error = try #require(throws: ConfigurationError.self) {
                try Configuration([
                    "PERMANODE_READ_URLS": urls, "PERMANODE_READ_STALENESS": staleness,
                    "PERMANODE_LOG_LEVEL": "s3cret",
                ])
            }
            #expect(error.problems.count == 2, "\(urls) \(staleness)")
            #expect(!error.operatorText.contains("s3cret"))
        }
    }

    @Test func theNodeInterfaceIsOffUnlessItIsSwitchedOn() throws {
        #expect(try Configuration([:]).nodeInterface == nil)
        let forward = ["PERMANODE_NODE_FORWARD": "https://user:s3cret@node.example"]
        #expect(try Configuration(forward).nodeInterface == nil)
        let on = try #require(
            Configuration([
                "PERMANODE_NODE_INTERFACE": "on", "PERMANODE_PROXY_ENDS_TLS": "yes",
                "PERMANODE_NODE_RATE": "10",
            ]).nodeInterface)
        #expect(on.forwarder == nil && on.isBehindProxy)
        #expect(on.ofAddress == .init(perSecond: 10, burst: 100))
        #expect(on.ofToken == .init(perSecond: 50, burst: 500))
        let forwarding = try Configuration(
            forward.merging(["PERMANODE_NODE_INTERFACE": "on"], uniquingKeysWith: { $1 }))
        #expect(forwarding.nodeInterface?.forwarder != nil)
        let error = try #require(throws: ConfigurationError.self) {
            try Configuration([
                "PERMANODE_NODE_INTERFACE": "s3cret", "PERMANODE_NODE_FORWARD": "ftp://s3cret",
                "PERMANODE_NODE_RATE": "0",
            ])
        }
        #expect(
            Set(error.problems.map(\.variable)) == [.nodeInterface, .nodeForward, .nodeRate])
        #expect(!error.operatorText.contains("s3cret"))
    }

    @Test func howOftenClientsMayAskIsReadAndBounded() throws {
        let unset = try Configuration([:]).requestRates
        #expect(unset == RequestRates() && unset.ofToken.perSecond > 1)
        let set = try Configuration([
            "PERMANODE_TOKEN_RATE": "7", "PERMANODE_ADDRESS_RATE": "9",
        ]).requestRates
        #expect(set.ofToken == .init(perSecond: 7, burst: 70))
        #expect(set.ofAddress == .init(perSecond: 9, burst: 90))
        let error = try #require(throws: ConfigurationError.self) {
            try Configuration(["PERMANODE_TOKEN_RATE": "0", "PERMANODE_ADDRESS_RATE": "many"])
        }
        #expect(Set(error.problems.map(\.variable)) == [.tokenRate, .addressRate])
    }

    @Test func whatARequestToForgetTakesIsReadAndBounded() throws {
        #expect(try Configuration([:]).requestPolicy == RequestPolicy(delay: 3600))
        let set = try Configuration([
            "PERMANODE_FORGET_DELAY": "0", "PERMANODE_FORGET_APPROVAL": "second",
            "PERMANODE_WEBHOOK_URL": "https://user:s3cret@hook.example/told",
        ])
        #expect(set.requestPolicy == RequestPolicy(secondPerson: true, delay: 0))
        #expect(set.webhook?.shownText == "https://hook.example:443")
        for wrong in ["-1", "1h", "604801", "1e3", "s3cret"] {
            let error = try #require(throws: ConfigurationError.self) {
                try Configuration([
                    "PERMANODE_FORGET_DELAY": wrong, "PERMANODE_FORGET_APPROVAL": "s3cret",
                    "PERMANODE_WEBHOOK_URL": "s3cret",
                ])
            }
            #expect(
                Set(error.problems.map(\.variable)) == [
                    .forgetDelay, .forgetApproval, .webhook,
                ])
            #expect(!error.operatorText.contains("s3cret"))
        }
    }

    @Test func onlyWhatACommandNeedsHasToBeSet() throws {
        let configuration = try Configuration([:])
        #expect(configuration.database == nil)
        #expect(configuration.nodes.isEmpty)
        #expect(configuration.listen == .default)
        #expect(configuration.logLevel == nil)
        let error = try #require(throws: ConfigurationError.self) {
            try Configuration([:], needs: [.database, .nodes])
        }
        #expect(
            error.problems == [
                .init(variable: .databaseURL, fault: .notSet),
                .init(variable: .nodes, fault: .notSet),
            ])
    }

    @Test func aCompleteEnvironmentIsReadAndPrintsNoPassword() throws {
        var environment = Self.complete
        environment["PERMANODE_LOG_LEVEL"] = "debug"
        environment["PERMANODE_LOG_FORMAT"] = "json"
        let configuration = try Configuration(
            environment, needs: Set(Configuration.Need.allCases))
        #expect(configuration.nodes.count == 2)
        #expect(configuration.keyRing == "/var/lib/permanode/keyring")
        #expect(configuration.logLevel == .debug)
        #expect(configuration.logFormat == .json)
        var shown = ""
        dump(configuration, to: &shown)
        #expect(!shown.isEmpty)
        #expect(!(shown + "\(configuration)").contains("s3cret"))
    }

    @Test func listeningBeyondLoopbackNeedsTLSOrAProxyThatEndsIt() throws {
        for address in ["0.0.0.0:8480", "[::]:8480", "192.0.2.1:0"] {
            var environment = Self.complete
            environment["PERMANODE_LISTEN"] = address
            let error = try #require(throws: ConfigurationError.self) {
                try Configuration(environment, needs: [.listener])
            }
            #expect(error.isRefusal, "\(address)")
            // A command that does not listen does not care.
            #expect(throws: Never.self) { try Configuration(environment) }
            environment["PERMANODE_PROXY_ENDS_TLS"] = "yes"
            #expect(throws: Never.self) { try Configuration(environment, needs: [.listener]) }
        }
        for address in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:8480"] {
            var environment = Self.complete
            environment["PERMANODE_LISTEN"] = address
            #expect(throws: Never.self) { try Configuration(environment, needs: [.listener]) }
        }
    }

    @Test func certificateAndKeyHaveToBeReadable() throws {
        var environment = Self.complete
        environment["PERMANODE_LISTEN"] = "0.0.0.0:8480"
        environment["PERMANODE_TLS_CERT"] = "/nowhere/cert.pem"
        environment["PERMANODE_TLS_KEY"] = #filePath
        let error = try #require(throws: ConfigurationError.self) {
            try Configuration(environment, needs: [.listener])
        }
        #expect(error.problems == [.init(variable: .tlsCertificate, fault: .unreadableFile)])
        environment["PERMANODE_TLS_CERT"] = #filePath
        #expect(throws: ConfigurationError.self, "no PEM") {
            try Configuration(environment, needs: [.listener])
        }
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("permanode-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let certificate = folder.appendingPathComponent("certificate.pem")
        let key = folder.appendingPathComponent("key.pem")
        try Data(TestCertificate.certificate.utf8).write(to: certificate)
        try Data(TestCertificate.key.utf8).write(to: key)
        environment["PERMANODE_TLS_CERT"] = certificate.path
        environment["PERMANODE_TLS_KEY"] = key.path
        let configuration = try Configuration(environment, needs: [.listener])
        #expect(configuration.tls == .init(certificate: certificate.path, key: key.path))
    }

    @Test(arguments: [
        "", "127.0.0.1", ":8480", "127.0.0.1:", "127.0.0.1:65536", "localhost:80", "::1:80",
        "[127.0.0.1]:80", "[::1]", "1.2.3:80", "127.0.0.1:80 ", "[::1%lo]:80",
    ])
    func whatIsNoNumericAddressWithAPortIsRefused(_ text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test func copiesAndTheSecretOfTheKeyRingAreRead() throws {
        var environment = Self.complete
        environment["PERMANODE_KEYRING_BACKUPS"] = "/a/keyring, /b/keyring"
        environment["PERMANODE_KEYRING_COMMAND"] = "/bin/cat /run/key"
        let configuration = try Configuration(environment)
        #expect(configuration.keyRingBackups == ["/a/keyring", "/b/keyring"])
        #expect(configuration.keyRingSecret == .command("/bin/cat /run/key"))
        #expect(try Configuration(Self.complete).keyRingSecret == nil)
        for wrong in [
            ["PERMANODE_KEYRING_BACKUPS": "/a/keyring,/a/./keyring"],
            ["PERMANODE_KEYRING_BACKUPS": "/var/lib/permanode/keyring"],
            ["PERMANODE_KEYRING_KEY_FILE": "/k"],
            ["PERMANODE_KEYRING_COMMAND": "cat /run/key"],
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") {
                try Configuration(environment.merging(wrong) { $1 })
            }
        }
    }
}
