import Regex
import Wire

// What serves: plain records in flat arrays. Texts are slices of the table's arena; everything else is a position in
// another array. None of them holds a reference, so reading one costs no atomic operation.

/// One port's virtual hosts.
struct ConfigurationRecord: BitwiseCopyable {
    /// Whether the Host's port is part of what domains are compared with.
    var matchesPort: Bool
    /// The hash table of exact domains, and the one of what follows a wildcard's `*`.
    var exactDomains: HashIndex
    var wildcardDomains: HashIndex
    /// Lengths of wildcards' suffixes, ascending, in `lengths`.
    var wildcardLengths: Run
    /// The virtual host of `*`, -1 without one.
    var catchAll: Int32
    var virtualHosts: Run
}

/// One virtual host's routes, and how candidates among them are found.
struct VirtualHostRecord: BitwiseCopyable {
    var configuration: Int32
    var routes: Run
    var requiresTLS: Bool
    /// Without an index every route is a candidate.
    var hasIndex: Bool
    var exactPaths: HashIndex
    var prefixes: HashIndex
    /// Lengths of prefixes, ascending, in `lengths`.
    var prefixLengths: Run
    /// Routes that no hash can exclude, in `candidates`.
    var unindexed: Run
    var name: Slice
}

/// What one route asks of a request.
struct MatchRecord: BitwiseCopyable {
    enum PathKind: UInt8 { case any, exact, prefix, regex, never }

    var pathKind: PathKind
    var ignoresCase: Bool
    /// Lower case when case is ignored.
    var path: Slice
    var pattern: PatternHandle?
    var conditions: Run
}

/// A condition on a header, pseudo-header or query parameter.
struct ConditionRecord: BitwiseCopyable {
    enum Subject: UInt8 { case header, method, authority, scheme, path, query }
    enum Kind: UInt8 { case present, exact, prefix, regex, never }

    var subject: Subject
    var kind: Kind
    var isInverted: Bool
    var id: FieldName
    var name: Slice
    var value: Slice
    var pattern: PatternHandle?
}

/// What a route does, as the proxy needs to know it for each request.
package struct RouteRecord: BitwiseCopyable, Sendable {
    package enum Action: UInt8, BitwiseCopyable, Sendable { case forward, redirect, direct }

    package var action: Action
    /// Whether a request is edited at all: header operations, an authority or a path rewrite, on any destination.
    package var editsRequest: Bool
    /// Whether answers are edited, on any destination.
    package var editsResponse: Bool
    /// Whether the path or the authority is rewritten by `rewrite`.
    package var hasRewrite: Bool
    /// `timeout`, milliseconds; -1: none.
    package var timeoutMilliseconds: Int32
    /// Its mirrors, for `mirror(_:)`.
    package var mirrors: Run
    /// The destinations that the draw chooses from.
    package var destinations: Run
    package var virtualHost: Int32
    /// For logs; the bytes are `routeNameBytes(_:)`.
    var name: Slice
    /// Sum of the destinations' weights.
    var totalWeight: UInt64
    /// Position among the retry policies, rewrites, redirects or direct answers.
    @usableFromInline var retry: Int32
    var rewrite: Int32
    var answer: Int32
    /// Response operations of redirects and direct answers; a forwarding route's are its destinations'.
    var responseUnits: Run
}

@usableFromInline
struct DestinationRecord: BitwiseCopyable {
    /// ≥ 0: a cluster; -1: unknown; -2: passthrough.
    @usableFromInline var cluster: Int32
    var weight: UInt64
    /// Units of header operations in the order in which they are applied.
    var requestUnits: Run
    var responseUnits: Run
    /// What the authority becomes; empty: stays.
    var authority: Slice
}

/// When a failed attempt may be followed by another, as plain numbers. See `RetryPolicy` for the meaning of each.
package struct RetryPolicyRecord: BitwiseCopyable, Sendable {
    /// Attempts beyond the first; 0: none.
    package var attempts: Int32
    package var conditions: UInt32
    /// -1: none.
    package var perTryTimeoutMilliseconds: Int32
    package var backoffMilliseconds: Int32
    package var ignoresPreviousHosts: Bool
    package var triesRemoteLocalities: Bool
    package var isExplicit: Bool
    var statusCodes: Run

    /// Whether a token of `retryOn` is set.
    package func has(_ condition: RetryPolicy.Conditions) -> Bool { conditions & condition.rawValue != 0 }

    @usableFromInline static let none = RetryPolicyRecord(
        attempts: 0, conditions: 0, perTryTimeoutMilliseconds: -1, backoffMilliseconds: 25, ignoresPreviousHosts: false,
        triesRemoteLocalities: false, isExplicit: false, statusCodes: .empty)
}

/// A copy's destination.
package struct MirrorRecord: BitwiseCopyable, Sendable {
    /// As `RouteTable.cluster(of:)`.
    package var cluster: Int32
    package var partsPerMillion: Int32

    /// Whether this request is copied. Envoy samples mirrors with the request's one random value,
    /// so mirrors of equal share fire together; so do these.
    package func fires(draw: UInt64) -> Bool { draw % 1_000_000 < UInt64(max(partsPerMillion, 0)) }
}

struct RewriteRecord: BitwiseCopyable {
    enum Kind: UInt8 { case none, path, regex }

    var kind: Kind
    /// The new part of the path, or the replacement of the pattern's matches.
    var replacement: Slice
    var pattern: PatternHandle?
}

struct RedirectRecord: BitwiseCopyable {
    enum PathKind: UInt8 { case keep, whole, prefix }

    var status: UInt16
    /// 0: none given.
    var port: UInt16
    var pathKind: PathKind
    var path: Slice
    /// Empty: the request's.
    var scheme: Slice
    var authority: Slice
}

struct DirectRecord: BitwiseCopyable {
    var status: UInt16
    var hasBody: Bool
    var body: Slice
}

/// One operation on one header.
struct HeaderOperationRecord: BitwiseCopyable {
    enum Kind: UInt8 { case remove, set, add }

    var kind: Kind
    var id: FieldName
    /// Lower case.
    var name: Slice
    /// What the value is made of, in `tokens`.
    var tokens: Run
}

/// Operations that are evaluated as one: removals, then all values, then sets, then adds. Sorted in this order.
struct HeaderUnitRecord: BitwiseCopyable {
    var operations: Run
}
