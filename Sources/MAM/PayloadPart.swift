/// The parts of a payload, in their order (mam-v0, *The payload*).
package enum PayloadPart: String, Hashable, Sendable {
    case index
    case length
    case nextRoot = "next root"
    case message
    case nonce
    case signature
    case siblingCount = "number of siblings"
    case siblings
}
