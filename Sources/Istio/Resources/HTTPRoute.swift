/// `http[]`: a rule. The first one that matches decides.
package struct HTTPRoute: Hashable, Sendable {
    package var name = ""
    /// Any block suffices; none: every request.
    package var match: [HTTPMatch] = []
    package var route: [RouteDestination] = []
    @Boxed package var redirect: Redirect? = nil
    @Boxed package var directResponse: DirectResponse? = nil
    @Boxed package var delegate: Delegate? = nil
    @Boxed package var rewrite: Rewrite? = nil
    /// nil: none, so no limit.
    package var timeoutMilliseconds: Int?
    package var retries: Retries?
    @Boxed package var fault: Fault? = nil
    /// `mirror` with its percentage, or `mirrors`.
    package var mirrors: [Mirror] = []
    @Boxed package var corsPolicy: CorsPolicy? = nil
    package var headers = HeaderOperations()
    package var location = SourceLocation()

    package init() {}
}

/// `match[]`: all parts that are given must hold.
package struct HTTPMatch: Hashable, Sendable {
    package var name = ""
    package var uri: StringMatch?
    package var scheme: StringMatch?
    package var method: StringMatch?
    package var authority: StringMatch?
    /// All must hold. In the order of the file; names as written.
    package var headers: [NamedMatch] = []
    /// None may hold.
    package var withoutHeaders: [NamedMatch] = []
    package var queryParams: [NamedMatch] = []
    package var ignoreUriCase = false
    package var port: Int?
    package var sourceLabels: [String: String] = [:]
    package var sourceNamespace = ""
    /// Empty: those of the VirtualService.
    package var gateways: [String] = []
    package var statPrefix = ""
    package var location = SourceLocation()

    package init() {}
}

/// `StringMatch`. A regular expression matches the whole value.
package enum StringMatch: Hashable, Sendable {
    case exact(String)
    case prefix(String)
    case regex(String)
    /// `{}` and null: only that it is there.
    case present
}

/// A header or query parameter, and what its value must be.
package struct NamedMatch: Hashable, Sendable {
    package var name: String
    package var match: StringMatch
    package var location: SourceLocation

    package init(name: String, match: StringMatch, location: SourceLocation = SourceLocation()) {
        self.name = name
        self.match = match
        self.location = location
    }
}

/// `delegate`: another VirtualService's rules take this one's place.
package struct Delegate: Hashable, Sendable {
    package var name = ""
    /// Empty: the namespace of the VirtualService that delegates.
    package var namespace = ""
    package var location = SourceLocation()

    package init() {}
}

/// `rewrite`. Of `uri` and `uriRegexRewrite` at most one.
package struct Rewrite: Hashable, Sendable {
    package struct Pattern: Hashable, Sendable {
        package var match: String
        package var rewrite: String

        package init(match: String, rewrite: String) {
            self.match = match
            self.rewrite = rewrite
        }
    }

    package var uri: String?
    package var authority: String?
    package var uriRegexRewrite: Pattern?
    package var location = SourceLocation()

    package init() {}
}

/// `redirect`.
package struct Redirect: Hashable, Sendable {
    package enum DerivePort: String, Hashable, Sendable {
        case fromProtocolDefault = "FROM_PROTOCOL_DEFAULT"
        case fromRequestPort = "FROM_REQUEST_PORT"
    }

    package var uri: String?
    package var prefixRewrite: String?
    package var authority: String?
    package var scheme: String?
    package var port: Int?
    package var derivePort: DerivePort?
    /// nil: 301.
    package var redirectCode: Int?
    package var location = SourceLocation()

    package init() {}
}

/// `directResponse`: an answer of the proxy's own.
package struct DirectResponse: Hashable, Sendable {
    package var status = 0
    /// `body.string` or `body.bytes`, decoded.
    package var body: [UInt8] = []
    package var location = SourceLocation()

    package init() {}
}

/// `retries`.
package struct Retries: Hashable, Sendable {
    package var attempts = 0
    package var perTryTimeoutMilliseconds: Int?
    /// nil: the mesh's default conditions.
    package var retryOn: String?
    package var retryRemoteLocalities: Bool?
    /// nil: true.
    package var retryIgnorePreviousHosts: Bool?
    /// nil: 25 ms.
    package var backoffMilliseconds: Int?
    package var location = SourceLocation()

    package init() {}
}

/// `mirrors[]`: a copy of the request goes here, and its answer nowhere.
package struct Mirror: Hashable, Sendable {
    package var destination = Destination()
    /// 0…100; 100 where unset.
    package var percentage: Double = 100
    package var location = SourceLocation()

    package init() {}
}

/// `fault`: not yet honoured.
package struct Fault: Hashable, Sendable {
    package struct Delay: Hashable, Sendable {
        package var fixedDelayMilliseconds: Int?
        /// Istio accepts and ignores it.
        package var exponentialDelayMilliseconds: Int?
        /// nil: every request.
        package var percentage: Double?
        package var location = SourceLocation()

        package init() {}
    }

    package struct Abort: Hashable, Sendable {
        package var httpStatus: Int?
        package var grpcStatus: String?
        package var http2Error: String?
        /// nil: every request.
        package var percentage: Double?
        package var location = SourceLocation()

        package init() {}
    }

    package var delay: Delay?
    package var abort: Abort?
    package var location = SourceLocation()

    package init() {}
}

/// `corsPolicy`: not yet honoured.
package struct CorsPolicy: Hashable, Sendable {
    /// `allowOrigins`, then the old `allowOrigin` as exact values.
    package var allowOrigins: [StringMatch] = []
    package var allowMethods: [String] = []
    package var allowHeaders: [String] = []
    package var exposeHeaders: [String] = []
    package var maxAgeMilliseconds: Int?
    package var allowCredentials: Bool?
    /// `UNSPECIFIED`, `FORWARD` or `IGNORE`.
    package var unmatchedPreflights = ""
    package var location = SourceLocation()

    package init() {}
}
