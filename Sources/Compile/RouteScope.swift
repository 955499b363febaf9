/// For which table a VirtualService's rules are compiled: the static half of matching.
struct RouteScope {
    /// `mesh` or `namespace/name`: the one of `gateways` that the table serves.
    var gateway: String
    /// What `match[].port` is compared with; nil: blocks that name a port are left out.
    var matchPort: Int?
    /// The port of a destination that names none, and of `derivePort: FROM_REQUEST_PORT`.
    var port: Int
    /// A destination's only port goes before `port`. Off on a listen port's table, whose services have just that port.
    var prefersOnlyPort: Bool
}
