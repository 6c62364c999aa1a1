import CSodium
import Foundation

/// Memory of this process in files that outlive it.
package enum CoreDumps {
    /// Keeps the system from writing this process's memory to a file when it crashes, and other
    /// processes of the same user from looking into it.
    ///
    /// - Returns: Whether both took effect.
    package static func forbid() -> Bool {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        #if canImport(Darwin)
            let resource = RLIMIT_CORE
        #else
            let resource = __rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue))
        #endif
        return setrlimit(resource, &none) == 0 && pmn_forbid_dumps() == 0
    }
}
