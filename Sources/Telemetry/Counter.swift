/// The plain counters and gauges of a worker, at an index known when the program is compiled. The order is the order of the
/// cells and nothing else.
@usableFromInline
package enum Counter: Int, CaseIterable, Sendable {
    // MARK: Clients
    case downstreamConnections, downstreamAccepted, downstreamRejected, downstreamHandedOver, acceptFailures
    case downstreamRequests, downstreamRequestsActive
    case downstreamBytesReceived, downstreamBytesSent
    case downstreamHeadTimeouts, downstreamStreamTimeouts, downstreamIdleTimeouts, downstreamWriteStalls,
        downstreamLingers
    case downstreamUnmatched, downstreamHTTP2Connections, http2MalformedStreams, upstreamPingTimeouts
    // MARK: TLS
    case downstreamHandshakes, downstreamResumptions, upstreamHandshakes, upstreamResumptions, tlsQuarantined
    // MARK: Upstreams
    case upstreamConnections, upstreamConnects, upstreamConnectFailures, upstreamConnectTimeouts
    case upstreamRequests, upstreamRequestsActive, upstreamReuses, upstreamClosedIdle, upstreamIdleTimeouts
    case upstreamOverflows, upstreamPending, requestTimeouts, attemptTimeouts
    case upstreamBytesReceived, upstreamBytesSent, upstreamWriteStalls
    // MARK: Retries and mirrors
    case retries, retriesDenied
    case mirrorsActive, mirrorsSent, mirrorsDropped, mirrorsFailed
    // MARK: Tunnels
    case tunnels
    // MARK: The worker
    case accessLogLines, accessLogDrops
    case generationsInstalled, bufferBytes, seriesOverflows

    /// Whether it goes down as well as up.
    package var isGauge: Bool {
        switch self {
        case .downstreamConnections, .downstreamRequestsActive, .upstreamConnections, .upstreamRequestsActive,
            .upstreamPending, .mirrorsActive, .bufferBytes:
            true
        default: false
        }
    }

    /// The Prometheus name and what it counts.
    package var described: (name: String, help: String) {
        switch self {
        case .downstreamConnections: ("outrider_downstream_connections", "Client connections open now.")
        case .downstreamAccepted: ("outrider_downstream_connections_total", "Client connections accepted.")
        case .downstreamRejected:
            ("outrider_downstream_connections_rejected_total", "Client connections closed at the connection limit.")
        case .downstreamHandedOver:
            ("outrider_downstream_connections_handed_over_total", "Client connections passed to a less loaded worker.")
        case .acceptFailures:
            ("outrider_accept_failures_total", "Times that accepting failed, as when out of descriptors.")
        case .downstreamRequests: ("outrider_downstream_requests_total", "Request heads read in full.")
        case .downstreamRequestsActive: ("outrider_downstream_requests_active", "Requests under way.")
        case .downstreamBytesReceived:
            ("outrider_downstream_received_bytes_total", "Bytes read from clients, without what TLS adds.")
        case .downstreamBytesSent:
            ("outrider_downstream_sent_bytes_total", "Bytes written to clients, without what TLS adds.")
        case .downstreamHeadTimeouts:
            ("outrider_downstream_head_timeouts_total", "Request heads that did not arrive in time.")
        case .downstreamStreamTimeouts:
            ("outrider_downstream_stream_timeouts_total", "Requests ended because no byte of them moved for too long.")
        case .downstreamIdleTimeouts:
            ("outrider_downstream_idle_timeouts_total", "Client connections closed for being idle.")
        case .downstreamWriteStalls:
            ("outrider_downstream_write_stalls_total", "Streams ended because a client took no byte for too long.")
        case .upstreamWriteStalls:
            ("outrider_upstream_write_stalls_total", "Streams ended because an upstream took no byte for too long.")
        case .downstreamUnmatched:
            (
                "outrider_downstream_connections_unmatched_total",
                "Client connections closed because no server name, protocol or destination of the listener fits."
            )
        case .downstreamHTTP2Connections:
            ("outrider_downstream_http2_connections_total", "Client connections that speak HTTP/2.")
        case .http2MalformedStreams:
            (
                "outrider_http2_malformed_streams_total",
                "HTTP/2 streams reset because their message breaks the protocol."
            )
        case .upstreamPingTimeouts:
            ("outrider_upstream_ping_timeouts_total", "HTTP/2 connections to upstreams that did not answer a ping.")
        case .downstreamHandshakes: ("outrider_downstream_handshakes_total", "TLS handshakes completed with clients.")
        case .downstreamResumptions:
            ("outrider_downstream_handshakes_resumed_total", "Of these, those that resumed an earlier session.")
        case .upstreamHandshakes: ("outrider_upstream_handshakes_total", "TLS handshakes completed with upstreams.")
        case .upstreamResumptions:
            ("outrider_upstream_handshakes_resumed_total", "Of these, those that resumed an earlier session.")
        case .tlsQuarantined:
            (
                "outrider_tls_quarantined_total",
                "Connections closed or not made because the certificates that they need cannot be used."
            )
        case .downstreamLingers: ("outrider_downstream_lingers_total", "Connections closed after an early answer.")
        case .upstreamConnections: ("outrider_upstream_connections", "Upstream connections open now.")
        case .upstreamConnects: ("outrider_upstream_connections_total", "Upstream connections begun.")
        case .upstreamConnectFailures: ("outrider_upstream_connect_failures_total", "Upstream connections that failed.")
        case .upstreamConnectTimeouts:
            ("outrider_upstream_connect_timeouts_total", "Upstream connections that took too long.")
        case .upstreamRequests: ("outrider_upstream_requests_total", "Attempts sent, retries and mirrors included.")
        case .upstreamRequestsActive: ("outrider_upstream_requests_active", "Attempts under way.")
        case .upstreamReuses: ("outrider_upstream_reuses_total", "Attempts on a connection that had served before.")
        case .upstreamClosedIdle:
            (
                "outrider_upstream_closed_idle_total",
                "Idle upstream connections seen closed before they were used again."
            )
        case .upstreamIdleTimeouts:
            ("outrider_upstream_idle_timeouts_total", "Upstream connections closed for being idle.")
        case .upstreamOverflows: ("outrider_upstream_overflows_total", "Requests refused by a circuit breaker.")
        case .upstreamPending: ("outrider_upstream_requests_pending", "Requests that wait for a connection.")
        case .requestTimeouts: ("outrider_request_timeouts_total", "Requests whose route's time was up.")
        case .attemptTimeouts: ("outrider_attempt_timeouts_total", "Attempts whose per-try time was up.")
        case .upstreamBytesReceived:
            ("outrider_upstream_received_bytes_total", "Bytes read from upstreams, without what TLS adds.")
        case .upstreamBytesSent:
            ("outrider_upstream_sent_bytes_total", "Bytes written to upstreams, without what TLS adds.")
        case .retries: ("outrider_retries_total", "Attempts beyond the first.")
        case .retriesDenied: ("outrider_retries_denied_total", "Retries that the budget or a limit refused.")
        case .mirrorsActive: ("outrider_mirrors_active", "Mirror copies under way.")
        case .mirrorsSent: ("outrider_mirrors_total", "Mirror copies begun.")
        case .mirrorsDropped:
            ("outrider_mirrors_dropped_total", "Mirror copies not sent or cut, being beyond the budget.")
        case .mirrorsFailed: ("outrider_mirrors_failed_total", "Mirror copies that ended without a whole answer.")
        case .tunnels: ("outrider_tunnels_total", "Upgrades and CONNECTs that both sides agreed on.")
        case .accessLogLines: ("outrider_access_log_lines_total", "Access log lines handed to the writer.")
        case .accessLogDrops:
            ("outrider_access_log_dropped_total", "Access log lines dropped because the writer was behind.")
        case .generationsInstalled:
            ("outrider_generations_installed_total", "Generations installed, counted by every worker.")
        case .bufferBytes: ("outrider_buffer_bytes", "Bytes of buffers that are in use.")
        case .seriesOverflows:
            ("outrider_series_overflows_total", "Requests counted without labels, beyond the series limit.")
        }
    }
}

/// Counters with one label, `reason`, whose values their user names when the process starts.
@usableFromInline
package enum ReasonCounter: Int, CaseIterable, Sendable {
    case downstreamFault, upstreamFault, retry, localAnswer
    case tlsFault, upstreamTLSFault, http2Fault

    /// How many reasons one counter tells apart; what is above counts as the last.
    @inlinable package static var reasonsMax: Int { 64 }
    /// Cells of all counters and reasons.
    @inlinable static var cellsCount: Int { 7 * 64 }

    /// The Prometheus name and what it counts.
    package var described: (name: String, help: String) {
        switch self {
        case .downstreamFault:
            ("outrider_downstream_faults_total", "Requests refused because they break the protocol, by reason.")
        case .upstreamFault:
            ("outrider_upstream_faults_total", "Answers refused because they break the protocol, by reason.")
        case .tlsFault: ("outrider_downstream_tls_faults_total", "Client connections ended by TLS, by reason.")
        case .upstreamTLSFault: ("outrider_upstream_tls_faults_total", "Upstream connections ended by TLS, by reason.")
        case .http2Fault:
            ("outrider_downstream_http2_faults_total", "HTTP/2 connections ended for the client's fault, by reason.")
        case .retry: ("outrider_retries_by_reason_total", "Attempts beyond the first, by what made them.")
        case .localAnswer: ("outrider_local_answers_total", "Answers that the proxy gave itself, by reason.")
        }
    }
}
