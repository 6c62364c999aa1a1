import Archive
import Foundation
import MAM
import QueryAPI
import Secrets
import Ternary
import Vault

/// Values of the archive's own kinds.
extension Arguments {
    /// The one operand as a channel's id. A text that cannot be one names nothing, so it is
    /// told as one that does not exist.
    func channelOperand() throws(CommandFailure) -> ChannelNumber {
        try Self.number(operands.first ?? "", "channel")
    }

    func channel(_ option: String) throws(CommandFailure) -> ChannelNumber? {
        guard let text = value(option) else { return nil }
        return try Self.number(text, "channel")
    }

    static func number(_ text: String, _ kind: String) throws(CommandFailure) -> ChannelNumber {
        guard let number = ChannelNumber(text: text) else {
            throw CommandFailure(
                .notFound,
                "there is no such \(kind): an id has 10 characters, see permanode \(kind) list")
        }
        return number
    }

    func retention(_ option: String = "retention") throws(CommandFailure) -> Retention? {
        guard let text = value(option) else { return nil }
        guard let retention = Retention(text: text) else {
            throw wrong("--\(option) is no number of months from 1m to \(Retention.monthsLimit)m")
        }
        return retention
    }

    func time(_ option: String) throws(CommandFailure) -> Date? {
        guard let text = value(option) else { return nil }
        guard let time = Timestamp(text: text) else {
            throw wrong("--\(option) is no time of RFC 3339, such as 2021-03-14T15:09:26Z")
        }
        return time.date
    }

    func root(_ option: String = "root-file") throws(CommandFailure) -> Root {
        guard let text = try secret(option) else { throw wrong("--\(option) is missing") }
        guard let root = text.withBytes({ try? Root(String(decoding: $0, as: UTF8.self)) }) else {
            throw wrong("--\(option) holds no root, which is 81 characters of 9A-Z")
        }
        return root
    }

    func salt(_ option: String = "salt-file") throws(CommandFailure) -> ForgetSalt? {
        guard let text = try secret(option) else { return nil }
        guard
            let salt = text.withBytes({ ForgetSalt(text: String(decoding: $0, as: UTF8.self)) })
        else { throw wrong("--\(option) holds no salt, which is 43 characters") }
        return salt
    }

    func sideKey(_ option: String = "side-key-file") throws(CommandFailure) -> SideKey? {
        guard let text = try secret(option) else { return nil }
        guard let key = text.withBytes({ try? SideKey(String(decoding: $0, as: UTF8.self)) }) else {
            throw wrong("--\(option) holds no side key, which is 1 to 81 characters of 9A-Z")
        }
        return key
    }

    func seed(_ option: String = "seed-file") throws(CommandFailure) -> Seed? {
        guard let text = try secret(option) else { return nil }
        guard let seed = text.withBytes({ try? Seed(String(decoding: $0, as: UTF8.self)) }) else {
            throw wrong("--\(option) holds no seed, which is 81 characters of 9A-Z")
        }
        return seed
    }

    /// What a device hands over, as JSON.
    func handOver(_ option: String = "mam-data") throws(CommandFailure) -> [UInt8]? {
        try secret(option, limit: JSONFragment.byteLimit).map { $0.withBytes { Array($0) } }
    }

    /// An IOTA address.
    func address(_ option: String) throws(CommandFailure) -> Hash? {
        guard let text = value(option) else { return nil }
        guard let address = IOTAAddress.hash(text) else {
            throw wrong("--\(option) is no address of 81 trytes, or of 90 with its checksum")
        }
        return address
    }

    /// An access token.
    func token(_ option: String = "token-file") throws(CommandFailure) -> String? {
        try secret(option)?.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The content of the file an option names; `-` is standard input. Texts of errors do not
    /// repeat the name: a secret may have been given in its place.
    private func secret(
        _ option: String, limit: Int = SecretInput.defaultLimit
    ) throws(CommandFailure) -> SecretBytes? {
        guard let source = value(option) else { return nil }
        do {
            return try SecretInput.read(from: source, limit: limit)
        } catch .unreadable(_, let reason) {
            let status: ExitStatus =
                FileManager.default.fileExists(atPath: source) ? .failed : .notFound
            throw CommandFailure(status, "the file of --\(option) cannot be read: \(reason)")
        } catch .tooLong(_, let limit) {
            throw wrong("the file of --\(option) has more than \(limit) bytes")
        } catch .empty {
            throw wrong("the file of --\(option) is empty")
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Standard input can be read once.
    func checkStandardInput(_ options: String..., also: String? = nil) throws(CommandFailure) {
        let readers =
            options.filter { value($0) == "-" }.map { "--\($0)" } + (also.map { [$0] } ?? [])
        guard readers.count <= 1 else {
            throw wrong("\(readers.joined(separator: " and ")) cannot both be standard input")
        }
    }
}
