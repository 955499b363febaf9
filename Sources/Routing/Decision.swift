/// What `decide` found: positions in the table, nothing else.
@frozen @usableFromInline
package struct Decision: Equatable, Sendable {
    @usableFromInline
    package enum Outcome: UInt8, Sendable {
        /// `route` and, for a forwarding route, `destination` are set.
        case route
        /// No virtual host has this Host: 404 NR.
        case noVirtualHost
        /// The virtual host has no route that matches: 404 NR.
        case noRoute
        /// The virtual host wants https: 301.
        case requiresTLS
    }

    @usableFromInline package var outcome: Outcome
    /// Position of the virtual host in the table, -1 without one.
    @usableFromInline package var virtualHost: Int32
    /// Position of the route in the table, -1 without one.
    @usableFromInline package var route: Int32
    /// Position of the chosen destination in the table, -1 without one.
    @usableFromInline package var destination: Int32

    @inlinable
    package init(outcome: Outcome, virtualHost: Int32 = -1, route: Int32 = -1, destination: Int32 = -1) {
        self.outcome = outcome
        self.virtualHost = virtualHost
        self.route = route
        self.destination = destination
    }
}
