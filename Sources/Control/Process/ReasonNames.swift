import HTTP1
import Telemetry

/// What the numbers behind `ReasonCounter`s stand for, in metrics.
enum ReasonNames {
    /// Faults of heads come first, then those of bodies.
    static let faults = HeadFault.allCases.map { "\($0.reason)" } + BodyFault.allCases.map { "\($0.reason)" }

    static let all: [ReasonCounter: [String]] = [
        .downstreamFault: faults, .upstreamFault: faults,
        .retry: ["answer", "connect", "reset", "timeout", "reused_connection"],
    ]
}
