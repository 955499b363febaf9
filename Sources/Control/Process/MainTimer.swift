import Loop

/// A timer of a loop, for those that are no event handlers themselves.
final class MainTimer: EventHandler {
    private let loop: EventLoop
    var onFire: () -> Void = {}

    init(_ loop: EventLoop) {
        self.loop = loop
        super.init()
    }

    /// Fires once, at this time in the loop's milliseconds.
    func arm(_ deadline: UInt64) { loop.arm(self, deadline: deadline) }

    override func onDeadline() { onFire() }
}
