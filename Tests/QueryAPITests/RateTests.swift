import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import QueryAPI
import TestSupport
import Testing
import Vault

/// Who asks more than he may in a while waits.
@Suite struct RateTests {
    private func rates(address: Double, token: Double) -> RequestRates {
        var rates = RequestRates()
        // So slow that nothing comes back while a test runs.
        rates.ofAddress = .init(perSecond: 0.001, burst: address)
        rates.ofToken = .init(perSecond: 0.001, burst: token)
        return rates
    }

    @Test func aTokenThatAsksTooOftenWaitsAndOthersDoNot() async throws {
        try await TestAPI.with(rates: rates(address: 1000, token: 3)) { api in
            let reader = Token.text(try await api.reader())
            for _ in 0..<3 {
                #expect(try await api.get("/v1/channels", token: reader).status == 200)
            }
            let refused = try await api.get("/v1/channels", token: reader)
            #expect(refused.status == 429 && refused.code == "request.too-often")
            let seconds = try #require(refused.headers["Retry-After"].flatMap { Int($0) })
            #expect((900...1000).contains(seconds))
            #expect(try await api.get("/v1/channels").status == 200)
            // Looked at before the channel, so that it tells nothing of one.
            let path = "/v1/channels/\(ChannelNumber.random().text)/messages"
            #expect(try await api.get(path, token: reader).status == 429)
        }
    }

    @Test func anAddressThatTriesTokensWaitsWhateverItTries() async throws {
        try await TestAPI.with(rates: rates(address: 4, token: 1000)) { api in
            for _ in 0..<2 {
                #expect(try await api.get("/v1/channels", token: .text("x")).status == 401)
            }
            #expect(try await api.get("/openapi.json", token: .none).status == 200)
            #expect(try await api.get("/v1/channels").status == 200)
            for token in [Token.admin, .none, .text("x")] {
                let refused = try await api.get("/v1/channels", token: token)
                #expect(refused.status == 429 && refused.headers["Retry-After"] != nil)
            }
            for probe in ["/healthz", "/readyz", "/metrics"] {
                for _ in 0..<10 {
                    #expect(try await api.get(probe, token: .none).status == 200)
                }
            }
        }
    }
}
