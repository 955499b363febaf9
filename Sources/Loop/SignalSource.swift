import CEventLoop

/// The signals that the process reacts to.
package enum Signal: Sendable {
    case terminate, interrupt, hangup, user1
}

/// Signals as events of a loop. `block` comes first, before any thread starts; then the source is registered with the one
/// loop that answers them.
package final class SignalSource: EventHandler {
    private let onSignal: (Signal) -> Void
    private let descriptor: Int32

    /// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 in this thread and those it starts from now on, and ignores SIGPIPE.
    package static func block() { _ = outrider_signals_block() }

    /// A source that is yet to be attached to a loop.
    package init(onSignal: @escaping (Signal) -> Void) throws(LoopError) {
        descriptor = outrider_signals_create()
        self.onSignal = onSignal
        super.init()
        if descriptor < 0 { throw LoopError("cannot create a signalfd", errno: -descriptor) }
    }

    deinit { if descriptor >= 0 { _ = outrider_close(descriptor) } }

    /// Begins to deliver on this loop's thread. False when the kernel refuses.
    package func attach(to loop: EventLoop) -> Bool { loop.register(self, fd: descriptor) }

    package override func onEvents(_ events: Events) {
        while true {
            let number = outrider_signals_next(descriptor)
            guard number > 0 else { return }
            switch number {
            case outrider_sigterm: onSignal(.terminate)
            case outrider_sigint: onSignal(.interrupt)
            case outrider_sighup: onSignal(.hangup)
            case outrider_sigusr1: onSignal(.user1)
            default: break
            }
        }
    }
}
