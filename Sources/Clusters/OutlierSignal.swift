/// What a worker tells the outlier detector of an attempt, or nothing. Classified where it happened.
/// Attempts of mirrors are never reported, nor are overflows.
package enum OutlierSignal: Hashable, BitwiseCopyable, Sendable {
    /// A failure; the worker posts each.
    case failure(OutlierFailure)
    /// An answer below 500: ends a run of error answers.
    case success
    /// A connection was established: ends a run of local failures where they are split off.
    case connected

    /// What happened to an attempt.
    package enum Event: Hashable, BitwiseCopyable, Sendable {
        /// A final answer's status; for gRPC answers without a body `httpStatus(grpcStatus:)`.
        case answered(status: Int)
        case connected
        case connectFailed
        case connectTimedOut
        /// After the connection was there and before the answer's head.
        case reset
        /// The attempt's or the request's time ran out while waiting.
        case timedOut
    }

    /// The signal of an event, nil where it says nothing.
    package static func classify(_ event: Event, cluster: ClusterRecord) -> OutlierSignal? {
        guard cluster.flags.contains(.detectsOutliers) else { return nil }
        let isSplit = cluster.flags.contains(.splitsLocalFailures)
        switch event {
        case .answered(let status):
            if status < 500 { return .success }
            return .failure(
                (502...504).contains(status)
                    ? .gatewayError(UInt16(clamping: status)) : .serverError(UInt16(clamping: status)))
        case .connected:
            return isSplit ? .connected : nil
        case .connectFailed, .connectTimedOut, .reset:
            return .failure(isSplit ? .localFailure : .gatewayError(503))
        case .timedOut:
            return .failure(isSplit ? .localFailure : .gatewayError(504))
        }
    }

    /// Whether the signal must be posted to the detector; keeps the board's `failing` marks. Costs one read for a success
    /// without failures before it.
    package func mustBePosted(endpoint slot: Int32, board: Board) -> Bool {
        switch self {
        case .failure(let failure):
            board.setFailing(failure == .localFailure ? .local : .answers, slot)
            return true
        case .success: return board.clearFailing(.answers, slot)
        case .connected: return board.clearFailing(.local, slot)
        }
    }

    /// The status that stands for a `grpc-status` in an answer's head.
    package static func httpStatus(grpcStatus: Int) -> Int {
        switch grpcStatus {
        case 0: 200
        case 1: 499
        case 3, 9: 400
        case 4: 504
        case 5: 404
        case 6, 10: 409
        case 7: 403
        case 8: 429
        case 11: 400
        case 12: 501
        case 14: 503
        case 16: 401
        default: 500
        }
    }
}

/// The kinds of failure that are counted.
package enum OutlierFailure: Hashable, BitwiseCopyable, Sendable {
    /// 500 or more and not a gateway's.
    case serverError(UInt16)
    /// 502, 503 or 504, or a local failure that counts as one.
    case gatewayError(UInt16)
    /// A connection that failed or a wait that ended, where these are split off.
    case localFailure
}
