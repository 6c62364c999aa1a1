import Foundation
import HTTPServer
import TestSupport
import Testing

extension OverSockets {
    @Suite("Listening, and TLS")
    struct ListeningTests {
        static let tls = HTTPTLS(
            certificate: Array(TestCertificate.certificate.utf8),
            key: Array(TestCertificate.key.utf8))

        static let curl = "/usr/bin/curl"
        static var hasCurl: Bool { FileManager.default.isExecutableFile(atPath: curl) }

        /// What curl prints for these arguments.
        private func runCurl(_ arguments: [String]) async throws -> String {
            try await onThread {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: Self.curl)
                process.arguments = ["-sS", "--max-time", "20"] + arguments
                let output = Pipe()
                process.standardOutput = output
                try process.run()
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                return String(decoding: data, as: UTF8.self)
            }
        }

        @Test("Two servers cannot have one port, and the error says which")
        func portInUse() async throws {
            let first = try HTTPServer(configuration: HTTPServerConfiguration()) { _ in .text("") }
            #expect(first.port != 0)
            let error = #expect(throws: HTTPServerError.self) {
                try HTTPServer(configuration: HTTPServerConfiguration(port: first.port)) { _ in
                    .text("")
                }
            }
            #expect(error?.code == "http.cannot-listen")
            #expect(error?.subject == "127.0.0.1:\(first.port)")
            await first.shutdown(grace: .zero)
            let next = try HTTPServer(configuration: HTTPServerConfiguration(port: first.port)) {
                _ in
                .text("")
            }
            await next.shutdown(grace: .zero)
        }

        @Test(
            "Names and nonsense are no addresses", arguments: ["localhost", "", "1.2.3.4.5", "::g"])
        func addresses(address: String) {
            #expect(throws: HTTPServerError.malformedAddress(address)) {
                try HTTPServer(configuration: HTTPServerConfiguration(address: address)) { _ in
                    .text("")
                }
            }
        }

        @Test(
            "A server for IPv6 alone or for both sees the right addresses", .enabled(if: hasCurl),
            arguments: [("::1", "[::1]", "::1"), ("::", "127.0.0.1", "127.0.0.1")])
        func families(address: String, host: String, remote: String) async throws {
            let server = try HTTPServer(configuration: HTTPServerConfiguration(address: address)) {
                .text($0.remoteAddress)
            }
            #expect(try await runCurl(["http://\(host):\(server.port)/"]) == remote)
            await server.shutdown(grace: .zero)
        }

        @Test("A key that is not the certificate's, or no PEM, is refused and frees the port")
        func badTLS() async throws {
            let probe = try HTTPServer(configuration: HTTPServerConfiguration()) { _ in .text("") }
            let port = probe.port
            await probe.shutdown(grace: .zero)
            for key in [TestCertificate.otherKey, "nonsense", ""] {
                let tls = HTTPTLS(
                    certificate: Array(TestCertificate.certificate.utf8), key: Array(key.utf8))
                #expect(throws: HTTPServerError.tlsRefused) {
                    try HTTPServer(configuration: HTTPServerConfiguration(port: port, tls: tls)) {
                        _ in
                        .text("")
                    }
                }
            }
            let next = try HTTPServer(configuration: HTTPServerConfiguration(port: port)) { _ in
                .text("")
            }
            await next.shutdown(grace: .zero)
        }

        @Test("TLS shows its certificate, and what is no TLS gets nothing")
        func handshake() async throws {
            var deadlines = HTTPDeadlines()
            deadlines.header = .milliseconds(500)
            let server = try HTTPServer(
                configuration: HTTPServerConfiguration(tls: Self.tls, deadlines: deadlines)
            ) { _ in .text("secret") }
            let port = server.port
            let der = try #require(
                Data(
                    base64Encoded: TestCertificate.certificate.split(separator: "\n")
                        .filter { !$0.hasPrefix("-") }.joined()))
            let (greeting, plain, silent) = try await onThread {
                let greeting = try Self.greeting(port: port, until: der.count + 200)
                let plain = try RawClient(port: port)
                try plain.request("GET", "/")
                let silent = try RawClient(port: port)
                return (greeting, try plain.readToEnd(), try silent.readToEnd())
            }
            #expect(greeting.first == 0x16)
            #expect(Data(greeting).range(of: der) != nil)
            #expect(Data(plain).range(of: Data("secret".utf8)) == nil)
            #expect(silent.isEmpty)
            await server.shutdown(grace: .zero)
        }

        /// What a server says to a client that greets it.
        private static func greeting(port: UInt16, until count: Int) throws -> [UInt8] {
            let client = try RawClient(port: port)
            try client.send(Self.clientHello)
            while client.pending < count, try client.fill() {}
            return client.takePending()
        }

        private static func der(_ certificate: String) throws -> Data {
            try #require(
                Data(
                    base64Encoded: certificate.split(separator: "\n")
                        .filter { !$0.hasPrefix("-") }.joined()))
        }

        @Test("Another certificate greets who comes later, and a bad one changes nothing")
        func otherCertificate() async throws {
            let server = try HTTPServer(configuration: HTTPServerConfiguration(tls: Self.tls)) {
                _ in .text("")
            }
            let port = server.port
            let first = try Self.der(TestCertificate.certificate)
            let second = try Self.der(TestCertificate.otherCertificate)
            let other = HTTPTLS(
                certificate: Array(TestCertificate.otherCertificate.utf8),
                key: Array(TestCertificate.otherKey.utf8))
            #expect(throws: HTTPServerError.tlsRefused) {
                try server.replaceTLS(HTTPTLS(certificate: other.certificate, key: Self.tls.key))
            }
            let before = try await onThread {
                try Self.greeting(port: port, until: first.count + 200)
            }
            #expect(Data(before).range(of: first) != nil)
            try server.replaceTLS(other)
            let after = try await onThread {
                try Self.greeting(port: port, until: second.count + 200)
            }
            #expect(Data(after).range(of: second) != nil)
            #expect(Data(after).range(of: first) == nil)
            #expect(try #require(try other.expiry()) > Date())
            await server.shutdown(grace: .zero)
            let plain = try HTTPServer(configuration: HTTPServerConfiguration()) { _ in .text("") }
            #expect(throws: HTTPServerError.tlsUnavailable) { try plain.replaceTLS(other) }
            await plain.shutdown(grace: .zero)
        }

        @Test("It is known whether connections are taken in", arguments: ["127.0.0.1", "::"])
        func knocking(address: String) async throws {
            let server = try HTTPServer(configuration: HTTPServerConfiguration(address: address)) {
                _ in .text("")
            }
            #expect(await server.acceptsConnections(within: .seconds(60)))
            await server.shutdown(grace: .zero)
            #expect(await !server.acceptsConnections(within: .milliseconds(50)))
        }

        @Test("Answers, streams and failing streams go through TLS", .enabled(if: hasCurl))
        func overTLS() async throws {
            struct Oops: Error {}
            let record = StreamRecord()
            let server = try HTTPServer(configuration: HTTPServerConfiguration(tls: Self.tls)) {
                request in
                switch request.path {
                case "/stream":
                    HTTPResponse(
                        status: 200,
                        body: .stream { writer in
                            for _ in 0..<100 {
                                try await writer.write([UInt8](repeating: 65, count: 10_007))
                            }
                        })
                case "/fail":
                    HTTPResponse(
                        status: 200,
                        body: .stream { writer in
                            try await writer.write("half")
                            try await Task.sleep(for: .milliseconds(20))
                            throw Oops()
                        })
                case "/endless": record.endless()
                default: .text("\(request.method) \(request.body.count)")
                }
            }
            let base = "https://127.0.0.1:\(server.port)"
            let options = ["-k", "--tlsv1.2"]
            #expect(try await runCurl(options + ["\(base)/"]) == "GET 0")
            #expect(try await runCurl(options + ["-d", "12345", "\(base)/"]) == "POST 5")
            #expect(
                try await runCurl(options + ["\(base)/stream"])
                    == String(repeating: "A", count: 1_000_700))
            let format = "|%{http_code} %{exitcode}"
            #expect(
                try await runCurl(options + ["-w", format, "\(base)/fail"]).hasSuffix("|200 18"))
            // It gives up in the middle; on a busy machine perhaps before it began, and tries again.
            for patience in ["0.3", "3", "10", "30"] where record.errors.isEmpty {
                _ = try await runCurl(
                    options + ["-o", "/dev/null", "-m", patience, "\(base)/endless"])
                _ = await eventually(seconds: 2) { !record.errors.isEmpty }
            }
            #expect(!record.errors.isEmpty && record.errors.allSatisfy { $0 == .disconnected })
            #expect(await eventually { server.connectionCount == 0 })
            await server.shutdown(grace: .zero)
        }

        /// A ClientHello of TLS 1.2, in which the certificate comes in the clear, written by hand
        /// (RFC 5246, 7.4.1.2): ECDHE-ECDSA-AES128-GCM-SHA256, secp256r1, ECDSA with SHA-256.
        static let clientHello: [UInt8] = {
            let extensions: [UInt8] =
                [0, 10, 0, 4, 0, 2, 0, 23] + [0, 11, 0, 2, 1, 0] + [0, 13, 0, 4, 0, 2, 4, 3]
            let body: [UInt8] =
                [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0xC0, 0x2B, 1, 0]
                + [0, UInt8(extensions.count)] + extensions
            let handshake: [UInt8] = [1, 0, 0, UInt8(body.count)] + body
            return [0x16, 3, 1, 0, UInt8(handshake.count)] + handshake
        }()
    }
}
