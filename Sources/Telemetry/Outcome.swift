/// How a request ended: who ended it, in which phase, and how. Envoy's flags and a sentence for people derive from it.
@frozen @usableFromInline
package struct Outcome: Equatable, Sendable {
    /// Who ended it.
    @usableFromInline
    package enum Who: UInt8, Sendable, CaseIterable {
        /// Nobody: it was answered in full.
        case none
        case client, upstream
        /// This proxy, of its own accord: a limit or a time-out of its own.
        case proxy
        /// What the configuration says: no route, a direct response, a route's time-out, a circuit breaker.
        case config
    }

    /// What was going on.
    @usableFromInline
    package enum Phase: UInt8, Sendable, CaseIterable {
        /// The request's head was being read.
        case head
        /// A route was looked for.
        case route
        /// A filter had it.
        case filter
        /// An endpoint was looked for.
        case pick
        /// It waited for a free connection.
        case queue
        /// A connection was being made.
        case connect
        /// The request's body was being forwarded.
        case body
        /// The request was sent and the answer's head had not come.
        case wait
        /// The answer was being forwarded.
        case answer
        /// It was over.
        case done
    }

    /// In which way.
    @usableFromInline
    package enum Cause: UInt8, Sendable, CaseIterable {
        /// It was completed.
        case completed
        /// A connection was closed or reset.
        case closed
        /// Bytes that break the protocol.
        case malformed
        /// Time was up.
        case timedOut
        /// A connection was refused or could not be made.
        case refused
        /// A limit was reached.
        case overflow
        /// What was looked for is not there: a route, a cluster, a healthy endpoint.
        case missing
        /// A policy said no.
        case denied
    }

    @usableFromInline package var who: Who
    @usableFromInline package var phase: Phase
    @usableFromInline package var cause: Cause

    @inlinable package init(_ who: Who, _ phase: Phase, _ cause: Cause) {
        self.who = who
        self.phase = phase
        self.cause = cause
    }

    /// Answered in full.
    @inlinable package static var completed: Outcome { Outcome(.none, .done, .completed) }

    /// Envoy's flag for this outcome. URX, DI and the like are added by who knows of them.
    package var flags: ResponseFlags {
        switch (who, cause) {
        case (.none, _): []
        case (.client, .malformed), (.client, .overflow): .downstreamProtocol
        case (.client, .timedOut): phase == .head ? [] : .streamIdle
        case (.client, _): .downstreamClosed
        case (.upstream, .malformed), (.upstream, .overflow): .upstreamProtocol
        case (.upstream, .timedOut): phase == .connect ? .upstreamConnectFailure : .upstreamTimeout
        case (.upstream, .refused): .upstreamConnectFailure
        case (.upstream, .missing): .noHealthyUpstream
        case (.upstream, _): phase == .connect ? .upstreamConnectFailure : .upstreamClosed
        case (.proxy, .timedOut), (.config, .timedOut): phase == .connect ? .upstreamConnectFailure : .upstreamTimeout
        case (.proxy, .overflow), (.config, .overflow): .upstreamOverflow
        case (.config, .missing), (.proxy, .missing): missingFlag
        case (.proxy, .closed): .localReset
        case (.config, .denied): phase == .filter ? .unauthorized : []
        case (.proxy, _), (.config, _): []
        }
    }

    private var missingFlag: ResponseFlags {
        switch phase {
        case .route: .noRoute
        case .filter: .noCluster
        default: .noHealthyUpstream
        }
    }

    /// One sentence for logs and pages: "the upstream closed the connection while its answer was awaited".
    package var sentence: String {
        if who == .none { return "answered in full" }
        return "\(subject) \(verb) while \(scene)"
    }

    private var subject: String {
        switch who {
        case .none: "nobody"
        case .client: "the client"
        case .upstream: "the upstream"
        case .proxy: "the proxy"
        case .config: "the configuration"
        }
    }

    private var verb: String {
        switch cause {
        case .completed: "answered"
        case .closed: "closed the connection"
        case .malformed: "broke the protocol"
        case .timedOut: who == .client || who == .upstream ? "was too slow" : "set a time that was up"
        case .refused: "could not be reached"
        case .overflow: who == .client || who == .upstream ? "sent too much" : "set a limit that was reached"
        case .missing: "had nothing that fits"
        case .denied: "said no"
        }
    }

    private var scene: String {
        switch phase {
        case .head: "the request's head was read"
        case .route: "a route was looked for"
        case .filter: "the filters had the request"
        case .pick: "an endpoint was looked for"
        case .queue: "the request waited for a connection"
        case .connect: "a connection was made"
        case .body: "the request's body was forwarded"
        case .wait: "the answer was awaited"
        case .answer: "the answer was forwarded"
        case .done: "nothing was left to do"
        }
    }
}
