import CEventLoop

/// One descriptor that is kept for the day on which there is none left. Without it a listener whose queue cannot be
/// emptied stays readable and spins the loop; with it such a connection is accepted and closed at once.
package final class DescriptorReserve {
    private var fd: Int32

    /// Opens the reserve; throws when descriptors have run out already.
    package init() throws(LoopError) {
        fd = outrider_reserve()
        if fd < 0 { throw LoopError("cannot open /dev/null", errno: -fd, advice: "raise the limit of open files") }
    }

    deinit { if fd >= 0 { _ = outrider_close(fd) } }

    /// After `AcceptResult.outOfDescriptors`: turns one waiting connection away. True when one was. False when none waits,
    /// or when another thread took the freed number first: then pause the listener for a moment instead of spinning.
    package func shed(_ listener: Int32) -> Bool {
        if fd >= 0 { _ = outrider_close(fd) }
        var peer = outrider_address()
        let accepted = outrider_accept(listener, &peer)
        if accepted >= 0 { _ = outrider_close(accepted) }
        fd = outrider_reserve()
        return accepted >= 0
    }
}
