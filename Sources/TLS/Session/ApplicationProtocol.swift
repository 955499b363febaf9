/// A protocol negotiated by ALPN.
package enum ApplicationProtocol: UInt8, Sendable {
    /// Nothing was offered, or nothing in common.
    case none
    case h2
    case http11
    /// TCP of the mesh with metadata exchange, and without.
    case istioPeerExchange
    case istio
    /// See `TLSSession.withNegotiatedBytes`.
    case other

    /// By its exact bytes; none by no bytes.
    package init(_ bytes: UnsafeRawBufferPointer) {
        self =
            switch bytes.count {
            case 0: .none
            case 2 where bytes.elementsEqual("h2".utf8): .h2
            case 5 where bytes.elementsEqual("istio".utf8): .istio
            case 8 where bytes.elementsEqual("http/1.1".utf8): .http11
            case 19 where bytes.elementsEqual("istio-peer-exchange".utf8): .istioPeerExchange
            default: .other
            }
    }
}
