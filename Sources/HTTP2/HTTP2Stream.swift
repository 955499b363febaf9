import Wire

/// What a session remembers of a stream. Records are reused; `id` is 0 for one that is free.
final class HTTP2Stream {
    var id: UInt32 = 0
    /// Body bytes that wait to be sent, and the trailers behind them.
    var queue = BufferQueue()
    var trailers: Head?
    /// Trailers end our message, not DATA.
    var hasSubmittedTrailers = false
    /// Bytes that the owner has not given back yet.
    var unconsumed = 0
    /// Milliseconds: when it was opened; when bytes were last taken from a queue that was not empty.
    var openedAt: UInt64 = 0
    var progressAt: UInt64 = 0

    /// A final head came from the peer: the next one is trailers.
    var hasHead = false
    /// The peer's message is over.
    var hasEnded = false
    /// Nothing of the peer's message is handed over any more.
    var isRefused = false
    /// A reset came from the peer, or goes to it by our command.
    var isResetByPeer = false
    var isResetByUs = false
    /// We sent a final head.
    var hasSentHead = false
    /// The owner has submitted the end.
    var isEnding = false
    /// nghttp2 was told that nothing waits; it asks again after `nghttp2_session_resume_data`.
    var isDeferred = false
    /// The owner was told to pause.
    var isPaused = false

    func open(_ id: UInt32, now: UInt64) {
        self.id = id
        openedAt = now
        progressAt = now
        unconsumed = 0
        hasSubmittedTrailers = false
        hasHead = false
        hasEnded = false
        isRefused = false
        isResetByPeer = false
        isResetByUs = false
        hasSentHead = false
        isEnding = false
        isDeferred = false
        isPaused = false
    }
}
