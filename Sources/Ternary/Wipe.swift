import CCurlP

/// Overwrites memory that held a secret with zeros, in a way the compiler may not leave out.
package func wipe(_ memory: UnsafeMutableRawBufferPointer) {
    guard let start = memory.baseAddress else { return }
    curlp_wipe(start, memory.count)
}
