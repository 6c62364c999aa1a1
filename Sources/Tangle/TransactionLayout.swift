/// Where the fields of a transaction lie, in trytes (tangle, *Transaction*).
package enum TransactionLayout {
    package enum Field: String, Sendable, CaseIterable {
        case signatureMessageFragment, address, value, obsoleteTag, timestamp, currentIndex
        case lastIndex, bundle, trunk, branch, tag, attachmentTimestamp
        case attachmentTimestampLowerBound, attachmentTimestampUpperBound, nonce

        /// The field's trytes; the ranges follow each other without gaps.
        package var range: Range<Int> {
            switch self {
            case .signatureMessageFragment: 0..<2187
            case .address: 2187..<2268
            case .value: 2268..<2295
            case .obsoleteTag: 2295..<2322
            case .timestamp: 2322..<2331
            case .currentIndex: 2331..<2340
            case .lastIndex: 2340..<2349
            case .bundle: 2349..<2430
            case .trunk: 2430..<2511
            case .branch: 2511..<2592
            case .tag: 2592..<2619
            case .attachmentTimestamp: 2619..<2628
            case .attachmentTimestampLowerBound: 2628..<2637
            case .attachmentTimestampUpperBound: 2637..<2646
            case .nonce: 2646..<2673
            }
        }
    }

    /// What the bundle hash covers: address, value, obsolete tag, timestamp and both indexes.
    package static let essence = 2187..<2349

    /// Trytes of the value field that are used: 33 trits hold just the supply.
    package static let usedValueTryteCount = 11

    /// The first milestone of the mainnet whose transactions have this layout. Before, the nonce had
    /// 81 trytes and stood where the tag stands now; there were no attachment times (tangle, *Dumps
    /// of the mainnet's history*). All else has stayed where it was.
    package static let firstMilestone: Int32 = 242_662
}

extension Transaction {
    /// Whether it is of the mainnet's first time, when the tag stood where `obsoleteTag` does, and
    /// there were no attachment times.
    ///
    /// Other networks count milestones anew. There whoever attaches writes the widest bounds of the
    /// attachment time, which a nonce in their place does not show.
    ///
    /// - Parameter milestone: that confirmed it, where it is known.
    package func hasFirstLayout(confirmedBy milestone: Int32?) -> Bool {
        guard let milestone, milestone < TransactionLayout.firstMilestone else { return false }
        return self[.attachmentTimestampLowerBound] != Attachment.earliest
            || self[.attachmentTimestampUpperBound] != Attachment.latest
    }
}
