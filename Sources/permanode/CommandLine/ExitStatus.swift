/// How a command ended.
enum ExitStatus: Int32, Sendable {
    case done = 0
    case failed = 1
    /// The command, or the environment, was not what it has to be.
    case usedWrongly = 2
    /// A thing that was named does not exist.
    case notFound = 3
    /// Not allowed, or unsafe without a flag.
    case refused = 4
}
