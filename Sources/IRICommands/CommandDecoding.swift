import Foundation
import Tangle
import Ternary

extension IRICommand {
    /// Reads the JSON of a request, checking every list and string against `limits`.
    package static func decode(
        _ body: [UInt8], limits: NodeLimits
    ) throws(CommandRefusal) -> IRICommand {
        // A code unit takes at least a byte, so that most bodies need no counting.
        guard
            body.count <= limits.bodyLength
                || String(decoding: body, as: UTF8.self).utf16.count <= limits.bodyLength
        else { throw .overLimit }
        if let command = plain(body, limits) { return command }
        let decoded: DecodedCommand
        do {
            decoded = try JSONDecoder().decode(
                DecodedCommand.self, from: Data(body), configuration: limits)
        } catch {
            throw .invalidJSON
        }
        return try decoded.result.get()
    }
}

extension IRICommand {
    /// The commands that come often and long, where they are in their plain form and within the
    /// limits; nil for all others.
    private static func plain(_ body: [UInt8], _ limits: NodeLimits) -> IRICommand? {
        guard let message = FlatMessage(body), case .text(let name)? = message["command"] else {
            return nil
        }
        switch String(decoding: body[name], as: UTF8.self) {
        case "getTrytes":
            guard let hashes = message.hashes("hashes"),
                hashes.count <= min(limits.requestsList, limits.getTrytes)
            else { return nil }
            return .getTrytes(hashes)
        case "findTransactions":
            guard let addresses = message.hashes("addresses"),
                addresses.count <= limits.requestsList, !addresses.contains(.null),
                message["bundles"] == nil, message["approvees"] == nil, message["tags"] == nil
            else { return nil }
            return .findTransactions(TransactionQuery(addresses: addresses))
        default: return nil
        }
    }
}

/// Keeps a refusal apart from errors of the JSON itself.
private struct DecodedCommand: DecodableWithConfiguration {
    let result: Result<IRICommand, CommandRefusal>

    init(from decoder: any Decoder, configuration: NodeLimits) throws {
        let parameters = Parameters(
            container: try decoder.container(keyedBy: ParameterName.self), limits: configuration)
        do throws(CommandRefusal) {
            result = .success(try parameters.command())
        } catch {
            result = .failure(error)
        }
    }
}

private enum ParameterName: String, CodingKey {
    case command
    case addresses, bundles, tags, approvees
    case hashes, transactions, tails
    case depth
    case trunkTransaction, branchTransaction, minWeightMagnitude, trytes
}

private struct Parameters {
    let container: KeyedDecodingContainer<ParameterName>
    let limits: NodeLimits

    func command() throws(CommandRefusal) -> IRICommand {
        guard has(.command) else { throw .noCommand }
        let name = try value(.command, as: String.self)
        switch name {
        case "getNodeInfo": return .getNodeInfo
        case "getNodeAPIConfiguration": return .getNodeAPIConfiguration
        case "findTransactions": return .findTransactions(try query())
        case "getTrytes":
            let hashes = try hashes(.hashes)
            guard hashes.count <= limits.getTrytes else { throw .overLimit }
            return .getTrytes(hashes)
        case "getInclusionStates": return .getInclusionStates(try hashes(.transactions))
        case "getTransactionsToApprove":
            guard (0...limits.depth).contains(try integer(.depth)) else {
                throw .invalidInput("depth")
            }
            return .getTransactionsToApprove
        case "attachToTangle": return .attachToTangle(try attachRequest())
        case "interruptAttachingToTangle": return .interruptAttachingToTangle
        case "storeTransactions": return .storeTransactions(try transactions())
        case "broadcastTransactions": return .broadcastTransactions(try transactions())
        case "wereAddressesSpentFrom": return .wereAddressesSpentFrom(try hashes(.addresses))
        case "checkConsistency": return .checkConsistency(tails: try hashes(.tails))
        default:
            throw IRICommand.notOffered.contains(name) ? .notAvailable(name) : .unknownCommand(name)
        }
    }

    private func query() throws(CommandRefusal) -> TransactionQuery {
        var query = TransactionQuery()
        if has(.addresses) { query.addresses = try searchable(.addresses) }
        if has(.bundles) { query.bundles = try searchable(.bundles) }
        if has(.approvees) { query.approvees = try searchable(.approvees) }
        if has(.tags) { query.tags = try tags() }
        guard query != TransactionQuery() else { throw .invalidParameters }
        return query
    }

    /// Hashes without the null hash, which nearly every transaction refers to.
    private func searchable(_ name: ParameterName) throws(CommandRefusal) -> [Hash] {
        let hashes = try hashes(name)
        guard !hashes.contains(.null) else { throw .invalidInput(name.rawValue) }
        return hashes
    }

    /// Tags may be given without their trailing nines.
    private func tags() throws(CommandRefusal) -> [Trytes] {
        try trytes(.tags) { trytes in
            let count = TransactionLayout.Field.tag.range.count
            let isSearchable = trytes.ascii.contains { $0 != TryteAlphabet.nine }
            guard trytes.count <= count, isSearchable else { return nil }
            return trytes.padded(to: count)
        }
    }

    private func attachRequest() throws(CommandRefusal) -> AttachRequest {
        let trunk = try hash(.trunkTransaction)
        let branch = try hash(.branchTransaction)
        let weight =
            has(.minWeightMagnitude) ? try integer(.minWeightMagnitude) : limits.minimumWeight
        guard (0...limits.maximumWeight).contains(weight) else {
            throw .invalidInput(ParameterName.minWeightMagnitude.rawValue)
        }
        return AttachRequest(
            trunk: trunk, branch: branch, weight: weight, transactions: try transactions())
    }

    private func transactions() throws(CommandRefusal) -> [Transaction] {
        try trytes(.trytes) { try? Transaction(trytes: $0) }
    }

    private func hashes(_ name: ParameterName) throws(CommandRefusal) -> [Hash] {
        try trytes(name) { try? Hash(trytes: $0) }
    }

    private func hash(_ name: ParameterName) throws(CommandRefusal) -> Hash {
        let text = try value(name, as: String.self)
        guard let hash = try? Hash(text) else { throw .invalidInput(name.rawValue) }
        return hash
    }

    /// A list of trytes, each as what `element` makes of it; nil from it refuses the request.
    private func trytes<Element>(
        _ name: ParameterName, _ element: (Trytes) -> Element?
    ) throws(CommandRefusal) -> [Element] {
        let texts = try value(name, as: [String].self)
        guard texts.count <= limits.requestsList else { throw .overLimit }
        var elements: [Element] = []
        elements.reserveCapacity(texts.count)
        for text in texts {
            guard let trytes = try? Trytes(text), let element = element(trytes) else {
                throw .invalidInput(name.rawValue)
            }
            elements.append(element)
        }
        return elements
    }

    /// IRI cuts fractions off.
    private func integer(_ name: ParameterName) throws(CommandRefusal) -> Int {
        guard let integer = Int(exactly: try value(name, as: Double.self).rounded(.towardZero))
        else { throw .invalidInput(name.rawValue) }
        return integer
    }

    private func value<Value: Decodable>(
        _ name: ParameterName, as type: Value.Type
    ) throws(CommandRefusal) -> Value {
        guard has(name) else { throw .invalidParameters }
        guard let value = try? container.decode(type, forKey: name) else {
            throw .invalidInput(name.rawValue)
        }
        return value
    }

    /// A null counts as missing.
    private func has(_ name: ParameterName) -> Bool {
        container.contains(name) && (try? container.decodeNil(forKey: name)) != true
    }
}
