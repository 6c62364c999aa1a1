/// Why a line of a dump is not taken.
package enum DumpRejection: String, Error, Sendable, CaseIterable, Codable {
    /// Longer than any transaction's line.
    case tooLong = "too-long"
    /// Neither a JSON object of the right shape nor a line of a `.dmp` file.
    case malformed
    case badHash = "bad-hash"
    case badTrytes = "bad-trytes"
    case badMilestone = "bad-milestone"
    /// A line of hash and trytes, in a file that is not named after its milestone.
    case noMilestone = "no-milestone"
    /// The trytes hash to something else than the line says.
    case wrongHash = "wrong-hash"

    /// For people.
    package var explanation: String {
        switch self {
        case .tooLong: "longer than a transaction's line"
        case .malformed: "neither a JSON object nor a line of a .dmp file"
        case .badHash: "the hash is not 81 trytes"
        case .badTrytes: "the trytes are not 2,673"
        case .badMilestone: "the milestone is not a number, or more follows it"
        case .noMilestone: "no milestone, and the file is not named after one"
        case .wrongHash: "the trytes hash to something else"
        }
    }
}
