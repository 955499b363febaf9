import HTTP1
import Telemetry
import Wire

// An exchange whose two sides agreed on another protocol: bytes pass both ways, with backpressure, until both sides have ended. The
// request's side is its body from then on, the answer's side the answer's body.
extension Exchange {
    /// The protocol that this head asks to change to. `Upgrade: h2c` concerns one connection and is ignored here.
    func askedUpgrade(_ head: Head) -> Slice? {
        if !head.connectProtocol.isEmpty { return head.connectProtocol }
        guard head.has(.upgrade), isRequestComplete, let asked = HopByHop.upgrade(head) else { return nil }
        let isH2C =
            asked.count == 3
            && equalIgnoringCase(UnsafePointer(head.storage + asked.start), Self.h2c.utf8Start, count: 3)
        return isH2C ? nil : asked
    }

    private static let h2c: StaticString = "h2c"

    /// The endpoint agreed: the request goes on, without a time limit but that of idleness.
    func openTunnel() {
        isTunnel = true
        isRequestComplete = false
        routeDeadline = .max
        attemptDeadline = .max
        if tee == nil { makeTee() }
        worker.metrics.add(.tunnels)
        tunnelActiveAt = worker.loop.now
        armTunnel()
    }

    func armTunnel() {
        guard tunnelIdleMilliseconds > 0 else { return }
        tunnelDeadline = tunnelActiveAt + UInt64(tunnelIdleMilliseconds)
        armDeadline()
    }

    /// The time of an idle tunnel is up, unless bytes passed since it was set.
    func tunnelWasIdle() {
        guard worker.loop.now >= tunnelActiveAt + UInt64(tunnelIdleMilliseconds) else { return armTunnel() }
        outcome = Outcome(.config, .answer, .timedOut)
        extraFlags.insert(.streamIdle)
        details = "stream_idle_timeout"
        abortAnswer()
        worker.flush()
    }

    /// The endpoint sends no more; what the client sends still goes there.
    func tunnelAnswerEnded() {
        guard isActive, !isAnswerComplete else { return }
        isAnswerComplete = true
        downstream?.sendEnd(stream, trailers: nil)
        downstream?.flushStream()
    }
}
