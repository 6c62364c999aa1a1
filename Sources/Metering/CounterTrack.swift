/// A counter's course: for each bucket where it stood first and last, whatever the order in which
/// readings come. What lies between adds up by itself, since counters go one way; where one does
/// not, because the meter was swapped, the course is broken there and goes on from the new value.
struct CounterTrack {
    /// A part of the course in a bucket, without a break.
    struct Stretch {
        var first: Int64
        var firstValue: Int64
        var last: Int64
        var lastValue: Int64
        /// Stands for the meter; 0 if it is not named.
        var meter: UInt64

        static let none = Stretch(first: 0, firstValue: -1, last: 0, lastValue: -1, meter: 0)
        var isNone: Bool { firstValue < 0 }

        /// Whether this can be the same meter, this much later.
        func leads(to seconds: Int64, _ value: Int64, _ meter: UInt64) -> Bool {
            (self.meter == meter || self.meter == 0 || meter == 0)
                && Counter.isPlausible(value - lastValue, in: seconds - last)
        }
    }

    /// Breaks of one bucket that are told apart. A meter is swapped once; more are nonsense.
    private static let stretchLimit = 8
    /// Buckets with breaks.
    private static let brokenLimit = 1000

    /// One for each bucket, and one before and behind them.
    private var stretches: [Stretch]
    /// All of a bucket's, where there are several, by time.
    private var broken: [Int: [Stretch]] = [:]

    init(bucketCount: Int) {
        stretches = Array(repeating: .none, count: bucketCount + 2)
    }

    /// - Parameter bucket: From -1 on.
    mutating func add(_ value: Int64, _ meter: UInt64, at seconds: Int64, in bucket: Int) {
        let place = bucket + 1
        if broken.isEmpty || broken[place] == nil {
            var stretch = stretches[place]
            if stretch.isNone {
                stretch = Stretch(
                    first: seconds, firstValue: value, last: seconds, lastValue: value,
                    meter: meter)
            } else if !Self.extend(&stretch, value, meter, at: seconds) {
                guard broken.count < Self.brokenLimit else { return }
                broken[place] = [stretch]
                addBroken(value, meter, at: seconds, in: place)
                return
            }
            stretches[place] = stretch
        } else {
            addBroken(value, meter, at: seconds, in: place)
        }
    }

    private mutating func addBroken(
        _ value: Int64, _ meter: UInt64, at seconds: Int64, in place: Int
    ) {
        guard var list = broken[place] else { return }
        let next = list.firstIndex { $0.first > seconds } ?? list.count
        if next > 0, Self.extend(&list[next - 1], value, meter, at: seconds) {
            broken[place] = list
            return
        }
        // Within a stretch and not between its ends: one of the three is nonsense.
        if next > 0, list[next - 1].last >= seconds { return }
        if next == list.count || !Self.extend(&list[next], value, meter, at: seconds) {
            guard list.count < Self.stretchLimit else { return }
            list.insert(
                Stretch(
                    first: seconds, firstValue: value, last: seconds, lastValue: value,
                    meter: meter), at: next)
        }
        broken[place] = list
    }

    /// - Returns: False where the value does not go with the stretch.
    private static func extend(
        _ stretch: inout Stretch, _ value: Int64, _ meter: UInt64, at seconds: Int64
    ) -> Bool {
        if seconds >= stretch.last {
            guard stretch.leads(to: seconds, value, meter) else { return false }
            if seconds == stretch.last { return true }
            stretch.last = seconds
            stretch.lastValue = value
        } else if seconds <= stretch.first {
            let only = Stretch(
                first: seconds, firstValue: value, last: seconds, lastValue: value, meter: meter)
            guard only.leads(to: stretch.first, stretch.firstValue, stretch.meter) else {
                return false
            }
            stretch.first = seconds
            stretch.firstValue = value
        } else {
            return (stretch.meter == meter || stretch.meter == 0 || meter == 0)
                && value >= stretch.firstValue && value <= stretch.lastValue
        }
        if stretch.meter == 0 { stretch.meter = meter }
        return true
    }

    /// What the course says of a bucket.
    struct Course {
        /// What was counted in it; nil where nothing tells.
        var gain: Int64?
        /// How often it broke, at the bucket's beginning or in it.
        var breaks = 0
        /// What was counted since `Gap.since`, of which nobody knows when.
        var gap: (since: Int64, gain: Int64)?
    }

    /// A course for each bucket. What was counted between two readings belongs to the bucket in
    /// which the later one lies, unless more than `limit` seconds are between them.
    func courses(_ limit: Int64) -> [Course] {
        var courses: [Course] = []
        courses.reserveCapacity(stretches.count - 2)
        var last: Stretch?
        for place in stretches.indices {
            var course = Course()
            let main = stretches[place]
            for stretch in broken[place] ?? (main.isNone ? [] : [main]) {
                if let last {
                    if !last.leads(to: stretch.first, stretch.firstValue, stretch.meter) {
                        course.breaks += 1
                    } else if stretch.first - last.last <= limit {
                        course.gain = (course.gain ?? 0) + stretch.firstValue - last.lastValue
                    } else {
                        course.gap = (last.last, stretch.firstValue - last.lastValue)
                    }
                }
                if stretch.last > stretch.first {
                    course.gain = (course.gain ?? 0) + stretch.lastValue - stretch.firstValue
                }
                last = stretch
            }
            if place > 0, place < stretches.count - 1 { courses.append(course) }
        }
        return courses
    }
}
