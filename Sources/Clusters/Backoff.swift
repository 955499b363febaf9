/// The wait before a retry, fully jittered, as Envoy's.
package enum Backoff {
    /// Milliseconds before retry `attempt` (the first is 1): less than `base` doubled for each retry before, at most ten bases.
    /// - Parameters:
    ///   - base: milliseconds; less than 1 counts as 1.
    ///   - draw: 64 random bits.
    package static func delay(attempt: Int, base: Int, draw: UInt64) -> Int {
        let base = UInt64(min(max(1, base), 3_600_000))
        let doublings = UInt64(min(max(0, attempt - 1), 4))
        return Int(draw % min(base << doublings, base * 10))
    }
}
