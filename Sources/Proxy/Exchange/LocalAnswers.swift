import Telemetry

/// Why the proxy answered itself, for `outrider_local_answers_total{reason}`: the phrases of `%RESPONSE_CODE_DETAILS%` that its own
/// answers have. A phrase that does not stand here counts as the last.
package enum LocalAnswers {
    package static let reasons: [StaticString] = [
        "direct_response", "route_not_found", "filter_chain_not_found", "cluster_not_found", "no_healthy_upstream",
        "upstream_reset_before_response_started", "response_timeout", "upstream_per_try_timeout",
        "upstream_max_stream_duration_reached", "dns_resolution_failure", "loop_refused", "connect_not_allowed",
        "missing_path_rejected", "absolute_path_rejected", "missing_host_header", "path_normalization_failed", "other",
    ]

    /// The reason's number. A comparison of lengths for most of them.
    static func reason(_ details: StaticString) -> Int {
        for (number, known) in reasons.enumerated() where known.utf8CodeUnitCount == details.utf8CodeUnitCount {
            let bytes = UnsafeBufferPointer(start: known.utf8Start, count: known.utf8CodeUnitCount)
            if bytes.elementsEqual(UnsafeBufferPointer(start: details.utf8Start, count: bytes.count)) { return number }
        }
        return reasons.count - 1
    }
}

extension WorkerMetrics {
    /// Counts an answer of the proxy's own.
    func addLocalAnswer(_ details: StaticString) { add(.localAnswer, reason: LocalAnswers.reason(details)) }
}
