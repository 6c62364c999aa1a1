import Secrets

/// The bytes of a key ring file, version 1. Integers are big-endian.
///
///     offset  bytes
///          0      8  "PMNDRING"
///          8      2  version, 1
///         10     16  identifier
///         26      8  generation
///         34     32  global key
///         66      4  number of nodes, n
///         70   41 n  nodes in order: path (8, bits left-aligned), depth (1), key (32)
///             +  32  BLAKE2b-256 of all before
///
/// The checksum is there to see a file that was cut off or changed by accident. Whoever can
/// write the file can make a right one, and could as well take the keys.
enum KeyRingFormat {
    static let version: UInt16 = 1
    static let maximumCount = headerCount + KeyTree.maximumNodeCount * nodeCount + checksumCount

    /// Bytes at the beginning that are no secret and change with each generation.
    static let publicHeaderCount = 34

    private static let magic = Array("PMNDRING".utf8)
    private static let headerCount = 70
    private static let nodeCount = 41
    private static let checksumCount = 32

    /// Why bytes are no ring.
    enum Fault: Error, Equatable {
        case damaged(String)
        case unsupported(UInt16)
        /// Of a wrapped one: its key cannot be had, or does not open it.
        case locked(VaultError)
    }

    /// The first bytes of a file, which are no secret.
    static func publicHeader(_ ring: KeyRing, version: UInt16) -> [UInt8] {
        magic + bigEndian(version) + ring.identifier + bigEndian(ring.generation)
    }

    static func isWrapped(_ bytes: SecretBytes) -> Bool {
        bytes.withBytes {
            $0.prefix(10).elementsEqual(magic + bigEndian(WrappedRingFormat.version))
        }
    }

    /// What the first `publicHeaderCount` bytes of a file say; nil for another kind of file.
    static func publicHeader(
        of bytes: UnsafeRawBufferPointer
    ) -> (identifier: [UInt8], generation: UInt64)? {
        guard bytes.count >= publicHeaderCount, bytes.prefix(magic.count).elementsEqual(magic)
        else { return nil }
        return (
            Array(bytes[10..<26]),
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 26, as: UInt64.self))
        )
    }

    static func encode(_ ring: KeyRing) -> SecretBytes {
        let paths = ring.tree.paths
        let bodyCount = headerCount + paths.count * nodeCount
        return SecretBytes(count: bodyCount + checksumCount) { output in
            var offset = 0
            func put(_ bytes: some Collection<UInt8>) {
                UnsafeMutableRawBufferPointer(rebasing: output[offset..<offset + bytes.count])
                    .copyBytes(from: bytes)
                offset += bytes.count
            }
            put(publicHeader(ring, version: version))
            ring.global.withBytes { put($0) }
            put(bigEndian(UInt32(paths.count)))
            ring.tree.keys.withBytes { keys in
                for (index, path) in paths.enumerated() {
                    output.storeBytes(
                        of: path.bits.bigEndian, toByteOffset: offset, as: UInt64.self)
                    output[offset + 8] = UInt8(path.depth)
                    offset += 9
                    put(keys[index * KeyTree.keyCount..<(index + 1) * KeyTree.keyCount])
                }
            }
            put(Digest.blake2b(UnsafeRawBufferPointer(rebasing: output[..<bodyCount])))
        }
    }

    static func decode(_ bytes: SecretBytes) throws(Fault) -> KeyRing {
        try bytes.withBytes { bytes throws(Fault) in try decode(bytes) }
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> KeyRing {
        guard bytes.count >= headerCount + checksumCount else { throw .damaged("too short") }
        guard bytes.prefix(magic.count).elementsEqual(magic) else {
            throw .damaged("another kind of file")
        }
        let found = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
        guard found == version else { throw .unsupported(found) }
        let count = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 66, as: UInt32.self)))
        let bodyCount = headerCount + count * nodeCount
        guard bytes.count == bodyCount + checksumCount else { throw .damaged("wrong length") }
        let checksum = Digest.blake2b(UnsafeRawBufferPointer(rebasing: bytes[..<bodyCount]))
        guard bytes[bodyCount...].elementsEqual(checksum) else { throw .damaged("checksum") }
        return KeyRing(
            identifier: Array(bytes[10..<26]),
            generation: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 26, as: UInt64.self)),
            tree: try decodeTree(bytes, count),
            global: SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[34..<66])))
    }

    /// - Parameter count: nodes, for which `bytes` has been found long enough.
    private static func decodeTree(
        _ bytes: UnsafeRawBufferPointer, _ count: Int
    ) throws(Fault) -> KeyTree {
        var paths: [TreePath] = []
        paths.reserveCapacity(count)
        for index in 0..<count {
            let offset = headerCount + index * nodeCount
            let bits = UInt64(
                bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            guard let path = TreePath(checking: bits, depth: Int(bytes[offset + 8])) else {
                throw .damaged("a path")
            }
            paths.append(path)
        }
        let keys = SecretBytes(count: count * KeyTree.keyCount) { output in
            guard let output = output.baseAddress, let bytes = bytes.baseAddress else { return }
            for index in 0..<count {
                (output + index * KeyTree.keyCount).copyMemory(
                    from: bytes + headerCount + index * nodeCount + 9, byteCount: KeyTree.keyCount)
            }
        }
        guard let tree = KeyTree(paths: paths, keys: keys) else { throw .damaged("nodes overlap") }
        return tree
    }
}
