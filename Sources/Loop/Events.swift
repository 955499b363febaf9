import CEventLoop

/// What epoll says about a descriptor. Edge-triggered: said once, when it becomes so; a handler latches what it needs.
@frozen
public struct Events: OptionSet, Sendable {
    /// The bits of `outrider_event.flags`.
    public let rawValue: UInt32

    /// Events of these bits.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes, a connection or an end wait to be read.
    @inlinable public static var readable: Events { Events(rawValue: 1) }
    /// There is room to send, or a connect ended.
    @inlinable public static var writable: Events { Events(rawValue: 2) }
    /// The peer ended its half (EPOLLRDHUP). Bytes may still wait before the end.
    @inlinable public static var hangup: Events { Events(rawValue: 4) }
    /// An error waits or both halves are gone (EPOLLERR, EPOLLHUP). Bytes may still wait before it.
    @inlinable public static var error: Events { Events(rawValue: 8) }
}
