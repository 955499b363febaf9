import Istio
import Plan
import Routing

extension RetryPolicy {
    /// `retries` of a rule or of the mesh.
    ///
    /// - Parameters:
    ///   - fallback: whose conditions hold where `retryOn` is not given.
    ///   - timeoutMilliseconds: the route's: a limit for each try that is no shorter is no limit.
    init(_ retries: Retries, under fallback: RetryPolicy, timeoutMilliseconds: Int?) {
        guard retries.attempts > 0 else {
            self = .none
            isExplicit = true
            return
        }
        self = fallback
        attempts = retries.attempts
        isExplicit = true
        if let retryOn = retries.retryOn { (conditions, statusCodes) = Self.conditions(retryOn) }
        perTryTimeoutMilliseconds = retries.perTryTimeoutMilliseconds.flatMap { limit in
            guard limit > 0 else { return nil }
            if let timeoutMilliseconds, limit >= timeoutMilliseconds { return nil }
            return limit
        }
        backoffMilliseconds = retries.backoffMilliseconds ?? fallback.backoffMilliseconds
        ignoresPreviousHosts = retries.retryIgnorePreviousHosts ?? true
        triesRemoteLocalities = retries.retryRemoteLocalities ?? false
    }

    /// Tokens are trimmed; whole numbers that are HTTP status codes become retriable codes; unknown tokens do nothing.
    private static func conditions(_ retryOn: String) -> (Conditions, [UInt16]) {
        var conditions: Conditions = []
        var codes: [UInt16] = []
        for token in retryOn.split(separator: ",") {
            let token = token.filter { $0 != " " && $0 != "\t" }
            if let code = UInt16(token), (100...599).contains(code) {
                codes.append(code)
                conditions.insert(.retriableStatusCodes)
            } else if let known = Conditions.tokens.first(where: { $0.name == token }) {
                conditions.insert(known.condition)
            }
        }
        return (conditions, codes)
    }
}
