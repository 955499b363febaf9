import Routing
import Wire

/// Whether a failed attempt is followed by another: pure, so that the safety law can be tested line by line.
///
/// The law: a request is sent again only while every byte of its body that was sent is still held, no part of an answer went to
/// the client, and (for methods that are not idempotent, once bytes left) only when the route's own policy names the case.
struct RetryDecision {
    /// Why it is sent again; for the counter.
    enum Verdict: Equatable {
        case no
        /// By the route's policy, after a back-off.
        case retry
        /// An idle connection that the server had closed already: at once, once, and outside the policy's count.
        case retryReusedConnection
    }

    var conditions: RetryPolicy.Conditions
    var isExplicit: Bool
    /// Attempts that the policy still allows.
    var attemptsLeft: Int
    var method: Method
    /// All bytes that were sent can be sent again.
    var isReplayable: Bool
    /// The one free retry on a reused connection was made.
    var usedFreeRetry: Bool

    /// After an attempt that failed without an answer.
    func after(_ failure: CallFailure) -> Verdict {
        guard isReplayable else { return .no }
        switch failure.kind {
        case .overflow, .noHealthyUpstream, .loop, .resolveFailure, .closedMidAnswer, .headTooLarge, .tlsQuarantined:
            return .no
        case .closedBeforeHead where failure.wasReused && !usedFreeRetry:
            if method.isIdempotent || !failure.sentBytes { return .retryReusedConnection }
        case .refusedStream where !usedFreeRetry: return .retryReusedConnection
        default: break
        }
        guard attemptsLeft > 0, matches(failure) else { return .no }
        // Connecting failed: no byte left. Otherwise the law for unsafe methods.
        let isSafe = !failure.sentBytes || method.isIdempotent || isExplicit
        return isSafe ? .retry : .no
    }

    private func matches(_ failure: CallFailure) -> Bool {
        let isConnect =
            failure.kind == .connectFailure || failure.kind == .connectTimeout || failure.kind == .tlsFailure
        if conditions.contains(.refusedStream), failure.kind == .refusedStream { return true }
        if conditions.contains(.connectFailure), isConnect { return true }
        if conditions.contains(.resetBeforeRequest), !failure.sentBytes { return true }
        return !conditions.isDisjoint(with: [.reset, .gatewayError, .serverError])
    }

    /// After an attempt that was answered. `matches` tells whether the policy names this answer. The endpoint had the request:
    /// one that is not idempotent is sent again only if the route says so itself.
    func after(answerThatMatches matches: Bool) -> Verdict {
        guard matches, isReplayable, attemptsLeft > 0 else { return .no }
        return method.isIdempotent || isExplicit ? .retry : .no
    }
}
