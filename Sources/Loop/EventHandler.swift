/// One thing that a loop calls back: a connection, a listener, a timer. It belongs to one loop and that loop's thread.
///
/// It is `open` because Swift lets only open classes be subclassed in other modules of a package; it is no public API.
open class EventHandler {
    /// The descriptor it was registered with, or -1. The handler's owner closes it.
    package final var fd: Int32 = -1
    /// When `onDeadline` is due, in the loop's milliseconds; `.max` for never. Set by `EventLoop.arm`.
    package final var deadline: UInt64 = .max
    /// Handlers of upstream connections are served before the others in a batch: an upstream's end is seen before a
    /// request is sent on that connection.
    package final var isUpstream = false

    /// Its place in the loop's table, or -1; in the timer heap, or -1; and whether it waits in the ready queue.
    final var slot: Int32 = -1
    final var heapIndex: Int32 = -1
    final var isReadyQueued = false
    final var isBatchEndQueued = false

    /// A handler that no loop knows yet. Public, as an open class wants it; Swift warns about subclasses otherwise.
    public init() {}

    /// Whether a loop has it in its table.
    package final var isRegistered: Bool { slot >= 0 }

    /// Called with the events of one batch.
    open func onEvents(_ events: Events) {}
    /// Called in the turn after `EventLoop.makeReady`.
    open func onReady() {}
    /// Called at the end of a turn after `EventLoop.callAtBatchEnd`.
    open func onBatchEnd() {}
    /// Called when the deadline has passed; it is `.max` again by then.
    open func onDeadline() {}
}
