import Ternary

/// Reads payloads: unmasks them and checks whose they are (mam-v0).
package enum MessageReader {
    /// A result a request, in the same order. The work is linear in the trytes given and, with
    /// `full`, some 350 permutations more for each security level.
    package static func read(
        _ requests: [ReadRequest], _ verification: Verification
    ) -> [Result<Message, ReadError>] {
        requests.map { request in
            Result { () throws(ReadError) in try read(request, verification) }
        }
    }

    private static func read(
        _ request: ReadRequest, _ verification: Verification
    ) throws(ReadError) -> Message {
        let head = try OpenedHead(request)
        switch verification {
        case .alreadyVerified: return Message(head, nil)
        case .full:
            let evidence = try head.evidence()
            guard signer(head, evidence) == request.root.revealTrits() else {
                throw .wrongSignature
            }
            return Message(head, evidence)
        }
    }

    /// The root that the signature leads to.
    private static func signer(_ head: OpenedHead, _ evidence: OpenedHead.Evidence) -> [Trit] {
        let values = HashChain.signedValues(head.messageHash, level: head.securityLevel)
        let fragments = HashChain.advance(
            evidence.signature, by: values.map { HashChain.length / 2 + $0 })
        return MerklePath.root(
            leaf: HashChain.leafAddress(publicFragments: fragments), index: head.layout.index,
            siblings: evidence.siblings)
    }
}

extension Message {
    fileprivate init(_ head: OpenedHead, _ evidence: OpenedHead.Evidence?) {
        index = head.layout.index
        nextRoot = head.nextRoot
        contentTrytes = Trytes(trits: head.content)
        contentTritCount = head.content.count
        messageHash = Hash(sponge: head.messageHash)
        securityLevel = head.securityLevel
        headTritCount = head.layout.headTritCount
        siblingCount = evidence?.siblingCount
        payloadTritCount = evidence?.payloadTritCount
    }
}
