/// Keeps the readings of a time that was asked for, and of each moment the first.
package struct ReadingFilter: Sendable {
    package private(set) var duplicates = 0
    package private(set) var outside = 0

    private let range: Range<Int64>
    private var seconds = SecondSet()

    package init(_ grid: BucketGrid) { range = grid.start..<grid.end }

    package mutating func filtered(_ readings: [Reading]) -> [Reading] {
        readings.filter { reading in
            guard range.contains(reading.seconds) else {
                outside += 1
                return false
            }
            let isNew = seconds.insert(reading.seconds)
            if !isNew { duplicates += 1 }
            return isNew
        }
    }
}
