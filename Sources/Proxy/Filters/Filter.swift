/// A step between routing and forwarding. It sees the request's head and says how to go on; one that needs time suspends the
/// exchange and resumes it later. Filters belong to a worker and keep no state of a request but by the exchange.
class Filter {
    enum Verdict {
        /// The next filter, or forwarding.
        case proceed
        /// Nothing happens until `Exchange.resumeFilters` is called; the body waits in the socket.
        case suspend
        /// The filter answered by `Exchange.reply`.
        case answered
    }

    /// Sees the head of a request that has a route. A filter that changes what routing looks at sets `Exchange.needsDecision`.
    func onRequest(_ exchange: Exchange) -> Verdict { .proceed }
}
