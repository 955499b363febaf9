import CEventLoop
import Wire

/// How a connect began.
package enum ConnectResult: Sendable {
    /// Connected at once (Unix sockets; sometimes loopback).
    case connected(Int32)
    /// Under way: the first `writable` or `error` event tells, through `Socket.pendingError`.
    case inProgress(Int32)
    /// The (positive) errno. A Unix socket whose backlog is full says EAGAIN, which is a failure too.
    case failure(Int32)
}

/// What a listener had.
package enum AcceptResult: Sendable {
    /// A non-blocking descriptor and where the peer is. The peer of a Unix socket has the empty path.
    case accepted(Int32, SocketAddress)
    /// Nobody waits, or another worker was faster.
    case none
    /// No descriptor is left in the process or the machine: see `DescriptorReserve`.
    case outOfDescriptors
    /// This connection failed before it was accepted, or memory is short: the next accept may do.
    case transient(Int32)
}

/// Calls on non-blocking stream sockets. Each returns a count or 0, or a negated errno; none allocates, and none raises
/// SIGPIPE. Interrupted calls are made again.
package enum Socket {
    // MARK: Bytes

    /// Reads what is there. 0 is the peer's end (or an empty buffer), `-EAGAIN` nothing yet.
    package static func receive(_ fd: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        outrider_receive(fd, buffer.baseAddress, buffer.count)
    }

    /// Reads what is there and leaves it there, as `receive` answers.
    package static func peek(_ fd: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        outrider_peek(fd, buffer.baseAddress, buffer.count)
    }

    /// Sends as much as fits.
    package static func send(_ fd: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        outrider_send(fd, bytes.baseAddress, bytes.count)
    }

    /// Sends as much as fits of two pieces in one call.
    package static func send(_ fd: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Int {
        outrider_send2(fd, first.baseAddress, first.count, second.baseAddress, second.count)
    }

    /// Sends as much as fits of three pieces in one call.
    package static func send(
        _ fd: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
    ) -> Int {
        outrider_send3(
            fd, first.baseAddress, first.count, second.baseAddress, second.count, third.baseAddress, third.count)
    }

    // MARK: Opening and closing

    /// Starts a connection; TCP sockets send without delay. The descriptor is the caller's.
    package static func connect(_ address: SocketAddress) -> ConnectResult {
        var raw = outrider_address(address)
        var inProgress: Int32 = 0
        let fd = outrider_connect(&raw, &inProgress)
        if fd < 0 { return .failure(-fd) }
        return inProgress != 0 ? .inProgress(fd) : .connected(fd)
    }

    /// Accepts one connection. The descriptor is the caller's.
    package static func accept(_ listener: Int32) -> AcceptResult {
        var raw = outrider_address()
        let fd = outrider_accept(listener, &raw)
        if fd >= 0 { return .accepted(fd, SocketAddress(raw) ?? .unix("")) }
        let code = -fd
        if code == outrider_again { return .none }
        if code == outrider_too_many_files || code == outrider_table_full { return .outOfDescriptors }
        return .transient(code)
    }

    /// Ends our half; what was sent still arrives.
    @discardableResult
    package static func shutdownWrite(_ fd: Int32) -> Int { Int(outrider_shutdown_write(fd)) }

    /// Closes the descriptor. Unread bytes make TCP send a reset.
    @discardableResult
    package static func close(_ fd: Int32) -> Int { Int(outrider_close(fd)) }

    /// Closes so that the peer sees a reset, not an end: a body that was cut must not look complete.
    @discardableResult
    package static func resetClose(_ fd: Int32) -> Int { Int(outrider_close_reset(fd)) }

    // MARK: State and options

    /// The error that waits at the socket, negated, and clears it; 0 when there is none.
    package static func pendingError(_ fd: Int32) -> Int { Int(outrider_pending_error(fd)) }

    /// The address on our side; nil when the socket has none that we know.
    package static func localAddress(_ fd: Int32) -> SocketAddress? {
        var raw = outrider_address()
        return outrider_local_address(fd, &raw) == 0 ? SocketAddress(raw) : nil
    }

    /// The peer's address; nil when the socket is not connected.
    package static func peerAddress(_ fd: Int32) -> SocketAddress? {
        var raw = outrider_address()
        return outrider_peer_address(fd, &raw) == 0 ? SocketAddress(raw) : nil
    }

    /// Where a connection was going before netfilter redirected it to us (`SO_ORIGINAL_DST`); nil when it was not.
    package static func originalDestination(_ fd: Int32) -> SocketAddress? {
        var raw = outrider_address()
        return outrider_original_destination(fd, &raw) == 0 ? SocketAddress(raw) : nil
    }

    /// Turns Nagle's algorithm off. A Unix socket answers with an error that may be ignored.
    @discardableResult
    package static func setNoDelay(_ fd: Int32) -> Int { Int(outrider_set_no_delay(fd, 1)) }

    /// Turns TCP keep-alive on. Zero leaves the system's value; `time` and `interval` are seconds
    /// (DestinationRule `trafficPolicy.connectionPool.tcp.tcpKeepalive`).
    @discardableResult
    package static func setKeepalive(_ fd: Int32, probes: Int, time: Int, interval: Int) -> Int {
        Int(outrider_set_keepalive(fd, Int32(clamping: probes), Int32(clamping: time), Int32(clamping: interval)))
    }

    /// Sets the kernel's buffers in bytes; zero leaves one as it is.
    @discardableResult
    package static func setBuffers(_ fd: Int32, sendBytes: Int = 0, receiveBytes: Int = 0) -> Int {
        Int(outrider_set_buffers(fd, Int32(clamping: sendBytes), Int32(clamping: receiveBytes)))
    }

    /// Two connected, non-blocking Unix sockets; nil when descriptors have run out.
    package static func pair() -> (Int32, Int32)? {
        var fds: (Int32, Int32) = (-1, -1)
        let error = withUnsafeMutableBytes(of: &fds) {
            outrider_socketpair($0.baseAddress?.assumingMemoryBound(to: Int32.self))
        }
        return error == 0 ? fds : nil
    }
}
