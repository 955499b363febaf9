/// The labels of one request, packed into 64 bits: what a worker needs to find the request's cells. Label values that are
/// texts stand in `LabelSets`; here are their numbers.
///
/// From the lowest bit: destination 20, source 15, response code 10, flags 8, gRPC status 5, reporter 2, protocol 2,
/// security 2.
@frozen @usableFromInline
package struct SeriesKey: Hashable, Sendable {
    /// Who speaks: the side of the request that this proxy stands on.
    @usableFromInline package enum Reporter: UInt8, Sendable { case source, destination, waypoint }
    /// `request_protocol`.
    @usableFromInline package enum WireProtocol: UInt8, Sendable { case http, grpc, tcp }
    /// `connection_security_policy`.
    @usableFromInline package enum Security: UInt8, Sendable { case unknown, none, mutualTLS }

    @usableFromInline package let bits: UInt64

    @inlinable package init(bits: UInt64) { self.bits = bits }

    /// `destination` and `source` are numbers of `LabelSets`; one that does not fit counts as 0, unknown. `grpcStatus` is nil
    /// where there is none; a status above 30 counts as 2, unknown.
    @inlinable
    package init(
        destination: Int, source: Int, responseCode: Int, flags: ResponseFlags, reporter: Reporter,
        protocol: WireProtocol = .http, security: Security = .unknown, grpcStatus: Int? = nil
    ) {
        var bits: UInt64 = destination < 1 << 20 ? UInt64(truncatingIfNeeded: destination) & 0xF_FFFF : 0
        bits |= (source < 1 << 15 ? UInt64(truncatingIfNeeded: source) & 0x7FFF : 0) << 20
        bits |= (UInt64(truncatingIfNeeded: responseCode) & 0x3FF) << 35
        bits |= UInt64(flags.index) << 45
        var status: UInt64 = 0
        if let grpcStatus { status = grpcStatus >= 0 && grpcStatus <= 30 ? UInt64(grpcStatus) &+ 1 : 3 }
        bits |= status << 53
        bits |= UInt64(reporter.rawValue) << 58
        bits |= UInt64(`protocol`.rawValue) << 60
        bits |= UInt64(security.rawValue) << 62
        self.bits = bits
    }

    /// Stands for every series of requests beyond the limit: all labels unknown, code 0. No request has such a key: there is no
    /// fourth reporter.
    @inlinable package static var overflow: SeriesKey { SeriesKey(bits: UInt64.max) }
    /// The same for connections of bytes, which have other words in their series.
    @inlinable package static var overflowTCP: SeriesKey { SeriesKey(bits: UInt64.max & ~(1 << 60)) }

    /// Whether it is one of those two.
    package var isOverflow: Bool { self == .overflow || self == .overflowTCP }
    /// Whether its series counts a connection's bytes.
    @inlinable package var isTCP: Bool { bits >> 60 & 3 == UInt64(WireProtocol.tcp.rawValue) }

    /// What Istio's message counters tell apart: the two sides, and who reports.
    package var sides: SeriesKey {
        self == .overflow ? self : SeriesKey(bits: bits & (3 << 58 | 0x7FFF << 20 | 0xF_FFFF))
    }

    package var destination: Int { Int(bits & 0xF_FFFF) }
    package var source: Int { Int(bits >> 20 & 0x7FFF) }
    package var responseCode: Int { Int(bits >> 35 & 0x3FF) }
    package var flags: ResponseFlags { ResponseFlags(index: UInt8(truncatingIfNeeded: bits >> 45)) }
    package var grpcStatus: Int? { bits >> 53 & 31 == 0 ? nil : Int(bits >> 53 & 31) - 1 }
    package var reporter: Reporter { Reporter(rawValue: UInt8(bits >> 58 & 3)) ?? .source }
    package var wireProtocol: WireProtocol { WireProtocol(rawValue: UInt8(bits >> 60 & 3)) ?? .http }
    package var security: Security { Security(rawValue: UInt8(bits >> 62 & 3)) ?? .unknown }
}
