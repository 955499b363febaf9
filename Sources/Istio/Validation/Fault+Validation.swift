// Faults and CORS: validated now, honoured later.

extension Findings {
    mutating func check(_ fault: Fault) {
        if fault.delay == nil, fault.abort == nil { error("fault has neither delay nor abort", at: fault.location) }
        if let delay = fault.delay {
            if delay.exponentialDelayMilliseconds != nil {
                error("exponentialDelay cannot be used", at: delay.location)
            }
            check(percentage: delay.percentage, at: delay.location)
        }
        guard let abort = fault.abort else { return }
        check(percentage: abort.percentage, at: abort.location)
        if abort.http2Error != nil {
            error("http2Error cannot be used", at: abort.location)
        } else if let status = abort.grpcStatus {
            if !Self.grpcStatuses.contains(status) {
                error("grpcStatus \(status.quotedForMessage) is not a status of gRPC", at: abort.location)
            }
        } else if let status = abort.httpStatus {
            if !(200...600).contains(status) { error("httpStatus is \(status), outside 200…600", at: abort.location) }
        } else {
            warn("abort does not say with which status", at: abort.location)
        }
    }

    private mutating func check(percentage: Double?, at place: SourceLocation) {
        if let percentage, percentage != 0, !(0.0001...100).contains(percentage) {
            error("the percentage is \(percentage), neither 0 nor within 0.0001…100", at: place)
        }
    }

    mutating func check(_ policy: CorsPolicy) {
        let place = policy.location
        for origin in policy.allowOrigins {
            switch origin {
            case .exact(""), .prefix(""), .present: error("an entry of allowOrigins is empty", at: place)
            case .regex(let regex):
                if let problem = Names.problem(regex: regex) { error("allowOrigins: \(problem)", at: place) }
            default: break
            }
        }
        for method in policy.allowMethods where !Self.corsMethods.contains(method) {
            error("allowMethods has \(method.quotedForMessage), which is not a method", at: place)
        }
        for name in policy.allowHeaders + policy.exposeHeaders where name != "*" && !Names.isHeaderName(name) {
            error("\(name.quotedForMessage) is not a name of a header", at: place)
        }
        if let age = policy.maxAgeMilliseconds, age % 1000 != 0 {
            error("maxAge is \(age) ms, but must be whole seconds", at: place)
        }
    }

    private static let corsMethods: Set<String> = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*",
    ]

    private static let grpcStatuses: Set<String> = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
}
