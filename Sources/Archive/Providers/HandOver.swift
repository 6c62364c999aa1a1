import MAM
import NTRU
import Ternary

/// What a device hands over of a channel, `{root, mamData: {root, sideKey}}`: the inner two
/// encrypted for a provider. The outer root is the sender's, and is not looked at.
package struct HandOver: Sendable {
    package let root: Root
    package let sideKey: SideKey

    /// - Throws: `ArchiveError.handOverMalformed`; `.handOverForOthers` where none of the keys
    ///   opens it.
    package init(_ json: [UInt8], for providers: [ProviderKey]) throws(ArchiveError) {
        guard let data = JSONFragment(json)?["mamData"],
            let root = data["root"]?.text, let sideKey = data["sideKey"]?.text
        else { throw .handOverMalformed }
        for provider in providers {
            guard let root = provider.open(root), let sideKey = provider.open(sideKey) else {
                continue
            }
            guard let root = try? Root(root.description),
                let sideKey = try? SideKey(trytes: sideKey)
            else { throw .handOverMalformed }
            self.root = root
            self.sideKey = sideKey
            return
        }
        throw .handOverForOthers
    }
}
