import HTTP1
import HTTP2
import Proxy
import TLS
import Telemetry

/// What the numbers behind `ReasonCounter`s stand for, in metrics.
enum ReasonNames {
    /// Faults of heads come first, then those of bodies.
    static let faults = HeadFault.allCases.map { "\($0.reason)" } + BodyFault.allCases.map { "\($0.reason)" }

    static let all: [ReasonCounter: [String]] = [
        .downstreamFault: faults, .upstreamFault: faults,
        .tlsFault: TLSFault.allCases.map { "\($0.label)" },
        .upstreamTLSFault: TLSFault.allCases.map { "\($0.label)" },
        .http2Fault: HTTP2Fault.allCases.map { "\($0.label)" },
        .localAnswer: LocalAnswers.reasons.map { "\($0)" },
        .retry: ["answer", "connect", "reset", "timeout", "reused_connection"],
    ]
}
