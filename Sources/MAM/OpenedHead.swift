import Ternary

/// The head of a payload, unmasked; nothing of it is authenticated yet.
struct OpenedHead {
    let layout: PayloadLayout
    let nextRoot: Root
    let content: [Trit]
    let messageHash: [Trit]
    let securityLevel: Int
    /// Stands at the start of the signature.
    private let sponge: MaskingSponge
    private let rest: ArraySlice<Trit>

    /// - Throws: `ReadError` for a layout that does not fit, or no security level.
    init(_ request: ReadRequest) throws(ReadError) {
        layout = try PayloadLayout.parse(request.payload)
        let trits = request.payload.trits
        var rest = trits[...]
        func take(_ count: Int) -> ArraySlice<Trit> {
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        var sponge = MaskingSponge(
            root: request.root, sideKey: request.sideKey, header: take(layout.headerTritCount))
        nextRoot = Root(hash: Hash(sponge: sponge.unmask(take(Hash.tritCount))))
        content = sponge.unmask(take(layout.messageTritCount))
        _ = sponge.unmask(take(PayloadLayout.nonceTritCount))
        messageHash = sponge.rate
        guard let level = SecurityLevel.level(of: messageHash) else { throw .noSecurityLevel }
        securityLevel = level
        self.sponge = sponge
        self.rest = rest
    }

    /// Signature and siblings as the payload has them, not checked.
    struct Evidence {
        let signature: [Trit]
        let siblings: ArraySlice<Trit>
        let siblingCount: Int
        let payloadTritCount: Int
    }

    /// - Throws: `ReadError` where a part is cut, the number of siblings is none, or the index
    ///   is beyond the tree.
    func evidence() throws(ReadError) -> Evidence {
        let signatureCount = securityLevel * SecurityLevel.signatureTritCount
        guard rest.count >= signatureCount else { throw .truncated(.signature) }
        var sponge = sponge
        let signature = sponge.unmask(rest.prefix(signatureCount))
        let masked = rest.dropFirst(signatureCount)
        // A signature is whole blocks, so that the count lies at the start of the next; where the
        // siblings end is known only once it is read.
        var plain = sponge.unmask(masked.prefix(CurlP.rateCount))
        let count = try PayloadLayout.integer(.siblingCount, plain[...])
        let roomFor = (masked.count - count.tritCount) / Hash.tritCount
        guard count.value <= UInt64(roomFor) else { throw .truncated(.siblings) }
        let siblingCount = Int(count.value)
        guard layout.index >> UInt64(siblingCount) == 0 else {
            throw .indexBeyondTree(siblingCount: siblingCount)
        }
        let end = count.tritCount + siblingCount * Hash.tritCount
        if end > plain.count { plain += sponge.unmask(masked.prefix(end).dropFirst(plain.count)) }
        return Evidence(
            signature: signature, siblings: plain[count.tritCount..<end],
            siblingCount: siblingCount,
            payloadTritCount: layout.headTritCount + signatureCount + end)
    }
}
