/// The endpoints a request was sent to already, by slot: an inline set for `retryIgnorePreviousHosts`.
package struct TriedHosts: Sendable {
    /// Room for every attempt that `Limits.retriesMax` allows; more replace the oldest.
    private var slots = SIMD16<Int32>(repeating: -1)
    private var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package mutating func insert(_ slot: Int32) {
        slots[count & 15] = slot
        count &+= 1
    }

    package func contains(_ slot: Int32) -> Bool { any(slots .== slot) }
}
