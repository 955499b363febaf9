/// What a session tells its owner. Ask `HTTP2Session.next` for events after each `receive`, and after each `write`.
package enum HTTP2Event {
    /// A request's or a final response's head; `swapHead` takes it. `end`: no body follows. `length`: the Content-Length of
    /// the body that follows, if it was said; nghttp2 holds the peer to it.
    case head(stream: UInt32, end: Bool, length: UInt64?)
    /// Client: a 1xx response; `swapHead` takes its head.
    case informational(stream: UInt32)
    /// A part of the body, never empty. The bytes are those that `receive` was given. Its credit is the count of `bytes`, to be
    /// given back by `consumed`. `end`: the message is over.
    case data(stream: UInt32, bytes: UnsafeRawBufferPointer, end: Bool)
    /// Trailers, and the end of the message; `swapHead` takes them.
    case trailers(stream: UInt32)
    /// The end of the message, where no part of the body could say it.
    case end(stream: UInt32)
    /// The peer reset the stream, or (client) it will not be processed: `refusedStream` is safe to try again.
    case reset(stream: UInt32, code: HTTP2Code)
    /// The peer's message was refused and the stream reset, before or after its head was handed over.
    case malformed(stream: UInt32)
    /// The head (or the trailers) passed the limits. Nothing of it was kept. The owner answers (431) or resets the stream; its
    /// body is dropped.
    case headersTooLarge(stream: UInt32)
    /// Less waits for the peer: a stream for which `submitData` said false may go on.
    case drained(stream: UInt32)
    /// The stream is over in both directions, or reset. Commands for it do nothing from now on.
    case streamClosed(stream: UInt32)
    /// The peer takes no streams after `lastStream`. Those after it are reset with `refusedStream`, in events of their own.
    case goAway(lastStream: UInt32, code: HTTP2Code)
    /// The peer's SETTINGS changed: see `peerConcurrentStreamsMax` and its neighbours.
    case settings
    /// Our ping came back.
    case pong(UInt64)
}
