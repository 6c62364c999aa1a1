/// Where the fields of a transaction stand among its 2,673 trytes (tangle, *Transaction*).
enum TransactionField {
    static let fragment = 0..<2187
    static let address = 2187..<2268
    static let value = 2268..<2295
    static let obsoleteTag = 2295..<2322
    static let timestamp = 2322..<2331
    static let currentIndex = 2331..<2340
    static let lastIndex = 2340..<2349
    static let bundle = 2349..<2430
    static let trunk = 2430..<2511
    static let branch = 2511..<2592
    static let tag = 2592..<2619
    static let attachmentTimestamp = 2619..<2628
    static let attachmentLowerBound = 2628..<2637
    static let attachmentUpperBound = 2637..<2646
    static let nonce = 2646..<2673

    /// What the bundle hash covers.
    static let essence = 2187..<2349
}
