import Foundation

/// Files and sockets that this process may have open.
package enum OpenFiles {
    /// What is not a client's connection: the database's, nodes', the key ring.
    private static let others = 512

    /// Lets as many connections be open at once, where the system allows it: what a process begins
    /// with is often 1,024.
    ///
    /// - Returns: Whether they may be.
    package static func allow(connections: Int) -> Bool {
        #if canImport(Darwin)
            let resource = RLIMIT_NOFILE
        #else
            let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        #endif
        let wanted = rlim_t(connections + others)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return false }
        if limit.rlim_cur >= wanted { return true }
        limit.rlim_cur = min(wanted, limit.rlim_max)
        return setrlimit(resource, &limit) == 0 && limit.rlim_cur >= wanted
    }
}
