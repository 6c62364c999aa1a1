import CMalloc

/// How the process deals with memory that it has freed.
package enum ProcessMemory {
    /// Bytes that stay with the process when they are free: a few batches of messages.
    private static let kept: Int32 = 64 << 20
    /// Bytes that are asked for in addition when more are needed.
    private static let ahead: Int32 = 4 << 20

    /// Keeps freed memory for what comes next. Batches of messages come and go many times a
    /// second, and having the kernel clear pages for each takes half as long as decrypting it.
    ///
    /// To be called once, at the start; does nothing but with glibc.
    package static func keepFreed() {
        #if canImport(Glibc)
            _ = mallopt(M_TRIM_THRESHOLD, kept)
            _ = mallopt(M_TOP_PAD, ahead)
            _ = mallopt(M_MMAP_THRESHOLD, kept)
        #endif
    }
}
