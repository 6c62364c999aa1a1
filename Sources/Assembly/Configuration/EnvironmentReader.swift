import Archive
import Foundation
import HTTPServer
import NodeClient
import NodeFeed
import Postgres
import QueryAPI
import Ternary
import Vault

/// Reads variables one by one and collects what is wrong with them.
struct EnvironmentReader {
    private(set) var problems: [ConfigurationError.Problem] = []
    private let environment: [String: String]

    /// A random number of each variable's value.
    var fingerprints: [Configuration.Variable: Int] {
        var fingerprints: [Configuration.Variable: Int] = [:]
        for variable in Configuration.Variable.allCases {
            fingerprints[variable] = value(variable)?.hashValue
        }
        return fingerprints
    }

    init(_ environment: [String: String]) {
        let name = Configuration.Variable.environmentFile
        guard let path = environment[name.rawValue], !path.isEmpty else {
            self.environment = environment
            return
        }
        let file = EnvironmentFile(path: path)
        self.environment = environment.merging(file.values) { $1 }
        problems = file.faults.map { .init(variable: name, fault: $0) }
    }

    mutating func add(_ variable: Configuration.Variable, _ fault: ConfigurationError.Fault) {
        problems.append(.init(variable: variable, fault: fault))
    }

    func isSet(_ variable: Configuration.Variable) -> Bool { value(variable) != nil }

    private func value(_ variable: Configuration.Variable) -> String? {
        let value = environment[variable.rawValue]?.trimmingCharacters(in: .whitespacesAndNewlines)
        return value?.isEmpty == false ? value : nil
    }

    mutating func text(_ variable: Configuration.Variable, needed: Bool) -> String? {
        let value = value(variable)
        if needed, value == nil { add(variable, .notSet) }
        return value
    }

    /// Paths with commas between; each once, and none of them `original`.
    mutating func paths(
        _ variable: Configuration.Variable, otherThan original: String?
    ) -> [String] {
        guard let list = value(variable) else { return [] }
        let paths = list.split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let standard = ([original].compactMap { $0 } + paths).map {
            URL(fileURLWithPath: $0).standardizedFileURL.path
        }
        if paths.contains("") || !(1...Self.maximumPaths).contains(paths.count) {
            add(variable, .malformed("must list 1 to \(Self.maximumPaths) files"))
        } else if Set(standard).count != standard.count {
            add(variable, .malformed("names a file twice, or the key ring itself"))
        }
        return paths
    }

    /// Copies of the key ring: each is written by every forget.
    private static let maximumPaths = 16

    mutating func ringSecret() -> RingSecretSource? {
        let sources: [(Configuration.Variable, (String) -> RingSecretSource)] = [
            (.keyRingPassphraseFile, RingSecretSource.passphraseFile),
            (.keyRingKeyFile, RingSecretSource.keyFile),
            (.keyRingCommand, RingSecretSource.command),
        ]
        let set = sources.filter { isSet($0.0) }
        if set.count > 1 {
            for (variable, _) in set.dropFirst() {
                add(variable, .malformed("cannot be set beside \(set[0].0.rawValue)"))
            }
        }
        guard let (variable, source) = set.first, let text = value(variable) else { return nil }
        if variable == .keyRingCommand, !text.hasPrefix("/") {
            add(variable, .malformed("does not begin with an absolute path"))
        }
        return source(text)
    }

    mutating func choice<Value>(_ variable: Configuration.Variable, _ values: [String: Value])
        -> Value?
    {
        guard let text = value(variable) else { return nil }
        guard let value = values[text] else {
            let names = values.keys.sorted().joined(separator: ", ")
            add(variable, .malformed("is none of \(names)"))
            return nil
        }
        return value
    }

    /// A whole number with a unit behind it, such as `35d`.
    mutating func count(
        _ variable: Configuration.Variable, of unit: Character, in range: ClosedRange<Int>
    ) -> Int? {
        guard let text = value(variable) else { return nil }
        guard text.last == unit, let count = Int(text.dropLast()), range.contains(count) else {
            add(
                variable,
                .malformed(
                    "is no whole number from \(range.lowerBound) to \(range.upperBound) with \(unit)"
                ))
            return nil
        }
        return count
    }

    mutating func database(needed: Bool) -> PostgresConfiguration? {
        guard let url = text(.databaseURL, needed: needed) else { return nil }
        do {
            return try PostgresConfiguration(url: url)
        } catch {
            add(.databaseURL, .malformed("cannot be used: \(error.detail ?? error.publicText)"))
            return nil
        }
    }

    /// A URI may name several hosts with commas between: only a comma (or a space) before a further
    /// URI parts them.
    mutating func readDatabases() -> [PostgresConfiguration] {
        guard let list = value(.readURLs) else { return [] }
        let texts = list.split(separator: /[\s,]+(?=postgres(ql)?:\/\/)/).map(String.init)
        guard (1...Replicas.limit).contains(texts.count) else {
            add(.readURLs, .malformed("must list 1 to \(Replicas.limit) URIs"))
            return []
        }
        var databases: [PostgresConfiguration] = []
        for (index, text) in texts.enumerated() {
            let isURI = ["postgresql://", "postgres://"].contains(where: text.hasPrefix)
            do throws(PostgresError) {
                guard isURI else {
                    add(.readURLs, .malformed("has no postgresql:// URI in place \(index + 1)"))
                    continue
                }
                databases.append(try PostgresConfiguration(url: text))
            } catch {
                let why = error.detail ?? error.publicText
                add(.readURLs, .malformed("has no usable URI in place \(index + 1): \(why)"))
            }
        }
        return databases
    }

    mutating func nodes(needed: Bool) -> [NodeEndpoint] {
        guard let list = text(.nodes, needed: needed) else { return [] }
        let texts = list.split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard (1...NodePool.maximumNodes).contains(texts.count) else {
            add(.nodes, .malformed("must list 1 to \(NodePool.maximumNodes) URLs"))
            return []
        }
        var endpoints: [NodeEndpoint] = []
        for (index, text) in texts.enumerated() {
            do {
                endpoints.append(try NodeEndpoint(text))
            } catch {
                var reason = error.publicText
                if case .invalidEndpoint(let what) = error.kind { reason = what }
                add(.nodes, .malformed("has no usable URL in place \(index + 1): \(reason)"))
            }
        }
        return endpoints
    }

    mutating func nodeFeeds() -> [FeedEndpoint] {
        guard let list = text(.nodeFeeds, needed: false) else { return [] }
        let texts = list.split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard (1...NodePool.maximumNodes).contains(texts.count) else {
            add(.nodeFeeds, .malformed("must list 1 to \(NodePool.maximumNodes) addresses"))
            return []
        }
        let feeds = texts.compactMap { try? FeedEndpoint($0) }
        if feeds.count < texts.count {
            add(.nodeFeeds, .malformed("must list addresses like tcp://host:5556"))
        }
        return feeds
    }

    mutating func census() -> NodeCensus.Policy {
        var policy = NodeCensus.Policy()
        guard let text = value(.coordinator) else { return policy }
        policy.coordinator = try? Hash(text)
        if policy.coordinator == nil {
            add(.coordinator, .malformed("is no address: 81 trytes"))
        }
        return policy
    }

    mutating func seconds(
        _ variable: Configuration.Variable, in range: ClosedRange<TimeInterval>
    ) -> TimeInterval? {
        guard let text = value(variable) else { return nil }
        guard let number = UInt32(text), range.contains(TimeInterval(number)) else {
            add(variable, .malformed("is no number of seconds up to \(Int(range.upperBound))"))
            return nil
        }
        return TimeInterval(number)
    }

    mutating func nodeInterface(isBehindProxy: Bool) -> NodeInterfaceSettings? {
        let isOn = choice(.nodeInterface, ["on": true, "off": false]) ?? false
        let forward = endpoint(.nodeForward)
        var settings = NodeInterfaceSettings()
        settings.forwarder = forward.map(NodeForwarder.init)
        settings.isBehindProxy = isBehindProxy
        if let rate = rate(.nodeRate) {
            // Tokens are known: five times as much, as it is unless set.
            settings.ofAddress = .init(perSecond: rate, burst: rate * 10)
            settings.ofToken = .init(perSecond: rate * 5, burst: rate * 50)
        }
        return isOn ? settings : nil
    }

    mutating func requestRates() -> RequestRates {
        var rates = RequestRates()
        if let rate = rate(.tokenRate) { rates.ofToken = .init(perSecond: rate, burst: rate * 10) }
        if let rate = rate(.addressRate) {
            rates.ofAddress = .init(perSecond: rate, burst: rate * 10)
        }
        return rates
    }

    private mutating func rate(_ variable: Configuration.Variable) -> Double? {
        guard let text = value(variable) else { return nil }
        let range = 1...1_000_000
        guard let rate = Int(text), range.contains(rate) else {
            add(variable, .malformed("is no number from 1 to \(range.upperBound)"))
            return nil
        }
        return Double(rate)
    }

    mutating func endpoint(_ variable: Configuration.Variable) -> NodeEndpoint? {
        guard let text = value(variable) else { return nil }
        do {
            return try NodeEndpoint(text)
        } catch {
            var reason = error.publicText
            if case .invalidEndpoint(let what) = error.kind { reason = what }
            add(variable, .malformed("cannot be used: \(reason)"))
            return nil
        }
    }

    mutating func listen(_ variable: Configuration.Variable) -> ListenAddress? {
        guard let text = value(variable) else { return nil }
        guard let address = ListenAddress(text) else {
            add(
                variable,
                .malformed("is no ADDRESS:PORT with a numeric address, such as [::1]:8480"))
            return nil
        }
        return address
    }

    private static let unusableTLS =
        "and \(Configuration.Variable.tlsKey.rawValue) name files that are no PEM, or do not belong"
        + " together"

    /// - Parameter needed: whether the files will be read, so that they have to be readable.
    mutating func tls(needed: Bool) -> Configuration.TLSFiles? {
        let certificate = value(.tlsCertificate)
        let key = value(.tlsKey)
        switch (certificate, key) {
        case (nil, nil): return nil
        case (nil, _): add(.tlsKey, .alone(without: .tlsCertificate))
        case (_, nil): add(.tlsCertificate, .alone(without: .tlsKey))
        case (let certificate?, let key?):
            guard needed else { return .init(certificate: certificate, key: key) }
            let files: [(Configuration.Variable, String)] = [
                (.tlsCertificate, certificate), (.tlsKey, key),
            ]
            for (variable, path) in files
            where !FileManager.default.isReadableFile(atPath: path) {
                add(variable, .unreadableFile)
            }
            let pair = Configuration.TLSFiles(certificate: certificate, key: key)
            if !problems.contains(where: { [.tlsCertificate, .tlsKey].contains($0.variable) }) {
                do { _ = try pair.read().expiry() } catch {
                    add(.tlsCertificate, .malformed(Self.unusableTLS))
                }
            }
            return pair
        }
        return nil
    }
}
