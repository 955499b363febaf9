import Wire

/// What a TLS client says first, as far as it decides which filter chain serves it. Nothing here needs OpenSSL.
package struct ClientHello: Hashable, Sendable {
    package enum Inspection: Hashable, Sendable {
        /// So far it is one.
        case needMore
        /// The first bytes are no TLS record.
        case notTLS
        /// It began as TLS and is none, or is larger than `Limits.clientHelloBytesMax`.
        case malformed
        case hello(ClientHello)
    }

    /// Protocols that choose a filter chain.
    package struct Offers: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let h2 = Offers(rawValue: 1)
        package static let http11 = Offers(rawValue: 2)
        package static let istio = Offers(rawValue: 4)
        package static let istioPeerExchange = Offers(rawValue: 8)
        /// `istio-http/1.0`, `istio-http/1.1` or `istio-h2`.
        package static let istioHTTP = Offers(rawValue: 16)
        /// Any of the mesh's own.
        package static let mesh: Offers = [.istio, .istioPeerExchange, .istioHTTP]
    }

    /// The name asked for, in lower case: 1 to 255 visible ASCII bytes; empty when none was sent.
    package internal(set) var serverName: [UInt8] = []
    /// The offered protocols as they came: each with its length before it, none empty. Empty when none were sent.
    package internal(set) var protocolList: [UInt8] = []
    package internal(set) var offers: Offers = []

    package init() {}

    /// Each offered protocol, the client's favourite first.
    package var protocols: [String] {
        var result: [String] = []
        var index = 0
        while index < protocolList.count {
            let end = index + 1 + Int(protocolList[index])
            result.append(String(decoding: protocolList[index + 1..<end], as: UTF8.self))
            index = end
        }
        return result
    }

    /// Looks at the first bytes of a connection, as many as there are. Total and linear in them; the hello may be split
    /// across records. Allocates the result, and a copy of a hello that is split.
    package static func inspect(_ bytes: UnsafeRawBufferPointer) -> Inspection {
        var records = HandshakeRecords(bytes)
        switch records.message() {
        case .needMore: return .needMore
        case .notTLS: return .notTLS
        case .malformed: return .malformed
        case .inPlace(let range): return parse(UnsafeRawBufferPointer(rebasing: bytes[range]))
        case .joined(let message): return message.withUnsafeBytes(parse)
        }
    }

    private static func parse(_ message: UnsafeRawBufferPointer) -> Inspection {
        ClientHello(message: message).map { .hello($0) } ?? .malformed
    }
}
