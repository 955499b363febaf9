/// A leaking bucket: it takes a burst, and empties at a steady rate. Time is passed in.
package struct RateBudget: Sendable {
    private let capacity: UInt64
    private let perSecond: UInt64
    /// Thousandths of what was spent and has not come back.
    private var level: UInt64 = 0
    private var last: UInt64 = 0

    package init(burst: Int, perSecond: Int) {
        capacity = UInt64(burst) * 1000
        self.perSecond = UInt64(perSecond)
    }

    /// Spends one. False: there was none left.
    package mutating func spend(now: UInt64) -> Bool {
        if level > 0, now > last {
            let (back, overflow) = (now - last).multipliedReportingOverflow(by: perSecond)
            level = overflow || back >= level ? 0 : level - back
        }
        last = max(last, now)
        guard level + 1000 <= capacity else { return false }
        level += 1000
        return true
    }

    /// Gives some back for honest work. Never more than was spent.
    package mutating func earn(_ count: Int) {
        level -= min(level, UInt64(count) * 1000)
    }
}
