// What Compile hands to Routing: plain values, as the resources mean them, every host resolved and every static selector
// already applied. `RouteTable` turns them into flat tables.

/// Where a compiled rule comes from, for `explain` and for messages.
package struct Provenance: Hashable, Sendable {
    /// `VirtualService`, `Service`, `Gateway`…
    package var kind: String
    package var namespace: String
    package var name: String
    /// The rule within the resource: `http[2].match[0]`, with its name if it has one; empty for the resource itself.
    package var rule: String
    package var file: String
    package var line: Int

    package init(kind: String, namespace: String, name: String, rule: String = "", file: String, line: Int) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.rule = rule
        self.file = file
        self.line = line
    }
}

/// One route configuration: what one HTTP port serves.
package struct RouteConfigurationSpec: Hashable, Sendable {
    /// `http.80` for a gateway's port, `outbound|80`, `inbound|9000|…`, `http_proxy`.
    package var name: String
    /// In order of registration: of two equal domains the first wins.
    package var virtualHosts: [VirtualHostSpec]
    /// Domains of the form `host:port` are compared with the port (a proxy port's table); otherwise the port of the Host is
    /// ignored.
    package var matchesPort: Bool

    package init(name: String, virtualHosts: [VirtualHostSpec], matchesPort: Bool = false) {
        self.name = name
        self.virtualHosts = virtualHosts
        self.matchesPort = matchesPort
    }
}

/// One virtual host: a set of domains and an ordered list of routes.
package struct VirtualHostSpec: Hashable, Sendable {
    package var name: String
    /// Lower case: exact (`a.example`), suffix wildcard (`*.example`, `*-x.example`), or `*`.
    package var domains: [String]
    package var routes: [RouteSpec]
    /// Answer 301 to https unless x-forwarded-proto says https already (Gateway `httpsRedirect`).
    package var requiresTLS: Bool
    package var provenance: Provenance

    package init(
        name: String, domains: [String], routes: [RouteSpec], requiresTLS: Bool = false, provenance: Provenance
    ) {
        self.name = name
        self.domains = domains
        self.routes = routes
        self.requiresTLS = requiresTLS
        self.provenance = provenance
    }
}

/// Istio's StringMatch.
package enum StringMatch: Hashable, Sendable {
    case exact(String)
    case prefix(String)
    /// RE2, the whole value.
    case regex(String)
    case present
}

/// A condition on the path without its query.
package enum PathMatch: Hashable, Sendable {
    case any
    case exact(String, ignoreCase: Bool)
    case prefix(String, ignoreCase: Bool)
    case regex(String)
}

/// A condition on a header or a query parameter.
package struct NamedMatch: Hashable, Sendable {
    /// Lower case for headers (pseudo-headers `:method`, `:authority`, `:path`, `:scheme` included); as written for parameters.
    package var name: String
    package var match: StringMatch
    /// `withoutHeaders`: the condition must not hold; a missing header counts as empty for value matches.
    package var isInverted: Bool

    package init(name: String, match: StringMatch, isInverted: Bool = false) {
        self.name = name
        self.match = match
        self.isInverted = isInverted
    }
}

/// One `match` block of one rule (or a rule without any) and what it does.
package struct RouteSpec: Hashable, Sendable {
    /// For logs: `http.name`, plus `.` and `match.name`.
    package var name: String
    package var path: PathMatch
    package var method: StringMatch?
    package var authority: StringMatch?
    package var scheme: StringMatch?
    /// `headers` and then `withoutHeaders`.
    package var headers: [NamedMatch]
    package var queryParameters: [NamedMatch]
    package var action: RouteAction
    /// Applied to the answers of every action.
    package var responseHeaders: HeaderOperations
    package var provenance: Provenance

    package init(
        name: String, path: PathMatch = .any, method: StringMatch? = nil, authority: StringMatch? = nil,
        scheme: StringMatch? = nil, headers: [NamedMatch] = [], queryParameters: [NamedMatch] = [],
        action: RouteAction, responseHeaders: HeaderOperations = HeaderOperations(), provenance: Provenance
    ) {
        self.name = name
        self.path = path
        self.method = method
        self.authority = authority
        self.scheme = scheme
        self.headers = headers
        self.queryParameters = queryParameters
        self.action = action
        self.responseHeaders = responseHeaders
        self.provenance = provenance
    }
}

package enum RouteAction: Hashable, Sendable {
    case forward(ForwardAction)
    case redirect(RedirectAction)
    case direct(DirectAction)
}

/// `route`, with all that goes with it.
package struct ForwardAction: Hashable, Sendable {
    /// As written: weights of 0 stay (they decide how header operations combine), the table leaves them out of the draw.
    package var destinations: [Destination]
    package var requestHeaders: HeaderOperations
    package var rewrite: Rewrite
    /// Milliseconds for the whole request; nil: none.
    package var timeoutMilliseconds: Int?
    package var retry: RetryPolicy
    package var mirrors: [Mirror]

    package init(
        destinations: [Destination], requestHeaders: HeaderOperations = HeaderOperations(),
        rewrite: Rewrite = Rewrite(), timeoutMilliseconds: Int? = nil, retry: RetryPolicy = .istioDefault,
        mirrors: [Mirror] = []
    ) {
        self.destinations = destinations
        self.requestHeaders = requestHeaders
        self.rewrite = rewrite
        self.timeoutMilliseconds = timeoutMilliseconds
        self.retry = retry
        self.mirrors = mirrors
    }
}

/// Where to: a cluster of the same generation.
package enum ClusterReference: Hashable, Sendable {
    /// An index into the generation's clusters.
    case index(Int)
    /// No such cluster: requests get 503 `NC`. The text says what was looked for.
    case unknown(String)
    /// `PassthroughCluster`: to the address that the request's Host names (ALLOW_ANY on a proxy port).
    case passthrough
}

package struct Destination: Hashable, Sendable {
    package var cluster: ClusterReference
    package var weight: Int
    package var requestHeaders: HeaderOperations
    package var responseHeaders: HeaderOperations

    package init(
        cluster: ClusterReference, weight: Int = 0, requestHeaders: HeaderOperations = HeaderOperations(),
        responseHeaders: HeaderOperations = HeaderOperations()
    ) {
        self.cluster = cluster
        self.weight = weight
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
    }
}

/// `headers.request` or `headers.response`: removals, then `set` (replace), then `add`; evaluated in
/// Envoy's order. Names are lower case; values are Envoy substitution formats.
package struct HeaderOperations: Hashable, Sendable {
    package var remove: [String]
    /// Sorted by name.
    package var set: [HeaderValue]
    package var add: [HeaderValue]
    /// From `set` or `add` of `:authority` or `host` on a request.
    package var authority: String?

    package init(
        remove: [String] = [], set: [HeaderValue] = [], add: [HeaderValue] = [], authority: String? = nil
    ) {
        self.remove = remove
        self.set = set
        self.add = add
        self.authority = authority
    }

    package var isEmpty: Bool { remove.isEmpty && set.isEmpty && add.isEmpty && authority == nil }
}

package struct HeaderValue: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// `rewrite`: the path's matched part, or by expression, and the authority.
package struct Rewrite: Hashable, Sendable {
    package var uri: String?
    /// `uriRegexRewrite`: an unanchored RE2 and its replacement with `\1`.
    package var regex: String?
    package var regexReplacement: String?
    package var authority: String?

    package init(uri: String? = nil, regex: String? = nil, regexReplacement: String? = nil, authority: String? = nil) {
        self.uri = uri
        self.regex = regex
        self.regexReplacement = regexReplacement
        self.authority = authority
    }
}

package struct Mirror: Hashable, Sendable {
    package var cluster: ClusterReference
    /// Parts of a million.
    package var partsPerMillion: Int

    package init(cluster: ClusterReference, partsPerMillion: Int) {
        self.cluster = cluster
        self.partsPerMillion = partsPerMillion
    }
}

package struct RedirectAction: Hashable, Sendable {
    package var scheme: String?
    package var authority: String?
    package var port: Int?
    package var uri: String?
    package var prefixRewrite: String?
    /// 301, 302, 303, 307 or 308.
    package var status: Int

    package init(
        scheme: String? = nil, authority: String? = nil, port: Int? = nil, uri: String? = nil,
        prefixRewrite: String? = nil, status: Int = 301
    ) {
        self.scheme = scheme
        self.authority = authority
        self.port = port
        self.uri = uri
        self.prefixRewrite = prefixRewrite
        self.status = status
    }
}

package struct DirectAction: Hashable, Sendable {
    package var status: Int
    /// nil: no body and no content-type.
    package var body: [UInt8]?

    package init(status: Int, body: [UInt8]? = nil) {
        self.status = status
        self.body = body
    }
}
