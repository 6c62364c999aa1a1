import Ternary

/// Adding to balanced ternary numbers longer than a machine word.
enum BalancedAddition {
    /// `number` + `trits` as a number of as many trits, least significant first; what does not
    /// fit is dropped.
    static func adding(_ number: UInt64, to trits: [Trit]) -> [Trit] {
        var sum = trits
        var carry = number
        for index in sum.indices {
            guard carry > 0 else { break }
            var digit = sum[index] + Trit(carry % 3)
            carry /= 3
            if digit > 1 {
                digit -= 3
                carry += 1
            }
            sum[index] = digit
        }
        return sum
    }
}
